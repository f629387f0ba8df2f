/* SPDX-License-Identifier: Apache-2.0 */
/* Draws whyflow-report's page from the data in it. Whatever a record says reaches the page as text or
   as a number in an attribute, never as markup. Parts: data, numbers for people, elements, drawings,
   overview, table, one flow, start. */
"use strict";
(() => {

/* ---- data ---- */

/* As html.c writes them: the overview, columns of prose, and the alerts as alert_pack.h says. */
function unpack(text) {
  const [first, ...sections] = text.split("\x02"), overview = JSON.parse(first);
  const prose_columns = sections.splice(0, overview.section_columns);
  const [skeletons, indices, ...columns] = sections;
  const lines_of = (section) => section === "" ? [] : section.slice(0, -1).split("\n");
  const shapes = lines_of(skeletons).map((skeleton) => skeleton.split("\x01"));
  const values = columns.map(lines_of);
  const next = columns.map(() => 0);
  const lines = lines_of(indices).map((index) => shapes[Number(index)].map((piece, i) =>
    i % 2 === 0 ? piece : values[Number(piece)][next[Number(piece)]++]).join(""));
  const prose = prose_columns.map(lines_of);
  return { overview, alerts: lines.map((line, index) =>
    alert_of(line, index, prose.map((column) => column[index]).filter(Boolean))) };
}

async function read_data() {
  if (typeof DecompressionStream !== "function")
    throw new Error("this browser cannot unpack the data (it has no DecompressionStream); " +
      "one of 2023 or later can");
  const packed = atob(document.getElementById("data").textContent.trim());
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return unpack(await new Response(stream).text());
}

const is_number = (value) => typeof value === "number" && Number.isFinite(value);
const is_object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const object_of = (value) => is_object(value) ? value : {};
const list_of = (value) => Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
const text_of = (value) => value === undefined || value === null ? ""
  : typeof value === "object" ? JSON.stringify(value) : String(value);

const evidence_name = (evidence) => text_of(evidence.label) || text_of(evidence.quantity).replaceAll("_", " ");

/* What table and plots ask of an alert, once. */
function alert_of(line, index, prose) {
  const record = JSON.parse(line);
  const whyflow = object_of(record.whyflow);
  const flow = object_of(whyflow.flow);
  const behaviour = text_of(object_of(whyflow.resembles).behaviour);
  const reason = object_of(list_of(whyflow.reasons)[0]);
  const bytes = (way) => Number(object_of(flow[way]).ip_bytes) || 0;
  return {
    index, line, record, whyflow, flow, prose,
    start: text_of(object_of(record.flow).start),
    time_ms: Number(flow.first_ns) / 1e6 || 0,
    source: text_of(record.src_ip), destination: text_of(record.dest_ip),
    source_port: record.src_port, destination_port: record.dest_port,
    protocol: text_of(record.proto),
    kind: behaviour || "unusual flow", behaviour,
    score: Number(whyflow.score) || 0, rank: Number(whyflow.rank) || 0,
    count: Number(object_of(whyflow.incident).count) || 1,
    duration_us: Number(flow.duration_us) || 0, bytes: bytes("fwd") + bytes("rev"),
    why: behaviour ? list_of(object_of(whyflow.resembles).evidence).slice(0, 1).map((one) =>
      `${evidence_name(object_of(one))}: ${measure(object_of(one), "value")}`).join("")
      : `${text_of(reason.label || reason.feature)}: ${measure(reason, "value")}`,
    haystack: line.toLowerCase(),
  };
}

/* ---- numbers for people ---- */

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
const count_text = (number) => is_number(number) ? plain.format(number) : "not known";
const bits_text = (bits) => Number(bits).toFixed(3);
const significant = (number) => Math.abs(number) >= 100 ? plain.format(Math.round(number))
  : String(Number(number.toPrecision(3)));

function scaled(number, steps) {
  const step = steps.find(([below]) => Math.abs(number) < below) || steps[steps.length - 1];
  return `${significant(number / step[1])} ${step[2]}`;
}
const TIME_STEPS = [[1e3, 1, "µs"], [1e6, 1e3, "ms"], [1.2e8, 1e6, "s"], [7.2e9, 6e7, "min"],
  [1.728e11, 3.6e9, "h"], [Infinity, 8.64e10, "d"]];
const SIZE_STEPS = [[1e4, 1, "bytes"], [1e6, 1e3, "kB"], [1e9, 1e6, "MB"], [1e12, 1e9, "GB"],
  [Infinity, 1e12, "TB"]];
const time_text = (us) => scaled(us, TIME_STEPS);
const share_text = (share) => `${significant(share * 100)} %`;
const axis_size_text = (bytes) => bytes === 0 ? "0" : bytes < 1000 ? `${bytes} B` : scaled(bytes, SIZE_STEPS.slice(1));
const size_text = (bytes) => scaled(bytes, SIZE_STEPS);

/* `name` tells a share, said in percent, from other ratios. */
function quantity_text(value, unit, name = "") {
  if (!is_number(value))
    return text_of(value);
  switch (unit) {
  case "us": return time_text(value);
  case "bytes": return size_text(value);
  case "bytes/s": return `${size_text(value)}/s`;
  case "log2": return value < 0 ? `1 to ${significant(2 ** -value)}` : `${significant(2 ** value)} to 1`;
  case "ratio": return name.includes("share") ? share_text(value) : significant(value);
  case "yes": return value ? "yes" : "no";
  default: return unit ? `${significant(value)} ${value === 1 ? unit.replace(/s$/, "") : unit}`
    : significant(value);
  }
}

const moment_text = (text) => text.replace("T", " ").replace(/(\.\d{3})\d*\+0000$/, "$1");
const clock_text = (ms, step_ms) => {
  const text = new Date(ms).toISOString();
  return step_ms >= 43200000 ? text.slice(0, 10) : text.slice(11, step_ms < 30000 ? 19 : 16);
};
const end_text = (address, port) => port === undefined ? address
  : address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
const words = (name) => text_of(name).replaceAll("_", " ");

/* ---- elements ---- */

const $ = (id) => document.getElementById(id);
const SVG = $("namespace").namespaceURI;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on"))
      node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const make = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);
const draw = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/* rows: [name, value] */
const pairs_table = (caption, rows) => make("table", {}, make("caption", {}, caption), make("tbody", {},
  rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name),
    make("td", { class: "number" }, value)))));

/* ---- drawings ---- */

const WIDE = () => Math.max(280, Math.min(1180, $("timeline").clientWidth || 800));

