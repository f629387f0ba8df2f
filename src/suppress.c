/* SPDX-License-Identifier: Apache-2.0 */
/* Suppress rules from text, and what they mute. Called at start with the file's text, and by the
 * engine for each flow that would be flagged. One table says what each word sets. */
#include "whyflow/suppress.h"

#include "base/address.h"
#include "base/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { WORD_SIZE = 80 };
static const int64_t NS_PER_S = 1000000000;
static const int64_t NS_PER_DAY = 86400 * INT64_C(1000000000);

/* ---- values ---- */

static bool read_number(const char *text, unsigned most, unsigned *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    const unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *end == '\0' && value <= most;
}

static bool read_source(const char *value, struct suppress_rule *rule)
{
    return settings_parse_network(value, &rule->source);
}

static bool read_destination(const char *value, struct suppress_rule *rule)
{
    return settings_parse_network(value, &rule->destination);
}

static bool read_either(const char *value, struct suppress_rule *rule)
{
    return settings_parse_network(value, &rule->either);
}

static bool read_port(const char *value, struct suppress_rule *rule)
{
    unsigned port = 0;
    const bool is_port = read_number(value, UINT16_MAX, &port) && port > 0;
    rule->port = (uint16_t)port;
    return is_port;
}

static bool read_protocol(const char *value, struct suppress_rule *rule)
{
    unsigned number;
    if (read_number(value, UINT8_MAX, &number)) {
        rule->protocol = (uint8_t)number;
        return true;
    }
    const char *const name = strcasecmp(value, "icmpv6") == 0 ? "IPv6-ICMP" : value;
    for (unsigned protocol = 0; protocol <= UINT8_MAX; protocol++) {
        const char *const known = protocol_name((uint8_t)protocol);
        if (known == NULL || strcasecmp(known, name) != 0)
            continue;
        rule->protocol = (uint8_t)protocol;
        return true;
    }
    return false;
}

static bool read_behaviour(const char *value, struct suppress_rule *rule)
{
    static const char *const names[BEHAVIOUR_COUNT] = {"any",
#define BEHAVIOUR(id, name, label, techniques, tactics) name,
                                                       BEHAVIOUR_LIST(BEHAVIOUR)
#undef BEHAVIOUR
    };
    for (unsigned id = 0; id < BEHAVIOUR_COUNT; id++) {
        rule->behaviour = (uint8_t)id;
        if (strcmp(names[id], value) == 0)
            return true;
    }
    return false;
}

static bool read_feature(const char *value, struct suppress_rule *rule)
{
    for (unsigned id = 0; id < FEATURE_COUNT; id++) {
        rule->feature = (uint8_t)id;
        if (strcmp(feature_infos[id].name, value) == 0)
            return true;
    }
    return false;
}

/* Digits in place of each 'd', the rest as it stands. */
static bool has_form(const char *text, const char *form)
{
    for (; *form != '\0'; text++, form++) {
        const bool is_digit = *text >= '0' && *text <= '9';
        if (*form == 'd' ? !is_digit : *text != *form)
            return false;
    }
    return *text == '\0';
}

/* timegm() makes the 2nd of March of the 30th of February: then the fields come back changed. */
static bool read_until(const char *value, struct suppress_rule *rule)
{
    const bool has_time = has_form(value, "dddd-dd-ddTdd:dd");
    if (!has_time && !has_form(value, "dddd-dd-dd"))
        return false;
    struct tm day = {
        .tm_year = atoi(value) - 1900, .tm_mon = atoi(value + 5) - 1, .tm_mday = atoi(value + 8)};
    if (has_time) {
        day.tm_hour = atoi(value + 11);
        day.tm_min = atoi(value + 14);
    }
    const struct tm asked = day;
    const int64_t second = timegm(&day);
    const bool is_kept = day.tm_year == asked.tm_year && day.tm_mon == asked.tm_mon &&
                         day.tm_mday == asked.tm_mday && day.tm_hour == asked.tm_hour &&
                         day.tm_min == asked.tm_min;
    if (!is_kept || asked.tm_year < 70 || asked.tm_year > 360) /* a count of ns ends in 2262 */
        return false;
    rule->until_ns = second * NS_PER_S + (has_time ? 0 : NS_PER_DAY);
    return true;
}

