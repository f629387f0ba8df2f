/* SPDX-License-Identifier: Apache-2.0 */
/* The feature engine against a naive oracle, which goes over all earlier flows for every flow: all
 * counts of the window and the ten minutes, distinct counts below 16, acquaintances and the
 * regularity of starts. */
#include "feature/feature.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLOWS = 2500, HOSTS_MAX = 40, EXACT_BELOW = 16 };

static const int64_t SECOND_NS = INT64_C(1000000000);

static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

static struct feature_settings test_settings(int64_t window_ns)
{
    return (struct feature_settings){.window_ns = window_ns,
                                     .max_hosts = 1024,
                                     .max_pairs = 4096,
                                     .max_conversations = 4096,
                                     .max_window_flows = 4096,
                                     .hash_key = {1, 2},
                                     .sketch_key = {3, 4}};
}

/* A version 4 and a version 6 host share the bytes of each address. */
static void random_host(uint64_t *state, unsigned hosts, uint8_t address[16])
{
    address[0] = 10;
    address[3] = (uint8_t)(1 + random_below(state, hosts));
}

static void random_transport(uint64_t *state, struct flow_record *flow)
{
    static const uint8_t protocols[] = {6, 6, 6, 17, 17, 1, 47};
    flow->protocol = protocols[random_below(state, sizeof protocols)];
    if (flow->protocol == PACKET_PROTOCOL_TCP || flow->protocol == PACKET_PROTOCOL_UDP) {
        flow->source_port = (uint16_t)(40000 + random_below(state, 1000));
        flow->destination_port = (uint16_t)(20 + random_below(state, 6));
    }
    flow->basis = random_below(state, 2) == 0 ? FLOW_BASIS_SYN : FLOW_BASIS_FIRST;
    flow->state = flow->protocol == PACKET_PROTOCOL_TCP ? FLOW_STATE_ATTEMPTED : FLOW_STATE_ONE_WAY;
}

static void random_volume(uint64_t *state, struct flow_record *flow)
{
    struct flow_direction *forward = &flow->direction[FLOW_FORWARD];
    struct flow_direction *reverse = &flow->direction[FLOW_REVERSE];
    forward->packets = 1 + random_below(state, 9);
    forward->ip_bytes = forward->packets * 100;
    reverse->packets = random_below(state, 2);
    reverse->ip_bytes = reverse->packets * 60;
}

struct recipe {
    unsigned hosts;
    int64_t step_ns; /* greatest time between two notices */
};

static void make_flows(uint64_t seed, struct recipe recipe, struct flow_record *flows)
{
    uint64_t state = seed;
    int64_t now_ns = INT64_C(1570000000) * SECOND_NS;
    for (uint64_t i = 0; i < FLOWS; i++) {
        struct flow_record *flow = &flows[i];
        memset(flow, 0, sizeof *flow);
        now_ns += (int64_t)random_below(&state, (uint64_t)recipe.step_ns);
        if (random_below(&state, 300) == 0)
            now_ns += (int64_t)random_below(&state, 1200) * SECOND_NS;
        flow->opening_number = i + 1;
        flow->epoch = (uint32_t)(i / (FLOWS * 3 / 4));
        flow->notice_ns = now_ns;
        flow->last_ns = now_ns - (int64_t)random_below(&state, 30) * SECOND_NS;
        flow->first_ns = flow->last_ns - (int64_t)random_below(&state, 90) * SECOND_NS;
        flow->ip_version = random_below(&state, 2) == 0 ? 4 : 6;
        flow->slice = random_below(&state, 10) == 0;
        random_host(&state, recipe.hosts, flow->source);
        random_host(&state, recipe.hosts, flow->destination);
        random_transport(&state, flow);
        random_volume(&state, flow);
    }
}

static bool same_source(const struct flow_record *a, const struct flow_record *b)
{
    return a->ip_version == b->ip_version && memcmp(a->source, b->source, 16) == 0;
}

static bool same_destination(const struct flow_record *a, const struct flow_record *b)
{
    return a->ip_version == b->ip_version && memcmp(a->destination, b->destination, 16) == 0;
}

static bool same_pair(const struct flow_record *a, const struct flow_record *b)
{
    return same_source(a, b) && same_destination(a, b);
}

static bool same_port(const struct flow_record *a, const struct flow_record *b)
{
    return a->protocol == b->protocol && a->destination_port == b->destination_port;
}

typedef bool relation_fn(const struct flow_record *a, const struct flow_record *b);

/* Flows from..last of `flows` that stand in `scope` to the last one, and whether each is the first
 * of its `kind` among them. */
