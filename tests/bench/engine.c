/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow costs the engine, step by step: features, behaviours, learning, scoring, and what an
 * alert costs on top. Called by scripts/bench:
 *
 *     engine HOSTS FLOWS
 *
 * Flows are made in memory, a batch at a time, and each step takes the whole batch before the next
 * step does; only the steps are timed, in processor time of this thread. A third as many flows go
 * before, untimed, so that tables are filled. Prints a line a step: name, ns a flow (or an alert),
 * allocations. The allocating functions are wrapped by the linker (see Makefile): what allocates
 * within a step is counted. The same arguments give the same flows.
 *
 * The mixture: sources and destinations by Zipf's law (the host at rank r comes up 1/r as often as
 * the first), two thirds of flows from inside out, DNS and HTTPS most, some scanning, sizes and
 * times over several powers of ten. 3,000 flows a second. */
#include "engine.h"
#include "anomaly/anomaly.h"
#include "anomaly/baseline.h"
#include "anomaly/flow_pack.h"
#include "behaviour/behaviour.h"
#include "explain/explain.h"
#include "feature/feature.h"
#include "whyflow/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_FLOWS = 256, AHEAD = 4, ALERT_EVERY = 16, FLOWS_PER_S = 3000, WARM_PART = 3 };

static const int64_t SECOND_NS = 1000000000;
static const int64_t START_NS = INT64_C(1700000000) * 1000000000;

/* ---- allocations --------------------------------------------------------------------------- */

static uint64_t allocations; /* the linker's wrapping leaves no other place to count in */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* ---- flows --------------------------------------------------------------------------------- */

