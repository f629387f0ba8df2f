/* SPDX-License-Identifier: Apache-2.0 */
/* The closing table of a run at a terminal: what was read and lost, the flows, the flagged ones by
 * reason, who sent most, and plainly if nothing stood out. Called by the text formatter; no
 * state. */
#include "format/plain_block.h"

#include "base/quantity.h"
#include "whyflow/behaviour.h"

enum {
    ROW_SIZE = 1024,
    LABEL_WIDTH = 24,
    DIGITS = 3,
    TALKERS_TOLD_MAX = 5,
};

/* A row under way: label and value, and what else there is to say. */
struct row {
    char bytes[ROW_SIZE];
    struct text text;
};

static void row_init(struct row *row)
{
    row->text = text_init(row->bytes, sizeof row->bytes);
}

static void put_part(struct text *text, const char *separator, uint64_t count, const char *name)
{
    text_append(text, separator);
    quantity_append_count(text, count);
    text_append_char(text, ' ');
    text_append(text, name);
}

/* The row's words, wrapped beside its label. */
static void put_row(struct plain_block *block, const char *label, const struct row *row)
{
    text_append(&block->text, "\n  ");
    const size_t start = block->text.length;
    text_append(&block->text, label);
    plain_pad(&block->text, start, LABEL_WIDTH - 2);
    plain_put_words(&block->text, (struct plain_margin){LABEL_WIDTH, LABEL_WIDTH}, row->bytes);
}

static void put_count(struct plain_block *block, const char *label, uint64_t count)
{
    struct row row;
    row_init(&row);
    quantity_append_count(&row.text, count);
    put_row(block, label, &row);
}

static void put_rate(struct plain_block *block, const struct statistics *statistics)
{
    const int64_t time_ns = statistics->now_ns - statistics->start_ns;
    struct row row;
    if (!statistics->has_time || time_ns <= 0)
        return;
    row_init(&row);
    quantity_append_time(&row.text, (double)time_ns / 1e3, DIGITS);
    put_row(block, "time", &row);
    row_init(&row);
    quantity_append(&row.text, (double)statistics->capture.read / ((double)time_ns / 1e9),
                    "packets/s", DIGITS);
    put_row(block, "rate", &row);
}

static void put_refusals(struct plain_block *block, const struct packet_counters *packets)
{
    struct row row;
    row_init(&row);
    const char *separator = "";
    for (int reason = PACKET_ACCEPTED + 1; reason < PACKET_REFUSAL_COUNT; reason++) {
        if (packets->refused[reason] == 0)
            continue;
        put_part(&row.text, separator, packets->refused[reason],
                 packet_refusal_name((enum packet_refusal)reason));
        separator = ", ";
    }
    if (row.text.length > 0)
        put_row(block, "refused", &row);
}

static void put_traffic(struct plain_block *block, const struct statistics *statistics)
{
    struct row row;
    row_init(&row);
    quantity_append_count(&row.text, statistics->capture.read);
    put_part(&row.text, " (", statistics->packets.in_flows, "in flows");
    put_part(&row.text, ", ", statistics->capture.read - statistics->packets.in_flows, "refused)");
    put_row(block, "packets", &row);
    put_refusals(block, &statistics->packets);
    row_init(&row);
    quantity_append_size(&row.text, (double)statistics->capture.read_bytes, DIGITS);
    put_row(block, "bytes", &row);
    put_rate(block, statistics);
}

static void put_losses(struct plain_block *block, const struct statistics *statistics)
{
    if (statistics->capture.is_live) {
        put_count(block, "dropped by the kernel", statistics->capture.kernel_dropped);
        put_count(block, "dropped by interface", statistics->capture.interface_dropped);
    }
    if (statistics->flows.evicted > 0)
        put_count(block, "evicted flows", statistics->flows.evicted);
    if (statistics->records.lost > 0)
        put_count(block, "records lost", statistics->records.lost);
}

static void put_flows(struct plain_block *block, const struct flow_counters *flows)
{
    struct row row;
    row_init(&row);
    quantity_append_count(&row.text, flows->opened);
    put_part(&row.text, " (", flows->opened_tcp, "TCP");
    put_part(&row.text, ", ", flows->opened_udp, "UDP");
    put_part(&row.text, ", ", flows->opened_icmp, "ICMP");
    put_part(&row.text, ", ", flows->opened_other, "other)");
    put_row(block, "flows", &row);
}

