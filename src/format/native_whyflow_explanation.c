/* SPDX-License-Identifier: Apache-2.0 */
/* What only an alert has under `whyflow`: why it was flagged. Called by native_flow.c, on the
 * emitter thread; no state. */
#include "format/native_whyflow.h"

#include <math.h>
#include <string.h>

enum { HASH_TEXT_SIZE = 17, BEHAVIOUR_ID_SIZE = 16 };
enum { REASONS_AFTER_CUT = 3, SUMMARY_LINES_AFTER_CUT = 2 };

static const char *confidence_name(double effective_flows)
{
    if (effective_flows < 500)
        return "low";
    return effective_flows < 5000 ? "medium" : "high";
}

static const char *scope_name(const struct baseline_summary *baseline)
{
    if (baseline->is_whole_capture)
        return "capture";
    return baseline->is_saved ? "saved" : "history";
}

static void write_baseline(struct json_writer *json, const struct baseline_summary *baseline)
{
    json_open_object(json, "baseline");
    json_text(json, "scope", scope_name(baseline));
    json_uint(json, "n", baseline->flows);
    if (baseline->flows > 0)
        json_time(json, "since", baseline->since_ns);
    json_text(json, "confidence", confidence_name(baseline->effective_flows));
    json_close_object(json);
}

/* All that add to the sum, also of features that were missing: missing is a bin of its own. */
static void write_contributions(struct json_writer *json, const struct record_flow_part *part)
{
    json_open_object(json, "contrib");
    for (int id = 0; id < FEATURE_COUNT; id++) {
        const int32_t contribution = part->verdict.contribution_mbits[id];
        if (contribution != 0 || feature_is_present(&part->features, (enum feature_id)id))
            json_milli(json, feature_infos[id].name, contribution);
    }
    json_close_object(json);
}

static const char *direction_name(uint8_t direction)
{
    switch ((enum evidence_direction)direction) {
    case EVIDENCE_HIGH:
        return "high";
    case EVIDENCE_LOW:
        return "low";
    case EVIDENCE_RARE:
        return "rare";
    default:
        return "new";
    }
}

static void write_reason(struct json_writer *json, const struct record_reason *reason,
                         const struct feature_vector *vector)
{
    const enum feature_id id = (enum feature_id)reason->feature;
    const struct evidence *evidence = &reason->evidence;
    json_open_object(json, NULL);
    json_text(json, "feature", feature_infos[id].name);
    json_text(json, "label", feature_infos[id].label);
    if (feature_is_present(vector, id))
        native_write_feature_value(json, "value", id, vector->value[id]);
    if (feature_infos[id].scale != FEATURE_SCALE_CATEGORY)
        json_text(json, "unit", feature_infos[id].unit);
    if (evidence->has_quantiles) {
        json_double(json, "typical", evidence->median);
        json_double(json, "p05", evidence->p05);
        json_double(json, "p95", evidence->p95);
    }
    json_uint(json, "n", evidence->count);
    json_text(json, "among", evidence->is_of_service ? "service" : "all");
    json_text(json, "direction", direction_name(evidence->direction));
    json_milli(json, "bits", reason->contribution_mbits);
    json_milli(json, "share", llround(reason->share * 1000));
    if (!evidence->has_quantiles || !feature_is_present(vector, id))
        json_double(json, "seen_share", evidence->share);
    json_close_object(json);
}

static void write_reasons(struct json_writer *json, const struct explanation *explanation,
                          const struct feature_vector *vector, uint32_t count)
{
    json_open_array(json, "reasons");
    for (uint32_t i = 0; i < count; i++)
        write_reason(json, &explanation->reasons[i], vector);
    json_close_array(json);
}

static void write_names(struct json_writer *json, const struct explanation *explanation)
{
    json_open_array(json, "top_features");
    for (uint32_t i = 0; i < explanation->reason_count; i++)
        json_text(json, NULL, feature_infos[explanation->reasons[i].feature].name);
    json_close_array(json);
    json_open_array(json, "most_informative");
    for (uint32_t i = 0; i < explanation->informative_count; i++)
        json_text(json, NULL, feature_infos[explanation->informative[i]].name);
    json_close_array(json);
}

static uint32_t at_most(uint32_t count, uint32_t limit)
{
    return count < limit ? count : limit;
}