struct generator {
    uint64_t random;
    uint64_t hosts;
    double log_hosts;
    uint64_t number;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t random_word(struct generator *generator)
{
    uint64_t word = generator->random += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

static double random_share(struct generator *generator)
{
    return (double)(random_word(generator) >> 11) * 0x1p-53;
}

/* From `low` to `high`, each power of two as often as any other. */
static uint64_t random_magnitude(struct generator *generator, double low, double high)
{
    return (uint64_t)(low * exp(random_share(generator) * log(high / low)));
}

/* A host's rank by Zipf's law: its logarithm is uniform. */
static uint32_t random_host(struct generator *generator)
{
    const uint64_t rank = (uint64_t)exp(random_share(generator) * generator->log_hosts);
    return (uint32_t)(rank < generator->hosts ? rank : generator->hosts - 1);
}

/* Inside is 10.0.0.0/8, outside 60.0.0.0/8. */
static void set_address(uint8_t address[16], uint32_t host, bool is_inside)
{
    const uint32_t word = (is_inside ? UINT32_C(10) << 24 : UINT32_C(60) << 24) + host;
    for (unsigned i = 0; i < 4; i++)
        address[i] = (uint8_t)(word >> (24 - 8 * i));
}

struct kind {
    unsigned percent;
    uint8_t protocol;
    uint16_t port; /* 0: any high one */
    uint8_t state; /* the usual one */
    double bytes_low, bytes_high;
};

static const struct kind kinds[] = {
    {34, PACKET_PROTOCOL_TCP, 443, FLOW_STATE_CLOSED, 1500, 3e6},
    {26, PACKET_PROTOCOL_UDP, 53, FLOW_STATE_ANSWERED, 120, 600},
    {8, PACKET_PROTOCOL_UDP, 443, FLOW_STATE_ANSWERED, 3000, 5e6},
    {7, PACKET_PROTOCOL_TCP, 80, FLOW_STATE_CLOSED, 600, 2e5},
    {5, PACKET_PROTOCOL_UDP, 123, FLOW_STATE_ANSWERED, 150, 160},
    {4, PACKET_PROTOCOL_TCP, 445, FLOW_STATE_ESTABLISHED, 1000, 1e7},
    {3, PACKET_PROTOCOL_TCP, 22, FLOW_STATE_CLOSED, 3000, 1e5},
    {3, PACKET_PROTOCOL_TCP, 25, FLOW_STATE_CLOSED, 2000, 1e6},
    {3, PACKET_PROTOCOL_ICMP, 8, FLOW_STATE_ANSWERED, 160, 1000},
    {3, PACKET_PROTOCOL_UDP, 0, FLOW_STATE_ONE_WAY, 60, 1e4},
    {4, PACKET_PROTOCOL_TCP, 0, FLOW_STATE_ATTEMPTED, 40, 120},
};

static const struct kind *random_kind(struct generator *generator)
{
    unsigned percent = (unsigned)(random_word(generator) % 100);
    const struct kind *kind = kinds;
    while (percent >= kind->percent)
        percent -= kind++->percent;
    return kind;
}

static struct flow_distribution distribution(uint64_t count, uint64_t mean)
{
    return (struct flow_distribution){
        .count = count,
        .min = (int64_t)(mean / 3),
        .max = (int64_t)(mean * 4),
        .mean = (double)mean,
        .deviation = (double)mean / 2,
        .is_whole = true,
    };
}

static struct flow_direction direction_of(const struct flow_record *flow, uint64_t ip_bytes)
{
    const uint64_t packets = ip_bytes / 700 + 1;
    const uint64_t duration_ns = (uint64_t)(flow->last_ns - flow->first_ns);
    const uint64_t headers = packets * 40;
    return (struct flow_direction){
        .packets = packets,
        .frame_bytes = ip_bytes + 14 * packets,
        .ip_bytes = ip_bytes,
        .payload_bytes = ip_bytes > headers ? ip_bytes - headers : 0,
        .first_ns = flow->first_ns,
        .last_ns = flow->last_ns,
        .packet_bytes = distribution(packets, ip_bytes / packets),
        .gap_ns = distribution(packets - 1, duration_ns / packets),
        .ttl_min = 64,
        .ttl_max = 64,
    };
}

static void set_sizes(struct generator *generator, const struct kind *kind,
                      struct flow_record *flow)
{
    const uint64_t bytes = random_magnitude(generator, kind->bytes_low, kind->bytes_high);
    const bool is_answered =
        flow->state != FLOW_STATE_ONE_WAY && flow->state != FLOW_STATE_ATTEMPTED;
    flow->direction[FLOW_FORWARD] = direction_of(flow, is_answered ? bytes / 5 + 40 : bytes);
    if (is_answered)
        flow->direction[FLOW_REVERSE] = direction_of(flow, bytes - bytes / 5);
    flow->has_handshake_rtt = is_answered && flow->protocol == PACKET_PROTOCOL_TCP;
    flow->is_tcp_closed = flow->state == FLOW_STATE_CLOSED;
    flow->handshake_rtt_ns = (int64_t)random_magnitude(generator, 1e5, 2e8);
    flow->longest_gap_ns = (flow->last_ns - flow->first_ns) / 2;
}

static void make_flow(struct generator *generator, struct flow_record *flow)
{
    const struct kind *const kind = random_kind(generator);
    const uint64_t way = random_word(generator) % 6; /* four out, one in, one within */
    const uint64_t number = ++generator->number;
    *flow = (struct flow_record){
        .flow_id = number,
        .opening_number = number,
        .notice_ns = START_NS + (int64_t)number * SECOND_NS / FLOWS_PER_S,
        .source_port = (uint16_t)(32768 + random_word(generator) % 28000),
        .destination_port =
            kind->port != 0 ? kind->port : (uint16_t)(1024 + random_word(generator) % 60000),
        .ip_version = 4,
        .protocol = kind->protocol,
        .basis = kind->protocol == PACKET_PROTOCOL_TCP ? FLOW_BASIS_SYN : FLOW_BASIS_FIRST,
        .end_reason = FLOW_END_IDLE,
        .state = kind->state,
        .icmp_type = kind->protocol == PACKET_PROTOCOL_ICMP ? 8 : 0,
    };
    if (kind->protocol == PACKET_PROTOCOL_TCP && random_word(generator) % 20 == 0)
        flow->state = FLOW_STATE_RESET;
    flow->last_ns = flow->notice_ns - 30 * SECOND_NS;
    flow->first_ns = flow->last_ns - (int64_t)random_magnitude(generator, 1e5, 6e10);
    set_address(flow->source, random_host(generator), way != 4);
    set_address(flow->destination, random_host(generator), way >= 4);
    set_sizes(generator, kind, flow);
}

/* ---- steps --------------------------------------------------------------------------------- */

enum step {
    STEP_FEATURES,
    STEP_BEHAVIOURS,
    STEP_PLACE,
    STEP_LEARN,
    STEP_PACK,
    STEP_UNPACK,
    STEP_ONLINE,
    STEP_RANK,
    STEP_SCORE,
    STEP_ALERT,
    STEP_ENGINE_ONLINE,
    STEP_ENGINE_CAPTURE,
    STEP_COUNT
};

static const char *const step_names[STEP_COUNT] = {
    [STEP_FEATURES] = "features",
    [STEP_BEHAVIOURS] = "behaviours",
    [STEP_PLACE] = "place",
    [STEP_LEARN] = "place+learn",
    [STEP_PACK] = "pack",
    [STEP_UNPACK] = "unpack",
    [STEP_ONLINE] = "judge-online",
    [STEP_RANK] = "capture-rank",
    [STEP_SCORE] = "score",
    [STEP_ALERT] = "alert",
    [STEP_ENGINE_ONLINE] = "engine-online",
    [STEP_ENGINE_CAPTURE] = "engine-capture",
};

struct meter {
    uint64_t ns, allocations, count;
};

struct bench {
    struct generator generator;
    struct flow_record flows[BATCH_FLOWS];
    struct feature_vector vectors[BATCH_FLOWS];
    struct endpoint_hashes hashes[BATCH_FLOWS];
    struct verdict verdicts[BATCH_FLOWS];
    struct feature_engine *features;
    struct behaviour_engine *behaviours;
    struct baseline *baseline;              /* for the place alone */
    struct anomaly_model *online, *capture; /* the second learns, then ranks */
    struct record record;
    uint64_t checksum; /* of what the steps made, so that none can be left out */
    bool is_warming;
    struct meter meters[STEP_COUNT];
    uint64_t started_ns, started_allocations;
};

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * (uint64_t)SECOND_NS + (uint64_t)now.tv_nsec;
}

static void begin(struct bench *bench)
{
    bench->started_allocations = allocations;
    bench->started_ns = processor_ns();
}

static void end(struct bench *bench, enum step step, uint64_t count)
{
    const uint64_t ns = processor_ns() - bench->started_ns;
    if (bench->is_warming)
        return;
    bench->meters[step].ns += ns;
    bench->meters[step].allocations += allocations - bench->started_allocations;
    bench->meters[step].count += count;
}

static void make_batch(struct bench *bench)
{
    for (unsigned i = 0; i < BATCH_FLOWS; i++)
        make_flow(&bench->generator, &bench->flows[i]);
}

/* As the engine does it: memory is asked for some flows ahead. */
static void measure_features(struct bench *bench)
{
    enum { CELLS = 2 * AHEAD, ENTRIES = AHEAD, SUMS = AHEAD / 2, THINGS = AHEAD / 4 };
    struct feature_engine *const features = bench->features;
    const struct flow_record *const flows = bench->flows;
    struct endpoint_hashes *const hashes = bench->hashes;
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS + CELLS; i++) {
        if (i < BATCH_FLOWS) {
            feature_hash_endpoints(features, &flows[i], &hashes[i]);
            feature_ask_ahead(features, &hashes[i]);
        }
        const unsigned entries = i - (CELLS - ENTRIES); /* huge: none yet, as the next ones */
        const unsigned sums = i - (CELLS - SUMS);
        const unsigned things = i - (CELLS - THINGS);
        if (entries < BATCH_FLOWS)
            feature_warm(features, &hashes[entries]);
        if (sums < BATCH_FLOWS)
            feature_warm_sums(features, &hashes[sums]);
        if (things < BATCH_FLOWS)
            feature_warm_things(features, &hashes[things]);
        if (i >= CELLS)
            feature_measure(features, &flows[i - CELLS], &hashes[i - CELLS],
                            &bench->vectors[i - CELLS]);
    }
    end(bench, STEP_FEATURES, BATCH_FLOWS);
}

