/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an alert line: the flow by flow_line.c, strictly; what was said of it leniently, for a
 * sentence whose fact is not there is not said. */
#include "intake/alert_line.h"

#include "base/protocol.h"
#include "base/service.h"
#include "intake/flow_line.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CATEGORY_TEXT_SIZE = 64, SERVICE_SHIFT = 16, PART_SHIFT = 8, SIZE_CLASS_COUNT = 16 };

static const char *string_at(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string == NULL ? "" : string;
}

static double number_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static uint64_t count_at(const json_t *object, const char *key)
{
    const json_int_t count = json_integer_value(json_object_get(object, key));
    return count < 0 ? 0 : (uint64_t)count;
}

/* Bits with three decimals, as the milli-bits they were. */
static int32_t mbits_at(const json_t *object, const char *key)
{
    const double mbits = round(number_at(object, key) * 1e3);
    return fabs(mbits) < INT32_MAX ? (int32_t)mbits : 0;
}

static void copy_text(const json_t *object, const char *key, char *text, size_t size)
{
    (void)snprintf(text, size, "%s", string_at(object, key));
}

/* FEATURE_COUNT: no feature has that name. */
static unsigned find_feature(const char *name)
{
    unsigned id = 0;
    while (id < FEATURE_COUNT && strcmp(feature_infos[id].name, name) != 0)
        id++;
    return id;
}

/* ---- features: categories stand there in words ---- */

static bool is_named(enum feature_id id, uint64_t code, const char *words)
{
    char text[CATEGORY_TEXT_SIZE];
    return strcmp(feature_category_text(id, (double)code, text, sizeof text), words) == 0;
}

static uint64_t service_of(const struct flow_record *flow)
{
    const uint64_t port =
        protocol_is_icmp(flow->protocol)
            ? flow->icmp_type
            : service_port(flow->protocol, flow->source_port, flow->destination_port);
    return (uint64_t)flow->protocol << SERVICE_SHIFT | port;
}

/* Codes that the words may stand for: of the flow's own service or protocol, or few. */
static bool find_code(const struct flow_record *flow, enum feature_id id, const char *words,
                      uint64_t *code)
{
    uint64_t first = 0, count = SIZE_CLASS_COUNT;
    if (id == FEATURE_PROTOCOL || id == FEATURE_SERVICE) {
        first = id == FEATURE_PROTOCOL ? flow->protocol : service_of(flow);
        count = 1;
    } else if (id == FEATURE_SERVICE_STATE || id == FEATURE_SERVICE_SIZE) {
        first = service_of(flow) << PART_SHIFT;
    } else if (id == FEATURE_PROTOCOL_STATE) {
        first = (uint64_t)flow->protocol << PART_SHIFT;
    }
    for (*code = first; *code < first + count; (*code)++) {
        if (is_named(id, *code, words))
            return true;
    }
    return false;
}

static void read_features(const json_t *features, const struct flow_record *flow,
                          struct feature_vector *vector)
{
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const enum feature_id id = (enum feature_id)j;
        const json_t *const value = json_object_get(features, feature_infos[j].name);
        uint64_t code;
        if (json_is_number(value))
            vector->value[j] = json_number_value(value);
        else if (json_is_string(value) && find_code(flow, id, json_string_value(value), &code))
            vector->value[j] = (double)code;
        else
            continue;
        vector->present |= UINT64_C(1) << j;
    }
}

/* ---- the verdict and what explains it ---- */

static void read_verdict(const json_t *whyflow, struct verdict *verdict)
{
    const json_t *const contrib = json_object_get(whyflow, "contrib");
    verdict->score_mbits = mbits_at(whyflow, "score");
    verdict->typical_mbits = mbits_at(whyflow, "typical");
    verdict->threshold_mbits = mbits_at(whyflow, "threshold");
    verdict->has_threshold = json_object_get(whyflow, "threshold") != NULL;
    verdict->p_value = number_at(whyflow, "p_value");
    verdict->is_flagged = json_is_true(json_object_get(whyflow, "flagged"));
    verdict->flagged_by = strcmp(string_at(whyflow, "flagged_by"), "behaviour") == 0
                              ? FLAGGED_BY_BEHAVIOUR
                              : FLAGGED_BY_SURPRISE;
    for (unsigned j = 0; j < FEATURE_COUNT; j++)
        verdict->contribution_mbits[j] = mbits_at(contrib, feature_infos[j].name);
}