void native_write_ids(struct json_writer *json, const char *key, const char *ids)
{
    char id[BEHAVIOUR_ID_SIZE];
    json_open_array(json, key);
    while (*ids != '\0') {
        const size_t length = strcspn(ids, " ");
        struct text text = text_init(id, sizeof id);
        text_append_bytes(&text, ids, length);
        json_text(json, NULL, id);
        ids += length + (ids[length] == ' ');
    }
    json_close_array(json);
}

static void write_condition(struct json_writer *json, const struct behaviour_evidence *evidence,
                            enum native_cut cut)
{
    const struct behaviour_quantity *const quantity = &behaviour_quantities[evidence->quantity];
    json_open_object(json, NULL);
    json_text(json, "quantity", quantity->name);
    if (cut < NATIVE_CUT_NAMES)
        json_text(json, "label", quantity->label);
    json_double(json, "value", round(evidence->value * 1e3) / 1e3);
    json_double(json, evidence->is_most ? "at_most" : "at_least", evidence->limit);
    json_text(json, "unit", quantity->unit);
    json_close_object(json);
}

static void write_evidence(struct json_writer *json, const struct behaviour_finding *finding,
                           enum native_cut cut)
{
    json_open_array(json, "evidence");
    for (unsigned i = 0; i < finding->evidence_count; i++)
        write_condition(json, &finding->evidence[i], cut);
    json_close_array(json);
    json_time(json, "since", finding->since_ns);
}

/* Empty where evidence for a known behaviour is insufficient. */
static void write_resembles(struct json_writer *json, const struct behaviour_finding *finding,
                            enum native_cut cut)
{
    json_open_object(json, "resembles");
    if (finding->behaviour != BEHAVIOUR_NONE) {
        const struct behaviour_info *const info = &behaviour_infos[finding->behaviour];
        json_text(json, "behaviour", info->name);
        if (cut < NATIVE_CUT_BARE) {
            native_write_ids(json, "technique", info->techniques);
            write_evidence(json, finding, cut);
        }
    }
    json_close_object(json);
}

static void write_prose(struct json_writer *json, const struct explanation *explanation,
                        uint32_t summary_count)
{
    json_text(json, "text", explanation->text);
    json_open_array(json, "summary");
    for (uint32_t i = 0; i < summary_count; i++)
        json_text(json, NULL, explanation->summary[i]);
    json_close_array(json);
}

static void write_reading(struct json_writer *json, const char *key,
                          const struct record_reading *reading)
{
    if (reading->text[0] == '\0')
        return;
    json_open_object(json, key);
    json_text(json, "text", reading->text);
    json_open_array(json, "for");
    for (uint32_t i = 0; i < reading->fact_count; i++)
        json_text(json, NULL, reading->facts[i]);
    json_close_array(json);
    json_close_object(json);
}

static void write_readings(struct json_writer *json, const struct explanation *explanation)
{
    if (explanation->benign.text[0] == '\0' && explanation->suspicious.text[0] == '\0')
        return;
    json_open_object(json, "readings");
    write_reading(json, "benign", &explanation->benign);
    write_reading(json, "suspicious", &explanation->suspicious);
    json_close_object(json);
}

static void write_combination(struct json_writer *json, const struct explanation *explanation)
{
    const struct record_combination *const combination = &explanation->combination;
    if (!combination->is_there)
        return;
    json_open_object(json, "combination");
    json_open_array(json, "features");
    json_text(json, NULL, feature_infos[FEATURE_SERVICE].name);
    json_text(json, NULL, feature_infos[combination->feature].name);
    json_close_array(json);
    json_open_array(json, "bits_alone");
    json_milli(json, NULL, combination->service_mbits);
    json_milli(json, NULL, combination->value_mbits);
    json_close_array(json);
    json_milli(json, "bits_together", combination->together_mbits);
    json_uint(json, "n", combination->service_flows);
    json_text(json, "text", explanation->combination_text);
    json_close_object(json);
}

/* A category in words, as the features have it; a number in full. */
static void write_changed_value(struct json_writer *json, const char *key, enum feature_id id,
                                double value)
{
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY)
        native_write_feature_value(json, key, id, value);
    else
        json_double(json, key, value);
}