static void observe_flow(struct bench *bench, unsigned i)
{
    struct behaviour_finding finding = {.behaviour = BEHAVIOUR_NONE};
    behaviour_observe(bench->behaviours, &bench->flows[i], &bench->hashes[i], &bench->vectors[i],
                      &finding);
    bench->checksum += finding.behaviour;
}

static void observe_behaviours(struct bench *bench)
{
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++) {
        behaviour_ask_ahead(bench->behaviours, &bench->flows[i], &bench->hashes[i]);
        if (i >= AHEAD)
            behaviour_warm(bench->behaviours, &bench->flows[i - AHEAD], &bench->hashes[i - AHEAD]);
        if (i >= 2 * AHEAD)
            observe_flow(bench, i - 2 * AHEAD);
    }
    for (unsigned i = BATCH_FLOWS - 2 * AHEAD; i < BATCH_FLOWS; i++)
        observe_flow(bench, i);
    end(bench, STEP_BEHAVIOURS, BATCH_FLOWS);
}

static void place_and_learn(struct bench *bench)
{
    struct baseline_place place;
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++) {
        baseline_place(bench->baseline, &bench->vectors[i], &place);
        bench->checksum += place.bin[0];
    }
    end(bench, STEP_PLACE, BATCH_FLOWS);
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++)
        anomaly_learn(bench->capture, &bench->vectors[i], bench->flows[i].notice_ns);
    end(bench, STEP_LEARN, BATCH_FLOWS);
}

