/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table against a naive one, written from docs/design.md alone: a list of open flows that
 * keep all their packets, searched from end to end, with every flow that is due ended before each
 * packet. Both must give the same records for random packets. */
#include "base/service.h"
#include "tests/support/flow_build.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS = 1200, SEQUENCES = 40, OPEN_MAX = 64, MEMORY_MAX = 32 };

struct end {
    uint8_t address[16];
    uint16_t port;
};

struct naive_flow {
    struct packet *packets; /* in order of arrival */
    size_t count;
    uint64_t number, chain; /* chain: number of the first slice */
    uint32_t slice;
    bool has_inherited; /* initiator and basis, from memory or an earlier slice */
    struct end initiator;
    uint8_t basis;
    bool continues;
    bool had_fin[2], had_rst; /* in earlier slices; index: sent by the first packet's source */
};

struct naive_memory {
    struct packet example; /* tells the key */
    struct end initiator;
    int64_t last_ns;
    uint64_t number;
};

struct naive_record {
    struct flow_record record;
    uint64_t chain;
};

static struct packet packets[PACKETS];
static struct flow_settings settings;
static struct naive_flow open_flows[OPEN_MAX];
static size_t open_flow_count;
static struct naive_memory memories[MEMORY_MAX];
static size_t memory_count;
static struct naive_record records[2 * PACKETS];
static size_t record_count;
static uint64_t opened, strays;
static int64_t now_ns;
static uint32_t epoch;
static bool is_started, has_held;
static struct packet held;

/* ---- packets and keys ---- */

static struct end source_of(const struct packet *packet)
{
    struct end end = {.port = packet->source_port};
    memcpy(end.address, packet->source, sizeof end.address);
    return end;
}

static bool same_end(struct end a, struct end b)
{
    return a.port == b.port && memcmp(a.address, b.address, sizeof a.address) == 0;
}

static struct end destination_of(const struct packet *packet)
{
    const struct packet mirrored = flow_build_mirrored(*packet);
    return source_of(&mirrored);
}

static bool same_way(const struct packet *a, const struct packet *b)
{
    return same_end(source_of(a), source_of(b)) && same_end(destination_of(a), destination_of(b));
}

static bool same_key(const struct packet *a, const struct packet *b)
{
    const bool is_one_way = a->marks & PACKET_MARK_ONE_WAY;
    if (a->ip_version != b->ip_version || a->protocol != b->protocol ||
        is_one_way != (bool)(b->marks & PACKET_MARK_ONE_WAY))
        return false;
    const struct packet mirrored = flow_build_mirrored(*b);
    return same_way(a, b) || (!is_one_way && same_way(a, &mirrored));
}

/* 0: as the flow's first packet, 1: the other way. */
static unsigned way_of(const struct naive_flow *flow, const struct packet *packet)
{
    return same_way(&flow->packets[0], packet) ? 0 : 1;
}

static unsigned flags_of(const struct packet *packet)
{
    return packet->protocol == PACKET_PROTOCOL_TCP ? packet->tcp_flags : 0;
}

static bool is_opening(const struct packet *packet, unsigned ack)
{
    const unsigned mask = PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST | PACKET_TCP_ACK;
    return (flags_of(packet) & mask) == (PACKET_TCP_SYN | ack);
}

/* ---- what a flow is, asked of all its packets ---- */

struct times {
    int64_t first_ns, last_ns;
};

static struct times times_of(const struct naive_flow *flow)
{
    struct times times = {INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < flow->count; i++) {
        const int64_t time_ns = flow->packets[i].time_ns;
        times.first_ns = time_ns < times.first_ns ? time_ns : times.first_ns;
        times.last_ns = time_ns > times.last_ns ? time_ns : times.last_ns;
    }
    return times;
}

static bool is_closed(const struct naive_flow *flow)
{
    bool fin[2] = {flow->had_fin[0], flow->had_fin[1]}, rst = flow->had_rst;
    for (size_t i = 0; i < flow->count; i++) {
        fin[way_of(flow, &flow->packets[i])] |= (flags_of(&flow->packets[i]) & PACKET_TCP_FIN) != 0;
        rst |= (flags_of(&flow->packets[i]) & PACKET_TCP_RST) != 0;
    }
    return rst || (fin[0] && fin[1]);
}

