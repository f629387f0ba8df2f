/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the comparison: grade, reasons, the notes and what would have to be otherwise.
 * Constant data and pure functions. */
#include "explain/prose_field.h"

#include <ctype.h>
#include <string.h>

enum { CATEGORY_TEXT_SIZE = 64 };

static const double UNUSUAL_P = 1e-3;
static const double VERY_UNUSUAL_P = 1e-4;

/* "3.2 bits": one decimal tells enough of a part. */
static void put_bits(int32_t mbits, struct text *text)
{
    text_appendf(text, "%.1f bits", mbits / 1e3);
}

/* Comparison. */

static const char *grade_of(const struct prose_facts *facts)
{
    const double p_value = facts->part->verdict.p_value;
    if (p_value <= VERY_UNUSUAL_P)
        return "very unusual";
    return p_value <= UNUSUAL_P ? "unusual" : "somewhat unusual";
}

static void put_grade(const struct prose_facts *facts, struct text *text)
{
    text_append(text, grade_of(facts));
}

static void put_capital_grade(const struct prose_facts *facts, struct text *text)
{
    const char *grade = grade_of(facts);
    text_append_char(text, (char)toupper((unsigned char)grade[0]));
    text_append(text, grade + 1);
}

static void put_compared(const struct prose_facts *facts, struct text *text)
{
    const uint64_t flows = facts->explanation->baseline.flows;
    quantity_append_count(text, flows);
    text_append(text, flows == 1 ? " flow" : " flows");
}

static void put_rank(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, facts->explanation->rank);
}

/* Reasons: the label, the value, and what is typical. */

struct told_reason {
    const struct record_reason *reason;
    const struct feature_info *info;
    enum feature_id id;
    bool is_measured;
};

static struct told_reason tell(const struct prose_facts *facts, uint32_t index)
{
    const struct record_reason *reason = &facts->explanation->reasons[index];
    const enum feature_id id = (enum feature_id)reason->feature;
    return (struct told_reason){
        .reason = reason,
        .info = &feature_infos[id],
        .id = id,
        .is_measured = feature_is_present(&facts->part->features, id),
    };
}

/* The service that the compared flows are of. */
static void put_service_code(const struct prose_facts *facts, struct text *text)
{
    char service[CATEGORY_TEXT_SIZE];
    const double code = facts->part->features.value[FEATURE_SERVICE];
    text_append(text, feature_category_text(FEATURE_SERVICE, code, service, sizeof service));
}

/* "0.21 % of flows", "0.21 % of tcp/443 flows" */
static void put_seen_share(const struct prose_facts *facts, const struct evidence *evidence,
                           struct text *text)
{
    quantity_append_share(text, evidence->share, PROSE_TYPICAL_DIGITS);
    text_append(text, " of ");
    if (evidence->is_of_service) {
        put_service_code(facts, text);
        text_append_char(text, ' ');
    }
    text_append(text, "flows");
}

/* A category nobody else had: "in no other flow", "in no tcp/443 flow before" */
static void put_unseen(const struct prose_facts *facts, const struct evidence *evidence,
                       struct text *text)
{
    const bool is_whole = facts->explanation->baseline.is_whole_capture;
    if (!evidence->is_of_service) {
        text_append(text, is_whole ? "in no other flow" : "never before");
        return;
    }
    text_append(text, is_whole ? "in no other " : "in no ");
    put_service_code(facts, text);
    text_append(text, is_whole ? " flow" : " flow before");
}

static void put_missing(const struct prose_facts *facts, const struct told_reason *told,
                        struct text *text)
{
    text_appendf(text, "%s not measured", told->info->label);
    if (told->reason->evidence.share <= 0)
        return;
    text_append(text, " (as in ");
    put_seen_share(facts, &told->reason->evidence, text);
    text_append_char(text, ')');
}

static void put_category(const struct prose_facts *facts, const struct told_reason *told,
                         struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const double code = facts->part->features.value[told->id];
    feature_category_text(told->id, code, category, sizeof category);
    text_appendf(text, "%s '%s' (", told->info->label, category);
    if (told->reason->evidence.share <= 0)
        put_unseen(facts, &told->reason->evidence, text);
    else
        put_seen_share(facts, &told->reason->evidence, text);
    text_append_char(text, ')');
}

/* "packets sent 2,044", not "packets sent 2,044 packets"; bytes keep theirs, being scaled. */
static const char *unit_after_label(const struct feature_info *info)
{
    const bool is_named = strstr(info->label, info->unit) != NULL;
    return is_named && strcmp(info->unit, "bytes") != 0 ? "" : info->unit;
}

