/* SPDX-License-Identifier: Apache-2.0 */
/* Where open and waiting flows are kept: 256 bytes each, 24 more for IPv6, and memory of their own
 * for the few that need more. Called by the flow table, under its lock.
 *
 * A cell is the struct flow of flow.h in four cache lines. Times are offsets of 40 bits
 * (18 minutes, nine times the active timeout) from the flow's first packet, counters have 24 to 48
 * bits, and frame and payload bytes are kept as what lies between them and the IP bytes. Nothing is
 * ever cut off: a flow that does not fit keeps its counts in a struct flow_wide, and what few flows
 * have (fragments, copies, gaps, slices) lies in a struct flow_cell_rare. Both come from pools with
 * a place for every flow, whose pages are touched only by flows that need them. Sequence numbers
 * that nearly always follow from others (a SYN's is where its side's bytes begin, a FIN's where
 * they end) are kept only there, where they do not.
 *
 * An ordinary packet is counted in place, in three lines, which are prefetched. It is a packet that
 * comes in order and changes nothing but sums, least and greatest values and the next byte
 * expected. So is one that tells what nearly every flow has to tell once: the first of its side, a
 * step of the handshake, the ends (flow_cell_event.c). A flow that begins as most do is written as
 * a cell at once (flow_cell_open.c), and most are read as such when they end (flow_export.c). For
 * every other packet or end the cell is loaded into a struct flow, that is worked on, and saved
 * again; so there is one place that knows how anything out of the ordinary counts. Of real traffic
 * that is one packet in 130.
 *
 * Rejected: 512 bytes a flow without packing (a million flows are 0.5 GiB, and a packet touched 8
 * lines); packed forms of everything that happens to a flow (twice the code that must be right). */
#ifndef WHYFLOW_FLOW_FLOW_CELL_H
#define WHYFLOW_FLOW_FLOW_CELL_H

#include "base/item_pool.h"
#include "base/service.h"
#include "flow/flow.h"
#include "flow/flow_key.h"
#include "whyflow/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FLOW_RECENT_PACKETS = 8,
    FLOW_OFFSET_BITS = 40,
    FLOW_SUM_BITS = 24, /* of packets, and of the bytes beside the IP bytes */
    FLOW_SQUARES_BITS = 48,
    FLOW_HISTORY_LETTERS = 12, /* in the cell; where there are more, all are in flow_cell_rare */
};

/* A packet equal to one of the last 8 of its flow is a copy if it comes within 5 ms of it. Mirror
 * ports and double taps send copies within microseconds, and within few ms where two devices stamp
 * them. What is sent again comes no sooner than a round trip, mostly 200 ms; sooner, it still has
 * another identification (IPv4), TCP timestamp or checksum. Without an identification (IPv6, or 0
 * as many UDP senders have it), packets sent soon after each other that are equal to the last bit
 * are told as copies; but not ACKs and RSTs without payload, which are repeated often: the decoder
 * gives those no digest. Copies that come after more than 8 other packets of the flow (a burst that
 * a router queued) are not told. Hence a caveat always, and left out only where asked for.
 * Measured on nDPI's captures: of five with copies, four have all within 8 packets, and one, a
 * router under load, a tenth. */
#define FLOW_DUPLICATE_WINDOW_NS (INT64_C(5) * 1000000)

/* Numbers of 40 and of 24 bits share words, which are read and written whole. Bit fields would be
 * written in other widths than they are read in, and each such pair waits for the store (three of
 * them were a third of a packet); fields for a number's parts are twice as many instructions. */
enum flow_cell_time { FLOW_TIME_LAST, FLOW_TIME_PREVIOUS, FLOW_TIME_GAP_MIN, FLOW_TIME_GAP_MAX };
enum flow_cell_sum { FLOW_SUM_PACKETS, FLOW_SUM_FRAME_EXCESS, FLOW_SUM_PAYLOAD_EXCESS };

/* One side's counts as flow.h has them, but for the time of its first packet; written and read only
 * once there is something of that side. */
