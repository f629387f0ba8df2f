/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a capture to measure speed with. Called by scripts/bench:
 *
 *     generate imix|small|flood PACKETS FLOWS OUT [SEED]
 *
 *   imix   packets of 40, 576 and 1500 IP bytes as 11:6:7 (on average 600), TCP and UDP, IPv4 and
 *          every fifth flow IPv6; some flows carry most packets, and flows come and go over the
 *          run; 40,000 a second
 *   small  the smallest packets, all flows open throughout and taken in an order no cache likes;
 *          200,000 a second
 *   flood  TCP SYNs to one address, each from a source of its own (FLOWS is not used); 200,000 a
 *          second
 *
 * The same arguments give the same bytes. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_MAX = 1514, ETHERNET_BYTES = 14 };
enum { IMIX_PACKETS_PER_S = 40000, OTHER_PACKETS_PER_S = 200000 };
enum { FLAG_SYN = 0x02, FLAG_PSH = 0x08, FLAG_ACK = 0x10 };
enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

static const uint64_t start_s = UINT64_C(1700000000);

struct generator {
    FILE *file;
    uint64_t random;
    uint64_t time_us;
    uint64_t packets, flows;
    uint32_t *sent;      /* packets so far of each flow */
    uint32_t (*next)[2]; /* sequence numbers of its two sides */
    uint8_t frame[FRAME_MAX];
};