static void put_amount(const struct told_reason *told, double amount, unsigned digits,
                       struct text *text)
{
    if (strstr(told->info->name, "_share") != NULL)
        quantity_append_share(text, amount, digits);
    else
        quantity_append(text, amount, unit_after_label(told->info), digits);
}

static void put_value(const struct prose_facts *facts, const struct told_reason *told,
                      struct text *text)
{
    text_append(text, told->info->label);
    text_append_char(text, ' ');
    put_amount(told, facts->part->features.value[told->id], PROSE_VALUE_DIGITS, text);
}

/* Quantiles end where the feature's axis does; only the variation of intervals goes beyond it. */
static void put_typical(const struct told_reason *told, double typical, struct text *text)
{
    put_amount(told, typical, PROSE_TYPICAL_DIGITS, text);
    if (told->id == FEATURE_INTERVAL_CV && typical >= told->info->high)
        text_append(text, " or more");
}

/* "typical 310 bytes", "typical of tcp/443: 310 bytes" */
static void put_median(const struct prose_facts *facts, const struct told_reason *told,
                       struct text *text)
{
    text_append(text, "typical ");
    if (told->reason->evidence.is_of_service) {
        text_append(text, "of ");
        put_service_code(facts, text);
        text_append(text, ": ");
    }
    put_typical(told, told->reason->evidence.median, text);
}

static void put_reason_briefly(const struct prose_facts *facts, uint32_t index, struct text *text)
{
    const struct told_reason told = tell(facts, index);
    if (!told.is_measured) {
        put_missing(facts, &told, text);
    } else if (told.info->scale == FEATURE_SCALE_CATEGORY) {
        put_category(facts, &told, text);
    } else {
        put_value(facts, &told, text);
        if (!told.reason->evidence.has_quantiles)
            return;
        text_append(text, " (");
        put_median(facts, &told, text);
        text_append_char(text, ')');
    }
}

static void put_reasons(const struct prose_facts *facts, struct text *text)
{
    const struct explanation *explanation = facts->explanation;
    unsigned count = 0;
    while (count < facts->reasons_told &&
           prose_reason_index(explanation, count) < explanation->reason_count)
        count++;
    if (count == 0) {
        text_append(text, "no single feature leads");
        return;
    }
    for (unsigned n = 0; n < count; n++) {
        if (n > 0)
            text_append(text, n + 1 == count ? " and " : ", ");
        put_reason_briefly(facts, prose_reason_index(explanation, n), text);
    }
}

/* With the end of what is usual on the side where the value lies. */
static void put_reason_of(const struct prose_facts *facts, uint32_t index, struct text *text)
{
    const struct told_reason told = tell(facts, index);
    const struct evidence *evidence = &told.reason->evidence;
    const bool is_numeric = told.is_measured && told.info->scale != FEATURE_SCALE_CATEGORY;
    if (!is_numeric || !evidence->has_quantiles) {
        put_reason_briefly(facts, index, text);
        return;
    }
    const bool is_low = evidence->direction == EVIDENCE_LOW;
    put_value(facts, &told, text);
    text_append(text, " (");
    put_median(facts, &told, text);
    text_append(text, is_low ? ", 95 % at least " : ", 95 % at most ");
    put_typical(&told, is_low ? evidence->p05 : evidence->p95, text);
    text_append_char(text, ')');
}

static void put_reason_in_full(const struct prose_facts *facts, unsigned n, struct text *text)
{
    put_reason_of(facts, prose_reason_index(facts->explanation, n), text);
}

static void put_first_reason(const struct prose_facts *facts, struct text *text)
{
    put_reason_in_full(facts, 0, text);
}

/* "Bytes sent 2.82 MB (typical 310 bytes, 95 % at most 26 kB): 5.1 bits." of every reason. */
static void put_all_reasons(const struct prose_facts *facts, struct text *text)
{
    const struct explanation *explanation = facts->explanation;
    for (uint32_t i = 0; i < explanation->reason_count; i++) {
        const size_t start = text->length + (i > 0);
        text_append(text, i > 0 ? " " : "");
        put_reason_of(facts, i, text);
        if (start < text->length)
            text->bytes[start] = (char)toupper((unsigned char)text->bytes[start]);
        text_append(text, ": ");
        put_bits(explanation->reasons[i].contribution_mbits, text);
        text_append_char(text, '.');
    }
}

static void put_score(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->part->verdict.score_mbits, text);
}

static void put_typical_score(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->part->verdict.typical_mbits, text);
}

