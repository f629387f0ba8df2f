/* SPDX-License-Identifier: Apache-2.0 */
/* What moves along when a feature is changed: THE TABLE below, row by row, and on from what was
 * moved; then what is computed of others (mean sizes, ratio, rates, the categories' parts) is computed
 * anew. A changed feature stays as it was set, and each moves once in a change.
 *
 * The table holds what a flow cannot have one of without the other, as far as it is arithmetic: a
 * flow of half the bytes has half the packets of that size; one that lasts half as long has half
 * the gaps; ten minutes hold what the last one holds. It makes no claim about what a network would
 * have done. */
#include "explain/edit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS_SIZE = 32,
    SERVICE_PROTOCOL_SHIFT = 16,
    PART_SHIFT = 8,
    PART_MASK = 0xff,
    SIZE_CLASS_BITS = 4,
};

static const double US_PER_S = 1e6;
static const double RATE_DURATION_MIN_US = 1000;

enum move_how {
    MOVE_TIMES,   /* by the factor of the change */
    MOVE_OVER,    /* by one over it */
    MOVE_PLUS,    /* by the difference */
    MOVE_AT_MOST, /* down to the changed value */
    MOVE_USUAL,   /* to what is usual of it */
    MOVE_RATIO,   /* bytes received such that the ratio holds */
    MOVE_NOT,     /* stays: it would move by way of another row */
};

struct move {
    uint8_t changed, moved; /* enum feature_id */
    uint8_t how;
};