static void put_talker(struct plain_block *block, const char *label,
                       const struct statistics_talker *talker)
{
    struct row row;
    row_init(&row);
    plain_put_address(&row.text, talker->address, talker->ip_version);
    text_append(&row.text, talker->is_least ? ": at least " : ": ");
    quantity_append_size(&row.text, (double)talker->ip_bytes, DIGITS);
    put_part(&row.text, " in ", talker->flows, talker->flows == 1 ? "flow" : "flows");
    put_row(block, label, &row);
}

static void put_talkers(struct plain_block *block, const char *label,
                        const struct statistics_talker talkers[], uint32_t count)
{
    for (uint32_t i = 0; i < count && i < TALKERS_TOLD_MAX; i++)
        put_talker(block, i == 0 ? label : "", &talkers[i]);
}

/* ---- what was flagged ---- */

static void put_reason(struct plain_block *block, const struct flagged_reason *reason)
{
    struct row row;
    row_init(&row);
    quantity_append_count(&row.text, reason->count);
    if (reason->flagged_by == FLAGGED_BY_BEHAVIOUR)
        text_appendf(&row.text, " resemble %s", behaviour_infos[reason->id].label);
    else
        text_appendf(&row.text, " unusual chiefly by %s", feature_infos[reason->id].label);
    put_row(block, "", &row);
}

static void put_flagged(struct plain_block *block, const struct engine_counters *engine)
{
    uint64_t told = 0;
    put_count(block, "flagged flows", engine->flagged);
    for (uint32_t i = 0; i < engine->reason_count; i++) {
        put_reason(block, &engine->reasons[i]);
        told += engine->reasons[i].count;
    }
    if (told < engine->flagged) {
        struct row row;
        row_init(&row);
        put_part(&row.text, "", engine->flagged - told, "for other reasons");
        put_row(block, "", &row);
    }
    put_count(block, "incidents", engine->incidents);
    if (engine->notable > 0)
        put_count(block, "notable, over budget", engine->notable);
    if (engine->suppressed > 0)
        put_count(block, "suppressed", engine->suppressed);
}

static bool has_behaviour(const struct engine_counters *engine)
{
    for (uint32_t i = 0; i < engine->reason_count; i++)
        if (engine->reasons[i].flagged_by == FLAGGED_BY_BEHAVIOUR)
            return true;
    return false;
}

static const char *conclusion(const struct engine_counters *engine, bool nothing_stands_out)
{
    if (engine->scored == 0)
        return "No flow was seen.";
    if (engine->cold == engine->scored && engine->flagged == 0)
        return "No flow was judged: the warm-up was not over.";
    if (engine->flagged == 0)
        return "Nothing stood out from the rest.";
    if (nothing_stands_out && has_behaviour(engine))
        return "No score stood out from the rest; what resembles a behaviour is told above.";
    if (nothing_stands_out)
        return "Nothing stood out from the rest: the flagged flows are merely the highest scores.";
    if (has_behaviour(engine))
        return "A flagged flow is unusual compared with the others, or resembles what is named; no "
               "more is said.";
    return "A flagged flow is unusual compared with the others; no more is said.";
}

void plain_put_statistics(struct plain_block *block, const struct statistics *statistics,
                          bool nothing_stands_out)
{
    const struct engine_counters *const engine = &statistics->engine;
    plain_put_paragraph(block, (struct plain_margin){0, 0}, PLAIN_STRONG, "Summary");
    put_traffic(block, statistics);
    put_losses(block, statistics);
    put_flows(block, &statistics->flows);
    put_talkers(block, "most bytes, source", engine->top_by_bytes, engine->top_by_bytes_count);
    put_talkers(block, "most flows, source", engine->top_by_flows, engine->top_by_flows_count);
    put_flagged(block, engine);
    plain_put_paragraph(block, (struct plain_margin){0, 0}, PLAIN_QUIET,
                        conclusion(engine, nothing_stands_out));
}