static uint8_t direction_of(const char *name)
{
    static const struct {
        const char *name;
        enum evidence_direction direction;
    } directions[] = {{"high", EVIDENCE_HIGH}, {"low", EVIDENCE_LOW}, {"rare", EVIDENCE_RARE}};
    for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++) {
        if (strcmp(directions[i].name, name) == 0)
            return (uint8_t)directions[i].direction;
    }
    return EVIDENCE_NEW;
}

static void read_reason(const json_t *from, struct explanation *out)
{
    const unsigned id = find_feature(string_at(from, "feature"));
    if (id == FEATURE_COUNT || out->reason_count == RECORD_REASONS_MAX)
        return;
    out->reasons[out->reason_count++] = (struct record_reason){
        .feature = (uint8_t)id,
        .contribution_mbits = mbits_at(from, "bits"),
        .share = number_at(from, "share"),
        .evidence = {.median = number_at(from, "typical"),
                     .p05 = number_at(from, "p05"),
                     .p95 = number_at(from, "p95"),
                     .count = count_at(from, "n"),
                     .share = number_at(from, "seen_share"),
                     .direction = direction_of(string_at(from, "direction")),
                     .has_quantiles = json_object_get(from, "typical") != NULL,
                     .is_of_service = strcmp(string_at(from, "among"), "service") == 0},
    };
}

static void read_lists(const json_t *whyflow, struct explanation *out)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(whyflow, "reasons"), i, one)
        read_reason(one, out);
    json_array_foreach (json_object_get(whyflow, "summary"), i, one) {
        if (out->summary_count < RECORD_SUMMARY_LINES_MAX && json_is_string(one))
            (void)snprintf(out->summary[out->summary_count++], RECORD_SUMMARY_LINE_SIZE, "%s",
                           json_string_value(one));
    }
}

static void read_notes(const json_t *whyflow, struct explanation *out)
{
    const json_t *const readings = json_object_get(whyflow, "readings");
    const json_t *const combination = json_object_get(whyflow, "combination");
    const json_t *const counterfactual = json_object_get(whyflow, "counterfactual");
    copy_text(whyflow, "text", out->text, sizeof out->text);
    copy_text(json_object_get(readings, "benign"), "text", out->benign.text,
              sizeof out->benign.text);
    copy_text(json_object_get(readings, "suspicious"), "text", out->suspicious.text,
              sizeof out->suspicious.text);
    copy_text(combination, "text", out->combination_text, sizeof out->combination_text);
    copy_text(counterfactual, "text", out->counterfactual_text, sizeof out->counterfactual_text);
    out->combination.is_there = combination != NULL;
    if (counterfactual != NULL)
        out->counterfactual.kind = json_object_get(counterfactual, "none") != NULL
                                       ? RECORD_COUNTERFACTUAL_NONE
                                       : RECORD_COUNTERFACTUAL_FOUND;
}

static void read_explanation(const json_t *whyflow, struct explanation *out)
{
    const json_t *const baseline = json_object_get(whyflow, "baseline");
    const char *const scope = string_at(baseline, "scope");
    out->baseline.flows = count_at(baseline, "n");
    out->baseline.is_whole_capture = strcmp(scope, "capture") == 0;
    out->baseline.is_saved = strcmp(scope, "saved") == 0;
    out->rank = count_at(whyflow, "rank");
    out->stands_out = !json_is_false(json_object_get(whyflow, "stands_out"));
    read_lists(whyflow, out);
    read_notes(whyflow, out);
}

/* ---- the finding, the caveats and the columns ---- */