/* The handshake, read off the packets in order. */
struct handshake {
    bool has_syn, has_synack, is_complete, has_rtt;
    unsigned opener; /* the way of the SYN; valid with has_syn or has_synack */
    uint32_t sequence;
    int64_t syn_ns, rtt_ns;
};

static void see_completion(struct handshake *hand, const struct packet *packet, unsigned way)
{
    if (hand->is_complete || (flags_of(packet) & PACKET_TCP_RST))
        return;
    if (!hand->has_syn && !hand->has_synack)
        return;
    const bool is_openers_ack = way == hand->opener && (flags_of(packet) & PACKET_TCP_ACK);
    hand->is_complete = hand->has_synack || is_openers_ack;
    if (hand->has_syn && is_openers_ack && packet->time_ns >= hand->syn_ns) {
        hand->has_rtt = true;
        hand->rtt_ns = packet->time_ns - hand->syn_ns;
    }
}

/* Did one of the first `count` packets acknowledge, from this way, without a SYN? */
static bool has_acknowledged(const struct naive_flow *flow, size_t count, unsigned way)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned flags = flags_of(&flow->packets[i]);
        if (way_of(flow, &flow->packets[i]) == way && (flags & PACKET_TCP_ACK) &&
            !(flags & PACKET_TCP_SYN))
            return true;
    }
    return false;
}

static struct handshake handshake_of(const struct naive_flow *flow)
{
    struct handshake hand = {0};
    for (size_t i = 0; i < flow->count; i++) {
        const struct packet *const packet = &flow->packets[i];
        const unsigned way = way_of(flow, packet);
        if (packet->protocol != PACKET_PROTOCOL_TCP)
            return hand;
        if (is_opening(packet, 0)) {
            if (hand.has_syn)
                continue;
            hand.has_syn = true;
            hand.opener = way;
            hand.sequence = packet->tcp_sequence;
            hand.syn_ns = packet->time_ns;
            hand.is_complete |= has_acknowledged(flow, i, way);
        } else if (is_opening(packet, PACKET_TCP_ACK)) {
            if (!hand.has_syn && !hand.has_synack) {
                hand.opener = 1 - way;
                hand.sequence = packet->tcp_acknowledgment - 1;
            }
            hand.has_synack |= !hand.has_syn || way != hand.opener;
        } else if (flow->slice == 0) {
            see_completion(&hand, packet, way);
        }
    }
    return hand;
}

static bool is_half_open(const struct naive_flow *flow)
{
    const struct handshake hand = handshake_of(flow);
    return (hand.has_syn || hand.has_synack) && !hand.is_complete && flow->slice == 0;
}

static bool has_both_ways(const struct naive_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        if (way_of(flow, &flow->packets[i]) == 1)
            return true;
    return false;
}

struct initiator {
    struct end end;
    uint8_t basis;
};

static struct initiator initiator_of(const struct naive_flow *flow)
{
    const struct packet *const first = &flow->packets[0];
    const struct end ends[2] = {source_of(first), destination_of(first)};
    const struct handshake hand = handshake_of(flow);
    if (flow->slice > 0)
        return (struct initiator){flow->initiator, flow->basis};
    if (hand.has_syn)
        return (struct initiator){ends[hand.opener], FLOW_BASIS_SYN};
    if (hand.has_synack)
        return (struct initiator){ends[hand.opener], FLOW_BASIS_SYNACK};
    if (flow->has_inherited)
        return (struct initiator){flow->initiator, flow->basis};
    if (!has_both_ways(flow))
        return (struct initiator){ends[0], FLOW_BASIS_ONLY_SIDE};
    const bool known[2] = {service_is_known(first->protocol, ends[0].port),
                           service_is_known(first->protocol, ends[1].port)};
    if (known[0] != known[1])
        return (struct initiator){ends[known[0] ? 1 : 0], FLOW_BASIS_PORT};
    return (struct initiator){ends[0], FLOW_BASIS_FIRST};
}

/* 0 light, 1 closed, 2 open. */
static unsigned weight_of(const struct naive_flow *flow)
{
    if (is_closed(flow))
        return 1;
    return (flow->count == 1 || is_half_open(flow)) && !flow->continues ? 0 : 2;
}

static int64_t timeout_of(const struct naive_flow *flow)
{
    int64_t timeout_ns = settings.idle_timeout_ns;
    if (is_closed(flow) && settings.close_timeout_ns > 0 &&
        (timeout_ns == 0 || settings.close_timeout_ns < timeout_ns))
        timeout_ns = settings.close_timeout_ns;
    return timeout_ns;
}

