#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks at a page of whyflow-report in a headless Chromium, as a reader would.

    check_page.py PAGE.html ALERTS.jsonl CAPTURE
    check_page.py --hostile PAGE.html

Draws without a word to the console, asks for nothing over the network, filters, sorts, opens a flow
by mouse and by keyboard, shows the records to the byte; and its tshark and BPF lines find a flow's
packets. With --hostile: the first flow's record means harm, and what it says must stand there as
text. Prints what is wrong and exits 1, or 2 if there is no browser. Called by
tests/golden/report.sh.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, find_browser  # noqa: E402

ROWS = "[...document.querySelectorAll('#table-body tr')]"
FLOWS_FILTERED = 3


def texts(browser, column):
    return browser.ask(f"{ROWS}.map((row) => row.children[{column}].textContent)")


def set_input(browser, name, value):
    browser.ask(f"""(() => {{ const input = document.getElementById({name!r});
        input.value = {json.dumps(value)};
        input.dispatchEvent(new Event("input", {{ bubbles: true }})); }})()""")


def check_drawn(browser, alerts):
    assert browser.ask(f"{ROWS}.length") == min(len(alerts), 200), "rows"
    assert browser.ask("document.getElementById('failure').hidden"), "a failure is shown"
    for plot in ("timeline", "scatter"):
        assert browser.ask(f"document.querySelector('#{plot} svg, #{plot} canvas') !== null"), plot
    is_inside = browser.ask("document.documentElement.scrollWidth <= innerWidth")
    assert is_inside, "wider than its window"


def check_filters(browser, alerts):
    host = alerts[0]["src_ip"]
    wanted = sum(host in (alert["src_ip"], alert["dest_ip"]) for alert in alerts)
    set_input(browser, "filter-host", host)
    assert len(texts(browser, 1)) == wanted, f"{host}: {len(texts(browser, 1))}, not {wanted}"
    set_input(browser, "filter-host", "")
    port = next(alert["dest_port"] for alert in alerts if "dest_port" in alert)
    wanted = sum(port in (alert.get("src_port"), alert.get("dest_port")) for alert in alerts)
    set_input(browser, "filter-port", str(port))
    assert len(texts(browser, 1)) == wanted, f"port {port}"
    set_input(browser, "filter-port", "")
    behaviour = next(alert["whyflow"]["resembles"]["behaviour"] for alert in alerts
                     if alert["whyflow"]["resembles"])
    wanted = sum(alert["whyflow"]["resembles"].get("behaviour") == behaviour for alert in alerts)
    set_input(browser, "filter-kind", behaviour)
    assert len(texts(browser, 1)) == wanted, behaviour
    set_input(browser, "filter-text", "no such words at all")
    assert texts(browser, 1) == [], "a text that nowhere stands"
    browser.ask("document.querySelector('#filters [type=reset]').click()")
    browser.wait(f"{ROWS}.length === {min(len(alerts), 200)}")


def check_sorting(browser):
    click = "[...document.querySelectorAll('#table-head button')][8].click()"
    browser.ask(click)
    down = [float(score) for score in texts(browser, 8)]
    browser.ask(click)
    up = [float(score) for score in texts(browser, 8)]
    assert down == sorted(down, reverse=True) and up == sorted(up), "not sorted by score"
    assert browser.ask("document.querySelectorAll('[aria-sort=ascending]').length") == 1


def check_sorting_on_a_phone(browser):
    """Without the table's head."""
    browser.ask("""(() => { const sort = document.getElementById("sort"); sort.value = "start";
        sort.dispatchEvent(new Event("change")); })()""")
    starts = texts(browser, 0)
    assert starts == sorted(starts) and len(set(starts)) > 1, "not sorted by start"
    browser.ask("document.querySelector('#filters [type=reset]').click()")
    browser.wait("document.querySelectorAll('[aria-sort]').length === 0")


def check_flow(browser):
    browser.ask(f"{ROWS}[0].children[3].click()")
    browser.wait("document.getElementById('flow').open")
    browser.press("ArrowRight", 39)
    browser.wait("document.getElementById('flow-place').textContent.startsWith('2 of')")
    browser.press("Escape", 27)
    browser.wait("!document.getElementById('flow').open && location.hash === ''")
    browser.ask(f"{ROWS}[1].querySelector('a').focus()")
    browser.press("Enter", 13)
    browser.wait("document.getElementById('flow').open")
    browser.press("Escape", 27)
    browser.wait("!document.getElementById('flow').open && location.hash === ''")