/* As a capture's flows are kept, and read again as far as every flow is. */
static void pack_and_unpack(struct bench *bench)
{
    static const struct behaviour_finding nothing;
    static uint8_t packed[BATCH_FLOWS][FLOW_PACK_BYTES_MAX];
    struct flow_pack writer = {0}, reader = {0};
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++)
        bench->checksum +=
            flow_pack_write(&writer, &bench->flows[i], &bench->vectors[i], &nothing, packed[i]);
    end(bench, STEP_PACK, BATCH_FLOWS);
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++) {
        struct flow_record flow;
        struct feature_vector features;
        struct behaviour_finding finding;
        flow_pack_head(&reader, packed[i], &flow, &features, &finding);
        bench->checksum += flow.opening_number;
    }
    end(bench, STEP_UNPACK, BATCH_FLOWS);
}

static void judge(struct bench *bench)
{
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++)
        anomaly_judge_online(bench->online, &bench->vectors[i], bench->flows[i].notice_ns, 0.01,
                             &bench->verdicts[i]);
    end(bench, STEP_ONLINE, BATCH_FLOWS);
}

/* Once all was learnt. */
static void rank_and_score(struct bench *bench)
{
    int32_t score_mbits = 0;
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++) {
        anomaly_next_scores(bench->capture, &score_mbits, 1);
        bench->checksum += (uint32_t)score_mbits;
    }
    end(bench, STEP_RANK, BATCH_FLOWS);
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i++) {
        anomaly_score(bench->capture, &bench->vectors[i], true, &bench->verdicts[i]);
        bench->checksum += (uint32_t)bench->verdicts[i].score_mbits;
    }
    end(bench, STEP_SCORE, BATCH_FLOWS);
}

/* What the engine does for one alert. */
static void explain(struct bench *bench, unsigned i)
{
    struct record_flow_part *const part = &bench->record.as.flow.part;
    struct baseline_summary baseline;
    uint8_t features[RECORD_REASONS_MAX];
    struct evidence evidences[RECORD_REASONS_MAX];
    bench->verdicts[i].p_value = 0.001;
    anomaly_baseline_summary(bench->capture, &baseline);
    part->flow = bench->flows[i];
    part->features = bench->vectors[i];
    part->verdict = bench->verdicts[i];
    explain_flow(part, baseline.flows);
    const unsigned count = explain_choose(&part->verdict, features);
    for (unsigned j = 0; j < count; j++)
        anomaly_evidence(bench->capture, &part->features, true, (enum feature_id)features[j],
                         &evidences[j]);
    const struct record_combination combination = {0};
    const struct record_counterfactual counterfactual = {0}; /* the engine's own: not timed here */
    const struct explain_basis basis = {
        .baseline = &baseline,
        .features = features,
        .evidences = evidences,
        .count = count,
        .combination = &combination,
        .counterfactual = &counterfactual,
        .stands_out = true,
    };
    explain_alert(part, &basis, &bench->record.as.flow.explanation);
    bench->checksum += (uint8_t)bench->record.as.flow.explanation.text[0];
}

static void raise_alerts(struct bench *bench)
{
    begin(bench);
    for (unsigned i = 0; i < BATCH_FLOWS; i += ALERT_EVERY)
        explain(bench, i);
    end(bench, STEP_ALERT, BATCH_FLOWS / ALERT_EVERY);
}

/* ---- runs ---------------------------------------------------------------------------------- */

static void restart(struct bench *bench, uint64_t hosts)
{
    bench->generator =
        (struct generator){.random = hosts, .hosts = hosts, .log_hosts = log((double)hosts)};
}