static const struct keyword {
    const char *word;
    enum suppress_condition condition;
    bool (*read)(const char *value, struct suppress_rule *rule);
    const char *expected;
} keywords[] = {
    {"src", SUPPRESS_SOURCE, read_source, "a network such as 10.1.2.0/24"},
    {"dst", SUPPRESS_DESTINATION, read_destination, "a network such as 10.1.2.0/24"},
    {"net", SUPPRESS_EITHER, read_either, "a network such as 10.1.2.0/24"},
    {"port", SUPPRESS_PORT, read_port, "a port from 1 to 65535"},
    {"proto", SUPPRESS_PROTOCOL, read_protocol, "tcp, udp, icmp, icmpv6, sctp or 0 to 255"},
    {"behaviour", SUPPRESS_BEHAVIOUR, read_behaviour,
     "a behaviour's name such as periodic_contact, or any"},
    {"feature", SUPPRESS_FEATURE, read_feature, "a feature's name such as src_ports_window"},
    {"until", SUPPRESS_UNTIL, read_until, "YYYY-MM-DD or YYYY-MM-DDTHH:MM"},
};

/* ---- lines ---- */

struct reader {
    uint32_t line;
    char *error;
    size_t error_size;
};

static bool fail(const struct reader *reader, const char *format, const char *what,
                 const char *expected)
{
    const int written = snprintf(reader->error, reader->error_size, "line %u: ", reader->line);
    const size_t length = written > 0 ? (size_t)written : 0;
    if (length < reader->error_size)
        snprintf(reader->error + length, reader->error_size - length, format, what, expected);
    return false;
}

/* The next word of the line, cut at WORD_SIZE - 1 bytes, which is longer than any good one; "" at
 * its end or at a comment. Returns what follows. */
static const char *next_word(const char *line, char word[WORD_SIZE])
{
    line += strspn(line, " \t\r");
    size_t length = *line == '#' ? 0 : strcspn(line, " \t\r\n");
    const char *const rest = line + length;
    if (length >= WORD_SIZE)
        length = WORD_SIZE - 1;
    memcpy(word, line, length);
    word[length] = '\0';
    return rest;
}

static bool set_condition(const struct reader *reader, const char *word, const char *value,
                          struct suppress_rule *rule)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        const struct keyword *const keyword = &keywords[i];
        if (strcmp(keyword->word, word) != 0)
            continue;
        if ((rule->conditions & keyword->condition) != 0)
            return fail(reader, "'%s' stands there twice%s", word, "");
        if (!keyword->read(value, rule))
            return fail(reader, *value == '\0' ? "'%s' needs %s" : "'%s' is not %s",
                        *value == '\0' ? word : value, keyword->expected);
        rule->conditions |= (uint32_t)keyword->condition;
        return true;
    }
    return fail(reader, "'%s' is unknown (allowed: %s)", word,
                "src, dst, net, port, proto, behaviour, feature, until");
}

/* Reads one line; conditions stay 0 where there is nothing but a comment. */
static bool read_rule(const struct reader *reader, const char *line, struct suppress_rule *rule)
{
    *rule = (struct suppress_rule){.line = reader->line, .until_ns = INT64_MAX};
    char word[WORD_SIZE], value[WORD_SIZE];
    for (;;) {
        line = next_word(line, word);
        if (word[0] == '\0')
            break;
        line = next_word(line, value);
        if (!set_condition(reader, word, value, rule))
            return false;
    }
    if (rule->conditions == SUPPRESS_UNTIL)
        return fail(reader, "'%s' alone would mute everything%s", "until", "");
    const uint32_t causes = SUPPRESS_BEHAVIOUR | SUPPRESS_FEATURE;
    if ((rule->conditions & causes) == causes)
        return fail(reader, "%s: no flow is flagged by both%s", "behaviour and feature", "");
    return true;
}