struct question {
    const struct flow_record *flows;
    size_t from, last;
    relation_fn *scope;
    relation_fn *kind; /* NULL: count flows */
};

static unsigned oracle_count(struct question ask)
{
    unsigned count = 0;
    const struct flow_record *self = &ask.flows[ask.last];
    for (size_t i = ask.from; i <= ask.last; i++) {
        if (!ask.scope(&ask.flows[i], self))
            continue;
        bool is_repeated = false;
        for (size_t j = ask.from; ask.kind != NULL && j < i && !is_repeated; j++)
            is_repeated = ask.scope(&ask.flows[j], self) && ask.kind(&ask.flows[i], &ask.flows[j]);
        count += !is_repeated;
    }
    return count;
}

struct sums {
    uint64_t flows, packets, ip_bytes, applicable, unanswered, new_peers, syn_flows;
    uint64_t protocols[256];
};

/* `epoch_from`: the first flow of the epoch, where all acquaintances begin. */
static struct sums oracle_sums(const struct flow_record *flows, size_t epoch_from,
                               struct question ask)
{
    struct sums sums = {.flows = 0};
    for (size_t i = ask.from; i <= ask.last; i++) {
        const struct flow_record *flow = &flows[i];
        if (!same_source(flow, &flows[ask.last]))
            continue;
        bool is_applicable = false, is_met = false;
        const bool is_unanswered = flow_record_is_unanswered(flow, &is_applicable);
        for (size_t j = epoch_from; j < i && !is_met; j++)
            is_met = same_pair(flow, &flows[j]);
        sums.flows++;
        sums.packets += flow->direction[FLOW_FORWARD].packets;
        sums.ip_bytes += flow->direction[FLOW_FORWARD].ip_bytes;
        sums.applicable += is_applicable;
        sums.unanswered += is_applicable && is_unanswered;
        sums.new_peers += !is_met;
        sums.syn_flows += flow->basis == FLOW_BASIS_SYN;
        sums.protocols[flow->protocol]++;
    }
    return sums;
}

static double oracle_entropy(const struct sums *sums)
{
    double bits = 0;
    for (unsigned i = 0; i < 256; i++)
        if (sums->protocols[i] > 0)
            bits -= (double)sums->protocols[i] / (double)sums->flows *
                    log2((double)sums->protocols[i] / (double)sums->flows);
    return bits;
}

static void expect_value(const struct feature_vector *vector, enum feature_id id, double value)
{
    ck_assert_msg(feature_is_present(vector, id), "%s is missing", feature_infos[id].name);
    ck_assert_msg(vector->value[id] == value, "%s is %.17g, not %.17g", feature_infos[id].name,
                  vector->value[id], value);
}

static void expect_share(const struct feature_vector *vector, enum feature_id id, uint64_t part,
                         uint64_t whole)
{
    if (whole == 0)
        ck_assert(!feature_is_present(vector, id));
    else
        expect_value(vector, id, (double)part / (double)whole);
}

/* Exact below 16; above, within three standard errors and a bit. */
static void expect_distinct(const struct feature_vector *vector, enum feature_id id,
                            struct question ask)
{
    const unsigned exact = oracle_count(ask);
    if (exact < EXACT_BELOW) {
        expect_value(vector, id, exact);
        return;
    }
    ck_assert(vector->value[id] >= EXACT_BELOW);
    ck_assert_msg(fabs(vector->value[id] - exact) <= 0.45 * exact, "%s: %g for %u",
                  feature_infos[id].name, vector->value[id], exact);
}

/* First flow of the epoch; of those, the first flow for which `inside` holds. */
struct past {
    size_t epoch, window, ten_minutes;
};

static struct past past_of(const struct flow_record *flows, size_t last, int64_t window_ns)
{
    struct past past = {.epoch = last, .window = last, .ten_minutes = last};
    const int64_t minute_ns = 60 * SECOND_NS;
    const int64_t minute = flows[last].notice_ns / minute_ns;
    for (size_t i = last + 1; i-- > 0 && flows[i].epoch == flows[last].epoch;) {
        past.epoch = i;
        if (flows[i].notice_ns > flows[last].notice_ns - window_ns)
            past.window = i;
        if (flows[i].notice_ns / minute_ns >= minute - 9)
            past.ten_minutes = i;
    }
    return past;
}