struct flow_cell_side {
    uint64_t gap_squares_low;
    uint64_t words[4]; /* low: enum flow_cell_time; high: enum flow_cell_sum, and of the last
                        * gap_squares' highest 16 bits and the TCP flags */
    uint32_t ip_bytes;
    uint32_t bytes_squares_low;
    uint32_t base, next; /* as tcp_side has them; what else they stand for: see flow_cell.c */
    uint16_t bytes_squares_high;
    uint16_t bytes_min, bytes_max;
    uint8_t ttl_min, ttl_max;
};

/* What every TCP segment is judged by. */
struct flow_cell_tcp {
    uint8_t letters[2];
    uint8_t events;
    uint8_t state; /* enum flow_cell_tcp_state << 4 * side */
};

enum { FLOW_RECENT_UNIT_BITS = 10, FLOW_RECENT_UNIT_NS = 1 << FLOW_RECENT_UNIT_BITS };

/* The last packets, for telling copies. Times in units of 2^10 ns, which wrap after 73 minutes. */
struct flow_recent {
    uint32_t names[FLOW_RECENT_PACKETS]; /* digest and side; 0: none */
    uint32_t times[FLOW_RECENT_PACKETS];
};

struct flow_cell {
    struct flow_key_head key;
    int64_t first_ns;
    union {
        uint64_t history; /* 4 bits: how many; 5 each: side and letter */
        uint32_t rare;    /* has_rare: its place, and the history is there */
    };
    uint32_t last_low, gap_max_low;
    uint32_t handshake_low;   /* SYN's time; once has_rtt, how long it took */
    uint32_t other_first_low; /* of the side whose packet was not the first */
    uint8_t last_high, gap_max_high, handshake_high, other_first_high;
    uint16_t source_index;
    uint16_t vlan;
    uint8_t marks; /* enum flow_mark and FLOW_KNOWS_LATER_PACKETS */
    uint8_t recent_next : 3, initiator : 2, basis : 3;
    uint8_t first_side : 1, continues : 1, seen_0 : 1, seen_1 : 1 /* has packets of that side */,
        has_more : 1 /* than one packet */, has_vlan : 1, has_rare : 1, is_wide : 1;
    uint8_t wheel_class : 2, end_reason : 3 /* 0: open */, syn_side : 1, has_rtt : 1,
        has_refusal : 1;
    struct flow_cell_tcp tcp;
    struct flow_cell_side side[2];
    struct flow_recent recent;
};

_Static_assert(sizeof(struct flow_cell) == 256, "a cell is four cache lines");
_Static_assert(offsetof(struct flow_cell, side) == 64 && sizeof(struct flow_cell_side) == 64,
               "a packet's line and those of the sides");

/* Counts that are too large for a cell. */
struct flow_wide {
    struct flow_side side[2];
    int64_t last_ns, gap_max_ns;
    int64_t syn_ns, handshake_rtt_ns;
};

struct flow_cell_rare {
    struct flow_rare facts;
    uint64_t flow_id; /* of a later slice */
    uint32_t slice;
    uint32_t wide; /* its place if is_wide */
    uint32_t syn_sequence;
    uint32_t last_syn[2], last_fin[2], last_rst[2];
    uint8_t gap_count[2];
    uint8_t tunnel_count, vlan_count;
    uint8_t icmp_type, icmp_code;
    bool has_tcp; /* tcp_track.has_rare */
    uint8_t history_count;
    uint8_t history[TCP_TRACK_HISTORY_MAX];
};

struct flow_cells {
    struct flow_cell *cells;
    struct flow_key_rest *rests; /* IPv6 only */
    struct flow_cell_rare *rares;
    struct flow_wide *wides;
    struct item_pool rare_pool, wide_pool;
    struct flow_rare scratch; /* of a loaded flow that has no rare facts yet */
    uint32_t capacity;
    struct service_ports ports;
};

/* False if memory is short. */
bool flow_cells_init(struct flow_cells *cells, uint32_t capacity);
void flow_cells_deinit(struct flow_cells *cells);

/* The most that all flows together can take. */
size_t flow_cells_bytes(const struct flow_cells *cells);

/* Makes a cell of a flow's first packet if that is such as most flows begin with; else changes
 * nothing and returns false. */
