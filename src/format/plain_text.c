/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a person at a terminal: a block for each flagged flow, a line for any other, and at the
 * end a table. Called by the emitter thread (or a tool); no state.
 *
 * Colour carries no meaning of its own: without it nothing is lost. */
#include "format/format.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/quantity.h"
#include "base/text.h"
#include "format/utc_time.h"
#include "whyflow/sections.h"

#include <string.h>

enum { LABEL_WIDTH = 34, CATEGORY_TEXT_SIZE = 64, PROSE_DIGITS = 3, TYPICAL_DIGITS = 2 };

struct text_block {
    struct text text;
    bool use_color, is_verbose;
};

static const char COLOR_STRONG[] = "\x1b[1m";
static const char COLOR_HIGH[] = "\x1b[33m";
static const char COLOR_QUIET[] = "\x1b[2m";
static const char COLOR_END[] = "\x1b[0m";

static void put_colored(struct text_block *block, const char *color, const char *string)
{
    const bool is_colored = block->use_color && color != NULL;
    if (is_colored)
        text_append(&block->text, color);
    text_append(&block->text, string);
    if (is_colored)
        text_append(&block->text, COLOR_END);
}

static void put_endpoint(struct text *text, const struct flow_record *flow, bool is_source)
{
    char address[ADDRESS_TEXT_SIZE];
    const bool has_port = protocol_has_ports(flow->protocol);
    const bool needs_brackets = has_port && flow->ip_version == 6;
    address_text(is_source ? flow->source : flow->destination, flow->ip_version, address);
    text_appendf(text, needs_brackets ? "[%s]" : "%s", address);
    if (has_port)
        text_appendf(text, ":%u", is_source ? flow->source_port : flow->destination_port);
}

static void put_flow_name(struct text *text, const struct flow_record *flow)
{
    const char *name = protocol_name(flow->protocol);
    if (name != NULL)
        text_append(text, name);
    else
        text_appendf(text, "protocol %u", flow->protocol);
    text_append_char(text, ' ');
    put_endpoint(text, flow, true);
    text_append(text, " -> ");
    put_endpoint(text, flow, false);
}

/* Pads what was written since `start` to `width`; counts characters, not bytes. */
static void pad_to(struct text *text, size_t start, size_t width)
{
    size_t characters = 0;
    for (size_t i = start; i < text->length; i++)
        characters += ((unsigned char)text->bytes[i] & 0xc0) != 0x80;
    for (; characters < width; characters++)
        text_append_char(text, ' ');
}

static void put_value(struct text *text, const struct feature_vector *vector, enum feature_id id)
{
    char category[CATEGORY_TEXT_SIZE];
    if (!feature_is_present(vector, id))
        text_append(text, "not measured");
    else if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        text_append(text, feature_category_text(id, vector->value[id], category, sizeof category));
    else
        quantity_append(text, vector->value[id], feature_infos[id].unit, PROSE_DIGITS);
}

/* What is usual, among all flows or those of the service: quantiles of a number, or how often the
 * category is met. */
static void put_usual(struct text *text, const struct evidence *evidence, const char *unit)
{
    if (!evidence->has_quantiles) {
        text_append(text, "  (");
        quantity_append_share(text, evidence->share, TYPICAL_DIGITS);
        text_append(text, evidence->is_of_service ? " of its service's flows)" : " of flows)");
        return;
    }
    text_append(text, evidence->is_of_service ? "  (typical of its service " : "  (typical ");
    quantity_append(text, evidence->median, unit, TYPICAL_DIGITS);
    text_append(text, ", 5 to 95 %: ");
    quantity_append(text, evidence->p05, unit, TYPICAL_DIGITS);
    text_append(text, " to ");
    quantity_append(text, evidence->p95, unit, TYPICAL_DIGITS);
    text_append_char(text, ')');
}

static void put_reason(struct text_block *block, const struct record_reason *reason,
                       const struct feature_vector *vector)
{
    struct text *text = &block->text;
    const enum feature_id id = (enum feature_id)reason->feature;
    const char *unit = feature_infos[id].unit;
    text_append(text, "\n  +");
    text_append_milli(text, reason->contribution_mbits);
    text_append(text, " bits  ");
    const size_t start = text->length;
    text_append(text, feature_infos[id].label);
    pad_to(text, start, LABEL_WIDTH);
    text_append_char(text, ' ');
    put_value(text, vector, id);
    put_usual(text, &reason->evidence, unit);
}

