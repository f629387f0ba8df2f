/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/incident_key.h"

#include <string.h>

/* What a story is about, beside its cause. */
struct subject {
    bool is_destination; /* else the source */
    bool has_service;
};

static const struct subject SOURCE = {.is_destination = false};
static const struct subject SOURCE_AND_SERVICE = {.has_service = true};
static const struct subject DESTINATION_AND_SERVICE = {.is_destination = true, .has_service = true};

static struct subject behaviour_subject(enum behaviour_id behaviour)
{
    switch (behaviour) {
    case BEHAVIOUR_VERTICAL_SCAN:
    case BEHAVIOUR_HORIZONTAL_SCAN:
    case BEHAVIOUR_SLOW_SCAN:
    case BEHAVIOUR_EXTERNAL_SCAN:
    case BEHAVIOUR_ICMP_TUNNEL:
    case BEHAVIOUR_LATERAL_MOVEMENT:
    case BEHAVIOUR_PEER_TO_PEER:
        return SOURCE;
    case BEHAVIOUR_FLOOD:
        return DESTINATION_AND_SERVICE;
    default:
        return SOURCE_AND_SERVICE;
    }
}

static bool starts_with(const char *name, const char *beginning)
{
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

static struct subject feature_subject(enum feature_id id)
{
    if (!feature_counts_over_time(id))
        return SOURCE_AND_SERVICE;
    return starts_with(feature_infos[id].name, "dst_") ? DESTINATION_AND_SERVICE : SOURCE;
}

/* The first feature of the list that counts the same, be it over another time. */
static enum feature_id feature_cause(enum feature_id id)
{
    for (unsigned j = 0; j < (unsigned)id; j++) {
        if (feature_counts_same((enum feature_id)j, id))
            return (enum feature_id)j;
    }
    return id;
}

static bool is_at_least(const struct feature_vector *vector, enum feature_id id, double least)
{
    return feature_is_present(vector, id) && vector->value[id] >= least;
}

/* What the story is of a flow flagged by surprise. */
static enum feature_id surprise_cause(const struct record_flow_part *part)
{
    const struct feature_vector *const vector = &part->features;
    if (is_at_least(vector, FEATURE_PAIR_PORTS_10M, INCIDENT_PAIR_PORTS_LEAST) ||
        is_at_least(vector, FEATURE_SRC_PORTS_10M, INCIDENT_SOURCE_PORTS_LEAST))
        return feature_cause(FEATURE_SRC_PORTS_WINDOW);
    return feature_cause(incident_leading_feature(&part->verdict));
}

enum feature_id incident_leading_feature(const struct verdict *verdict)
{
    unsigned leading = 0;
    for (unsigned id = 1; id < FEATURE_COUNT; id++) {
        if (verdict->contribution_mbits[id] > verdict->contribution_mbits[leading])
            leading = id;
    }
    return (enum feature_id)leading;
}

static struct incident_key make_key(const struct flow_record *flow,
                                    const struct feature_vector *features, struct subject subject,
                                    enum flagged_by flagged_by, uint8_t cause)
{
    struct incident_key key = {
        .service = subject.has_service ? (uint32_t)features->value[FEATURE_SERVICE] : 0,
        .ip_version = flow->ip_version,
        .direction = (uint8_t)features->value[FEATURE_DIRECTION],
        .flagged_by = (uint8_t)flagged_by,
        .cause = cause,
    };
    memcpy(key.address, subject.is_destination ? flow->destination : flow->source,
           sizeof key.address); /* of IPv4 the rest is 0 */
    return key;
}

struct incident_key incident_key_of_finding(const struct flow_record *flow,
                                            const struct feature_vector *features,
                                            const struct behaviour_finding *finding)
{
    return make_key(flow, features, behaviour_subject((enum behaviour_id)finding->behaviour),
                    FLAGGED_BY_BEHAVIOUR, finding->behaviour);
}

/* The leading feature is not sought for a behaviour: every flow of a flood asks by one. */
struct incident_key incident_key_of(const struct record_flow_part *part, enum flagged_by flagged_by)
{
    if (flagged_by == FLAGGED_BY_BEHAVIOUR)
        return incident_key_of_finding(&part->flow, &part->features, &part->finding);
    const enum feature_id feature = surprise_cause(part);
    return make_key(&part->flow, &part->features, feature_subject(feature), flagged_by,
                    (uint8_t)feature);
}