bool flow_cells_open(struct flow_cells *cells, uint32_t item, const struct flow_key *key,
                     const struct packet *packet, unsigned side);

/* The other way: makes a cell of a flow that was just opened; it knows no packets to tell copies
 * by. */
void flow_cells_save_new(struct flow_cells *cells, uint32_t item, const struct flow *flow);

/* Takes a flow out of its cell, and puts it back. A flow may be saved until the next one is loaded
 * or opened: those without rare facts have the scratch in common. */
void flow_cells_load(struct flow_cells *cells, uint32_t item, struct flow *flow);
void flow_cells_save(struct flow_cells *cells, uint32_t item, const struct flow *flow);

/* Who opened the flow, as flow_orientation says of it when it is loaded; its sides' lines are not
 * touched. */
static inline struct flow_orientation flow_cells_orientation(const struct flow_cells *cells,
                                                             uint32_t item)
{
    const struct flow_cell *const cell = &cells->cells[item];
    const struct flow_clues clues = {
        .known = {cell->initiator, cell->basis},
        .events = cell->tcp.events,
        .syn_side = cell->syn_side,
        .first_side = cell->first_side,
        .is_slice = cell->has_rare && cells->rares[cell->rare].slice > 0,
        .is_one_sided = !cell->seen_0 || !cell->seen_1,
        .has_refusal = cell->has_refusal,
    };
    return flow_orientation_of(&clues, &cell->key, &cells->ports);
}

/* Writes the record of an ended flow: what flow_export writes of it when it is loaded. */
void flow_cells_export(struct flow_cells *cells, uint32_t item, const struct flow_end *end,
                       struct flow_record *record);

/* Its rare places are free again; the cell is as good as empty. */
void flow_cells_release(struct flow_cells *cells, uint32_t item);

enum flow_counted {
    FLOW_COUNTED_NOT,   /* nothing has changed: for flow_packet */
    FLOW_COUNTED_PLAIN, /* the flow is of no other class for it, or of FLOW_CLASS_OPEN now */
    FLOW_COUNTED_EVENT, /* the flow may be of another class now */
};

/* Counts the packet, which has this flow_cell_name, in the cell if it is one that is counted
 * there. */
enum flow_counted flow_cells_count(struct flow_cells *cells, uint32_t item,
                                   const struct packet *packet, unsigned side, uint32_t name);

static inline int64_t flow_offset(uint32_t low, uint8_t high)
{
    return (int64_t)(low | (uint64_t)high << 32);
}

static inline int64_t flow_cells_last_ns(const struct flow_cells *cells, uint32_t item)
{
    const struct flow_cell *const cell = &cells->cells[item];
    return cell->is_wide ? cells->wides[cells->rares[cell->rare].wide].last_ns
                         : cell->first_ns + flow_offset(cell->last_low, cell->last_high);
}

/* ---- copies -------------------------------------------------------------------------------- */

/* What copies have in common; 0: cannot be told. The digest may not know where in its datagram a
 * fragment belongs, and equal fragments of one are common (zeros, a ping's pattern). */
static inline uint32_t flow_cell_name(const struct packet *packet, unsigned side)
{
    const unsigned fragment_marks = PACKET_MARK_FRAGMENT_FIRST | PACKET_MARK_FRAGMENT_LATER;
    const uint32_t place = (packet->marks & fragment_marks) ? packet->fragment_offset_bytes : 0;
    const uint32_t digest = packet->digest ^ place * UINT32_C(0x9e3779b1);
    return packet->digest == 0 ? 0 : digest << 1 | side;
}

/* The part of flow_cells_is_duplicate that is asked of few packets. */
bool flow_cell_is_known_soon(const struct flow_cell *cell, uint32_t name, int64_t time_ns);

/* Is a packet of this name a copy of one of the flow? Not long after the flow's last packet. Times
 * of copies are coarse, which is what is added here. */