function picture(width, height, label, ...children) {
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
    "aria-label": label }, ...children);
}

const label_at = (x, y, text, anchor = "start") => draw("text", { x, y, "text-anchor": anchor }, text);

/* A link that opens a flow: reached by Tab, opened by Enter, named when pointed at. */
function flow_mark(alert, x, y, radius) {
  const name = `${alert.kind}: ${alert.protocol} ${end_text(alert.source, alert.source_port)} to ` +
    `${end_text(alert.destination, alert.destination_port)}, score ${significant(alert.score)}`;
  return draw("a", { href: `#flow-${alert.index}`, "aria-label": name },
    draw("title", {}, name), draw("circle", { class: "mark", cx: x, cy: y, r: radius }));
}

/* Round numbers for an axis from 0. */
function axis_step(max, steps = 3) {
  const raw = Math.max(max, 1) / steps, unit = 10 ** Math.floor(Math.log10(raw));
  return Math.max(1, [1, 2, 5, 10].find((factor) => factor * unit >= raw) * unit);
}

/* More marks than this say nothing more, and take Tab stops; the strongest stay. */
const MARKS_MAX = 400;

function band(frame, values, text, name) {
  const max = Math.max(...values, 0);
  const step = axis_step(max), height = frame.height, shapes = [];
  const y = (value) => frame.top + height - value / (Math.max(max, 1) * 1.05) * height;
  for (let value = 0; value <= max * 1.05; value += step)
    shapes.push(draw("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(value), y2: y(value) }),
      label_at(frame.left - 6, y(value) + 4, text(value), "end"));
  values.forEach((value, i) => {
    const left = frame.x(i), width = frame.x(i + 1) - left;
    if (value > 0)
      shapes.push(draw("rect", { class: "usual", x: left, width: Math.max(0.6, width - (width > 4 ? 1 : 0)),
        y: y(value), height: frame.top + height - y(value) }));
  });
  shapes.push(label_at(frame.left, frame.top - 6, name));
  return shapes;
}

const short_count = (number) => number >= 1e6 ? `${significant(number / 1e6)} M`
  : number >= 1e4 ? `${significant(number / 1e3)} k` : plain.format(number);

function timeline_svg(timeline, alerts) {
  const width = WIDE(), left = 56, right = width - 12, count = timeline.steps.length;
  const x = (i) => left + i / count * (right - left);
  const rows = [[0, "flows", short_count], [1, "IP bytes", axis_size_text]];
  const shapes = rows.map(([column, name, text], row) => band({ left, right, x, height: 72, top: 62 + row * 108 },
    timeline.steps.map((step) => step[column]), text, name));
  const ticks = Math.max(2, Math.floor((right - left) / 130));
  for (let tick = 0; tick <= ticks; tick++) {
    const i = tick / ticks * count;
    shapes.push([label_at(x(i), 262, clock_text(timeline.start_ms + i * timeline.step_ms, timeline.step_ms),
      tick === 0 ? "start" : tick === ticks ? "end" : "middle")]);
  }
  const stacks = new Map();
  const marks = alerts.slice(0, MARKS_MAX).map((alert) => {
    const place = x((alert.time_ms - timeline.start_ms) / timeline.step_ms);
    const column = Math.round(place / 6), level = stacks.get(column) || 0;
    stacks.set(column, level + 1);
    return flow_mark(alert, Math.min(right, Math.max(left, place)), 36 - Math.min(level, 5) * 5, 4);
  });
  return picture(width, 268, "Flows and bytes over time, flagged flows above them",
    label_at(left - 6, 40, "flagged", "end"), shapes.flat(), marks);
}

const cell_of = (value) => value <= 0 ? 0 : Math.max(1, 1 + 2 * Math.log2(value));

/* Axes shared by both ways of drawing: in cells of flow_grid.h, from a little below what is there. */
function scatter_ranges(grid, alerts) {
  const range = (of_cell, of_alert) => {
    const cells = grid.map(of_cell).concat(alerts.map(of_alert));
    return cells.length === 0 ? [0, 1] : [Math.max(0, Math.min(...cells) - 1), Math.max(...cells) + 2];
  };
  return { x: range((cell) => cell[0], (alert) => cell_of(alert.duration_us)),
    y: range((cell) => cell[1], (alert) => cell_of(alert.bytes)) };
}
const DURATION_TICKS = [0, 10, 1e3, 1e6, 6e7, 3.6e9, 8.64e10];
const BYTES_TICKS = [0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
const opacity_of = (count, max) => 0.18 + 0.82 * Math.log2(1 + count) / Math.log2(1 + max);

/* Half of the middle of what is usual, where only alerts are known: their reasons say it. */
function usual_durations(alerts) {
  for (const alert of alerts)
    for (const reason of list_of(alert.whyflow.reasons))
      if (reason.feature === "duration_us" && is_number(reason.p05) && is_number(reason.p95))
        return [reason.p05, reason.p95];
  return null;
}

function scatter_svg(grid, alerts) {
  const width = Math.max(280, $("scatter").clientWidth || 640), height = 340;
  const frame = { left: 62, right: width - 10, top: 10, bottom: height - 34 };
  const range = scatter_ranges(grid, alerts);
  const x = (cell) => frame.left + (cell - range.x[0]) / (range.x[1] - range.x[0]) * (frame.right - frame.left);
  const y = (cell) => frame.bottom - (cell - range.y[0]) / (range.y[1] - range.y[0]) * (frame.bottom - frame.top);
  const inside = (cell, [low, high]) => cell >= low && cell <= high;
  const max = Math.max(...grid.map((cell) => cell[2]), 1), shapes = [];
  for (const value of DURATION_TICKS.filter((one) => inside(cell_of(one), range.x)))
    shapes.push(draw("line", { class: "grid", x1: x(cell_of(value)), x2: x(cell_of(value)), y1: frame.top, y2: frame.bottom }),
      label_at(x(cell_of(value)), frame.bottom + 15, value === 0 ? "0" : time_text(value), "middle"));
  for (const value of BYTES_TICKS.filter((one) => inside(cell_of(one), range.y)))
    shapes.push(draw("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(cell_of(value)), y2: y(cell_of(value)) }),
      label_at(frame.left - 6, y(cell_of(value)) + 4, axis_size_text(value), "end"));
  for (const [duration, bytes, count] of grid)
    shapes.push(draw("rect", { class: "usual", x: x(duration), y: y(bytes + 1), "fill-opacity": opacity_of(count, max).toFixed(2),
      width: Math.max(1, x(1) - x(0) - 0.5), height: Math.max(1, y(0) - y(1) - 0.5) }));
  const usual = grid.length === 0 ? usual_durations(alerts) : null;
  if (usual)
    shapes.push(draw("rect", { class: "band", x: x(cell_of(usual[0])), y: frame.top, height: frame.bottom - frame.top,
      width: Math.max(2, x(cell_of(usual[1])) - x(cell_of(usual[0]))) }));
  shapes.push(label_at(frame.right, height - 4, "duration", "end"), label_at(0, frame.top, "IP bytes"));
  return picture(width, height, "Flagged flows by duration and bytes, on all flows",
    shapes, alerts.slice(0, MARKS_MAX).map((alert) =>
      flow_mark(alert, x(cell_of(alert.duration_us)), y(cell_of(alert.bytes)), 4.5)));
}

/* With uPlot, where the page was built with it: the same pictures; the timeline zooms by dragging. */
function plot_options(width, height, more) {
  const ink = getComputedStyle(document.body);
  const axis = { stroke: ink.getPropertyValue("--quiet"), grid: { stroke: ink.getPropertyValue("--line"), width: 1 },
    ticks: { show: false } };
  return { ...more(axis, (name) => ink.getPropertyValue(name)), width, height, legend: { show: false } };
}

function draw_marks(plot, alerts, x_of, y_of, color) {
  plot.ctx.save();
  plot.ctx.fillStyle = color;
  for (const alert of alerts.slice(0, MARKS_MAX)) {
    plot.ctx.beginPath();
    plot.ctx.arc(plot.valToPos(x_of(alert), "x", true), y_of(plot, alert), 4 * devicePixelRatio, 0, 7);
    plot.ctx.fill();
  }
  plot.ctx.restore();
}

/* A click opens the flagged flow that is next to it. */
function open_nearest(plot, alerts, x_of, y_of) {
  plot.over.addEventListener("click", () => {
    const distance = (alert) => Math.hypot(plot.valToPos(x_of(alert), "x") - plot.cursor.left, y_of(alert) - plot.cursor.top);
    const near = alerts.slice(0, MARKS_MAX).filter((alert) => distance(alert) < 14)
      .sort((a, b) => distance(a) - distance(b))[0];
    if (near)
      location.hash = `#flow-${near.index}`;
  });
}

function timeline_uplot(place, timeline, alerts) {
  const x_of = (alert) => alert.time_ms / 1000;
  const times = timeline.steps.map((step, i) => (timeline.start_ms + i * timeline.step_ms) / 1000);
  const options = plot_options(WIDE(), 260, (axis, color) => ({
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: { flows: { range: (plot, low, high) => [0, Math.max(1, high) * 1.25] },
      bytes: { range: (plot, low, high) => [0, Math.max(1, high) * 1.25] } },
    axes: [{ ...axis, space: 90, values: (plot, ticks) => ticks.map((tick) => clock_text(tick * 1000, timeline.step_ms)) },
      { ...axis, scale: "flows", size: 56, values: (plot, ticks) => ticks.map(short_count) },
      { ...axis, scale: "bytes", side: 1, size: 70, grid: { show: false }, values: (plot, ticks) => ticks.map(axis_size_text) }],
    series: [{}, { scale: "flows", fill: color("--base"), width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.9, 40], align: 1 }) },
      { scale: "bytes", stroke: color("--quiet"), width: 1.5, points: { show: false } }],
    hooks: { draw: [(plot) => draw_marks(plot, alerts, x_of, (one) => one.bbox.top + 8 * devicePixelRatio, color("--flag"))] },
  }));
  const plot = new uPlot(options, [times, timeline.steps.map((step) => step[0]), timeline.steps.map((step) => step[1])], place);
  open_nearest(plot, alerts, x_of, () => 8);
}

