/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a person at a terminal: a block for each flagged flow, a line for any other, and at the
 * end a table (plain_statistics.c). Called by the emitter thread (or a tool); no state.
 *
 * A block says, in this order: who, to whom, when, and how unusual that is or what it resembles;
 * what the flow is; why, a line each; its surroundings; what was not seen. All numbers of a flow
 * are in its record: what is left out here is what a tired reader does not miss. */
#include "format/format.h"

#include "base/address.h"
#include "base/protocol.h"
#include "base/quantity.h"
#include "base/text.h"
#include "format/plain_block.h"
#include "format/utc_time.h"
#include "whyflow/sections.h"

#include <string.h>

enum {
    PARAGRAPH_SIZE = 1024,
    CATEGORY_TEXT_SIZE = 64,
    PROSE_DIGITS = 3,
    TYPICAL_DIGITS = 2,
    REASONS_TOLD_MAX = 4,    /* of a surprise */
    SECONDS_TEXT_LENGTH = 19 /* of a time, without its fraction */
};

/* The lines of explanation.summary. */
enum { SUMMARY_WHAT, SUMMARY_UNUSUAL };

static const struct plain_margin heading_margin = {0, 4};
static const struct plain_margin body_margin = {2, 2};
static const struct plain_margin list_margin = {4, 6};