def blocks(browser):
    """Name → text of what can be copied from the open flow."""
    return dict(browser.ask("""[...document.querySelectorAll('.copy')].map((block) =>
        [block.children[0].textContent, block.children[1].textContent])"""))


def open_flow(browser, index):
    browser.ask(f"location.hash = '#flow-{index}'")
    browser.wait(f"document.getElementById('flow').dataset.index === '{index}'")
    return blocks(browser)


def check_lines(browser, lines):
    """What can be copied are the records as they came, all of them."""
    copied = [open_flow(browser, index)["JSON"] for index in range(len(lines))]
    assert sorted(copied) == sorted(lines), "a record is not what it was"


def check_filters_of_flow(browser, lines, capture):
    by_line = {line: json.loads(line) for line in lines}
    for index in range(FLOWS_FILTERED):
        found = open_flow(browser, index)
        alert = by_line[found["JSON"]]
        wanted = alert["flow"]["pkts_toserver"] + alert["flow"]["pkts_toclient"]
        expression = found["tshark"].split(" -Y ", 1)[1].strip("'")
        seen = subprocess.run(["tshark", "-n", "-r", capture, "-Y", expression],
                              capture_output=True, text=True, check=True).stdout.count("\n")
        assert seen == wanted, f"tshark finds {seen} packets of {wanted}: {expression}"
        seen = subprocess.run(["tcpdump", "-n", "-r", capture, found["BPF filter"]],
                              capture_output=True, text=True, check=True).stdout.count("\n")
        assert seen >= wanted, f"the BPF filter finds {seen} packets of {wanted}"


def check_prose(browser, lines):
    """The open flow has its sections, folded, and its readings, combination, counterfactual."""
    by_line = {line: json.loads(line) for line in lines}
    titles = ["Protocol and port context", "Volume and duration",
              "Source and destination context", "Cautious conclusion"]
    for index in range(FLOWS_FILTERED):
        whyflow = by_line[open_flow(browser, index)["JSON"]]["whyflow"]
        found = browser.ask("[...document.querySelectorAll('.prose h4')].map((h) => h.textContent)")
        assert set(titles) <= set(found), found
        assert not browser.ask("document.querySelector('.prose').open"), "not folded"
        text = browser.ask("document.getElementById('flow-body').textContent")
        parts = list(whyflow.get("readings", {}).values())
        parts += [whyflow[name] for name in ("combination", "counterfactual") if name in whyflow]
        for said in parts:
            assert said["text"] in text, said["text"]


def check_lists(browser, statistics):
    """What statistics list: why flows were flagged, and the greatest sources."""
    text = browser.ask("document.getElementById('account').textContent")
    engine = statistics["whyflow"]["engine"]
    for source in engine["top_sources"] + engine["top_sources_by_flows"]:
        assert source["ip"] in text, source
    for reason in engine["flagged_reasons"]:
        if reason["flagged_by"] == "behaviour":
            assert f"{reason['name'].replace('_', ' ')}{reason['count']:,}" in text, reason


def check_hostile(page):
    with Browser() as browser:
        browser.open("file://" + os.path.abspath(page))
        found = open_flow(browser, 0)
        text = browser.ask("document.getElementById('flow-body').textContent")
        assert text.count("</script><img src=x onerror=alert(1)>") >= 10, text
        assert browser.ask("document.querySelectorAll('img, iframe, script[src]').length") == 0
        assert "tshark" not in found and "BPF filter" not in found, "a filter of a bad address"
        assert browser.messages == [], browser.messages


def check_page(page, alerts_path, capture):
    with open(alerts_path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    statistics = [line for line in lines if '"event_type":"stats"' in line]
    lines = [line for line in lines if json.loads(line)["event_type"] == "alert"]
    alerts = [json.loads(line) for line in lines]
    with Browser() as browser:
        url = "file://" + os.path.abspath(page)
        for width, dark in ((390, False), (1280, True), (1280, False)):
            browser.open(url, width=width, dark=dark)
            check_drawn(browser, alerts)
        check_filters(browser, alerts)
        check_sorting(browser)
        check_sorting_on_a_phone(browser)
        check_flow(browser)
        check_lines(browser, lines)
        check_prose(browser, lines)
        check_lists(browser, json.loads(statistics[-1]))
        check_filters_of_flow(browser, lines, capture)
        assert browser.messages == [], browser.messages
    print("drawn, filtered, sorted, opened")


if find_browser() is None:
    sys.exit(2)
try:
    if sys.argv[1] == "--hostile":
        check_hostile(sys.argv[2])
    else:
        check_page(*sys.argv[1:])
except AssertionError as error:
    print(f"wrong: {error}")
    sys.exit(1)