function scatter_uplot(place, grid, alerts) {
  const range = scatter_ranges(grid, alerts), max = Math.max(...grid.map((cell) => cell[2]), 1);
  const x_of = (alert) => cell_of(alert.duration_us), y_of = (alert) => cell_of(alert.bytes);
  const sorted = [...alerts].sort((a, b) => x_of(a) - x_of(b));
  const inside = ([low, high]) => (value) => cell_of(value) >= low && cell_of(value) <= high;
  const splits = (ticks) => () => ticks.map(cell_of).filter((cell, i) =>
    inside(ticks === DURATION_TICKS ? range.x : range.y)(ticks[i]));
  const options = plot_options(Math.max(280, place.clientWidth), 340, (axis, color) => ({
    scales: { x: { time: false, range: () => range.x }, y: { range: () => range.y } },
    cursor: { drag: { x: false, y: false } },
    axes: [{ ...axis, splits: splits(DURATION_TICKS), values: () => DURATION_TICKS.filter(inside(range.x)).map(time_text) },
      { ...axis, size: 66, splits: splits(BYTES_TICKS), values: () => BYTES_TICKS.filter(inside(range.y)).map(axis_size_text) }],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: { drawAxes: [(plot) => {
      plot.ctx.save();
      plot.ctx.fillStyle = color("--base");
      for (const [duration, bytes, count] of grid) {
        const x = plot.valToPos(duration, "x", true), y = plot.valToPos(bytes + 1, "y", true);
        plot.ctx.globalAlpha = opacity_of(count, max);
        plot.ctx.fillRect(x, y, plot.valToPos(duration + 1, "x", true) - x - 1, plot.valToPos(bytes, "y", true) - y - 1);
      }
      plot.ctx.restore();
    }], draw: [(plot) => draw_marks(plot, alerts, x_of, (one, alert) => one.valToPos(y_of(alert), "y", true), color("--flag"))] },
  }));
  const plot = new uPlot(options, [sorted.map(x_of), sorted.map(y_of)], place);
  open_nearest(plot, alerts, x_of, (alert) => plot.valToPos(y_of(alert), "y"));
}

function draw_plots({ overview, alerts }) {
  const has_uplot = typeof uPlot === "function";
  $("timeline").replaceChildren();
  $("scatter").replaceChildren();
  if (overview.timeline.steps.length > 0)
    has_uplot ? timeline_uplot($("timeline"), overview.timeline, alerts)
      : $("timeline").append(timeline_svg(overview.timeline, alerts));
  if (overview.grid.length + alerts.length > 0)
    has_uplot ? scatter_uplot($("scatter"), overview.grid, alerts)
      : $("scatter").append(scatter_svg(overview.grid, alerts));
}

/* ---- overview ---- */