static void read_condition(const json_t *from, struct behaviour_finding *finding)
{
    const char *const name = string_at(from, "quantity");
    const json_t *const most = json_object_get(from, "at_most");
    unsigned quantity = 0;
    while (quantity < behaviour_quantity_count() &&
           strcmp(behaviour_quantities[quantity].name, name) != 0)
        quantity++;
    if (quantity == behaviour_quantity_count() || finding->evidence_count == BEHAVIOUR_EVIDENCE_MAX)
        return;
    finding->evidence[finding->evidence_count++] = (struct behaviour_evidence){
        .quantity = (uint8_t)quantity,
        .is_most = most != NULL,
        .value = number_at(from, "value"),
        .limit = most != NULL ? json_number_value(most) : number_at(from, "at_least"),
    };
}

static void read_finding(const json_t *resembles, struct behaviour_finding *finding)
{
    size_t i;
    const json_t *one;
    const char *const name = string_at(resembles, "behaviour");
    for (uint8_t id = BEHAVIOUR_NONE + 1; id < BEHAVIOUR_COUNT; id++) {
        if (strcmp(behaviour_infos[id].name, name) == 0)
            finding->behaviour = id;
    }
    json_array_foreach (json_object_get(resembles, "evidence"), i, one)
        read_condition(one, finding);
}

static uint32_t read_caveats(const json_t *caveats)
{
    size_t i;
    const json_t *one;
    uint32_t found = 0;
    json_array_foreach (caveats, i, one) {
        for (unsigned bit = 0; bit < RECORD_CAVEAT_COUNT && json_is_string(one); bit++) {
            if (strcmp(record_caveat_name(bit), json_string_value(one)) == 0)
                found |= UINT32_C(1) << bit;
        }
    }
    return found;
}

static void read_observed(const json_t *from, struct record_observed *observed)
{
    observed->has_mean_packet_bytes = json_object_get(from, "avg_in_packet_size") != NULL;
    observed->mean_packet_bytes = number_at(from, "avg_in_packet_size");
    observed->has_inter_arrival = json_object_get(from, "inter_arrival_ms") != NULL;
    observed->inter_arrival_ms = number_at(from, "inter_arrival_ms");
    observed->src_protocol_entropy = number_at(from, "src_entropy_PROTOCOL");
    observed->dst_flows_in_window = count_at(from, "dst_flows_in_window");
    observed->src_packets_sum = count_at(from, "src_IN_PKTS_sum");
    observed->src_flows_in_window = count_at(from, "src_flows_in_window");
    observed->src_syn_flows = count_at(from, "src_flag_SYN");
}

static void read_whyflow(const json_t *whyflow, struct record *record)
{
    struct record_flow_part *const part = &record->as.flow.part;
    read_features(json_object_get(whyflow, "features"), &part->flow, &part->features);
    read_verdict(whyflow, &part->verdict);
    read_finding(json_object_get(whyflow, "resembles"), &part->finding);
    read_observed(json_object_get(whyflow, "observed"), &part->observed);
    part->caveats = read_caveats(json_object_get(whyflow, "caveats"));
    read_explanation(whyflow, &record->as.flow.explanation);
}

bool alert_line_parse(const char *bytes, size_t length, struct record *record,
                      char error[ALERT_LINE_ERROR_SIZE])
{
    struct flow_line line;
    const enum flow_line_kind kind = flow_line_parse_alert(bytes, length, &line);
    memset(record, 0, sizeof *record);
    (void)snprintf(error, ALERT_LINE_ERROR_SIZE, "%s",
                   kind == FLOW_LINE_OTHER ? "no alert" : line.error);
    if (kind != FLOW_LINE_FLOW)
        return false;
    json_t *const root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return false;
    record->kind = RECORD_ALERT;
    record->timestamp_ns = line.flow.notice_ns;
    record->as.flow.part.flow = line.flow;
    read_whyflow(json_object_get(root, "whyflow"), record);
    json_decref(root);
    return true;
}