static inline bool flow_cells_is_duplicate(const struct flow_cells *cells, uint32_t item,
                                           uint32_t name, int64_t time_ns)
{
    const struct flow_cell *const cell = &cells->cells[item];
    uint32_t is_known = 0;
    if (name == 0 || (time_ns - flow_cells_last_ns(cells, item) >
                          FLOW_DUPLICATE_WINDOW_NS + FLOW_RECENT_UNIT_NS &&
                      !(cell->marks & FLOW_KNOWS_LATER_PACKETS)))
        return false;
    for (unsigned i = 0; i < FLOW_RECENT_PACKETS; i++)
        is_known |= 0U - (cell->recent.names[i] == name); /* a mask: as vectors compare */
    return is_known && flow_cell_is_known_soon(cell, name, time_ns);
}

/* Takes note of a packet's name and time. */
static inline void flow_cell_remember(struct flow_cell *cell, uint32_t name, int64_t time_ns)
{
    const unsigned place = cell->recent_next;
    cell->recent.names[place] = name;
    cell->recent.times[place] = (uint32_t)(time_ns >> FLOW_RECENT_UNIT_BITS);
    cell->recent_next = (place + 1) % FLOW_RECENT_PACKETS;
}

/* A flow of one packet so far knows those of the flow that ended on its key just now: copies of
 * them may still come. */
void flow_cells_keep_recent(struct flow_cells *cells, uint32_t item, uint32_t ended);

/* ---- what the table asks, without taking the flow out of its cell --------------------------- */

static inline bool flow_cells_has_key(const struct flow_cells *cells, uint32_t item,
                                      const struct flow_key *key)
{
    return flow_key_head_equal(&cells->cells[item].key, &key->head) &&
           (key->head.ip_version == 4 ||
            memcmp(&cells->rests[item], &key->rest, sizeof key->rest) == 0);
}

static inline struct flow_key flow_cells_key(const struct flow_cells *cells, uint32_t item)
{
    struct flow_key key = {.head = cells->cells[item].key};
    if (key.head.ip_version != 4)
        key.rest = cells->rests[item];
    return key;
}

static inline bool flow_cell_is_closed(const struct flow_cell *cell)
{
    return tcp_events_are_closed(cell->tcp.events);
}

static inline enum flow_class flow_cell_class(const struct flow_cell *cell)
{
    if (flow_cell_is_closed(cell))
        return FLOW_CLASS_CLOSED;
    const bool is_light = !cell->has_more || tcp_events_are_half_open(cell->tcp.events);
    return is_light && !cell->continues ? FLOW_CLASS_LIGHT : FLOW_CLASS_OPEN;
}

/* The timeout that applies to the flow now, ns; 0: none. */
static inline int64_t flow_cell_timeout_ns(const struct flow_cell *cell,
                                           const struct flow_settings *settings)
{
    const int64_t idle = settings->idle_timeout_ns, close = settings->close_timeout_ns;
    if (!flow_cell_is_closed(cell) || close == 0)
        return idle;
    return idle != 0 && idle < close ? idle : close;
}

/* The one predicate that ends flows: asked at look-up and in the sweep, always with the table's
 * time. The active timeout is not part of it: only a packet of the flow can ask
 * flow_cell_outlived. */
static inline bool flow_cells_expired(const struct flow_cells *cells, uint32_t item, int64_t now_ns,
                                      const struct flow_settings *settings)
{
    const int64_t timeout_ns = flow_cell_timeout_ns(&cells->cells[item], settings);
    return timeout_ns > 0 && now_ns - flow_cells_last_ns(cells, item) >= timeout_ns;
}

static inline bool flow_cell_outlived(const struct flow_cell *cell, int64_t now_ns,
                                      const struct flow_settings *settings)
{
    return settings->active_timeout_ns > 0 &&
           now_ns - cell->first_ns >= settings->active_timeout_ns;
}

/* Worth remembering when it has ended: a conversation, not a stray packet or an unanswered SYN. */
static inline bool flow_cell_is_memorable(const struct flow_cell *cell)
{
    if ((cell->key.bits & FLOW_KEY_ONE_WAY) || tcp_events_are_half_open(cell->tcp.events))
        return false;
    return (cell->seen_0 && cell->seen_1) || cell->continues || (cell->tcp.events & TCP_TRACK_ACK);
}

#endif