static bool read_rules(struct reader *reader, const char *text, struct suppress_list *list)
{
    while (*text != '\0') {
        struct suppress_rule rule;
        reader->line++;
        if (!read_rule(reader, text, &rule))
            return false;
        if (rule.conditions != 0) {
            if (list->count == SUPPRESS_RULES_MAX)
                return fail(reader, "%s%s", "more than 4096 rules", "");
            list->rules[list->count++] = rule;
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return true;
}

struct suppress_list *suppress_parse(const char *text, char *error, size_t error_size)
{
    _Static_assert(SUPPRESS_RULES_MAX == 4096, "as the message says");
    struct reader reader = {.error = error, .error_size = error_size};
    struct suppress_list *const list =
        calloc(1, sizeof *list + SUPPRESS_RULES_MAX * sizeof list->rules[0]);
    if (list == NULL) {
        snprintf(error, error_size, "no memory for the rules");
        return NULL;
    }
    if (read_rules(&reader, text, list))
        return list;
    free(list);
    return NULL;
}

/* ---- matching ---- */

static bool is_in(const uint8_t address[16], uint8_t ip_version,
                  const struct settings_network *network)
{
    return network->ip_version == ip_version &&
           address_in_network(address, network->address, network->prefix_bits);
}

static bool is_cause(const struct suppress_rule *rule, const struct suppress_cause *cause)
{
    const bool is_behaviour = cause->flagged_by == FLAGGED_BY_BEHAVIOUR;
    if ((rule->conditions & SUPPRESS_BEHAVIOUR) != 0)
        return is_behaviour &&
               (rule->behaviour == BEHAVIOUR_NONE || rule->behaviour == cause->behaviour);
    if ((rule->conditions & SUPPRESS_FEATURE) != 0)
        return !is_behaviour && rule->feature == cause->feature;
    return true;
}

static bool is_asked(const struct suppress_rule *rule, enum suppress_condition condition)
{
    return (rule->conditions & (uint32_t)condition) != 0;
}

static bool has_addresses(const struct suppress_rule *rule, const struct flow_record *flow)
{
    const uint8_t version = flow->ip_version;
    if (is_asked(rule, SUPPRESS_SOURCE) && !is_in(flow->source, version, &rule->source))
        return false;
    if (is_asked(rule, SUPPRESS_DESTINATION) &&
        !is_in(flow->destination, version, &rule->destination))
        return false;
    return !is_asked(rule, SUPPRESS_EITHER) || is_in(flow->source, version, &rule->either) ||
           is_in(flow->destination, version, &rule->either);
}

static bool has_port(const struct suppress_rule *rule, const struct flow_record *flow)
{
    return protocol_has_ports(flow->protocol) && flow->destination_port == rule->port;
}

/* What costs least is asked first: of a thousand rules nearly all end there, for every flow. */
static bool holds(const struct suppress_rule *rule, const struct flow_record *flow,
                  const struct suppress_cause *cause)
{
    if (is_asked(rule, SUPPRESS_PORT) && !has_port(rule, flow))
        return false;
    if (is_asked(rule, SUPPRESS_PROTOCOL) && flow->protocol != rule->protocol)
        return false;
    if (flow->notice_ns >= rule->until_ns && is_asked(rule, SUPPRESS_UNTIL))
        return false;
    return is_cause(rule, cause) && has_addresses(rule, flow);
}

size_t suppress_find(const struct suppress_list *list, const struct flow_record *flow,
                     const struct suppress_cause *cause)
{
    size_t i = 0;
    while (i < list->count && !holds(&list->rules[i], flow, cause))
        i++;
    return i;
}