function sum_of(counters) {
  return Object.values(object_of(counters)).reduce((sum, value) => sum + (Number(value) || 0), 0);
}

function protocol_rows(overview, stats) {
  if (overview.flow_lines > 0)
    return Object.entries(overview.protocols);
  const flow = object_of(stats.stats).flow;
  if (!flow)
    return [];
  return [["TCP", flow.tcp], ["UDP", flow.udp], ["other", flow.total - flow.tcp - flow.udp]]
    .filter(([, count]) => count > 0);
}

/* Everything that a reader must know to trust the counts: what did not make it. */
function loss_rows(whyflow) {
  const account = object_of(whyflow.account), engine = object_of(whyflow.engine);
  const rows = [["packets dropped by the kernel", account.kernel_dropped],
    ["packets dropped by the interface", account.interface_dropped],
    ...Object.entries(object_of(account.refused)).map(([name, count]) => [`packets refused: ${words(name)}`, count]),
    ["records lost", account.records_lost],
    ...Object.entries(object_of(engine.evicted)).map(([name, count]) => [`evicted at a limit: ${words(name)}`, count]),
    ["flows notable, over the alert budget", engine.notable], ["flows muted by rules", engine.suppressed]];
  return rows.filter(([, count]) => count > 0);
}

function show_figures(overview, alerts) {
  const account = object_of(object_of(object_of(overview.stats).whyflow).account);
  const engine = object_of(object_of(object_of(overview.stats).whyflow).engine);
  const lost = (account.kernel_dropped || 0) + (account.interface_dropped || 0);
  const figures = [[account.received, "packets", count_text],
    [account.ip_bytes_in_flows ?? (overview.flow_lines ? overview.flow_ip_bytes : undefined), "IP bytes in flows", size_text],
    [account.flows_written ?? (overview.flow_lines || undefined), "flows", count_text],
    [engine.flagged, "flagged flows", count_text], [engine.incidents, "incidents", count_text],
    [overview.alerts_seen, "alerts", count_text], [overview.stats ? lost : undefined, "packets lost", count_text]];
  $("figures").append(...figures.filter(([value]) => is_number(value)).map(([value, name, text]) =>
    make("div", {}, make("b", {}, text(value)), make("span", {}, name))));
  const sensors = [...new Set(alerts.map((alert) => text_of(alert.whyflow.sensor)))];
  const places = [...new Set(alerts.map((alert) => text_of(alert.record.pcap_filename || alert.record.in_iface)))].filter(Boolean);
  const steps = overview.timeline.steps.length;
  const at = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  const span = steps === 0 ? [] : [`${at(overview.timeline.start_ms)} to ` +
    `${at(overview.timeline.start_ms + steps * overview.timeline.step_ms)} UTC`];
  const few = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} others` : "");
  $("origin").textContent = [...span, ...(places.length ? [`from ${few(places)}`] : []),
    ...(sensors.length ? [`sensor ${few(sensors)}`] : [])].join(" · ");
}

function verdict_text(overview, losses) {
  if (!overview.stats)
    return "The input holds no statistics: what was lost is not known.";
  const end = overview.is_final ? "" : " The last statistics are not a run's final ones, so its end is missing here.";
  const account = object_of(object_of(overview.stats.whyflow).account);
  const is_whole = !(account.kernel_dropped || account.interface_dropped || account.records_lost);
  return (is_whole ? "No packet was dropped and no record was lost." : "Part of the traffic or of the records was lost.") +
    (losses.length ? "" : " Nothing was refused, evicted or muted.") + end;
}

function show_account(overview, alerts) {
  const stats = object_of(overview.stats), whyflow = object_of(stats.whyflow), account = object_of(whyflow.account);
  const losses = loss_rows(whyflow), number = (rows) => rows.map(([name, value]) => [name, count_text(value)]);
  $("account-verdict").textContent = verdict_text(overview, losses);
  const read = [["packets received", account.received], ["read", account.read], ["in flows", account.in_flows],
    ["refused", account.refused && sum_of(account.refused)]].filter(([, value]) => is_number(value));
  const report = [["alerts left out, the weakest", overview.alerts_seen - alerts.length],
    ["lines that could not be read", overview.bad_lines], ["statistics of further runs left out", overview.stats_left_out]]
    .filter(([, value]) => value > 0);
  $("account").append(...[["Packets", number(read)], ["Flows by protocol", number(protocol_rows(overview, stats))],
    ["Left out on the way", number(losses)], ["Left out of this report", number(report)],
    ...list_tables(object_of(whyflow.engine), overview.features)]
    .filter(([, rows]) => rows.length > 0).map(([caption, rows]) => pairs_table(caption, rows)));
}

/* Of statistics' lists: of several runs there are none. */
function list_tables(engine, features) {
  const label = (reason) => reason.flagged_by === "surprise" ? (object_of(features)[reason.name] || [words(reason.name)])[0] : words(reason.name);
  const bound = (one) => one.at_least === true ? "at least " : "";
  const rows = (list, row) => list_of(list).map(object_of).slice(0, 12).map(row);
  return [["Flagged for", rows(engine.flagged_reasons, (one) => [label(one), count_text(one.count)])],
    ["Most IP bytes in flows begun by", rows(engine.top_sources, (one) => [text_of(one.ip), bound(one) + size_text(Number(one.ip_bytes) || 0)])],
    ["Most flows begun by", rows(engine.top_sources_by_flows, (one) => [text_of(one.ip), bound(one) + count_text(one.flows)])]];
}

function show_captions(overview, alerts) {
  const step = overview.timeline.step_ms;
  const more = alerts.length > MARKS_MAX ? ` The ${MARKS_MAX} strongest are marked.` : "";
  $("timeline-caption").textContent = overview.timeline.steps.length === 0 ? "The input says nothing of times."
    : `Flows and their bytes per ${time_text(step * 1000)}, ` + (overview.flow_lines > 0 ? "by the flows' starts (UTC); "
      : "spread evenly between statistics (UTC), as there are no flow lines; ") +
      "each dot is a flagged flow that an alert tells of." + more;
  $("scatter-caption").textContent = (overview.grid.length > 0 ? `Dots are flagged flows, squares all ${count_text(overview.flow_lines)} flows: the stronger, the more.`
    : usual_durations(alerts) ? "Dots are flagged flows; between the dashed lines lie 90 % of durations. With flow lines (--records all) all flows are seen."
      : "Dots are flagged flows. With flow lines (--records all) all others are seen behind them.") + more;
}

function show_hosts(alerts, choose) {
  const hosts = new Map();
  for (const alert of alerts)
    for (const [side, address] of [["source", alert.source], ["destination", alert.destination]]) {
      const host = hosts.get(address) || { address, source: 0, destination: 0 };
      host[side]++;
      hosts.set(address, host);
    }
  const top = [...hosts.values()].sort((a, b) => b.source + b.destination - a.source - a.destination ||
    (a.address < b.address ? -1 : 1));
  const max = top.length ? top[0].source + top[0].destination : 1;
  const bar = (host) => draw("svg", { viewBox: "0 0 100 10", width: "100%", height: 10, preserveAspectRatio: "none", "aria-hidden": true },
    draw("rect", { class: "more", x: 0, y: 0, height: 10, width: host.source / max * 100 }),
    draw("rect", { class: "soft", x: host.source / max * 100, y: 0, height: 10, width: host.destination / max * 100 }));
  const rows = top.slice(0, 12).map((host) => make("tr", {},
    make("td", {}, make("button", { type: "button", onclick: () => choose(host.address) }, host.address)),
    make("td", { class: "bar-cell" }, bar(host)),
    make("td", { class: "number" }, String(host.source)), make("td", { class: "number" }, String(host.destination))));
  const head = ["host", "", "source", "dest."].map((name, i) => make("th", { scope: "col", class: i > 1 ? "number" : undefined }, name));
  $("hosts").append(make("table", { class: "hosts" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)),
    top.length > 12 ? make("p", { class: "quiet" }, `${top.length - 12} more hosts have fewer.`) : null);
}

/* ---- table ---- */

const COLUMNS = [
  ["start", "Start (UTC)", "started", (alert) => moment_text(alert.start).slice(0, 19), (alert) => alert.time_ms],
  ["source", "Source", "mono", (alert) => end_text(alert.source, alert.source_port), (alert) => address_order(alert.source)],
  ["destination", "Destination", "mono to", (alert) => end_text(alert.destination, alert.destination_port), (alert) => address_order(alert.destination)],
  ["protocol", "Protocol", "", (alert) => alert.protocol, (alert) => alert.protocol],
  ["kind", "Flagged as", "", (alert) => words(alert.kind), (alert) => alert.kind],
  ["why", "Chiefly", "why", (alert) => alert.why, (alert) => alert.why],
  ["count", "Flows", "number", (alert) => count_text(alert.count), (alert) => alert.count],
  ["rank", "1 in", "number rank", (alert) => alert.rank ? count_text(alert.rank) : "", (alert) => alert.rank],
  ["score", "Score", "number", (alert) => alert.score.toFixed(1), (alert) => alert.score],
];
const PAGE_ROWS = 200;
const NUMBERS_FIRST_DOWN = new Set(["score", "rank", "count"]);

/* So that 10.0.0.9 comes before 10.0.0.10. */
const address_order = (address) => address.replace(/\d+/g, (digits) => digits.padStart(5, "0"));

/* The table's state and what is in it, filtered and sorted; the dialog walks the same order. */
function make_table(alerts) {
  const state = { key: null, is_down: true, shown: PAGE_ROWS, list: alerts };
  const wanted = () => ({ host: $("filter-host").value.trim().toLowerCase(), port: $("filter-port").value.trim(),
    kind: $("filter-kind").value, text: $("filter-text").value.trim().toLowerCase() });

  /* A whole address means that one; a part of one means all that have it. */
  const addresses = new Set(alerts.flatMap((alert) => [alert.source.toLowerCase(), alert.destination.toLowerCase()]));
  const has_host = (address, host) => addresses.has(host) ? address.toLowerCase() === host : address.toLowerCase().includes(host);

  function keeps(alert, filter) {
    return (filter.host === "" || has_host(alert.source, filter.host) || has_host(alert.destination, filter.host)) &&
      (filter.port === "" || String(alert.source_port) === filter.port || String(alert.destination_port) === filter.port) &&
      (filter.kind === "" || alert.kind === filter.kind) &&
      (filter.text === "" || alert.haystack.includes(filter.text));
  }

  function row_of(alert) {
    const cells = COLUMNS.map(([, name, style, text], i) => make("td", { class: style || undefined, "data-name": name },
      i === 0 ? make("a", { href: `#flow-${alert.index}` }, text(alert)) : text(alert)));
    return make("tr", { onclick: (event) => {
      if (!(event.target instanceof HTMLAnchorElement) && String(getSelection()) === "")
        location.hash = `#flow-${alert.index}`;
    } }, cells);
  }

  function render() {
    $("table-body").replaceChildren(...state.list.slice(0, state.shown).map(row_of));
    $("more").hidden = state.list.length <= state.shown;
    $("filter-count").textContent = state.list.length === alerts.length ? `${count_text(alerts.length)} alerts`
      : `${count_text(state.list.length)} of ${count_text(alerts.length)} alerts`;
    for (const [i, head] of [...$("table-head").children].entries())
      COLUMNS[i][0] === state.key ? head.setAttribute("aria-sort", state.is_down ? "descending" : "ascending")
        : head.removeAttribute("aria-sort");
  }

  function apply() {
    const filter = wanted(), column = COLUMNS.find(([key]) => key === state.key);
    state.list = alerts.filter((alert) => keeps(alert, filter));
    if (column)
      state.list.sort((a, b) => {
        const one = column[4](a), other = column[4](b), order = one < other ? -1 : one > other ? 1 : 0;
        return (state.is_down ? -order : order) || a.index - b.index;
      });
    state.shown = PAGE_ROWS;
    render();
  }

  function sort_by(key) {
    state.is_down = state.key === key ? !state.is_down : NUMBERS_FIRST_DOWN.has(key);
    state.key = key;
    $("sort").value = key || "";
    apply();
  }

  $("table-head").append(...COLUMNS.map(([key, name, style]) => make("th", { scope: "col", class: style.includes("number") ? "number" : undefined },
    make("button", { type: "button", onclick: () => sort_by(key) }, name))));
  $("sort").append(...COLUMNS.map(([key, name]) => make("option", { value: key }, name)));
  $("sort").addEventListener("change", () => { state.key = null; sort_by($("sort").value); });
  for (const kind of [...new Set(alerts.map((alert) => alert.kind))].sort())
    $("filter-kind").append(make("option", { value: kind }, words(kind)));
  $("filters").addEventListener("input", apply);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(() => sort_by(null)));
  $("more").addEventListener("click", () => { state.shown += PAGE_ROWS; render(); });
  apply();
  return { list: () => state.list, choose_host: (host) => {
    $("filter-host").value = host;
    apply();
    $("flows").scrollIntoView();
    $("flows").focus({ preventScroll: true });
  } };
}

