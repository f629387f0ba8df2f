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

enum { PACKETS = 1200, SEQUENCES = 240, OPEN_MAX = 64, MEMORY_MAX = 32 };
enum { RECENT = 8, GAPS = 8, RANGES = 8, DATAGRAMS = 8, DATAGRAM_BYTES = 512, STREAM_BYTES = 512 };

/* What is found of a packet, kept in its marks. */
enum { IS_COPY = 1 << 13, OVERLAPS = 1 << 14, HAS_NO_FIRST = 1 << 15 };

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
    struct packet *earlier;   /* the packets of earlier slices */
    size_t earlier_count;
    struct packet recent[RECENT]; /* the last originals, oldest first */
    size_t recent_count;
    uint64_t left_out[2]; /* copies, by way */
};

/* A datagram whose fragments come. */
struct naive_datagram {
    struct packet example; /* tells the key */
    struct packet first;   /* has the ports; valid if has_first */
    bool has_first, has_end;
    bool came[DATAGRAM_BYTES];
    size_t end;
    int64_t last_ns;
    uint64_t touch;
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
static struct naive_datagram datagrams[DATAGRAMS];
static size_t datagram_count;
static uint64_t opened, strays, touches, refused_copies;
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

static bool same_tag(const struct packet *a, const struct packet *b)
{
    return a->vlan_count == b->vlan_count && (a->vlan_count == 0 || a->vlan[0] == b->vlan[0]);
}

static bool same_key(const struct packet *a, const struct packet *b)
{
    const bool is_one_way = a->marks & PACKET_MARK_ONE_WAY;
    if (a->ip_version != b->ip_version || a->protocol != b->protocol ||
        is_one_way != (bool)(b->marks & PACKET_MARK_ONE_WAY))
        return false;
    if (settings.vlan_is_in_key && !same_tag(a, b))
        return false;
    const struct packet mirrored = flow_build_mirrored(*b);
    return same_way(a, b) || (!is_one_way && same_way(a, &mirrored));
}

/* 0: as the flow's first packet, 1: the other way. */
static unsigned way_of(const struct naive_flow *flow, const struct packet *packet)
{
    return same_way(&flow->packets[0], packet) ? 0 : 1;
}

static bool is_fragment(const struct packet *packet)
{
    return packet->marks & (PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER);
}

/* Copies and what has no header tell TCP nothing. */
static bool has_header(const struct packet *packet)
{
    return packet->protocol == PACKET_PROTOCOL_TCP && !(packet->marks & IS_COPY) &&
           !(packet->marks & PACKET_MARK_FRAGMENT_LATER);
}

static unsigned flags_of(const struct packet *packet)
{
    return has_header(packet) ? packet->tcp_flags : 0;
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

/* The first packet by time; of equal ones the first that came. */
static const struct packet *earliest_of(const struct naive_flow *flow)
{
    const struct packet *earliest = &flow->packets[0];
    for (size_t i = 1; i < flow->count; i++)
        if (flow->packets[i].time_ns < earliest->time_ns)
            earliest = &flow->packets[i];
    return earliest;
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
        if (!has_header(packet))
            continue;
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

static bool has_refusal(const struct naive_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        if (flags_of(&flow->packets[i]) == (PACKET_TCP_RST | PACKET_TCP_ACK) &&
            flow->packets[i].tcp_sequence == 0 &&
            !(flow->packets[i].marks & (PACKET_MARK_FRAGMENT_LATER | IS_COPY)))
            return true;
    return false;
}

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
    if (!has_both_ways(flow) && has_refusal(flow))
        return (struct initiator){ends[1], FLOW_BASIS_SYNACK};
    if (!has_both_ways(flow))
        return (struct initiator){ends[0], FLOW_BASIS_ONLY_SIDE};
    const bool known[2] = {service_is_known(first->protocol, ends[0].port),
                           service_is_known(first->protocol, ends[1].port)};
    if (known[0] != known[1])
        return (struct initiator){ends[known[0] ? 1 : 0], FLOW_BASIS_PORT};
    return (struct initiator){source_of(earliest_of(flow)), FLOW_BASIS_FIRST};
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
        sums->duplicates += (packet->marks & IS_COPY) != 0;
    }
    sums->duplicates += flow->left_out[way];
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

/* ---- segments: which of each way's bytes came, one by one ---- */

struct naive_stream {
    bool came[STREAM_BYTES];
    bool has_bytes, has_zero_window, had_fin, had_rst;
    size_t base, next; /* positions in came */
};

enum { AGAIN = 1, DISORDER = 2, ZERO_WINDOW = 4, ZERO_FALL = 8 };

/* More than 8 gaps: of the lowest nothing more is told. */
static void limit_gaps(struct naive_stream *stream)
{
    size_t gaps = 0, first_end = stream->base;
    for (size_t i = stream->base + 1; i <= stream->next; i++)
        if (stream->came[i] && !stream->came[i - 1] && ++gaps == 1)
            first_end = i;
    if (gaps <= GAPS)
        return;
    memset(&stream->came[stream->base], true, first_end - stream->base);
    stream->base = first_end;
    limit_gaps(stream);
}

static unsigned see_segment(struct naive_stream *stream, const struct packet *packet, bool is_late)
{
    const unsigned flags = flags_of(packet);
    const size_t start = packet->tcp_sequence - UINT32_C(0xffffffe0);
    const bool has_syn = flags & PACKET_TCP_SYN, has_fin = flags & PACKET_TCP_FIN;
    const size_t marks = (size_t)has_syn + (size_t)has_fin;
    const size_t end = start + packet->payload_bytes + marks;
    ck_assert_uint_lt(end, STREAM_BYTES);
    if (start == end || (flags & PACKET_TCP_RST))
        return 0;
    if (!stream->has_bytes || ((flags & PACKET_TCP_SYN) && start > stream->next)) {
        memset(stream->came, 0, sizeof stream->came);
        memset(&stream->came[start], true, end - start);
        stream->has_bytes = true;
        stream->base = start;
        stream->next = end;
        return 0;
    }
    const bool is_keep_alive = marks == 0 && end == start + 1 && end == stream->next;
    bool is_new = false, is_told = !is_keep_alive && end <= stream->next;
    for (size_t i = start; i < end; i++) {
        is_new |= i >= stream->base && !stream->came[i];
        stream->came[i] = true;
    }
    const bool is_known = start >= stream->base;
    stream->next = end > stream->next ? end : stream->next;
    limit_gaps(stream);
    if (is_told && is_new)
        return is_late ? 0 : DISORDER;
    return is_told && is_known ? AGAIN : 0;
}

static unsigned see_window(struct naive_stream *own, const struct naive_stream *peer,
                           const struct packet *packet)
{
    if ((flags_of(packet) & PACKET_TCP_RST) || own->had_rst || peer->had_fin)
        return 0;
    const bool had_zero_window = own->has_zero_window;
    own->has_zero_window = packet->tcp_window == 0;
    if (packet->tcp_window != 0)
        return 0;
    return ZERO_WINDOW | (had_zero_window ? 0 : ZERO_FALL);
}

/* Judges the flow's packets, what earlier slices brought in mind. */
static void judge_segments(const struct naive_flow *flow, unsigned *findings)
{
    static struct naive_stream streams[2];
    memset(streams, 0, sizeof streams);
    int64_t last_ns[2] = {INT64_MIN, INT64_MIN};
    for (size_t i = 0; i < flow->earlier_count + flow->count; i++) {
        const bool is_earlier = i < flow->earlier_count;
        const size_t own = i - flow->earlier_count;
        const struct packet *const packet = is_earlier ? &flow->earlier[i] : &flow->packets[own];
        const unsigned way = way_of(flow, packet);
        unsigned found = 0;
        if (has_header(packet)) {
            struct naive_stream *const stream = &streams[way];
            found = see_window(stream, &streams[1 - way], packet);
            found |= see_segment(stream, packet, packet->time_ns < last_ns[way]);
            stream->had_fin |= (flags_of(packet) & PACKET_TCP_FIN) != 0;
            stream->had_rst |= (flags_of(packet) & PACKET_TCP_RST) != 0;
        }
        if (is_earlier)
            continue;
        findings[own] = found;
        last_ns[way] = packet->time_ns > last_ns[way] ? packet->time_ns : last_ns[way];
    }
}

static void count_segments(const struct naive_flow *flow, unsigned way, const unsigned *findings,
                           struct flow_direction *sums)
{
    for (size_t i = 0; i < flow->count; i++) {
        if (way_of(flow, &flow->packets[i]) != way)
            continue;
        sums->retransmitted += (findings[i] & AGAIN) != 0;
        sums->out_of_order += (findings[i] & DISORDER) != 0;
        sums->zero_windows += (findings[i] & ZERO_FALL) != 0;
    }
}

/* ---- history ---- */

/* The letter for a packet's flags; 0: none. */
static char letter_of(const struct packet *packet)
{
    const unsigned f = packet->tcp_flags & 7;
    const bool has_ack = packet->tcp_flags & PACKET_TCP_ACK;
    if (packet->protocol != PACKET_PROTOCOL_TCP || f == 0)
        return packet->payload_bytes > 0 ? 'D' : has_ack ? 'A' : 0;
    if (f == PACKET_TCP_SYN)
        return has_ack ? 'H' : 'S';
    if (f == PACKET_TCP_FIN)
        return 'F';
    if (f == PACKET_TCP_RST)
        return 'R';
    return (f & PACKET_TCP_FIN) && (f & PACKET_TCP_RST) ? 'I' : 'Q';
}

static bool is_shown(const struct packet *packet)
{
    const bool is_tcp = packet->protocol == PACKET_PROTOCOL_TCP;
    return is_tcp ? has_header(packet) : !(packet->marks & IS_COPY);
}

/* Does the letter of packet `at` add to those before it? */
static bool adds_letter(const struct naive_flow *flow, size_t at)
{
    const struct packet *const packet = &flow->packets[at];
    const char letter = letter_of(packet);
    const bool is_syn = letter == 'S' || letter == 'H';
    for (size_t i = at; i-- > 0;) {
        const struct packet *const before = &flow->packets[i];
        const char known = letter_of(before);
        const bool is_alike = is_syn ? known == 'S' || known == 'H' : known == letter;
        if (!is_alike || !is_shown(before) || way_of(flow, before) != way_of(flow, packet))
            continue;
        const uint32_t payload = letter == 'F' ? packet->payload_bytes : 0;
        const uint32_t payload_before = letter == 'F' ? before->payload_bytes : 0;
        return (is_syn || letter == 'F' || letter == 'R') &&
               packet->tcp_sequence + payload != before->tcp_sequence + payload_before;
    }
    return letter != 0;
}

static bool is_power_of_ten(unsigned count)
{
    return count == 1 || count == 10 || count == 100 || count == 1000;
}

static void write_history(const struct naive_flow *flow, unsigned opener, const unsigned *findings,
                          char *history)
{
    unsigned zero_windows[2] = {0, 0}, again[2] = {0, 0};
    size_t length = 0, most = 20;
    if (flow->slice == 0 && way_of(flow, earliest_of(flow)) != opener) {
        history[length++] = '^';
        most++;
    }
    for (size_t i = 0; i < flow->count; i++) {
        const struct packet *const packet = &flow->packets[i];
        const unsigned way = way_of(flow, packet);
        char letters[4] = "";
        size_t count = 0;
        if (!is_shown(packet))
            continue;
        if (adds_letter(flow, i))
            letters[count++] = letter_of(packet);
        if ((findings[i] & ZERO_WINDOW) && is_power_of_ten(++zero_windows[way]))
            letters[count++] = 'W';
        if ((findings[i] & AGAIN) && packet->payload_bytes > 0 && is_power_of_ten(++again[way]))
            letters[count++] = 'T';
        for (size_t j = 0; j < count && length < most; j++)
            history[length++] = (char)(way == opener ? letters[j] : letters[j] + 'a' - 'A');
    }
}

static uint16_t marks_of(const struct naive_flow *flow, bool has_late)
{
    bool is_coarse = flow->count > 1;
    unsigned marks = has_late ? FLOW_MARK_LATE_PACKETS : 0;
    for (size_t i = 0; i < flow->count; i++) {
        is_coarse &= flow->packets[i].time_ns % MS == 0;
        marks |= is_fragment(&flow->packets[i]) ? FLOW_MARK_FRAGMENTS : 0;
        marks |= flow->packets[i].marks & IS_COPY ? FLOW_MARK_DUPLICATES : 0;
    }
    marks |= flow->left_out[0] + flow->left_out[1] > 0 ? FLOW_MARK_DUPLICATES : 0;
    return (uint16_t)(marks | (is_coarse ? FLOW_MARK_COARSE_TIME : 0));
}

/* Fragments; and what the first packet was carried in. */
static void describe_carriage(const struct naive_flow *flow, struct flow_record *record)
{
    for (size_t i = 0; i < flow->count; i++) {
        record->fragments += is_fragment(&flow->packets[i]);
        record->fragments_overlapping += (flow->packets[i].marks & OVERLAPS) != 0;
        record->fragments_first_missing += (flow->packets[i].marks & HAS_NO_FIRST) != 0;
    }
    const struct packet *const earliest = earliest_of(flow);
    record->icmp_type = earliest->icmp_type;
    record->icmp_code = earliest->icmp_code;
    record->source_index = earliest->source_index;
    record->vlan_count = earliest->vlan_count;
    memcpy(record->vlan, earliest->vlan, sizeof record->vlan);
    record->tunnel_count = earliest->tunnel_count;
    memcpy(record->tunnels, earliest->tunnels, sizeof record->tunnels);
    record->outer_ip_version = earliest->outer_ip_version;
    memcpy(record->outer_source, earliest->outer_source, sizeof record->outer_source);
    memcpy(record->outer_destination, earliest->outer_destination,
           sizeof record->outer_destination);
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
    static unsigned findings[PACKETS];
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
    judge_segments(flow, findings);
    count_segments(flow, opener, findings, &record->direction[FLOW_FORWARD]);
    count_segments(flow, 1 - opener, findings, &record->direction[FLOW_REVERSE]);
    write_history(flow, opener, findings, record->history);
    describe_carriage(flow, record);
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
    free(flow->earlier);
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

static void keep_recent(struct naive_flow *next, const struct naive_flow *ended)
{
    memcpy(next->recent, ended->recent, sizeof next->recent);
    next->recent_count = ended->recent_count;
}

static void keep_earlier(struct naive_flow *next, const struct naive_flow *ended)
{
    next->earlier_count = ended->earlier_count + ended->count;
    next->earlier = malloc(next->earlier_count * sizeof *next->earlier);
    ck_assert_ptr_nonnull(next->earlier);
    if (ended->earlier_count > 0)
        memcpy(next->earlier, ended->earlier, ended->earlier_count * sizeof *next->earlier);
    memcpy(next->earlier + ended->earlier_count, ended->packets,
           ended->count * sizeof *next->earlier);
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
    keep_recent(&next, ended);
    keep_earlier(&next, ended);
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

static bool is_copy(const struct naive_flow *flow, const struct packet *packet)
{
    for (size_t i = 0; i < flow->recent_count; i++) {
        const struct packet *const known = &flow->recent[i];
        if (packet->digest != 0 && known->digest == packet->digest &&
            known->fragment_offset_bytes == packet->fragment_offset_bytes &&
            same_end(source_of(known), source_of(packet)) &&
            llabs(known->time_ns - packet->time_ns) <= 5 * MS)
            return true;
    }
    return false;
}

static struct naive_flow *flow_for(const struct packet *packet)
{
    size_t i = 0;
    while (i < open_flow_count && !same_key(&open_flows[i].packets[0], packet))
        i++;
    if (i == open_flow_count)
        return open_flow(packet);
    if (is_copy(&open_flows[i], packet))
        return &open_flows[i];
    if (is_new_connection(&open_flows[i], packet)) {
        struct naive_flow ended;
        keep_recent(&ended, &open_flows[i]);
        end_flow(i, is_closed(&open_flows[i]) ? FLOW_END_DETECTED : FLOW_END_TCP_REUSE, now_ns);
        struct naive_flow *const next = open_flow(packet);
        keep_recent(next, &ended);
        return next;
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

static void note_original(struct naive_flow *flow, const struct packet *packet)
{
    if (flow->recent_count == RECENT) {
        memmove(&flow->recent[0], &flow->recent[1], (RECENT - 1) * sizeof *packet);
        flow->recent_count--;
    }
    flow->recent[flow->recent_count++] = *packet;
}

/* ---- fragments: all bytes of all datagrams, one by one ---- */

static bool same_datagram(const struct packet *a, const struct packet *b)
{
    return a->ip_version == b->ip_version && a->protocol == b->protocol &&
           a->fragment_id == b->fragment_id && memcmp(a->source, b->source, 16) == 0 &&
           memcmp(a->destination, b->destination, 16) == 0 &&
           (!settings.vlan_is_in_key || same_tag(a, b));
}

static struct naive_datagram *datagram_of(const struct packet *packet)
{
    for (size_t i = 0; i < datagram_count; i++)
        if (same_datagram(&datagrams[i].example, packet) &&
            now_ns - datagrams[i].last_ns < 30 * SECOND)
            return &datagrams[i];
    return NULL;
}

static void join(struct packet *packet)
{
    const struct naive_datagram *const datagram = datagram_of(packet);
    if (!(packet->marks & PACKET_MARK_FRAGMENT_LATER) || datagram == NULL || !datagram->has_first)
        return;
    packet->source_port = datagram->first.source_port;
    packet->destination_port = datagram->first.destination_port;
    packet->icmp_type = datagram->first.icmp_type;
    packet->icmp_code = datagram->first.icmp_code;
    packet->marks |= datagram->first.marks & PACKET_MARK_ONE_WAY;
}

static struct naive_datagram *open_datagram(const struct packet *packet)
{
    for (size_t i = 0; i < datagram_count;)
        if (now_ns - datagrams[i].last_ns >= 30 * SECOND)
            datagrams[i] = datagrams[--datagram_count];
        else
            i++;
    size_t place = datagram_count;
    if (datagram_count == settings.max_fragments) {
        place = 0;
        for (size_t i = 1; i < datagram_count; i++)
            if (datagrams[i].touch < datagrams[place].touch)
                place = i;
    } else {
        datagram_count++;
    }
    datagrams[place] = (struct naive_datagram){.example = *packet};
    return &datagrams[place];
}

static bool is_whole(const struct naive_datagram *datagram)
{
    for (size_t i = 0; i < DATAGRAM_BYTES; i++)
        if (datagram->came[i] != (i < datagram->end))
            return false;
    return datagram->has_end;
}

/* Adds a fragment's bytes, unless they make a ninth range; true if some came twice or beyond. */
static bool add_bytes(struct naive_datagram *datagram, const struct packet *packet)
{
    const size_t start = packet->fragment_offset_bytes, end = start + packet->fragment_bytes;
    const bool is_last = packet->marks & PACKET_MARK_FRAGMENT_LAST;
    size_t ranges = 0, highest = 0, twice = 0;
    for (size_t i = 0; i < DATAGRAM_BYTES; i++) {
        ranges += datagram->came[i] && (i == 0 || !datagram->came[i - 1]);
        highest = datagram->came[i] ? i + 1 : highest;
        twice += datagram->came[i] && i >= start && i < end;
    }
    const bool touches_one =
        twice > 0 || datagram->came[end] || (start > 0 && datagram->came[start - 1]);
    if (ranges < RANGES || touches_one)
        memset(&datagram->came[start], true, end - start);
    bool is_beyond = datagram->has_end && (is_last ? end != datagram->end : end > datagram->end);
    if (is_last && !datagram->has_end) {
        is_beyond = highest > end;
        datagram->has_end = true;
        datagram->end = end;
    }
    return twice > 0 || is_beyond;
}

/* Marks what is found of a fragment that is no copy. */
static void see_fragment(struct packet *packet)
{
    const bool is_first = packet->marks & PACKET_MARK_FRAGMENT_FIRST;
    if (is_first && (packet->marks & PACKET_MARK_FRAGMENT_LAST))
        return;
    if (settings.max_fragments == 0) {
        packet->marks |= is_first ? 0 : HAS_NO_FIRST;
        return;
    }
    struct naive_datagram *datagram = datagram_of(packet);
    if (datagram == NULL)
        datagram = open_datagram(packet);
    datagram->touch = ++touches;
    datagram->last_ns = now_ns;
    if (is_first && datagram->has_first) {
        packet->marks |= is_whole(datagram) ? 0 : OVERLAPS;
        memset(datagram->came, 0, sizeof datagram->came);
        datagram->has_end = false;
    }
    if (is_first) {
        datagram->has_first = true;
        datagram->first = *packet;
    }
    packet->marks |= add_bytes(datagram, packet) ? OVERLAPS : 0;
    packet->marks |= datagram->has_first ? 0 : HAS_NO_FIRST;
}

static void take(const struct packet *as_sent)
{
    struct packet packet = *as_sent;
    now_ns = !is_started || packet.time_ns > now_ns ? packet.time_ns : now_ns;
    is_started = true;
    end_due();
    join(&packet);
    struct naive_flow *const flow = flow_for(&packet);
    if (is_copy(flow, &packet)) {
        packet.marks |= IS_COPY;
        if (settings.leaves_out_duplicates) {
            flow->left_out[way_of(flow, &packet)]++;
            refused_copies++;
            return;
        }
    } else {
        note_original(flow, &packet);
        if (is_fragment(&packet))
            see_fragment(&packet);
    }
    add_packet(flow, &packet);
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
    } else if (has_held && held.time_ns > packet->time_ns && packet->time_ns > now_ns &&
               !agrees_with_held(packet->time_ns)) {
        const struct packet later = held;
        has_held = false;
        take(packet);
        judge(&later);
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
            memory_count = datagram_count = 0;
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
    datagram_count = 0;
    opened = strays = touches = refused_copies = 0;
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

/* A deviation is rounded to what a line says: `step` of its unit. */
static void check_distribution(const struct flow_distribution *got,
                               const struct flow_distribution *expected, double step)
{
    const double tolerance = 1e-6 * (1 + expected->deviation) + step / 2;
    ck_assert_double_eq_tol(got->mean, expected->mean, 1e-9 * (1 + fabs(expected->mean)));
    ck_assert_double_eq_tol(got->deviation, expected->deviation, tolerance);
    ck_assert_double_eq_tol(got->deviation / step, round(got->deviation / step), 1e-6);
}

static void check_record(const struct flow_record *got, const struct flow_record *expected)
{
    char text[FLOW_DESCRIPTION_SIZE], expected_text[FLOW_DESCRIPTION_SIZE];
    flow_build_describe(got, false, text);
    flow_build_describe(expected, false, expected_text);
    ck_assert_str_eq(text, expected_text);
    for (unsigned d = 0; d < 2; d++) {
        check_distribution(&got->direction[d].packet_bytes, &expected->direction[d].packet_bytes,
                           1e-3);
        check_distribution(&got->direction[d].gap_ns, &expected->direction[d].gap_ns, 1);
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
    struct flow_mix mix = {
        .keys = (unsigned)(3 + flow_random(&state) % 70),
        .has_known_ports = flow_random(&state) % 2,
        .has_steps = flow_random(&state) % 2,
    };
    if (_i % 3 == 0) {
        mix.is_dense = true;
        mix.keys = (unsigned)(1 + flow_random(&state) % 9);
    }
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
    ck_assert_uint_eq(counters.refused[PACKET_REFUSED_DUPLICATE], refused_copies);
    flow_run_close(&run);
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *const suite = suite_create("flow oracle");
    TCase *const tcase = tcase_create("naive table");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, table_gives_the_records_of_a_naive_one, 0, UNIT_ROUNDS(SEQUENCES));
    suite_add_tcase(suite, tcase);
    return suite;
}