static bool open_rooms(struct bench *bench, const struct settings *settings)
{
    struct anomaly_settings online = settings->anomaly;
    online.mode = ANOMALY_MODE_ONLINE;
    bench->features = feature_engine_open(&settings->feature);
    bench->behaviours = behaviour_open(&settings->behaviour);
    bench->baseline = baseline_open(&settings->anomaly);
    bench->capture = anomaly_model_open(&settings->anomaly);
    bench->online = anomaly_model_open(&online);
    return bench->features != NULL && bench->behaviours != NULL && bench->baseline != NULL &&
           bench->capture != NULL && bench->online != NULL;
}

static void close_rooms(struct bench *bench)
{
    feature_engine_close(bench->features);
    behaviour_close(bench->behaviours);
    baseline_close(bench->baseline);
    anomaly_model_close(bench->capture);
    anomaly_model_close(bench->online);
}

static void run_steps(struct bench *bench, uint64_t flows)
{
    const uint64_t warm = flows / WARM_PART;
    for (uint64_t done = 0; done < warm + flows; done += BATCH_FLOWS) {
        bench->is_warming = done < warm;
        make_batch(bench);
        measure_features(bench);
        observe_behaviours(bench);
        place_and_learn(bench);
        pack_and_unpack(bench);
        judge(bench);
    }
}

/* The same flows again, as a capture's second pass meets them: all was learnt. */
static bool run_second_pass(struct bench *bench, const struct settings *settings, uint64_t flows)
{
    feature_engine_close(bench->features);
    bench->features = feature_engine_open(&settings->feature);
    if (bench->features == NULL)
        return false;
    const uint64_t warm = flows / WARM_PART;
    for (uint64_t done = 0; done < warm + flows; done += BATCH_FLOWS) {
        make_batch(bench);
        bench->is_warming = true;
        measure_features(bench);
        bench->is_warming = done < warm;
        rank_and_score(bench);
        raise_alerts(bench);
    }
    return true;
}

static void ignore_record(void *context, const struct record *record)
{
    struct bench *const bench = context;
    bench->checksum += (uint64_t)record->kind;
}

/* Everything together, as the pipeline calls it. A capture's is counted at its end too. */
static bool run_engine(struct bench *bench, const struct settings *settings, enum step step,
                       uint64_t flows)
{
    static const struct statistics end_of_input; /* all 0 */
    struct engine *const engine = engine_open(settings, ignore_record, bench);
    if (engine == NULL)
        return false;
    const uint64_t warm = step == STEP_ENGINE_ONLINE ? flows / WARM_PART : 0;
    for (uint64_t done = 0; done < warm + flows; done += BATCH_FLOWS) {
        bench->is_warming = done < warm;
        make_batch(bench);
        begin(bench);
        engine_flows(engine, bench->flows, BATCH_FLOWS);
        end(bench, step, BATCH_FLOWS);
    }
    begin(bench);
    const bool is_whole = engine_finish(engine, &end_of_input);
    end(bench, step, 0);
    engine_close(engine);
    return is_whole;
}

static bool run(struct bench *bench, uint64_t hosts, uint64_t flows)
{
    struct settings settings;
    settings_default(&settings);
    restart(bench, hosts);
    if (!open_rooms(bench, &settings))
        return false;
    run_steps(bench, flows);
    restart(bench, hosts);
    if (!run_second_pass(bench, &settings, flows))
        return false;
    restart(bench, hosts);
    if (!run_engine(bench, &settings, STEP_ENGINE_CAPTURE, flows))
        return false;
    settings.anomaly.mode = ANOMALY_MODE_ONLINE;
    restart(bench, hosts);
    return run_engine(bench, &settings, STEP_ENGINE_ONLINE, flows);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: engine HOSTS FLOWS\n", stderr);
        return 2;
    }
    struct bench *const bench = calloc(1, sizeof *bench);
    if (bench == NULL || !run(bench, strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10))) {
        fputs("engine: out of memory\n", stderr);
        return 1;
    }
    for (unsigned i = 0; i < STEP_COUNT; i++)
        printf("%s %.1f %" PRIu64 "\n", step_names[i],
               (double)bench->meters[i].ns / (double)bench->meters[i].count,
               bench->meters[i].allocations);
    fprintf(stderr, "%" PRIx64 "\n", bench->checksum);
    close_rooms(bench);
    free(bench);
    return 0;
}