/* ---- one flow ---- */

const CAVEATS = {
  one_direction_only: "only one side's packets were seen", midstream: "its beginning was not seen",
  slice: "a slice of a longer flow", truncated: "packets were captured in part",
  kernel_drops_in_window: "the kernel dropped packets meanwhile", cold_baseline: "the baseline was not warm yet",
  few_flows: "few flows to compare with", coarse_timestamps: "times are coarse", clock_step: "the clock was set",
  truncated_record: "parts of the record were left out for its length", duplicates: "packets seen twice", evicted: "ended early for lack of room", late_packets: "packets came late",
};

/* A number of a reason or of evidence. */
const measure = (one, key) => quantity_text(one[key], one.unit, text_of(one.feature || one.quantity));

/* From p05 to p95 with the median and the value. Logarithmic where it spans much; from 0 where it can. */
function strip(reason) {
  const places = [reason.p05, reason.typical, reason.p95, reason.value].filter(is_number);
  if (!is_number(reason.p05) || !is_number(reason.p95) || !is_number(reason.value))
    return share_strip(reason);
  const high = Math.max(...places), low = Math.min(...places);
  const is_log = low >= 0 && high > 50 * Math.max(low, 1e-9) && high > 50;
  const place = is_log ? (value) => Math.log10(1 + value) : (value) => value;
  const from = place(low), width = (place(high) - from) || 1;
  const x = (value) => 12 + (place(value) - from) / width * 276;
  const label = `5 % ${measure(reason, "p05")}, typical ${measure(reason, "typical")}, ` +
    `95 % ${measure(reason, "p95")}, this flow ${measure(reason, "value")}`;
  return draw("svg", { viewBox: "0 0 300 26", width: "100%", role: "img", "aria-label": label }, draw("title", {}, label),
    draw("line", { class: "axis", x1: 6, x2: 294, y1: 13, y2: 13 }),
    draw("rect", { class: "soft", x: x(reason.p05), y: 6, height: 14, rx: 2, width: Math.max(3, x(reason.p95) - x(reason.p05)) }),
    is_number(reason.typical) ? draw("line", { class: "middle", x1: x(reason.typical), x2: x(reason.typical), y1: 4, y2: 22 }) : null,
    draw("circle", { class: "value", cx: x(reason.value), cy: 13, r: 6 }));
}