struct shape {
    uint64_t flow;
    uint8_t protocol;
    bool is_ipv6, is_reverse;
    bool is_flood; /* from any address, to one */
    uint8_t tcp_flags;
    unsigned ip_bytes;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t random_word(struct generator *generator)
{
    uint64_t word = generator->random += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

static uint64_t random_below(struct generator *generator, uint64_t limit)
{
    return random_word(generator) % limit;
}

static void put_16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_32(uint8_t *at, uint64_t value)
{
    put_16(at, (unsigned)(value >> 16 & 0xffff));
    put_16(at + 2, (unsigned)(value & 0xffff));
}

static void put_ipv4(uint8_t *at, const struct shape *shape, uint32_t source, uint32_t destination)
{
    memset(at, 0, 20);
    at[0] = 0x45;
    put_16(at + 2, shape->ip_bytes);
    at[8] = 64;
    at[9] = shape->protocol;
    put_32(at + 12, source);
    put_32(at + 16, destination);
    unsigned sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += (unsigned)at[i] << 8 | at[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put_16(at + 10, ~(sum + (sum >> 16)) & 0xffff);
}

static void put_ipv6(uint8_t *at, const struct shape *shape, uint32_t source, uint32_t destination)
{
    memset(at, 0, 40);
    at[0] = 0x60;
    put_16(at + 4, shape->ip_bytes - 40);
    at[6] = shape->protocol;
    at[7] = 64;
    put_32(at + 8, 0x20010db8);
    put_32(at + 20, source);
    put_32(at + 24, 0x20010db8);
    put_32(at + 36, destination);
}

/* In order, as nearly all of real traffic is: a flow builder has more to do with segments that are
 * not. */
static void put_sequence(const struct generator *generator, uint8_t *at, const struct shape *shape,
                         unsigned payload_bytes)
{
    if (shape->is_flood) {
        put_32(at, generator->packets);
        return;
    }
    uint32_t *const next = generator->next[shape->flow];
    if ((shape->tcp_flags & FLAG_SYN) && !shape->is_reverse)
        next[0] = next[1] = (uint32_t)(shape->flow * 2654435761u);
    put_32(at, next[shape->is_reverse]);
    if (shape->tcp_flags & FLAG_ACK)
        put_32(at + 4, next[!shape->is_reverse]);
    next[shape->is_reverse] += payload_bytes + ((shape->tcp_flags & FLAG_SYN) != 0);
}

static void put_transport(const struct generator *generator, uint8_t *at, const struct shape *shape,
                          unsigned bytes)
{
    /* No two flows have the same client and port: 59999 and 65000 clients have no common factor. */
    const unsigned client = 1024 + (unsigned)(shape->flow * 7919 % 59999);
    const bool is_plain = shape->is_flood || shape->flow % 3 == 0;
    const unsigned server = shape->protocol == PROTOCOL_UDP ? 53 : is_plain ? 80 : 443;
    memset(at, 0, 20);
    put_16(at, shape->is_reverse ? server : client);
    put_16(at + 2, shape->is_reverse ? client : server);
    if (shape->protocol == PROTOCOL_UDP) {
        put_16(at + 4, bytes);
        return;
    }
    put_sequence(generator, at + 4, shape, bytes - 20);
    at[12] = 0x50;
    at[13] = shape->tcp_flags;
    put_16(at + 14, 64240);
}

static bool write_frame(struct generator *generator, const struct shape *shape)
{
    uint8_t *frame = generator->frame;
    uint8_t *ip = frame + ETHERNET_BYTES;
    const uint64_t scattered = shape->flow * 2654435761u;
    const uint32_t client =
        shape->is_flood ? (uint32_t)scattered : 0x0a000000 + (uint32_t)(scattered % 65000);
    const uint32_t server =
        0x97650000 + (shape->is_flood ? 80 : (uint32_t)(shape->flow / 3 % 20000));
    const unsigned ip_header_bytes = shape->is_ipv6 ? 40 : 20;
    memset(frame, 2, 12);
    put_16(frame + 12, shape->is_ipv6 ? 0x86dd : 0x0800);
    (shape->is_ipv6 ? put_ipv6 : put_ipv4)(ip, shape, shape->is_reverse ? server : client,
                                           shape->is_reverse ? client : server);
    put_transport(generator, ip + ip_header_bytes, shape, shape->ip_bytes - ip_header_bytes);
    const uint32_t length = ETHERNET_BYTES + shape->ip_bytes;
    const uint32_t on_wire = length < 60 ? 60 : length;
    const uint32_t header[4] = {(uint32_t)(start_s + generator->time_us / 1000000),
                                (uint32_t)(generator->time_us % 1000000), on_wire, on_wire};
    return fwrite(header, sizeof header, 1, generator->file) == 1 &&
           fwrite(frame, on_wire, 1, generator->file) == 1;
}

/* A TCP flow's first packets are a handshake; then both sides talk by turns. */
static void shape_turn(struct shape *shape, uint32_t sent)
{
    static const uint8_t handshake[3] = {FLAG_SYN, FLAG_SYN | FLAG_ACK, FLAG_ACK};
    shape->is_reverse = sent % 2 == 1;
    if (shape->protocol != PROTOCOL_TCP)
        return;
    shape->tcp_flags = sent < 3 ? handshake[sent] : FLAG_PSH | FLAG_ACK;
    if (sent < 3)
        shape->ip_bytes = shape->is_ipv6 ? 60 : 40;
}

static struct shape shape_imix(struct generator *generator, uint64_t index, uint64_t total)
{
    static const uint16_t sizes[24] = {40,  40,   40,   40,   40,   40,   40,   40,
                                       40,  40,   40,   576,  576,  576,  576,  576,
                                       576, 1500, 1500, 1500, 1500, 1500, 1500, 1500};
    /* A tenth of the flows is open at a time; the least of three numbers prefers a few of them. */
    const uint64_t window = generator->flows / 10 + 1;
    uint64_t place = random_below(generator, window);
    for (int i = 0; i < 2; i++) {
        const uint64_t other = random_below(generator, window);
        place = other < place ? other : place;
    }
    const uint64_t first = (uint64_t)((double)index / (double)total * (double)generator->flows);
    struct shape shape = {.flow = (first + place) % generator->flows};
    shape.protocol = shape.flow % 10 < 3 ? PROTOCOL_UDP : PROTOCOL_TCP;
    shape.is_ipv6 = shape.flow % 5 == 4;
    shape.ip_bytes = sizes[random_below(generator, sizeof sizes / sizeof *sizes)];
    if (shape.is_ipv6 && shape.ip_bytes < 60)
        shape.ip_bytes = 60;
    shape_turn(&shape, generator->sent[shape.flow]++);
    return shape;
}

static struct shape shape_small(struct generator *generator, uint64_t index)
{
    /* A prime stride visits every flow once a round, far from the one before. */
    const uint64_t flow = index * UINT64_C(999983) % generator->flows;
    struct shape shape = {.flow = flow, .ip_bytes = 40};
    shape.protocol = flow % 5 < 2 ? PROTOCOL_UDP : PROTOCOL_TCP;
    shape_turn(&shape, generator->sent[flow]++);
    return shape;
}

static bool write_load(struct generator *generator, const char *kind, uint64_t total)
{
    const uint64_t packets_per_s =
        strcmp(kind, "imix") == 0 ? IMIX_PACKETS_PER_S : OTHER_PACKETS_PER_S;
    for (uint64_t index = 0; index < total; index++) {
        struct shape shape;
        if (strcmp(kind, "imix") == 0)
            shape = shape_imix(generator, index, total);
        else if (strcmp(kind, "small") == 0)
            shape = shape_small(generator, index);
        else
            shape = (struct shape){.flow = index,
                                   .is_flood = true,
                                   .protocol = PROTOCOL_TCP,
                                   .tcp_flags = FLAG_SYN,
                                   .ip_bytes = 40};
        if (!write_frame(generator, &shape))
            return false;
        generator->packets++;
        generator->time_us += 1000000 / packets_per_s;
    }
    return true;
}

static bool write_file_header(FILE *file)
{
    const uint32_t words[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1};
    return fwrite(words, sizeof words, 1, file) == 1;
}

int main(int argc, char **argv)
{
    if (argc < 5 || (strcmp(argv[1], "imix") != 0 && strcmp(argv[1], "small") != 0 &&
                     strcmp(argv[1], "flood") != 0)) {
        fputs("usage: generate imix|small|flood PACKETS FLOWS OUT [SEED]\n", stderr);
        return 2;
    }
    static struct generator generator;
    generator.random = argc > 5 ? strtoull(argv[5], NULL, 0) : 42;
    generator.flows = strtoull(argv[3], NULL, 0);
    if (generator.flows == 0)
        generator.flows = 1;
    generator.sent = calloc(generator.flows, sizeof *generator.sent);
    generator.next = calloc(generator.flows, sizeof *generator.next);
    generator.file = fopen(argv[4], "wbe");
    if (generator.sent == NULL || generator.next == NULL || generator.file == NULL) {
        fprintf(stderr, "generate: %s: %s\n", argv[4], strerror(errno));
        return 1;
    }
    bool is_good = write_file_header(generator.file) &&
                   write_load(&generator, argv[1], strtoull(argv[2], NULL, 0));
    is_good = fclose(generator.file) == 0 && is_good;
    free(generator.sent);
    free(generator.next);
    if (!is_good)
        fprintf(stderr, "generate: %s: %s\n", argv[4], strerror(errno));
    return is_good ? 0 : 1;
}
