/* SPDX-License-Identifier: Apache-2.0 */
/* The library's settings: defaults, networks, and the hash that names a run. Any thread. */
#include "whyflow/settings.h"

#include "base/siphash.h"
#include "whyflow/suppress.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

static const char default_networks[] = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10";

static void default_flow(struct flow_settings *flow)
{
    *flow = (struct flow_settings){
        .idle_timeout_ns = 30 * SECOND_NS,
        .active_timeout_ns = 120 * SECOND_NS,
        .close_timeout_ns = 5 * SECOND_NS,
        .sweep_interval_ns = 10 * SECOND_NS,
        .memory_ns = 600 * SECOND_NS,
        .max_flows = UINT32_C(1) << 20,
        .max_memories = UINT32_C(1) << 17,
        .max_fragments = UINT32_C(1) << 14,
    };
}

static void default_feature(struct feature_settings *feature)
{
    *feature = (struct feature_settings){
        .window_ns = 60 * SECOND_NS,
        .max_hosts = UINT32_C(1) << 15,
        .max_pairs = UINT32_C(1) << 16,
        .max_conversations = UINT32_C(1) << 16,
        .max_window_flows = UINT32_C(1) << 18,
        .sketch_key = {UINT64_C(0x736b65746368), UINT64_C(0x77687966)},
    };
    char error[1];
    settings_parse_networks(feature, default_networks, error, sizeof error);
}

static void default_anomaly(struct anomaly_settings *anomaly)
{
    *anomaly = (struct anomaly_settings){
        .mode = ANOMALY_MODE_CAPTURE,
        .alert_share = 0.01,
        .alerts_per_hour = 6,
        .warmup_flows = 2000,
        .warmup_ns = 1800 * SECOND_NS,
        .flood_exponent = 0.2,
        .half_life_flows = 20000,
        .half_life_ns = 86400 * SECOND_NS,
        .max_categories = UINT32_C(1) << 16,
        .max_services = 128,
        .learning_lag_ns = 60 * SECOND_NS,
        .max_lessons = UINT32_C(1) << 14,
        .probation_ns = 86400 * SECOND_NS,
        .max_probation = UINT32_C(1) << 14,
        .memory_bytes = UINT64_C(512) << 20,
    };
}

static void default_behaviour(struct settings *settings)
{
    settings->behaviour = (struct behaviour_settings){
        .max_hosts = UINT32_C(1) << 14,
        .max_pairs = UINT32_C(1) << 16,
    };
    settings->incident = (struct incident_settings){
        .max_incidents = UINT32_C(1) << 12,
        .silence_ns = 3600 * SECOND_NS,
    };
}

void settings_default(struct settings *settings)
{
    *settings = (struct settings){
        .stats_interval_ns = 60 * SECOND_NS,
        .emit_alerts = true,
    };
    default_flow(&settings->flow);
    default_feature(&settings->feature);
    default_anomaly(&settings->anomaly);
    default_behaviour(settings);
}

bool settings_parse_network(const char *text, struct settings_network *network)
{
    char address[INET6_ADDRSTRLEN];
    const char *const slash = strchr(text, '/');
    const size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    *network = (struct settings_network){.ip_version = strchr(address, ':') ? 6 : 4};
    const int family = network->ip_version == 6 ? AF_INET6 : AF_INET;
    const unsigned long most = network->ip_version == 6 ? 128 : 32;
    if (inet_pton(family, address, network->address) != 1)
        return false;
    unsigned long bits = most;
    if (slash != NULL) {
        char *end;
        bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most)
            return false;
    }
    network->prefix_bits = (uint8_t)bits;
    return true;
}

bool settings_parse_networks(struct feature_settings *settings, const char *text, char *error,
                             size_t error_size)
{
    struct settings_network networks[SETTINGS_LOCAL_NETS_MAX];
    size_t count = 0;
    while (*text != '\0') {
        char item[64];
        const size_t length = strcspn(text, ",");
        snprintf(item, sizeof item, "%.*s", (int)(length < 64 ? length : 63), text);
        if (count == SETTINGS_LOCAL_NETS_MAX) {
            snprintf(error, error_size, "more than %d networks", SETTINGS_LOCAL_NETS_MAX);
            return false;
        }
        if (length >= sizeof item || !settings_parse_network(item, &networks[count++])) {
            snprintf(error, error_size, "\"%s\" is not a network like 10.0.0.0/8 or fd00::/8",
                     item);
            return false;
        }
        text += length;
        text += *text == ',';
    }
    memcpy(settings->local_nets, networks, count * sizeof *networks);
    settings->local_net_count = count;
    return true;
}