static enum flow_state state_of(const struct naive_flow *flow, unsigned opener)
{
    if (flow->continues)
        return FLOW_STATE_CONTINUED;
    if (flow->packets[0].protocol != PACKET_PROTOCOL_TCP)
        return has_both_ways(flow) ? FLOW_STATE_ANSWERED : FLOW_STATE_ONE_WAY;
    const struct handshake hand = handshake_of(flow);
    bool rst[2] = {false, false};
    for (size_t i = 0; i < flow->count; i++)
        rst[way_of(flow, &flow->packets[i])] |= (flags_of(&flow->packets[i]) & PACKET_TCP_RST) != 0;
    if (hand.has_syn && !hand.has_synack && !hand.is_complete) {
        if (rst[1 - opener])
            return FLOW_STATE_REFUSED;
        return rst[opener] ? FLOW_STATE_RESET : FLOW_STATE_ATTEMPTED;
    }
    if (rst[0] || rst[1])
        return FLOW_STATE_RESET;
    if (is_closed(flow))
        return FLOW_STATE_CLOSED;
    if (hand.is_complete)
        return FLOW_STATE_ESTABLISHED;
    return hand.has_synack ? FLOW_STATE_HALF_OPEN : FLOW_STATE_MIDSTREAM;
}

/* ---- records ---- */

/* Mean and deviation of values in two passes. */
static void distribute(const double *values, size_t count, struct flow_distribution *distribution)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    const double mean = count > 0 ? sum / (double)count : 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    *distribution = (struct flow_distribution){.count = count, .mean = mean};
    distribution->deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t value = (int64_t)values[i];
        distribution->min = i == 0 || value < distribution->min ? value : distribution->min;
        distribution->max = i == 0 || value > distribution->max ? value : distribution->max;
    }
}

/* Times as they arrive, kept sorted. */
struct naive_times {
    int64_t sorted[PACKETS];
    size_t count;
    bool is_whole; /* no packet split a gap but the last, nor the longest */
};

static double longest_of(const struct naive_times *times)
{
    double longest = 0;
    for (size_t i = 1; i < times->count; i++) {
        const double gap = (double)(times->sorted[i] - times->sorted[i - 1]);
        longest = gap > longest ? gap : longest;
    }
    return longest;
}

static void add_time(struct naive_times *times, int64_t time_ns)
{
    const size_t n = times->count;
    if (n > 1 && time_ns < times->sorted[n - 1] && time_ns >= times->sorted[0]) {
        const double split = (double)(times->sorted[n - 1] - times->sorted[n - 2]);
        if (time_ns < times->sorted[n - 2] || (n > 2 && split == longest_of(times)))
            times->is_whole = false;
    }
    size_t place = n;
    for (; place > 0 && times->sorted[place - 1] > time_ns; place--)
        times->sorted[place] = times->sorted[place - 1];
    times->sorted[place] = time_ns;
    times->count++;
}

static void distribute_gaps(const struct naive_times *times, struct flow_distribution *gaps_ns)
{
    static double gaps[PACKETS];
    for (size_t i = 1; i < times->count; i++)
        gaps[i - 1] = (double)(times->sorted[i] - times->sorted[i - 1]);
    distribute(gaps, times->count > 0 ? times->count - 1 : 0, gaps_ns);
    gaps_ns->is_whole = times->is_whole && times->count > 1;
    if (!gaps_ns->is_whole)
        gaps_ns->min = gaps_ns->max = 0, gaps_ns->deviation = 0;
}