static void put_benign(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->benign.text);
}

static void put_suspicious(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->suspicious.text);
}

static void put_combination(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->combination_text);
}

static void put_counterfactual(const struct prose_facts *facts, struct text *text)
{
    text_append(text, facts->explanation->counterfactual_text);
}

static void put_second_reason(const struct prose_facts *facts, struct text *text)
{
    put_reason_in_full(facts, 1, text);
}

static void put_service_bits(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->explanation->combination.service_mbits, text);
}

static void put_value_bits(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->explanation->combination.value_mbits, text);
}

static void put_together_bits(const struct prose_facts *facts, struct text *text)
{
    put_bits(facts->explanation->combination.together_mbits, text);
}

static void put_combined_flows(const struct prose_facts *facts, struct text *text)
{
    quantity_append_count(text, facts->explanation->combination.service_flows);
    text_append(text, " flows");
}

static void put_combined_service(const struct prose_facts *facts, struct text *text)
{
    put_service_code(facts, text);
}

/* "duration 3.01 s", "direction 'out_to_in'" */
static void put_combined_value(const struct prose_facts *facts, struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const enum feature_id id = (enum feature_id)facts->explanation->combination.feature;
    const struct told_reason told = {.info = &feature_infos[id], .id = id, .is_measured = true};
    const double code = facts->part->features.value[id];
    if (told.info->scale != FEATURE_SCALE_CATEGORY)
        put_value(facts, &told, text);
    else
        text_appendf(text, "%s '%s'", told.info->label,
                     feature_category_text(id, code, category, sizeof category));
}

static void put_feature_value(enum feature_id id, double value, unsigned digits, struct text *text)
{
    char category[CATEGORY_TEXT_SIZE];
    const struct told_reason told = {.info = &feature_infos[id], .id = id, .is_measured = true};
    if (told.info->scale != FEATURE_SCALE_CATEGORY)
        put_amount(&told, value, digits, text);
    else
        text_appendf(text, "'%s'", feature_category_text(id, value, category, sizeof category));
}

/* "Had bytes sent been 310 bytes, not 2.82 MB, and ..." */
static void put_changes(const struct prose_facts *facts, struct text *text)
{
    const struct record_counterfactual *const counterfactual = &facts->explanation->counterfactual;
    text_append(text, "Had ");
    for (uint32_t i = 0; i < counterfactual->change_count; i++) {
        const struct record_change *const change = &counterfactual->changes[i];
        const enum feature_id id = (enum feature_id)change->feature;
        text_append(text, i == 0 ? "" : i + 1 == counterfactual->change_count ? " and " : ", ");
        text_append(text, feature_infos[id].label);
        text_append(text, i == 0 ? " been " : " ");
        put_feature_value(id, change->to, PROSE_TYPICAL_DIGITS, text);
        if (!change->has_from)
            continue;
        text_append(text, " (not ");
        put_feature_value(id, change->from, PROSE_VALUE_DIGITS, text);
        text_append_char(text, ')');
    }
}

/* As exact as the record: a score may lie closely below the threshold. */
static void put_score_bits(int32_t mbits, struct text *text)
{
    text_append_milli(text, mbits);
}

static void put_changed_score(const struct prose_facts *facts, struct text *text)
{
    put_score_bits(facts->explanation->counterfactual.score_mbits, text);
    text_append(text, " bits");
}

static void put_threshold(const struct prose_facts *facts, struct text *text)
{
    put_score_bits(facts->explanation->counterfactual.threshold_mbits, text);
}

static const struct prose_field fields[] = {
    {"service_bits", put_service_bits},
    {"value_bits", put_value_bits},
    {"together_bits", put_together_bits},
    {"combined_flows", put_combined_flows},
    {"combined_service", put_combined_service},
    {"combined_value", put_combined_value},
    {"changes", put_changes},
    {"changed_score", put_changed_score},
    {"threshold", put_threshold},
    {"all_reasons", put_all_reasons},
    {"score", put_score},
    {"typical_score", put_typical_score},
    {"ordinary_cause", put_benign},
    {"closer_look", put_suspicious},
    {"combination", put_combination},
    {"counterfactual", put_counterfactual},
    {"grade", put_grade},
    {"Grade", put_capital_grade},
    {"compared", put_compared},
    {"rank", put_rank},
    {"reasons", put_reasons},
    {"first_reason", put_first_reason},
    {"second_reason", put_second_reason},
};

const struct prose_fields prose_fields_reason = {fields, sizeof fields / sizeof fields[0]};