static void check_window(const struct flow_record *flows, size_t last, struct past past,
                         const struct feature_vector *vector)
{
    struct question ask = {.flows = flows, .from = past.window, .last = last, .scope = same_source};
    const struct sums sums = oracle_sums(flows, past.epoch, ask);
    expect_value(vector, FEATURE_SRC_FLOWS_WINDOW, (double)sums.flows);
    expect_value(vector, FEATURE_SRC_BYTES_WINDOW, (double)sums.ip_bytes);
    expect_share(vector, FEATURE_SRC_UNANSWERED_WINDOW, sums.unanswered, sums.applicable);
    expect_share(vector, FEATURE_SRC_NEW_PEERS_WINDOW, sums.new_peers, sums.flows);
    ck_assert_double_eq_tol(vector->value[FEATURE_SRC_PROTOCOL_ENTROPY], oracle_entropy(&sums),
                            1e-12);
    ck_assert_uint_eq(vector->src_packets_window, sums.packets);
    ck_assert_uint_eq(vector->src_syn_flows_window, sums.syn_flows);
    ck_assert(!vector->is_window_cut);
    ask.kind = same_destination;
    expect_distinct(vector, FEATURE_SRC_PEERS_WINDOW, ask);
    ask.kind = same_port;
    expect_distinct(vector, FEATURE_SRC_PORTS_WINDOW, ask);
    ask = (struct question){
        .flows = flows, .from = past.window, .last = last, .scope = same_destination};
    expect_value(vector, FEATURE_DST_FLOWS_WINDOW, oracle_count(ask));
    ask.kind = same_source;
    expect_distinct(vector, FEATURE_DST_SOURCES_WINDOW, ask);
    ask = (struct question){.flows = flows, .from = past.window, .last = last, .scope = same_pair};
    expect_value(vector, FEATURE_PAIR_FLOWS_WINDOW, oracle_count(ask));
    ask.kind = same_port;
    expect_distinct(vector, FEATURE_PAIR_PORTS_WINDOW, ask);
}

static void check_ten_minutes(const struct flow_record *flows, size_t last, struct past past,
                              const struct feature_vector *vector)
{
    struct question ask = {
        .flows = flows, .from = past.ten_minutes, .last = last, .scope = same_source};
    const struct sums sums = oracle_sums(flows, past.epoch, ask);
    expect_value(vector, FEATURE_SRC_FLOWS_10M, (double)sums.flows);
    expect_value(vector, FEATURE_SRC_BYTES_10M, (double)sums.ip_bytes);
    expect_share(vector, FEATURE_SRC_UNANSWERED_10M, sums.unanswered, sums.applicable);
    expect_share(vector, FEATURE_SRC_NEW_PEERS_10M, sums.new_peers, sums.flows);
    ask.kind = same_destination;
    expect_distinct(vector, FEATURE_SRC_PEERS_10M, ask);
    ask.kind = same_port;
    expect_distinct(vector, FEATURE_SRC_PORTS_10M, ask);
    ask = (struct question){
        .flows = flows, .from = past.ten_minutes, .last = last, .scope = same_destination};
    expect_value(vector, FEATURE_DST_FLOWS_10M, oracle_count(ask));
    ask.kind = same_source;
    expect_distinct(vector, FEATURE_DST_SOURCES_10M, ask);
    ask = (struct question){
        .flows = flows, .from = past.ten_minutes, .last = last, .scope = same_pair};
    expect_value(vector, FEATURE_PAIR_FLOWS_10M, oracle_count(ask));
    ask.kind = same_port;
    expect_distinct(vector, FEATURE_PAIR_PORTS_10M, ask);
}

static unsigned oracle_class(int64_t age_ns)
{
    return age_ns < 60 * SECOND_NS ? FEATURE_ACQUAINTANCE_1MIN : FEATURE_ACQUAINTANCE_LONGER;
}

static void check_source_past(const struct flow_record *flows, size_t last, size_t epoch,
                              const struct feature_vector *vector)
{
    bool is_pair_known = false, is_source_known = false;
    int64_t first_ns = INT64_MAX, notice_ns = 0;
    for (size_t i = epoch; i < last; i++) {
        if (same_source(&flows[i], &flows[last])) {
            is_source_known = true;
            notice_ns = flows[i].notice_ns;
        }
        if (same_pair(&flows[i], &flows[last])) {
            is_pair_known = true;
            first_ns = flows[i].first_ns < first_ns ? flows[i].first_ns : first_ns;
        }
    }
    const int64_t age_ns = flows[last].first_ns - first_ns;
    expect_value(vector, FEATURE_SRC_KNOWS_DST,
                 is_pair_known ? oracle_class(age_ns) : FEATURE_ACQUAINTANCE_NEW);
    ck_assert_int_eq(vector->pair_age_ns, !is_pair_known ? -1 : age_ns > 0 ? age_ns : 0);
    ck_assert_int_eq(feature_is_present(vector, FEATURE_SRC_IDLE), is_source_known);
    if (is_source_known)
        expect_value(vector, FEATURE_SRC_IDLE, (double)(flows[last].notice_ns - notice_ns) / 1e3);
}