#define TWINS(one, other) \
    {FEATURE_##one, FEATURE_##other, MOVE_USUAL}, \
    { \
        FEATURE_##other, FEATURE_##one, MOVE_USUAL \
    }
#define ROW(changed, moved, how) \
    { \
        FEATURE_##changed, FEATURE_##moved, MOVE_##how \
    }

static const struct move moves[] = {
    ROW(DURATION, PACKET_RATE, OVER),
    ROW(DURATION, BYTE_RATE, OVER),
    ROW(DURATION, GAP_MEAN_FWD, TIMES),
    ROW(DURATION, GAP_DEVIATION_FWD, TIMES),
    ROW(DURATION, GAP_MIN_FWD, TIMES),
    ROW(DURATION, GAP_MAX_FWD, TIMES),
    ROW(DURATION, GAP_MEAN_REV, TIMES),
    ROW(DURATION, GAP_DEVIATION_REV, TIMES),
    ROW(DURATION, GAP_MIN_REV, TIMES),
    ROW(DURATION, GAP_MAX_REV, TIMES),
    ROW(DURATION, LONGEST_GAP, TIMES),
    ROW(PACKET_RATE, DURATION, OVER),
    ROW(BYTE_RATE, DURATION, OVER),
    ROW(GAP_MEAN_FWD, DURATION, TIMES),
    ROW(GAP_MEAN_REV, DURATION, TIMES),

    ROW(MEAN_PACKET_FWD, PACKETS_FWD, NOT),
    ROW(MEAN_PACKET_FWD, IP_BYTES_FWD, TIMES),
    ROW(PACKETS_FWD, DURATION, NOT),
    ROW(PACKETS_FWD, IP_BYTES_FWD, TIMES),
    ROW(PACKETS_FWD, GAP_MEAN_FWD, OVER),
    ROW(PACKETS_FWD, GAP_DEVIATION_FWD, OVER),
    ROW(PACKETS_FWD, GAP_MIN_FWD, OVER),
    ROW(PACKETS_FWD, GAP_MAX_FWD, OVER),
    ROW(IP_BYTES_FWD, PACKETS_FWD, TIMES),
    ROW(IP_BYTES_FWD, SRC_BYTES_WINDOW, PLUS),
    ROW(IP_BYTES_FWD, SRC_BYTES_10M, PLUS),
    ROW(MEAN_PACKET_REV, PACKETS_REV, NOT),
    ROW(MEAN_PACKET_REV, IP_BYTES_REV, TIMES),
    ROW(PACKETS_REV, DURATION, NOT),
    ROW(PACKETS_REV, IP_BYTES_REV, TIMES),
    ROW(PACKETS_REV, GAP_MEAN_REV, OVER),
    ROW(PACKETS_REV, GAP_DEVIATION_REV, OVER),
    ROW(PACKETS_REV, GAP_MIN_REV, OVER),
    ROW(PACKETS_REV, GAP_MAX_REV, OVER),
    ROW(IP_BYTES_REV, PACKETS_REV, TIMES),
    ROW(BYTES_RATIO, IP_BYTES_REV, RATIO),

    TWINS(SRC_FLOWS_WINDOW, SRC_FLOWS_10M),
    TWINS(SRC_PEERS_WINDOW, SRC_PEERS_10M),
    TWINS(SRC_PORTS_WINDOW, SRC_PORTS_10M),
    TWINS(SRC_BYTES_WINDOW, SRC_BYTES_10M),
    TWINS(SRC_UNANSWERED_WINDOW, SRC_UNANSWERED_10M),
    TWINS(SRC_NEW_PEERS_WINDOW, SRC_NEW_PEERS_10M),
    TWINS(DST_FLOWS_WINDOW, DST_FLOWS_10M),
    TWINS(DST_SOURCES_WINDOW, DST_SOURCES_10M),
    TWINS(PAIR_FLOWS_WINDOW, PAIR_FLOWS_10M),
    TWINS(PAIR_PORTS_WINDOW, PAIR_PORTS_10M),
    ROW(SRC_BYTES_WINDOW, IP_BYTES_FWD, AT_MOST),
    ROW(SRC_BYTES_10M, IP_BYTES_FWD, AT_MOST),
    ROW(SRC_FLOWS_WINDOW, SRC_PEERS_WINDOW, AT_MOST),
    ROW(SRC_FLOWS_WINDOW, SRC_PORTS_WINDOW, AT_MOST),
    ROW(SRC_FLOWS_WINDOW, PAIR_FLOWS_WINDOW, AT_MOST),
    ROW(SRC_FLOWS_10M, SRC_PEERS_10M, AT_MOST),
    ROW(SRC_FLOWS_10M, SRC_PORTS_10M, AT_MOST),
    ROW(SRC_FLOWS_10M, PAIR_FLOWS_10M, AT_MOST),
    ROW(DST_FLOWS_WINDOW, DST_SOURCES_WINDOW, AT_MOST),
    ROW(DST_FLOWS_WINDOW, PAIR_FLOWS_WINDOW, AT_MOST),
    ROW(DST_FLOWS_10M, DST_SOURCES_10M, AT_MOST),
    ROW(DST_FLOWS_10M, PAIR_FLOWS_10M, AT_MOST),
    ROW(PAIR_FLOWS_WINDOW, PAIR_PORTS_WINDOW, AT_MOST),
    ROW(PAIR_FLOWS_10M, PAIR_PORTS_10M, AT_MOST),
};

static uint64_t bit(enum feature_id id)
{
    return UINT64_C(1) << id;
}

static bool is_category(enum feature_id id)
{
    return feature_infos[id].scale == FEATURE_SCALE_CATEGORY;
}

/* What records say is usual has four digits; and it is a count where the feature is one. */
static bool find_median(const struct edit *edit, enum feature_id id, double *median)
{
    char digits[DIGITS_SIZE];
    if (!edit->baseline->median(edit->baseline->context, id, median))
        return false;
    (void)snprintf(digits, sizeof digits, "%.4g", *median);
    *median = strtod(digits, NULL);
    return true;
}

static void put_value(struct edit *edit, enum feature_id id, double value)
{
    edit->vector.present |= bit(id);
    edit->vector.value[id] = value;
}

static void take_value(struct edit *edit, enum feature_id id)
{
    if ((edit->changed & bit(id)) != 0)
        return;
    edit->vector.present &= ~bit(id);
    edit->vector.value[id] = 0;
}

static void change(struct edit *edit, enum feature_id id, double to);

static bool is_count(enum feature_id id)
{
    return id == FEATURE_PACKETS_FWD || id == FEATURE_PACKETS_REV || id == FEATURE_IP_BYTES_FWD ||
           id == FEATURE_IP_BYTES_REV;
}

/* Counts are whole; what is there at all does not vanish by rounding. */
static double whole(enum feature_id id, double value)
{
    if (!is_count(id) || value <= 0)
        return value;
    return value < 1 ? 1 : round(value);
}

/* The moved feature's new value; false: it stays. */
static bool find_moved(const struct edit *edit, const struct move *move, double from, double to,
                       double *value)
{
    const enum feature_id id = (enum feature_id)move->moved;
    const double old = edit->vector.value[id];
    const bool has_factor = from > 0 && to > 0;
    const double bytes_sent = edit->vector.value[FEATURE_IP_BYTES_FWD];
    switch ((enum move_how)move->how) {
    case MOVE_TIMES:
        if (from <= 0 && is_count(id)) /* there was none: as many as is usual */
            return find_median(edit, id, value);
        *value = to <= 0 ? 0 : old * to / from;
        return from > 0;
    case MOVE_OVER:
        *value = has_factor ? old * from / to : old;
        return has_factor;
    case MOVE_PLUS:
        *value = fmax(old + to - from, 0);
        return true;
    case MOVE_AT_MOST:
        *value = fmin(old, to);
        return old > to;
    case MOVE_RATIO:
        *value = fmax(round((bytes_sent + 1) / exp2(to) - 1), 0);
        return true;
    case MOVE_USUAL:
        return find_median(edit, id, value);
    case MOVE_NOT:
        break;
    }
    return false;
}

static void move_others(struct edit *edit, enum feature_id changed, double from, double to)
{
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        const enum feature_id id = (enum feature_id)moves[i].moved;
        double value;
        if (moves[i].changed != changed || (edit->settled & bit(id)) != 0 ||
            !feature_is_present(&edit->vector, id))
            continue;
        if (find_moved(edit, &moves[i], from, to, &value))
            change(edit, id, whole(id, value));
        else if (moves[i].how == MOVE_NOT)
            edit->settled |= bit(id);
    }
}