/* Of a category: how many of all flows have this one. */
function share_strip(reason) {
  const share = is_number(reason.seen_share) ? reason.seen_share : 0;
  const label = `${share_text(share)} of flows have it`;
  return draw("svg", { viewBox: "0 0 300 26", width: "100%", role: "img", "aria-label": label }, draw("title", {}, label),
    draw("rect", { class: "soft", x: 12, y: 9, width: 276, height: 8, rx: 2 }),
    draw("rect", { class: "more", x: 12, y: 9, width: Math.max(2, share * 276), height: 8, rx: 2 }));
}

function reason_text(reason) {
  const value = measure(reason, "value");
  if (!is_number(reason.p05) && !(reason.seen_share > 0))
    return `${value}: none of ${count_text(reason.n)} flows`;
  if (!is_number(reason.p05))
    return `${value}: ${share_text(Number(reason.seen_share) || 0)} of ${count_text(reason.n)} flows`;
  return `${value}; typical ${measure(reason, "typical")}, 90 % between ${measure(reason, "p05")} and ` +
    measure(reason, "p95");
}

const reason_block = (reason) => make("div", { class: "reason" },
  make("p", {}, make("strong", {}, text_of(reason.label || reason.feature)), make("br"),
    reason_text(reason), make("br"),
    make("span", { class: "quiet" }, `${text_of(reason.direction)}, ${bits_text(reason.bits)} bits, ` +
      `${share_text(Number(reason.share) || 0)} of what is above typical`)), strip(reason));

/* Bars from a middle line: to the right what made the flow unusual, to the left what made it usual. */
function contribution_bars(entries, max, labels) {
  const bar = (bits) => {
    const length = Math.abs(bits) / (max || 1) * (bits < 0 ? 30 : 66);
    return draw("svg", { viewBox: "0 0 100 12", width: "100%", height: 12, preserveAspectRatio: "none", "aria-hidden": true },
      draw("rect", { class: bits < 0 ? "less" : "more", x: bits < 0 ? 32 - length : 32, y: 0, width: Math.max(0.4, length), height: 12 }));
  };
  return make("table", { class: "bars" }, make("tbody", {}, entries.map(([name, bits]) => make("tr", {},
    make("th", { scope: "row" }, labels(name)), make("td", { class: "bar-cell" }, bar(bits)),
    make("td", { class: "number" }, (bits < 0 ? "−" : "+") + bits_text(Math.abs(bits)))))));
}

function contribution_part(alert, labels) {
  const all = Object.entries(object_of(alert.whyflow.contrib)).filter(([, bits]) => is_number(bits))
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  if (all.length === 0)
    return [];
  const max = Math.abs(all[0][1]), sum = all.reduce((total, [, bits]) => total + bits, 0);
  const rest = all.slice(12), rest_sum = rest.reduce((total, [, bits]) => total + bits, 0);
  return [make("h3", {}, "How the score adds up"),
    make("p", {}, `typical ${bits_text(alert.whyflow.typical)} ${sum < 0 ? "−" : "+"} ${bits_text(Math.abs(sum))} from ` +
      `${all.length} features = score ${bits_text(alert.score)} bits`),
    contribution_bars(all.slice(0, 12), max, labels),
    rest.length ? make("details", {}, make("summary", {}, `${rest.length} others, together ${bits_text(rest_sum)}`),
      contribution_bars(rest, max, labels)) : null];
}

/* Anything a record may say, as text: strings, lists and objects nested below. */
function anything(value, depth = 0) {
  if (depth > 6 || value === null || typeof value !== "object")
    return text_of(value);
  return make("ul", {}, Array.isArray(value) ? value.map((one) => make("li", {}, anything(one, depth + 1)))
    : Object.entries(value).map(([name, one]) => make("li", {}, `${words(name)}: `, anything(one, depth + 1))));
}

const is_empty = (value) => value === undefined || value === null || value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);
const part = (title, value) => is_empty(value) ? []
  : [make("h3", {}, title), typeof value === "object" ? anything(value) : make("p", {}, text_of(value))];