static bool same_conversation(const struct flow_record *a, const struct flow_record *b)
{
    return same_pair(a, b) && same_port(a, b);
}

/* Two passes over the intervals between the rising starts. */
static void check_interval(const struct flow_record *flows, size_t last, size_t epoch,
                           const struct feature_vector *vector)
{
    double intervals[FLOWS];
    size_t count = 0;
    unsigned starts = 0;
    int64_t latest_ns = 0;
    double mean = 0, squares = 0;
    for (size_t i = epoch; i <= last; i++) {
        if (!same_conversation(&flows[i], &flows[last]) || flows[i].slice > 0)
            continue;
        const int64_t start_ns = flows[i].first_ns;
        if (starts++ > 0)
            intervals[count++] = start_ns > latest_ns ? (double)(start_ns - latest_ns) : 0;
        latest_ns = start_ns > latest_ns ? start_ns : latest_ns;
    }
    for (size_t i = 0; i < count; i++)
        mean += intervals[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (intervals[i] - mean) * (intervals[i] - mean);
    ck_assert_int_eq(feature_is_present(vector, FEATURE_INTERVAL_CV), starts >= 4 && mean > 0);
    if (starts >= 4 && mean > 0)
        ck_assert_double_eq_tol(vector->value[FEATURE_INTERVAL_CV],
                                sqrt(squares / (double)(count - 1)) / mean, 1e-9);
}

static void compare_with_oracle(uint64_t seed, struct recipe recipe, int64_t window_ns)
{
    struct flow_record *flows = calloc(FLOWS, sizeof *flows);
    ck_assert_ptr_nonnull(flows);
    make_flows(seed, recipe, flows);
    const struct feature_settings settings = test_settings(window_ns);
    struct feature_engine *engine = feature_engine_open(&settings);
    ck_assert_ptr_nonnull(engine);
    for (size_t i = 0; i < FLOWS; i++) {
        struct feature_vector vector = {.present = 0};
        struct endpoint_hashes hashes;
        feature_hash_endpoints(engine, &flows[i], &hashes);
        feature_measure(engine, &flows[i], &hashes, &vector);
        const struct past past = past_of(flows, i, window_ns);
        check_window(flows, i, past, &vector);
        check_ten_minutes(flows, i, past, &vector);
        check_source_past(flows, i, past.epoch, &vector);
        check_interval(flows, i, past.epoch, &vector);
        if (window_ns == 60 * SECOND_NS)
            ck_assert_uint_eq(vector.pair_flows_60s,
                              (unsigned)vector.value[FEATURE_PAIR_FLOWS_WINDOW]);
        ck_assert_uint_ge(vector.pair_flows_60s, 1);
    }
    feature_engine_close(engine);
    free(flows);
}

START_TEST(few_hosts_agree_with_the_oracle)
{
    const struct recipe recipe = {.hosts = 4, .step_ns = 3 * SECOND_NS};
    compare_with_oracle((uint64_t)_i, recipe, 60 * SECOND_NS);
}
END_TEST

START_TEST(many_peers_agree_with_the_oracle)
{
    const struct recipe recipe = {.hosts = HOSTS_MAX, .step_ns = SECOND_NS / 2};
    compare_with_oracle(100 + (uint64_t)_i, recipe, 60 * SECOND_NS);
}
END_TEST

START_TEST(other_windows_agree_with_the_oracle)
{
    const struct recipe recipe = {.hosts = 6, .step_ns = 2 * SECOND_NS};
    compare_with_oracle(200, recipe, SECOND_NS);
    compare_with_oracle(201, recipe, 10 * SECOND_NS);
    compare_with_oracle(202, recipe, 1800 * SECOND_NS);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("feature windows against an oracle");
    TCase *windows = tcase_create("windows");
    tcase_set_timeout(windows, 300);
    tcase_add_loop_test(windows, few_hosts_agree_with_the_oracle, 0, 4);
    tcase_add_loop_test(windows, many_peers_agree_with_the_oracle, 0, 4);
    tcase_add_test(windows, other_windows_agree_with_the_oracle);
    suite_add_tcase(suite, windows);
    return suite;
}