/* One direction's sums. */
static void count_way(const struct naive_flow *flow, unsigned way, struct flow_direction *sums)
{
    static double sizes[PACKETS];
    static struct naive_times times;
    times = (struct naive_times){.is_whole = true};
    *sums = (struct flow_direction){0};
    for (size_t i = 0; i < flow->count; i++) {
        const struct packet *const packet = &flow->packets[i];
        if (way_of(flow, packet) != way)
            continue;
        if (sums->packets == 0)
            sums->ttl_min = sums->ttl_max = packet->ttl;
        add_time(&times, packet->time_ns);
        sums->ttl_min = packet->ttl < sums->ttl_min ? packet->ttl : sums->ttl_min;
        sums->ttl_max = packet->ttl > sums->ttl_max ? packet->ttl : sums->ttl_max;
        sizes[sums->packets++] = packet->ip_bytes;
        sums->frame_bytes += packet->frame_bytes;
        sums->ip_bytes += packet->ip_bytes;
        sums->payload_bytes += packet->payload_bytes;
        sums->tcp_flags |= packet->tcp_flags;
    }
    if (times.count > 0) {
        sums->first_ns = times.sorted[0];
        sums->last_ns = times.sorted[times.count - 1];
    }
    distribute(sizes, sums->packets, &sums->packet_bytes);
    sums->packet_bytes.is_whole = sums->packets > 0;
    distribute_gaps(&times, &sums->gap_ns);
}

static int64_t longest_gap_of(const struct naive_flow *flow, bool *has_late)
{
    static struct naive_times times;
    times = (struct naive_times){.is_whole = true};
    *has_late = false;
    for (size_t i = 0; i < flow->count; i++) {
        const int64_t time_ns = flow->packets[i].time_ns;
        *has_late |= times.count > 0 && time_ns < times.sorted[times.count - 1];
        add_time(&times, time_ns);
    }
    return times.is_whole ? (int64_t)longest_of(&times) : -1;
}

static void write_history(const struct naive_flow *flow, unsigned opener, char *history)
{
    size_t length = 0;
    for (size_t i = 0; i < flow->count; i++) {
        const struct packet *const packet = &flow->packets[i];
        const unsigned f = packet->tcp_flags & 7;
        const bool has_ack = packet->tcp_flags & PACKET_TCP_ACK;
        char letters[4] = "";
        size_t count = 0;
        if ((f & PACKET_TCP_SYN) && f != PACKET_TCP_SYN)
            letters[count++] = 'Q';
        else if (f == (PACKET_TCP_FIN | PACKET_TCP_RST))
            letters[count++] = 'I';
        else if (f == PACKET_TCP_SYN)
            letters[count++] = has_ack ? 'H' : 'S';
        if (packet->payload_bytes > 0)
            letters[count++] = 'D';
        else if (f == 0 && has_ack)
            letters[count++] = 'A';
        if (f == PACKET_TCP_FIN)
            letters[count++] = 'F';
        if (f == PACKET_TCP_RST)
            letters[count++] = 'R';
        for (size_t j = 0; j < count; j++) {
            const bool is_opener = way_of(flow, packet) == opener;
            const char letter = (char)(is_opener ? letters[j] : letters[j] + 'a' - 'A');
            if (length < 16 && memchr(history, letter, length) == NULL)
                history[length++] = letter;
        }
    }
}

static uint16_t marks_of(const struct naive_flow *flow, bool has_late)
{
    bool is_coarse = flow->count > 1;
    for (size_t i = 0; i < flow->count; i++)
        is_coarse &= flow->packets[i].time_ns % MS == 0;
    return (uint16_t)((is_coarse ? FLOW_MARK_COARSE_TIME : 0) |
                      (has_late ? FLOW_MARK_LATE_PACKETS : 0));
}

static void make_record(const struct naive_flow *flow, enum flow_end_reason reason,
                        int64_t notice_ns)
{
    const struct packet *const first = &flow->packets[0];
    const struct initiator initiator = initiator_of(flow);
    const unsigned opener = same_end(initiator.end, source_of(first)) ? 0 : 1;
    const struct end responder = opener == 0 ? destination_of(first) : source_of(first);
    const struct handshake hand = handshake_of(flow);
    const struct times times = times_of(flow);
    bool has_late;
    ck_assert_uint_lt(record_count, 2 * PACKETS);
    records[record_count].chain = flow->chain;
    struct flow_record *const record = &records[record_count++].record;
    *record = (struct flow_record){
        .opening_number = flow->number,
        .epoch = epoch,
        .slice = flow->slice,
        .first_ns = times.first_ns,
        .last_ns = times.last_ns,
        .notice_ns = notice_ns,
        .source_port = initiator.end.port,
        .destination_port = responder.port,
        .ip_version = first->ip_version,
        .protocol = first->protocol,
        .basis = initiator.basis,
        .end_reason = (uint8_t)reason,
        .state = (uint8_t)state_of(flow, opener),
        .icmp_type = first->icmp_type,
        .icmp_code = first->icmp_code,
        .one_way_key = (first->marks & PACKET_MARK_ONE_WAY) != 0,
        .is_tcp_closed = is_closed(flow),
        .has_handshake_rtt = hand.has_rtt,
        .handshake_rtt_ns = hand.rtt_ns,
        .longest_gap_ns = longest_gap_of(flow, &has_late),
    };
    record->marks = marks_of(flow, has_late);
    memcpy(record->source, initiator.end.address, sizeof record->source);
    memcpy(record->destination, responder.address, sizeof record->destination);
    count_way(flow, opener, &record->direction[FLOW_FORWARD]);
    count_way(flow, 1 - opener, &record->direction[FLOW_REVERSE]);
    write_history(flow, opener, record->history);
}