static void put_endpoint(struct text *text, const struct flow_record *flow, bool is_source)
{
    const bool has_port = protocol_has_ports(flow->protocol);
    const bool needs_brackets = has_port && flow->ip_version == 6;
    text_append(text, needs_brackets ? "[" : "");
    plain_put_address(text, is_source ? flow->source : flow->destination, flow->ip_version);
    text_append(text, needs_brackets ? "]" : "");
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

/* Whole seconds: who looks for the packets has the record. */
static void put_time(struct text *text, int64_t time_ns)
{
    char bytes[64];
    struct text time = text_init(bytes, sizeof bytes);
    utc_time_append(&time, time_ns, ' ');
    text_append_bytes(text, bytes,
                      time.length < SECONDS_TEXT_LENGTH ? time.length : SECONDS_TEXT_LENGTH);
}

/* ---- reasons ---- */

/* Shares are told in per cent; other ratios are numbers. */
static void put_amount(struct text *text, enum feature_id id, double value, unsigned digits)
{
    const struct feature_info *const info = &feature_infos[id];
    if (strcmp(info->unit, "ratio") == 0 && info->high == 1)
        quantity_append_share(text, value, digits);
    else
        quantity_append(text, value, info->unit, digits);
}

static void put_value(struct text *text, const struct feature_vector *vector, enum feature_id id)
{
    char category[CATEGORY_TEXT_SIZE];
    if (!feature_is_present(vector, id))
        text_append(text, "not measured");
    else if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        text_append(text, feature_category_text(id, vector->value[id], category, sizeof category));
    else
        put_amount(text, id, vector->value[id], PROSE_DIGITS);
}

/* What is usual, among all flows or those of the service: quantiles of a number, or how often the
 * category is met. */
static void put_usual(struct text *text, const struct evidence *evidence, enum feature_id id)
{
    if (!evidence->has_quantiles && evidence->share <= 0) {
        text_append(text, evidence->is_of_service ? ", as in no other flow of its service"
                                                  : ", as in no other flow");
        return;
    }
    if (!evidence->has_quantiles) {
        text_append(text, ", as in ");
        quantity_append_share(text, evidence->share, TYPICAL_DIGITS);
        text_append(text, evidence->is_of_service ? " of its service's flows" : " of flows");
        return;
    }
    text_append(text, evidence->is_of_service ? ", usual for its service " : ", usual ");
    put_amount(text, id, evidence->median, TYPICAL_DIGITS);
    text_append(text, " (mostly ");
    put_amount(text, id, evidence->p05, TYPICAL_DIGITS);
    text_append(text, " to ");
    put_amount(text, id, evidence->p95, TYPICAL_DIGITS);
    text_append_char(text, ')');
}

static void put_reason(struct plain_block *block, const struct record_reason *reason,
                       const struct feature_vector *vector)
{
    char bytes[PARAGRAPH_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    const enum feature_id id = (enum feature_id)reason->feature;
    text_appendf(&text, "- %s: ", feature_infos[id].label);
    put_value(&text, vector, id);
    put_usual(&text, &reason->evidence, id);
    plain_put_paragraph(block, list_margin, PLAIN_HIGH, bytes);
}

static void put_evidence_amount(struct text *text, const char *unit, double amount)
{
    if (strcmp(unit, "s") == 0)
        quantity_append_time(text, amount * 1e6, PROSE_DIGITS);
    else if (strcmp(unit, "bytes") == 0)
        quantity_append_size(text, amount, PROSE_DIGITS);
    else
        quantity_append(text, amount, "", PROSE_DIGITS);
}

/* A condition that held. Of what is yes or no the label says all, and a no goes without saying. */
static void put_condition(struct plain_block *block, const struct behaviour_evidence *evidence)
{
    char bytes[PARAGRAPH_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    const struct behaviour_quantity *const quantity = &behaviour_quantities[evidence->quantity];
    const bool is_yes_or_no = strcmp(quantity->unit, "yes") == 0;
    if (is_yes_or_no && evidence->is_most)
        return;
    text_appendf(&text, "- %s", quantity->label);
    if (!is_yes_or_no) {
        text_append(&text, ": ");
        put_evidence_amount(&text, quantity->unit, evidence->value);
        text_append(&text, evidence->is_most ? " (at most " : " (at least ");
        put_evidence_amount(&text, quantity->unit, evidence->limit);
        text_append_char(&text, ')');
    }
    plain_put_paragraph(block, list_margin, PLAIN_HIGH, bytes);
}

/* ---- a block ---- */

static bool is_about_behaviour(const struct record_flow_part *part)
{
    return part->verdict.flagged_by == FLAGGED_BY_BEHAVIOUR &&
           part->finding.behaviour != BEHAVIOUR_NONE;
}

static void put_heading(struct plain_block *block, const struct record *record)
{
    const struct record_flow_part *const part = &record->as.flow.part;
    char bytes[PARAGRAPH_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    put_flow_name(&text, &part->flow);
    text_append(&text, ", ");
    put_time(&text, part->flow.first_ns);
    text_append(&text, " UTC");
    if (is_about_behaviour(part)) {
        text_appendf(&text, ": resembles %s", behaviour_infos[part->finding.behaviour].label);
    } else {
        text_append(&text, ": 1 in ");
        quantity_append_count(&text, record->as.flow.explanation.rank);
        text_append(&text, record->as.flow.explanation.rank == 1 ? " flow" : " flows");
    }
    plain_put_paragraph(block, heading_margin, PLAIN_STRONG, bytes);
}

/* The first sentence of the summary says with how many flows it is compared; what follows it are
 * reasons, which stand below as a list. */
static void put_comparison(struct plain_block *block, const struct explanation *explanation)
{
    char bytes[PARAGRAPH_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    if (explanation->summary_count <= SUMMARY_UNUSUAL)
        return;
    const char *const line = explanation->summary[SUMMARY_UNUSUAL];
    const char *const end = strstr(line, ". ");
    text_append_bytes(&text, line, end != NULL ? (size_t)(end - line) + 1 : strlen(line));
    plain_put_paragraph(block, body_margin, PLAIN_ORDINARY, bytes);
}

static void put_surprise(struct plain_block *block, const struct record *record)
{
    const struct explanation *const explanation = &record->as.flow.explanation;
    put_comparison(block, explanation);
    for (uint32_t i = 0; i < explanation->reason_count && i < REASONS_TOLD_MAX; i++)
        put_reason(block, &explanation->reasons[i], &record->as.flow.part.features);
}

static void put_behaviour(struct plain_block *block, const struct record *record)
{
    const struct behaviour_finding *const finding = &record->as.flow.part.finding;
    char bytes[PARAGRAPH_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    text_append(&text, "The flows up to this one show (by itself it scores as 1 in ");
    quantity_append_count(&text, record->as.flow.explanation.rank);
    text_append(&text, "):");
    plain_put_paragraph(block, body_margin, PLAIN_ORDINARY, bytes);
    for (unsigned i = 0; i < finding->evidence_count; i++)
        put_condition(block, &finding->evidence[i]);
}

static void put_incident(struct plain_block *block, const struct incident *incident)
{
    char bytes[PARAGRAPH_SIZE];
    struct text text = text_init(bytes, sizeof bytes);
    if (incident->count <= 1)
        return;
    text_append(&text, "Incident: ");
    quantity_append_count(&text, incident->count);
    text_append(&text, incident->is_closed ? " such flows, noticed from "
                                           : " such flows so far, noticed from ");
    put_time(&text, incident->first_ns);
    text_append(&text, " to ");
    put_time(&text, incident->last_ns);
    text_append(&text, incident->is_closed ? "; this was the strongest." : ".");
    plain_put_paragraph(block, body_margin, PLAIN_STRONG, bytes);
}

static void put_sections(struct plain_block *block, const struct record *record)
{
    struct section sections[SECTION_COUNT];
    sections_write(record, sections);
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        if (sections[i].text[0] == '\0')
            continue;
        plain_put_paragraph(block, body_margin, PLAIN_STRONG, sections[i].title);
        plain_put_paragraph(block, list_margin, PLAIN_ORDINARY, sections[i].text);
    }
}

static void put_alert(struct plain_block *block, const struct record *record, bool is_verbose)
{
    const struct explanation *const explanation = &record->as.flow.explanation;
    put_heading(block, record);
    if (explanation->summary_count > SUMMARY_WHAT)
        plain_put_paragraph(block, body_margin, PLAIN_ORDINARY, explanation->summary[SUMMARY_WHAT]);
    if (is_about_behaviour(&record->as.flow.part))
        put_behaviour(block, record);
    else
        put_surprise(block, record);
    for (uint32_t i = SUMMARY_UNUSUAL + 1; i < explanation->summary_count; i++)
        plain_put_paragraph(block, body_margin, PLAIN_QUIET, explanation->summary[i]);
    put_incident(block, &record->as.flow.part.incident);
    if (is_verbose)
        put_sections(block, record);
    text_append_char(&block->text, '\n'); /* an empty line between blocks */
}

static void put_flow_line(struct text *text, const struct record *record)
{
    const struct record_flow_part *part = &record->as.flow.part;
    const struct flow_direction *forward = &part->flow.direction[FLOW_FORWARD];
    const struct flow_direction *reverse = &part->flow.direction[FLOW_REVERSE];
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

bool format_text(const struct record *record, const struct format_context *context, char *line,
                 size_t size, size_t *length)
{
    struct plain_block block = {text_init(line, size), context->use_color};
    if (record->kind == RECORD_ALERT)
        put_alert(&block, record, context->is_verbose);
    else if (record->kind == RECORD_FLOW)
        put_flow_line(&block.text, record);
    else if (record->as.statistics.is_final)
        plain_put_statistics(&block, &record->as.statistics, context->nothing_stands_out);
    *length = block.text.length;
    return !block.text.is_full;
}