static void write_changes(struct json_writer *json,
                          const struct record_counterfactual *counterfactual)
{
    json_open_array(json, "changes");
    for (uint32_t i = 0; i < counterfactual->change_count; i++) {
        const struct record_change *const change = &counterfactual->changes[i];
        const enum feature_id id = (enum feature_id)change->feature;
        json_open_object(json, NULL);
        json_text(json, "feature", feature_infos[id].name);
        if (change->has_from)
            write_changed_value(json, "from", id, change->from);
        write_changed_value(json, "to", id, change->to);
        json_close_object(json);
    }
    json_close_array(json);
}

/* What moved along, and to where, as exactly as features are told: all that is needed to score it
 * again. */
static void write_moved(struct json_writer *json,
                        const struct record_counterfactual *counterfactual)
{
    json_open_object(json, "moved");
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        if ((counterfactual->moved >> j & 1) == 0)
            continue;
        if ((counterfactual->moved_away >> j & 1) != 0)
            json_nothing(json, feature_infos[j].name);
        else
            native_write_feature_value(json, feature_infos[j].name, (enum feature_id)j,
                                       counterfactual->moved_to[j]);
    }
    json_close_object(json);
}

static void write_counterfactual(struct json_writer *json, const struct explanation *explanation)
{
    const struct record_counterfactual *const counterfactual = &explanation->counterfactual;
    if (counterfactual->kind == RECORD_COUNTERFACTUAL_ABSENT)
        return;
    json_open_object(json, "counterfactual");
    if (counterfactual->kind == RECORD_COUNTERFACTUAL_NONE) {
        json_bool(json, "none", true);
    } else {
        write_changes(json, counterfactual);
        write_moved(json, counterfactual);
        json_milli(json, "score", counterfactual->score_mbits);
        json_milli(json, "threshold", counterfactual->threshold_mbits);
    }
    json_text(json, "text", explanation->counterfactual_text);
    json_close_object(json);
}

static void write_model(struct json_writer *json, uint64_t settings_hash)
{
    char hash[HASH_TEXT_SIZE];
    struct text text = text_init(hash, sizeof hash);
    text_appendf(&text, "%016llx", (unsigned long long)settings_hash);
    json_open_object(json, "model");
    json_text(json, "name", "additive-surprise");
    json_text(json, "version", "1");
    json_text(json, "settings", hash);
    json_close_object(json);
}

/* How many reasons and lines of the summary are left after a cut. */
static uint32_t reasons_left(enum native_cut cut)
{
    if (cut >= NATIVE_CUT_ALL_BUT_ONE)
        return cut >= NATIVE_CUT_BARE ? 0 : 1;
    return cut >= NATIVE_CUT_REASONS ? REASONS_AFTER_CUT : RECORD_REASONS_MAX;
}

static uint32_t lines_left(enum native_cut cut)
{
    if (cut >= NATIVE_CUT_PROSE)
        return 0;
    return cut >= NATIVE_CUT_SUMMARY ? SUMMARY_LINES_AFTER_CUT : RECORD_SUMMARY_LINES_MAX;
}

void native_write_explanation(struct json_writer *json, const struct record_flow_part *part,
                              const struct explanation *explanation, enum native_cut cut)
{
    if (part->verdict.has_threshold)
        json_milli(json, "threshold", part->verdict.threshold_mbits);
    json_uint(json, "rank", explanation->rank);
    if (cut < NATIVE_CUT_BARE)
        write_baseline(json, &explanation->baseline);
    write_contributions(json, part);
    write_reasons(json, explanation, &part->features,
                  at_most(explanation->reason_count, reasons_left(cut)));
    if (cut < NATIVE_CUT_NAMES)
        write_names(json, explanation);
    write_resembles(json, &part->finding, cut);
    write_prose(json, explanation, at_most(explanation->summary_count, lines_left(cut)));
    if (!explanation->stands_out)
        json_bool(json, "stands_out", false);
    if (cut < NATIVE_CUT_READINGS)
        write_readings(json, explanation);
    if (cut < NATIVE_CUT_COMBINATION)
        write_combination(json, explanation);
    if (cut < NATIVE_CUT_COUNTERFACTUAL)
        write_counterfactual(json, explanation);
    write_model(json, explanation->settings_hash);
}