/* ---- ending and opening ---- */

static bool is_memory_before(const struct naive_memory *a, const struct naive_memory *b)
{
    return a->last_ns != b->last_ns ? a->last_ns < b->last_ns : a->number < b->number;
}

static void remember(const struct naive_flow *flow)
{
    const struct naive_memory new_memory = {flow->packets[0], initiator_of(flow).end,
                                            times_of(flow).last_ns, flow->number};
    for (size_t i = 0; i < memory_count; i++)
        if (same_key(&memories[i].example, &new_memory.example)) {
            memories[i].initiator = new_memory.initiator;
            if (is_memory_before(&memories[i], &new_memory)) {
                memories[i].last_ns = new_memory.last_ns;
                memories[i].number = new_memory.number;
            }
            return;
        }
    memories[memory_count++] = new_memory;
    if (memory_count <= settings.max_memories)
        return;
    size_t least = 0;
    for (size_t i = 1; i < memory_count; i++)
        if (is_memory_before(&memories[i], &memories[least]))
            least = i;
    memories[least] = memories[--memory_count];
}

static bool is_memorable(const struct naive_flow *flow)
{
    if ((flow->packets[0].marks & PACKET_MARK_ONE_WAY) || is_half_open(flow))
        return false;
    return has_both_ways(flow) || flow->continues || handshake_of(flow).is_complete;
}

static void end_flow(size_t i, enum flow_end_reason reason, int64_t notice_ns)
{
    struct naive_flow *const flow = &open_flows[i];
    make_record(flow, reason, notice_ns);
    if (reason != FLOW_END_ACTIVE && reason != FLOW_END_TCP_REUSE && is_memorable(flow))
        remember(flow);
    free(flow->packets);
    *flow = open_flows[--open_flow_count];
}

static bool is_due(const struct naive_flow *flow)
{
    const int64_t timeout_ns = timeout_of(flow);
    return timeout_ns > 0 && now_ns - times_of(flow).last_ns >= timeout_ns;
}