static void put_caveats(struct text_block *block, uint32_t caveats)
{
    const char *separator = "\n  caveats: ";
    for (unsigned bit = 0; bit < RECORD_CAVEAT_COUNT; bit++) {
        if ((caveats >> bit & 1) == 0)
            continue;
        text_append(&block->text, separator);
        text_append(&block->text, record_caveat_name(bit));
        separator = ", ";
    }
}

static void put_incident(struct text_block *block, const struct incident *incident)
{
    if (incident->count <= 1)
        return;
    text_append(&block->text, "\n  incident: ");
    quantity_append_count(&block->text, incident->count);
    text_append(&block->text, " such flows since ");
    utc_time_append(&block->text, incident->first_ns, ' ');
    if (!incident->is_closed)
        return;
    text_append(&block->text, ", the last at ");
    utc_time_append(&block->text, incident->last_ns, ' ');
    text_append(&block->text, "; this was the strongest");
}

enum { WRAP_WIDTH = 96 };

/* Words in lines of at most WRAP_WIDTH characters (a longer word has a line of its own). */
static void put_wrapped(struct text *text, const char *words)
{
    size_t column = WRAP_WIDTH;
    while (*words != '\0') {
        const size_t length = strcspn(words, " ");
        const bool fits = column + 1 + length <= WRAP_WIDTH;
        text_append(text, fits ? " " : "\n    ");
        text_append_bytes(text, words, length);
        column = (fits ? column + 1 : 0) + length;
        words += length + (words[length] == ' ');
    }
}

static void put_sections(struct text_block *block, const struct record *record)
{
    struct section sections[SECTION_COUNT];
    sections_write(record, sections);
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        if (sections[i].text[0] == '\0')
            continue;
        text_append(&block->text, "\n  ");
        put_colored(block, COLOR_STRONG, sections[i].title);
        put_wrapped(&block->text, sections[i].text);
    }
}

static void put_alert(struct text_block *block, const struct record *record)
{
    const struct record_flow_part *part = &record->as.flow.part;
    const struct explanation *explanation = &record->as.flow.explanation;
    struct text *text = &block->text;
    if (block->use_color)
        text_append(text, COLOR_STRONG);
    utc_time_append(text, record->timestamp_ns, ' ');
    text_append(text, "  ");
    put_flow_name(text, &part->flow);
    if (block->use_color)
        text_append(text, COLOR_END);
    text_append(text, "\n  score ");
    text_append_milli(text, part->verdict.score_mbits);
    text_append(text, " bits, typical ");
    text_append_milli(text, part->verdict.typical_mbits);
    text_append(text, "; 1 in ");
    quantity_append_count(text, explanation->rank);
    text_append(text, explanation->rank == 1 ? " flow" : " flows");
    for (uint32_t i = 0; i < explanation->summary_count; i++) {
        text_append(text, "\n  ");
        put_colored(block, i == 1 ? COLOR_HIGH : NULL, explanation->summary[i]);
    }
    for (uint32_t i = 0; i < explanation->reason_count; i++)
        put_reason(block, &explanation->reasons[i], &part->features);
    put_incident(block, &part->incident);
    put_caveats(block, part->caveats);
    if (block->is_verbose)
        put_sections(block, record);
    text_append_char(text, '\n'); /* an empty line between blocks */
}

static void put_flow_line(struct text_block *block, const struct record *record)
{
    const struct record_flow_part *part = &record->as.flow.part;
    const struct flow_direction *forward = &part->flow.direction[FLOW_FORWARD];
    const struct flow_direction *reverse = &part->flow.direction[FLOW_REVERSE];
    struct text *text = &block->text;
    utc_time_append(text, record->timestamp_ns, ' ');
    text_append(text, "  ");
    put_flow_name(text, &part->flow);
    text_append(text, "  ");
    quantity_append(text, (double)forward->packets, "packets", PROSE_DIGITS);
    text_append(text, ", ");
    quantity_append_size(text, (double)forward->ip_bytes, PROSE_DIGITS);
    text_append(text, " out; ");
    quantity_append(text, (double)reverse->packets, "packets", PROSE_DIGITS);
    text_append(text, ", ");
    quantity_append_size(text, (double)reverse->ip_bytes, PROSE_DIGITS);
    text_append(text, " back  score ");
    text_append_milli(text, part->verdict.score_mbits);
}

static void put_row(struct text_block *block, const char *label)
{
    const size_t start = block->text.length + 1;
    text_append_char(&block->text, '\n');
    text_append(&block->text, "  ");
    text_append(&block->text, label);
    pad_to(&block->text, start, 22);
}