static void change(struct edit *edit, enum feature_id id, double to)
{
    const double from = edit->vector.value[id];
    edit->settled |= bit(id);
    put_value(edit, id, to);
    move_others(edit, id, from, to);
}

/* ---- what is computed of others ---- */

static void compute(struct edit *edit, enum feature_id id, double value)
{
    if ((edit->changed & bit(id)) == 0)
        put_value(edit, id, value);
}

static void compute_direction(struct edit *edit, bool is_reverse)
{
    const double packets =
        edit->vector.value[is_reverse ? FEATURE_PACKETS_REV : FEATURE_PACKETS_FWD];
    const double ip_bytes =
        edit->vector.value[is_reverse ? FEATURE_IP_BYTES_REV : FEATURE_IP_BYTES_FWD];
    const enum feature_id mean = is_reverse ? FEATURE_MEAN_PACKET_REV : FEATURE_MEAN_PACKET_FWD;
    const enum feature_id first_gap = is_reverse ? FEATURE_GAP_MEAN_REV : FEATURE_GAP_MEAN_FWD;
    const enum feature_id last_gap = is_reverse ? FEATURE_GAP_MAX_REV : FEATURE_GAP_MAX_FWD;
    if (packets >= 1)
        compute(edit, mean, ip_bytes / packets);
    else
        take_value(edit, mean);
    for (enum feature_id gap = first_gap; packets < 2 && gap <= last_gap; gap++)
        take_value(edit, gap);
    if (packets < 3)
        take_value(edit, is_reverse ? FEATURE_GAP_DEVIATION_REV : FEATURE_GAP_DEVIATION_FWD);
}

static void compute_rates(struct edit *edit)
{
    const double *const value = edit->vector.value;
    const double packets = value[FEATURE_PACKETS_FWD] + value[FEATURE_PACKETS_REV];
    const double ip_bytes = value[FEATURE_IP_BYTES_FWD] + value[FEATURE_IP_BYTES_REV];
    const double duration_us = value[FEATURE_DURATION];
    if (packets < 2 || duration_us < RATE_DURATION_MIN_US) {
        take_value(edit, FEATURE_PACKET_RATE);
        take_value(edit, FEATURE_BYTE_RATE);
        if (packets < 2)
            take_value(edit, FEATURE_LONGEST_GAP);
        return;
    }
    compute(edit, FEATURE_PACKET_RATE, packets * US_PER_S / duration_us);
    compute(edit, FEATURE_BYTE_RATE, ip_bytes * US_PER_S / duration_us);
}

static const uint64_t volume_features =
    UINT64_C(1) << FEATURE_DURATION | UINT64_C(1) << FEATURE_PACKETS_FWD |
    UINT64_C(1) << FEATURE_PACKETS_REV | UINT64_C(1) << FEATURE_IP_BYTES_FWD |
    UINT64_C(1) << FEATURE_IP_BYTES_REV;

static unsigned size_class(const struct feature_vector *vector)
{
    const double ip_bytes =
        vector->value[FEATURE_IP_BYTES_FWD] + vector->value[FEATURE_IP_BYTES_REV];
    return (unsigned)(ilogb(ip_bytes + 1) / SIZE_CLASS_BITS);
}

/* Only if volume or time has changed at all: else the features keep their last bit. */
static void compute_volume(struct edit *edit)
{
    if ((edit->settled & ~edit->changed & volume_features) == 0 &&
        (edit->changed & volume_features) == 0)
        return;
    const double sent = edit->vector.value[FEATURE_IP_BYTES_FWD] + 1;
    const double received = edit->vector.value[FEATURE_IP_BYTES_REV] + 1;
    compute_direction(edit, false);
    compute_direction(edit, true);
    compute(edit, FEATURE_BYTES_RATIO, log2(sent / received));
    compute_rates(edit);
}