static enum flow_end_reason silent_reason(const struct naive_flow *flow)
{
    return is_closed(flow) ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

static void end_due(void)
{
    for (size_t i = 0; i < open_flow_count;)
        if (is_due(&open_flows[i]))
            end_flow(i, silent_reason(&open_flows[i]),
                     times_of(&open_flows[i]).last_ns + timeout_of(&open_flows[i]));
        else
            i++;
}

static bool is_evicted_before(const struct naive_flow *a, const struct naive_flow *b)
{
    if (weight_of(a) != weight_of(b))
        return weight_of(a) < weight_of(b);
    const int64_t last_a = times_of(a).last_ns, last_b = times_of(b).last_ns;
    return last_a != last_b ? last_a < last_b : a->number < b->number;
}

static void make_room(void)
{
    if (open_flow_count < settings.max_flows)
        return;
    size_t least = 0;
    for (size_t i = 1; i < open_flow_count; i++)
        if (is_evicted_before(&open_flows[i], &open_flows[least]))
            least = i;
    end_flow(least, FLOW_END_RESOURCES, now_ns);
}

static void recall(struct naive_flow *flow, const struct packet *packet)
{
    if (flags_of(packet) & PACKET_TCP_SYN)
        return;
    for (size_t i = 0; i < memory_count; i++)
        if (same_key(&memories[i].example, packet) &&
            now_ns - memories[i].last_ns <= settings.memory_ns) {
            flow->initiator = memories[i].initiator;
            flow->basis = FLOW_BASIS_MEMORY;
            flow->has_inherited = flow->continues = true;
        }
}

static struct naive_flow *open_flow(const struct packet *packet)
{
    make_room();
    struct naive_flow *const flow = &open_flows[open_flow_count++];
    *flow = (struct naive_flow){.number = ++opened};
    flow->chain = flow->number;
    recall(flow, packet);
    return flow;
}

/* The next slice of open_flows[i], which ends. */
static struct naive_flow *open_slice(size_t i, const struct packet *packet)
{
    const struct naive_flow *const ended = &open_flows[i];
    struct naive_flow next = {.number = ++opened, .chain = ended->chain, .slice = ended->slice + 1};
    const struct initiator initiator = initiator_of(ended);
    next.initiator = initiator.end;
    next.basis = initiator.basis;
    next.has_inherited = next.continues = true;
    const unsigned turned = way_of(ended, packet);
    for (unsigned way = 0; way < 2; way++)
        next.had_fin[way ^ turned] = ended->had_fin[way];
    next.had_rst = ended->had_rst;
    for (size_t j = 0; j < ended->count; j++) {
        const unsigned way = way_of(ended, &ended->packets[j]) ^ turned;
        next.had_fin[way] |= (flags_of(&ended->packets[j]) & PACKET_TCP_FIN) != 0;
        next.had_rst |= (flags_of(&ended->packets[j]) & PACKET_TCP_RST) != 0;
    }
    end_flow(i, FLOW_END_ACTIVE, now_ns);
    open_flows[open_flow_count++] = next;
    return &open_flows[open_flow_count - 1];
}

/* A SYN that is no retransmission, not late and not one half of a simultaneous opening. */
static bool is_new_connection(const struct naive_flow *flow, const struct packet *packet)
{
    if (!is_opening(packet, 0) || packet->time_ns < times_of(flow).last_ns)
        return false;
    const struct handshake hand = handshake_of(flow);
    if (!hand.has_syn && !hand.has_synack)
        return true;
    if (way_of(flow, packet) == hand.opener)
        return packet->tcp_sequence != hand.sequence;
    return !hand.has_syn || hand.has_synack || is_closed(flow);
}

static struct naive_flow *flow_for(const struct packet *packet)
{
    size_t i = 0;
    while (i < open_flow_count && !same_key(&open_flows[i].packets[0], packet))
        i++;
    if (i == open_flow_count)
        return open_flow(packet);
    if (is_new_connection(&open_flows[i], packet)) {
        end_flow(i, is_closed(&open_flows[i]) ? FLOW_END_DETECTED : FLOW_END_TCP_REUSE, now_ns);
        return open_flow(packet);
    }
    const bool has_outlived =
        settings.active_timeout_ns > 0 &&
        now_ns - times_of(&open_flows[i]).first_ns >= settings.active_timeout_ns;
    return has_outlived ? open_slice(i, packet) : &open_flows[i];
}

static void add_packet(struct naive_flow *flow, const struct packet *packet)
{
    if (flow->count % 16 == 0) {
        flow->packets = realloc(flow->packets, (flow->count + 16) * sizeof *flow->packets);
        ck_assert_ptr_nonnull(flow->packets);
    }
    flow->packets[flow->count++] = *packet;
}

static void take(const struct packet *packet)
{
    now_ns = !is_started || packet->time_ns > now_ns ? packet->time_ns : now_ns;
    is_started = true;
    end_due();
    struct naive_flow *const flow = flow_for(packet);
    add_packet(flow, packet);
    if (is_due(flow))
        end_flow((size_t)(flow - open_flows), silent_reason(flow), now_ns);
}

static bool can_follow(int64_t time_ns, int64_t reference_ns)
{
    return time_ns - reference_ns <= 3600 * SECOND && reference_ns - time_ns <= 60 * SECOND;
}

/* From the same side of the present as the held one, and not a minute before it. */
static bool agrees_with_held(int64_t time_ns)
{
    const bool is_ahead = time_ns > now_ns, held_is_ahead = held.time_ns > now_ns;
    return is_ahead == held_is_ahead && held.time_ns - time_ns <= 60 * SECOND;
}

static void judge(const struct packet *packet)
{
    if (!is_started || can_follow(packet->time_ns, now_ns)) {
        strays += has_held;
        has_held = false;
        take(packet);
    } else if (!has_held || !agrees_with_held(packet->time_ns)) {
        strays += has_held;
        has_held = true;
        held = *packet;
    } else {
        const struct packet believed = held;
        has_held = false;
        if (believed.time_ns < now_ns) {
            end_due();
            while (open_flow_count > 0)
                end_flow(0, FLOW_END_CLOCK_STEP, now_ns);
            memory_count = 0;
            epoch++;
        }
        now_ns = believed.time_ns;
        take(&believed);
        judge(packet);
    }
}

static int compare_records(const void *a, const void *b)
{
    const struct flow_record *const x = &((const struct naive_record *)a)->record;
    const struct flow_record *const y = &((const struct naive_record *)b)->record;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->notice_ns != y->notice_ns)
        return x->notice_ns < y->notice_ns ? -1 : 1;
    return x->opening_number < y->opening_number ? -1 : 1;
}