/* Each is "title: text", and no title has a colon. */
function prose_part(prose) {
  const paragraph = (one) => {
    const end = one.indexOf(": ");
    return [make("h4", {}, one.slice(0, end)), make("p", {}, one.slice(end + 2))];
  };
  return prose.length === 0 ? [] : [make("details", { class: "prose" },
    make("summary", {}, "The long account"), prose.flatMap(paragraph))];
}

/* A part that says in its text what its other members say in figures. */
const said = (one, more) => is_object(one) && text_of(one.text)
  ? [make("p", {}, text_of(one.text)), more ? make("p", { class: "quiet" }, more) : null]
  : [typeof one === "object" ? anything(one) : make("p", {}, text_of(one))];
const names_text = (before, names, labels) => list_of(names).length === 0 ? ""
  : before + list_of(names).map((name) => labels(text_of(name))).join(", ");

function reading_parts(readings, labels) {
  if (is_empty(readings))
    return [];
  if (!is_object(readings))
    return part("Readings", readings);
  return [make("div", { class: "two" }, Object.entries(readings).filter(([, one]) => !is_empty(one)).map(([name, one]) =>
    make("div", {}, make("h3", {}, `If ${words(name)}`), said(one, names_text("Rests on: ", object_of(one).for, labels)))))];
}

function combination_part(combination, labels) {
  if (is_empty(combination))
    return [];
  const { features, bits_alone, bits_together } = object_of(combination);
  const alone = list_of(bits_alone), figures = is_number(bits_together) && alone.every(is_number)
    ? list_of(features).map((name, i) => `${labels(text_of(name))} alone ${bits_text(alone[i])} bits`)
      .concat(`together ${bits_text(bits_together)} bits`).join(", ") : "";
  return [make("h3", {}, "Ordinary alone, unusual together"), ...said(combination, figures)];
}

function counterfactual_part(counterfactual, labels) {
  return is_empty(counterfactual) ? [] : [make("h3", {}, "What would have left it unflagged"),
    ...said(counterfactual, names_text("Derived from these and moved with them: ",
      Object.keys(object_of(object_of(counterfactual).moved)), labels))];
}

function resemblance_part(resembles) {
  if (is_empty(resembles.behaviour))
    return [];
  const limit = (one) => one.unit === "yes" ? measure(one, "at_least" in one ? "at_least" : "at_most")
    : "at_least" in one ? `at least ${measure(one, "at_least")}`
    : "at_most" in one ? `at most ${measure(one, "at_most")}` : text_of(one.limit);
  const row = (one) => make("tr", {}, make("td", {}, evidence_name(one)),
    make("td", { class: "number" }, measure(one, "value")), make("td", { class: "number" }, limit(one)));
  const techniques = list_of(resembles.technique).map(text_of).join(", ");
  return [make("h3", {}, "What it resembles"),
    make("p", {}, words(resembles.behaviour) + (techniques ? ` (ATT&CK ${techniques})` : "") +
      ". Every condition holds; without any one of them the name would not stand."),
    make("table", {}, make("thead", {}, make("tr", {}, ["evidence", "value", "limit"].map((name, i) =>
      make("th", { scope: "col", class: i ? "number" : undefined }, name)))),
    make("tbody", {}, list_of(resembles.evidence).map((one) => row(object_of(one)))))];
}

function facts_text(alert) {
  const { whyflow } = alert, baseline = object_of(whyflow.baseline), incident = object_of(whyflow.incident);
  return [`score ${bits_text(alert.score)} bits (typical ${bits_text(whyflow.typical)}, flagged from ${bits_text(whyflow.threshold)} on)`,
    alert.rank ? `1 in ${count_text(alert.rank)} scores as high` : "",
    is_number(baseline.n) ? `compared with ${count_text(baseline.n)} flows (${text_of(baseline.scope)}), confidence ${text_of(baseline.confidence)}` : "",
    incident.closed === true && alert.count > 1 ? `the last of its incident, ${count_text(alert.count)} flows from ` +
      `${moment_text(text_of(incident.first))} to ${moment_text(text_of(incident.last))}`
    : alert.count > 1 ? `flow ${count_text(alert.count)} of its incident, which began ${moment_text(text_of(incident.first))}` : ""]
    .filter(Boolean).join(" · ");
}

/* ---- filters for other programs ---- */

/* Records may come from anyone and these lines are pasted into shells: nothing but addresses and whole
   numbers goes into them. */
const PROTOCOLS = { TCP: ["tcp", "tcp"], UDP: ["udp", "udp"], SCTP: ["sctp", "sctp"], ICMP: ["icmp", "icmp"], "IPv6-ICMP": ["icmp6", "icmpv6"] };
const is_address = (text) => /^[0-9a-fA-F.:]{2,45}$/.test(text);
const is_port = (port) => Number.isInteger(port) && port >= 0 && port <= 65535;

function filter_ends(alert) {
  const ends = { source: alert.source, destination: alert.destination, ports: null };
  if (!is_address(ends.source) || !is_address(ends.destination) || !PROTOCOLS[alert.protocol])
    return null;
  if (is_port(alert.source_port) && is_port(alert.destination_port))
    ends.ports = [alert.source_port, alert.destination_port];
  return ends;
}

function bpf_filter(alert) {
  const ends = filter_ends(alert);
  if (!ends)
    return null;
  const way = (from, to, a, b) => `(src host ${from} and dst host ${to}` + (ends.ports ? ` and src port ${a} and dst port ${b})` : ")");
  const [a, b] = ends.ports || [];
  const flow = `${PROTOCOLS[alert.protocol][0]} and (${way(ends.source, ends.destination, a, b)} or ${way(ends.destination, ends.source, b, a)})`;
  return list_of(alert.record.vlan).length ? `(${flow}) or (vlan and ${flow})` : flow;
}

/* Nanoseconds have more digits than a double: the time is taken from the line itself. */
const nanoseconds_text = (alert, name) => {
  const found = alert.line.match(new RegExp(`"${name}"\\s*:\\s*(\\d{10,19})[,}]`));
  return found ? `${found[1].slice(0, -9)}.${found[1].slice(-9)}` : null;
};