static void put_count_row(struct text_block *block, const char *label, uint64_t count)
{
    put_row(block, label);
    quantity_append_count(&block->text, count);
}

static void put_part(struct text *text, const char *separator, uint64_t count, const char *name)
{
    text_append(text, separator);
    quantity_append_count(text, count);
    text_append_char(text, ' ');
    text_append(text, name);
}

static void put_traffic(struct text_block *block, const struct statistics *statistics)
{
    struct text *text = &block->text;
    const int64_t time_ns = statistics->now_ns - statistics->start_ns;
    put_count_row(block, "packets", statistics->capture.read);
    put_part(text, " (", statistics->packets.in_flows, "in flows");
    put_part(text, ", ", statistics->capture.read - statistics->packets.in_flows, "refused)");
    put_row(block, "bytes");
    quantity_append_size(text, (double)statistics->capture.read_bytes, PROSE_DIGITS);
    if (!statistics->has_time || time_ns <= 0)
        return;
    put_row(block, "time");
    quantity_append_time(text, (double)time_ns / 1e3, PROSE_DIGITS);
    put_row(block, "rate");
    quantity_append(text, (double)statistics->capture.read / ((double)time_ns / 1e9), "packets/s",
                    PROSE_DIGITS);
}

static void put_refusals(struct text_block *block, const struct packet_counters *packets)
{
    for (int reason = PACKET_ACCEPTED + 1; reason < PACKET_REFUSAL_COUNT; reason++) {
        if (packets->refused[reason] == 0)
            continue;
        put_row(block, "  refused");
        put_part(&block->text, "", packets->refused[reason],
                 packet_refusal_name((enum packet_refusal)reason));
    }
}

static void put_flows(struct text_block *block, const struct statistics *statistics)
{
    struct text *text = &block->text;
    const struct flow_counters *flows = &statistics->flows;
    put_count_row(block, "flows", flows->opened);
    put_part(text, " (", flows->opened_tcp, "TCP");
    put_part(text, ", ", flows->opened_udp, "UDP");
    put_part(text, ", ", flows->opened_icmp, "ICMP");
    put_part(text, ", ", flows->opened_other, "other)");
    if (statistics->capture.is_live) {
        put_count_row(block, "dropped by the kernel", statistics->capture.kernel_dropped);
        put_count_row(block, "dropped by interface", statistics->capture.interface_dropped);
    }
    if (flows->evicted > 0)
        put_count_row(block, "evicted flows", flows->evicted);
    if (statistics->records.lost > 0)
        put_count_row(block, "records lost", statistics->records.lost);
}

static void put_statistics(struct text_block *block, const struct statistics *statistics,
                           const struct format_context *context)
{
    const struct engine_counters *engine = &statistics->engine;
    put_colored(block, COLOR_STRONG, statistics->is_final ? "Summary" : "So far");
    put_traffic(block, statistics);
    put_refusals(block, &statistics->packets);
    put_flows(block, statistics);
    put_count_row(block, "flagged flows", engine->flagged);
    put_count_row(block, "incidents", engine->incidents);
    if (engine->notable > 0)
        put_count_row(block, "notable, over budget", engine->notable);
    if (engine->suppressed > 0)
        put_count_row(block, "suppressed", engine->suppressed);
    text_append_char(&block->text, '\n');
    if (engine->scored == 0)
        put_colored(block, COLOR_QUIET, "No flow was seen.");
    else if (engine->cold == engine->scored && engine->flagged == 0)
        put_colored(block, COLOR_QUIET, "No flow was judged: the warm-up was not over.");
    else if (engine->flagged == 0 || context->nothing_stands_out)
        put_colored(block, COLOR_QUIET, "Nothing stood out from the rest.");
    else
        put_colored(block, COLOR_QUIET,
                    "A flagged flow is unusual compared with the others; no more is said.");
}

bool format_text(const struct record *record, const struct format_context *context, char *line,
                 size_t size, size_t *length)
{
    struct text_block block = {text_init(line, size), context->use_color, context->is_verbose};
    if (record->kind == RECORD_ALERT)
        put_alert(&block, record);
    else if (record->kind == RECORD_FLOW)
        put_flow_line(&block, record);
    else if (record->as.statistics.is_final)
        put_statistics(&block, &record->as.statistics, context);
    *length = block.text.length;
    return !block.text.is_full;
}
