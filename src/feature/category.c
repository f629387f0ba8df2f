/* SPDX-License-Identifier: Apache-2.0 */
#include "feature/category.h"

#include "base/protocol.h"
#include "base/text.h"
#include "feature/vector.h"

enum {
    SERVICE_PROTOCOL_SHIFT = 16,
    SERVICE_PORT_MASK = 0xffff,
    PART_SHIFT = 8, /* state and size stand below the service or the protocol */
    PART_MASK = 0xff,
    SIZE_STEP_BITS = 4, /* a size class is a factor of 16 */
};

uint32_t category_service(const struct flow_record *flow, const struct service_ports *ports)
{
    const uint32_t port = protocol_is_icmp(flow->protocol)
                              ? flow->icmp_type
                              : service_ports_better(ports, flow->protocol, flow->source_port,
                                                     flow->destination_port);
    return (uint32_t)flow->protocol << SERVICE_PROTOCOL_SHIFT | port;
}

enum feature_acquaintance category_acquaintance(int64_t age_ns)
{
    const int64_t minute_ns = INT64_C(60000000000);
    return age_ns < minute_ns ? FEATURE_ACQUAINTANCE_1MIN : FEATURE_ACQUAINTANCE_LONGER;
}

/* floor(log2(ip_bytes + 1) / 4): in whole numbers, so that no rounding is involved. */
static uint32_t size_class(uint64_t ip_bytes)
{
    if (ip_bytes == UINT64_MAX)
        ip_bytes--;
    const unsigned log2_floor = 63U - (unsigned)__builtin_clzll(ip_bytes + 1);
    return log2_floor / SIZE_STEP_BITS;
}

void category_measure(const struct flow_record *flow, uint32_t service,
                      struct feature_vector *vector)
{
    const uint64_t ip_bytes =
        flow->direction[FLOW_FORWARD].ip_bytes + flow->direction[FLOW_REVERSE].ip_bytes;
    const uint64_t wide_service = (uint64_t)service << PART_SHIFT;
    vector->service_port =
        protocol_is_icmp(flow->protocol) ? 0 : (uint16_t)(service & SERVICE_PORT_MASK);
    vector_set(vector, FEATURE_PROTOCOL, flow->protocol);
    vector_set(vector, FEATURE_SERVICE, service);
    vector_set(vector, FEATURE_SERVICE_STATE, (double)(wide_service | flow->state));
    vector_set(vector, FEATURE_PROTOCOL_STATE,
               (double)((uint32_t)flow->protocol << PART_SHIFT | flow->state));
    vector_set(vector, FEATURE_SERVICE_SIZE, (double)(wide_service | size_class(ip_bytes)));
}

static void add_protocol(struct text *text, unsigned protocol)
{
    static const struct {
        unsigned protocol;
        const char *name;
    } names[] = {{PACKET_PROTOCOL_ICMP, "icmp"},
                 {PACKET_PROTOCOL_IGMP, "igmp"},
                 {PACKET_PROTOCOL_TCP, "tcp"},
                 {PACKET_PROTOCOL_UDP, "udp"},
                 {PACKET_PROTOCOL_ICMPV6, "icmpv6"},
                 {PACKET_PROTOCOL_SCTP, "sctp"},
                 {47, "gre"},
                 {50, "esp"},
                 {51, "ah"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].protocol == protocol) {
            text_append(text, names[i].name);
            return;
        }
    }
    text_append(text, "protocol ");
    text_append_uint(text, protocol);
}

/* "tcp/443", "udp/other" where neither port is known, "icmp type 8", "gre". */
static void add_service(struct text *text, uint32_t service)
{
    const unsigned protocol = service >> SERVICE_PROTOCOL_SHIFT;
    const unsigned port = service & SERVICE_PORT_MASK;
    add_protocol(text, protocol);
    if (protocol_is_icmp((uint8_t)protocol)) {
        text_append(text, " type ");
        text_append_uint(text, port);
    } else if (port != 0) {
        text_append(text, "/");
        text_append_uint(text, port);
    } else if (protocol_has_ports((uint8_t)protocol)) {
        text_append(text, "/other");
    }
}