static unsigned part_of(const struct edit *edit, enum feature_id id)
{
    return (unsigned)((uint64_t)edit->vector.value[id] & PART_MASK);
}

static uint64_t service_of(const struct edit *edit)
{
    return (uint64_t)edit->vector.value[FEATURE_SERVICE];
}

/* A service of another protocol has states of its own: the most usual of them. */
static unsigned state_of_service(const struct edit *edit, unsigned state)
{
    double code;
    const struct counterfactual_baseline *const baseline = edit->baseline;
    if (baseline->category(baseline->context, &edit->vector, FEATURE_SERVICE_STATE, &code))
        return (unsigned)((uint64_t)code & PART_MASK);
    return state;
}

/* Protocol, states and size of the service, as they are composed. */
static void compose_categories(struct edit *edit, unsigned state, bool is_other_protocol)
{
    const uint64_t service = service_of(edit);
    const uint64_t protocol = service >> SERVICE_PROTOCOL_SHIFT;
    compute(edit, FEATURE_PROTOCOL, (double)protocol);
    compute(edit, FEATURE_SERVICE_STATE, (double)(service << PART_SHIFT | state));
    if (is_other_protocol && (edit->changed & bit(FEATURE_SERVICE_STATE)) == 0) {
        state = state_of_service(edit, state);
        put_value(edit, FEATURE_SERVICE_STATE, (double)(service << PART_SHIFT | state));
    }
    compute(edit, FEATURE_PROTOCOL_STATE, (double)(protocol << PART_SHIFT | state));
    compute(edit, FEATURE_SERVICE_SIZE,
            (double)(service << PART_SHIFT | size_class(&edit->vector)));
}

static void change_size(struct edit *edit, unsigned from, unsigned to)
{
    const double factor = exp2(((double)to - (double)from) * SIZE_CLASS_BITS);
    static const enum feature_id sizes[] = {FEATURE_IP_BYTES_FWD, FEATURE_IP_BYTES_REV};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const double ip_bytes = edit->vector.value[sizes[i]];
        if ((edit->settled & bit(sizes[i])) == 0 && ip_bytes > 0)
            change(edit, sizes[i], whole(sizes[i], ip_bytes * factor));
    }
}

/* Not the protocol by itself: it changes with the service. */
static bool change_category(struct edit *edit, enum feature_id id)
{
    double code;
    const struct counterfactual_baseline *const baseline = edit->baseline;
    const uint64_t old_service = service_of(edit);
    unsigned state = part_of(edit, FEATURE_SERVICE_STATE);
    if (id == FEATURE_PROTOCOL || !feature_is_present(&edit->vector, id) ||
        !baseline->category(baseline->context, &edit->vector, id, &code) ||
        code == edit->vector.value[id])
        return false;
    const unsigned old_part = part_of(edit, id);
    put_value(edit, id, code);
    edit->changed |= bit(id);
    if (id == FEATURE_SERVICE_STATE || id == FEATURE_PROTOCOL_STATE)
        state = part_of(edit, id);
    if (id == FEATURE_SERVICE_SIZE)
        change_size(edit, old_part, part_of(edit, id));
    const bool is_other_protocol =
        old_service >> SERVICE_PROTOCOL_SHIFT != service_of(edit) >> SERVICE_PROTOCOL_SHIFT;
    compute_volume(edit);
    compose_categories(edit, state, is_other_protocol);
    return true;
}

static bool change_number(struct edit *edit, enum feature_id id)
{
    double median;
    if (!find_median(edit, id, &median) ||
        (feature_is_present(&edit->vector, id) && median == edit->vector.value[id]))
        return false;
    edit->changed |= bit(id);
    change(edit, id, median);
    compute_volume(edit);
    compose_categories(edit, part_of(edit, FEATURE_SERVICE_STATE), false);
    return true;
}

struct edit edit_begin(const struct counterfactual_baseline *baseline,
                       const struct feature_vector *vector)
{
    return (struct edit){.baseline = baseline, .vector = *vector};
}

bool edit_to_usual(struct edit *edit, enum feature_id id)
{
    if ((edit->changed & bit(id)) != 0)
        return false;
    edit->settled = edit->changed;
    return is_category(id) ? change_category(edit, id) : change_number(edit, id);
}

uint64_t edit_moved(const struct edit *edit, const struct feature_vector *original)
{
    uint64_t moved = 0;
    for (unsigned j = 0; j < FEATURE_COUNT; j++) {
        const uint64_t is_other_presence = (edit->vector.present ^ original->present) & bit(j);
        if (is_other_presence != 0 || edit->vector.value[j] != original->value[j])
            moved |= bit(j);
    }
    return moved & ~edit->changed;
}