static void run_naive(void)
{
    open_flow_count = memory_count = record_count = 0;
    opened = strays = 0;
    epoch = 0;
    is_started = has_held = false;
    for (size_t i = 0; i < PACKETS; i++)
        judge(&packets[i]);
    if (has_held && held.time_ns > now_ns) {
        now_ns = held.time_ns;
        take(&held);
    } else {
        strays += has_held;
    }
    end_due();
    while (open_flow_count > 0)
        end_flow(0, FLOW_END_FORCED, now_ns);
    qsort(records, record_count, sizeof *records, compare_records);
}

/* ---- comparison ---- */

static void check_distribution(const struct flow_distribution *got,
                               const struct flow_distribution *expected)
{
    ck_assert_double_eq_tol(got->mean, expected->mean, 1e-9 * (1 + fabs(expected->mean)));
    ck_assert_double_eq_tol(got->deviation, expected->deviation, 1e-6 * (1 + expected->deviation));
}

static void check_record(const struct flow_record *got, const struct flow_record *expected)
{
    char text[FLOW_DESCRIPTION_SIZE], expected_text[FLOW_DESCRIPTION_SIZE];
    flow_build_describe(got, false, text);
    flow_build_describe(expected, false, expected_text);
    ck_assert_str_eq(text, expected_text);
    for (unsigned d = 0; d < 2; d++) {
        check_distribution(&got->direction[d].packet_bytes, &expected->direction[d].packet_bytes);
        check_distribution(&got->direction[d].gap_ns, &expected->direction[d].gap_ns);
    }
}

/* Slices of one flow share its id. */
static void check_ids(const struct flow_run *run)
{
    static uint64_t id_of_chain[2 * PACKETS + 1];
    memset(id_of_chain, 0, sizeof id_of_chain);
    for (size_t i = 0; i < run->count; i++) {
        uint64_t *const id = &id_of_chain[records[i].chain];
        ck_assert_uint_lt(run->records[i].flow_id, UINT64_C(1) << 51);
        if (*id == 0)
            *id = run->records[i].flow_id;
        ck_assert_uint_eq(run->records[i].flow_id, *id);
    }
}

START_TEST(table_gives_the_records_of_a_naive_one)
{
    uint64_t state = (uint64_t)_i + 5000;
    settings = flow_build_random_settings(&state);
    const struct flow_mix mix = {
        .keys = (unsigned)(3 + flow_random(&state) % 70),
        .has_known_ports = flow_random(&state) % 2,
        .has_steps = flow_random(&state) % 2,
    };
    flow_build_random_packets(&state, &mix, packets, PACKETS);
    for (size_t i = 0; i < PACKETS; i++)
        packets[i].time_ns += _i % 3 == 0 ? (int64_t)(flow_random(&state) % 3) : 0;
    run_naive();
    struct flow_run run;
    flow_run_open(&run, &settings);
    flow_run_packets(&run, packets, PACKETS, 32);
    flow_run_finish(&run);
    for (size_t i = 0; i < run.count && i < record_count; i++)
        check_record(&run.records[i], &records[i].record);
    ck_assert_uint_eq(run.count, record_count);
    check_ids(&run);
    struct packet_counters counters;
    struct flow_counters flows;
    flow_table_counters(run.table, &counters, &flows);
    ck_assert_uint_eq(counters.refused[PACKET_REFUSED_STRAY_TIME], strays);
    flow_run_close(&run);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flow oracle");
    TCase *const tcase = tcase_create("naive table");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, table_gives_the_records_of_a_naive_one, 0, SEQUENCES);
    suite_add_tcase(suite, tcase);
    return suite;
}