static void add_state(struct text *text, unsigned state)
{
    text_append(text, " ");
    if (state > 0 && state < FLOW_STATE_COUNT)
        text_append(text, flow_state_name((enum flow_state)state));
    else
        text_append(text, "unknown state");
}

/* Class k holds 16^k - 1 to 16^(k+1) - 2 bytes; a class's lower end, in steps of 1,024. */
static void add_size_bound(struct text *text, unsigned size)
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB", " PB", " EB"};
    const unsigned log2_bytes = size * SIZE_STEP_BITS;
    text_append_uint(text, 1U << log2_bytes % 10);
    text_append(text, units[log2_bytes / 10]);
}

static void add_size(struct text *text, unsigned size)
{
    text_append(text, ", ");
    if (size == 0) {
        text_append(text, "under ");
        add_size_bound(text, 1);
    } else if (size < 64 / SIZE_STEP_BITS - 1) {
        add_size_bound(text, size);
        text_append(text, " to ");
        add_size_bound(text, size + 1);
    } else {
        text_append(text, "very large");
    }
}

static void add_of_list(struct text *text, const char *const *list, unsigned count, uint64_t code)
{
    text_append(text, code < count ? list[code] : "unknown");
}

static void add_acquaintance(struct text *text, uint64_t code)
{
    static const char *const list[FEATURE_ACQUAINTANCE_COUNT] = {
        [FEATURE_ACQUAINTANCE_NEW] = "new",
        [FEATURE_ACQUAINTANCE_1MIN] = "under 1 min",
        [FEATURE_ACQUAINTANCE_LONGER] = "1 min or longer",
    };
    add_of_list(text, list, FEATURE_ACQUAINTANCE_COUNT, code);
}

static void add_direction(struct text *text, uint64_t code)
{
    static const char *const list[FEATURE_DIRECTION_COUNT] = {
        [FEATURE_DIRECTION_IN_IN] = "in_to_in",
        [FEATURE_DIRECTION_IN_OUT] = "in_to_out",
        [FEATURE_DIRECTION_OUT_IN] = "out_to_in",
        [FEATURE_DIRECTION_OUT_OUT] = "out_to_out",
    };
    add_of_list(text, list, FEATURE_DIRECTION_COUNT, code);
}

static void add_category(struct text *text, enum feature_id id, uint64_t code)
{
    const unsigned part = (unsigned)(code & PART_MASK);
    const uint32_t whole = (uint32_t)(code >> PART_SHIFT);
    if (id == FEATURE_PROTOCOL)
        add_protocol(text, (unsigned)code);
    else if (id == FEATURE_SERVICE)
        add_service(text, (uint32_t)code);
    else if (id == FEATURE_SERVICE_STATE || id == FEATURE_SERVICE_SIZE)
        add_service(text, whole);
    else if (id == FEATURE_PROTOCOL_STATE)
        add_protocol(text, whole);
    else if (id == FEATURE_SRC_KNOWS_DST || id == FEATURE_SERVICE_KNOWS_DST)
        add_acquaintance(text, code);
    else if (id == FEATURE_DIRECTION)
        add_direction(text, code);
    if (id == FEATURE_SERVICE_STATE || id == FEATURE_PROTOCOL_STATE)
        add_state(text, part);
    else if (id == FEATURE_SERVICE_SIZE)
        add_size(text, part);
}

const char *feature_category_text(enum feature_id id, double code, char *text, unsigned size)
{
    if (size == 0)
        return text;
    struct text words = text_init(text, size);
    if (feature_infos[id].scale == FEATURE_SCALE_CATEGORY && code >= 0 && code < 0x1p53)
        add_category(&words, id, (uint64_t)code);
    return text;
}