static void describe_network(const struct settings_network *network, FILE *out)
{
    for (unsigned j = 0; j < sizeof network->address; j++)
        fprintf(out, "%02x", network->address[j]);
    fprintf(out, "/%u v%u\n", network->prefix_bits, network->ip_version);
}

/* A comment, or a line more above it, changes what the rule's line is called, not what it does;
 * `stats` name lines, so it is part of the output all the same. */
static void describe_rule(const struct suppress_rule *rule, FILE *out)
{
    fprintf(out, "suppress %u %x port %u proto %u behaviour %u feature %u until %lld\n", rule->line,
            rule->conditions, rule->port, rule->protocol, rule->behaviour, rule->feature,
            (long long)rule->until_ns);
    describe_network(&rule->source, out);
    describe_network(&rule->destination, out);
    describe_network(&rule->either, out);
}

/* Appends every setting that decides output, by name, so that a new field cannot slip in by its
 * padding or be forgotten without this list showing it. */
static void describe(const struct settings *settings, FILE *out)
{
    const struct flow_settings *const flow = &settings->flow;
    const struct feature_settings *const feature = &settings->feature;
    const struct anomaly_settings *const anomaly = &settings->anomaly;
    fprintf(out, "idle %lld active %lld close %lld memory %lld flows %u memories %u\n",
            (long long)flow->idle_timeout_ns, (long long)flow->active_timeout_ns,
            (long long)flow->close_timeout_ns, (long long)flow->memory_ns, flow->max_flows,
            flow->max_memories);
    fprintf(out, "fragments %u dedup %d key_vlan %d\n", flow->max_fragments,
            flow->leaves_out_duplicates, flow->vlan_is_in_key);
    fprintf(out, "window %lld hosts %u pairs %u conversations %u window_flows %u\n",
            (long long)feature->window_ns, feature->max_hosts, feature->max_pairs,
            feature->max_conversations, feature->max_window_flows);
    fprintf(out, "sketch %llx %llx\n", (unsigned long long)feature->sketch_key[0],
            (unsigned long long)feature->sketch_key[1]);
    for (size_t i = 0; i < feature->local_net_count; i++)
        describe_network(&feature->local_nets[i], out);
    fprintf(out,
            "mode %d share %a hourly %a warmup %llu %lld gamma %a half %a %lld cats %u services %u "
            "lag %lld lessons %u probation %lld %u\n",
            (int)anomaly->mode, anomaly->alert_share, anomaly->alerts_per_hour,
            (unsigned long long)anomaly->warmup_flows, (long long)anomaly->warmup_ns,
            anomaly->flood_exponent, anomaly->half_life_flows, (long long)anomaly->half_life_ns,
            anomaly->max_categories, anomaly->max_services, (long long)anomaly->learning_lag_ns,
            anomaly->max_lessons, (long long)anomaly->probation_ns, anomaly->max_probation);
    fprintf(out, "by_share %d frozen %d\n", anomaly->alerts_by_share, anomaly->is_frozen);
    const struct behaviour_settings *const behaviour = &settings->behaviour;
    fprintf(out, "behaviour hosts %u pairs %u\n", behaviour->max_hosts, behaviour->max_pairs);
    fprintf(out, "incidents %u silence %lld\n", settings->incident.max_incidents,
            (long long)settings->incident.silence_ns);
    for (size_t i = 0; settings->suppress != NULL && i < settings->suppress->count; i++)
        describe_rule(&settings->suppress->rules[i], out);
}

uint64_t settings_hash(const struct settings *settings)
{
    static const uint64_t public_key[2] = {UINT64_C(0x73657474), UINT64_C(0x696e6773)};
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (out == NULL)
        return 0;
    describe(settings, out);
    const bool is_whole = fclose(out) == 0;
    const uint64_t hash = is_whole ? siphash13(public_key, text, size) : 0;
    free(text);
    return hash;
}