function tshark_filter(alert) {
  const ends = filter_ends(alert);
  if (!ends)
    return null;
  const ip = ends.source.includes(":") ? "ipv6" : "ip", protocol = PROTOCOLS[alert.protocol][1];
  const way = (from, to, a, b) => `(${ip}.src == ${from} && ${ip}.dst == ${to}` +
    (ends.ports ? ` && ${protocol}.srcport == ${a} && ${protocol}.dstport == ${b})` : ")");
  const [a, b] = ends.ports || [];
  const first = nanoseconds_text(alert, "first_ns"), last = nanoseconds_text(alert, "last_ns");
  const time = first && last ? ` && frame.time_epoch >= ${first} && frame.time_epoch <= ${last}` : "";
  return `${protocol} && (${way(ends.source, ends.destination, a, b)} || ${way(ends.destination, ends.source, b, a)})${time}`;
}

/* The name of a file in a shell's single quotes; one with control characters is not named. */
function tshark_line(alert) {
  const filter = tshark_filter(alert), name = text_of(alert.record.pcap_filename);
  const file = /^[^\p{C}]+$/u.test(name) ? `'${name.replaceAll("'", "'\\''")}'` : "FILE";
  return filter && `tshark -r ${file} -Y '${filter}'`;
}

function copy_block(name, text) {
  const said = make("span", { "aria-live": "polite" }, name), code = make("pre", { tabindex: 0 }, text);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = `${name}: copied`;
    } catch {
      getSelection().selectAllChildren(code);
      said.textContent = `${name}: selected; copy it with Ctrl+C`;
    }
  };
  return make("div", { class: "copy" }, said, code, make("button", { type: "button", onclick: copy }, "Copy"));
}

function copy_part(alert) {
  const bpf = bpf_filter(alert), tshark = tshark_line(alert);
  const is_inner = is_object(alert.flow.tunnel);
  return [make("h3", {}, "Take along"),
    bpf ? null : make("p", { class: "quiet" }, "No filter is given for this protocol or these addresses."),
    is_inner && bpf ? make("p", { class: "quiet" }, "The flow is inside a tunnel: BPF sees the outer packets alone, tshark both.") : null,
    bpf && !is_inner ? copy_block("BPF filter", bpf) : null, tshark ? copy_block("tshark", tshark) : null,
    copy_block("JSON", alert.line)];
}

function measured_part(alert) {
  const rows = (object) => Object.entries(object_of(object)).map(([name, value]) => [name, text_of(value)]);
  const details = (title, object) => is_empty(object) ? null
    : make("details", {}, make("summary", {}, title), pairs_table("", rows(object)));
  return [make("h3", {}, "Measured"), details("The eighteen columns", alert.whyflow.observed),
    details("Features", alert.whyflow.features), details("The flow", alert.flow)];
}

function show_flow(alert, table, overview) {
  const { whyflow } = alert, labels = (name) => (object_of(overview.features)[name] || [name])[0];
  const caveats = list_of(whyflow.caveats).concat(whyflow.truncated_record === true ? ["truncated_record"] : []);
  $("flow-body").replaceChildren(...[
    make("h2", { id: "flow-title" }, `${alert.protocol} ${end_text(alert.source, alert.source_port)} → ${end_text(alert.destination, alert.destination_port)}`),
    make("p", { class: "quiet" }, `${moment_text(alert.start)} UTC, ${time_text(alert.duration_us)}, ${size_text(alert.bytes)} · flagged as `,
      make("span", { class: "flagged" }, words(alert.kind))),
    make("p", { class: "lead" }, text_of(whyflow.text)),
    is_empty(whyflow.summary) ? null : make("ul", {}, list_of(whyflow.summary).map((one) => make("li", {}, text_of(one)))),
    make("p", { class: "quiet" }, facts_text(alert)),
    caveats.length ? make("ul", { class: "chips", "aria-label": "Caveats" }, caveats.map((one) => make("li", {}, CAVEATS[one] || words(one)))) : null,
    ...resemblance_part(object_of(whyflow.resembles)),
    ...(is_empty(whyflow.reasons) ? [] : [make("h3", {}, "Reasons, strongest first"), ...list_of(whyflow.reasons).map((one) => reason_block(object_of(one)))]),
    ...reading_parts(whyflow.readings, labels), ...combination_part(whyflow.combination, labels),
    ...counterfactual_part(whyflow.counterfactual, labels), ...prose_part(alert.prose),
    ...contribution_part(alert, labels), ...measured_part(alert), ...copy_part(alert)].filter(Boolean));
  const list = table.list(), place = list.indexOf(alert);
  const step = (by) => () => { location.replace(`#flow-${list[place + by].index}`); };
  for (const [id, by] of [["flow-previous", -1], ["flow-next", 1]]) {
    $(id).disabled = place < 0 || !list[place + by];
    $(id).onclick = step(by);
  }
  $("flow-place").textContent = place < 0 ? "" : `${place + 1} of ${list.length}`;
  $("flow").dataset.index = alert.index;
  if (!$("flow").open)
    $("flow").showModal();
  $("flow").scrollTop = 0;
  $("flow-body").focus();
}

/* ---- start ---- */

function follow_address(data, table) {
  const found = location.hash.match(/^#flow-(\d+)$/);
  const alert = found && data.alerts[Number(found[1])];
  if (alert)
    show_flow(alert, table, data.overview);
  else if ($("flow").open)
    $("flow").close();
}

function start(data) {
  const { overview, alerts } = data;
  const table = make_table(alerts);
  show_figures(overview, alerts);
  show_account(overview, alerts);
  show_captions(overview, alerts);
  show_hosts(alerts, table.choose_host);
  draw_plots(data);
  $("footer").textContent = `Made by whyflow-report ${overview.version} of ${count_text(overview.lines)} lines. ` +
    "Unusual is what is improbable next to the flows it was compared with; it need not be harmful.";
  addEventListener("hashchange", () => follow_address(data, table));
  $("flow-close").onclick = () => $("flow").close();
  $("flow").addEventListener("close", () => {
    if (location.hash.startsWith("#flow-"))
      history.replaceState(null, "", location.pathname + location.search);
  });
  $("flow").addEventListener("click", (event) => { if (event.target === $("flow")) $("flow").close(); });
  $("flow").addEventListener("keydown", (event) => {
    const id = { ArrowLeft: "flow-previous", ArrowRight: "flow-next" }[event.key];
    if (id && !event.altKey && !event.ctrlKey && !event.metaKey)
      $(id).click();
  });
  let timer;
  let width = innerWidth;
  addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (innerWidth !== width) { width = innerWidth; draw_plots(data); } }, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw_plots(data));
  follow_address(data, table);
  document.body.dataset.ready = "yes";
}

read_data().then(start).catch((error) => {
  $("failure").hidden = false;
  $("failure").textContent = `This report cannot be shown: ${error.message}`;
});

})();
