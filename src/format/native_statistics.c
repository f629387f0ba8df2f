/* SPDX-License-Identifier: Apache-2.0 */
/* A `stats` line: EVE's counters where EVE has the meaning, then ours, whose sums hold (see
 * statistics_check). Called by the native formatter; no state. */
#include "format/native_statistics.h"

#include "base/address.h"
#include "whyflow/suppress.h"

static const int64_t NS_PER_S = 1000000000;

static void write_capture(struct json_writer *json, const struct capture_counters *capture)
{
    json_open_object(json, "capture");
    json_uint(json, "kernel_packets", capture->received);
    json_uint(json, "kernel_drops", capture->kernel_dropped);
    json_uint(json, "kernel_ifdrops", capture->interface_dropped);
    json_close_object(json);
}

static void write_decoder(struct json_writer *json, const struct statistics *statistics)
{
    const struct packet_counters *packets = &statistics->packets;
    json_open_object(json, "decoder");
    json_uint(json, "pkts", statistics->capture.read);
    json_uint(json, "bytes", statistics->capture.read_bytes);
    json_uint(json, "invalid",
              packets->refused[PACKET_REFUSED_MALFORMED] +
                  packets->refused[PACKET_REFUSED_TRUNCATED]);
    json_uint(json, "ipv4", packets->ipv4);
    json_uint(json, "ipv6", packets->ipv6);
    json_uint(json, "tcp", packets->tcp);
    json_uint(json, "udp", packets->udp);
    json_uint(json, "sctp", packets->sctp);
    json_uint(json, "icmpv4", packets->icmp);
    json_uint(json, "icmpv6", packets->icmpv6);
    json_uint(json, "vlan", packets->vlan);
    json_close_object(json);
}

static void write_eve_flow(struct json_writer *json, const struct flow_counters *flows)
{
    json_open_object(json, "flow");
    json_uint(json, "total", flows->opened);
    json_uint(json, "active", flows->open);
    json_uint(json, "tcp", flows->opened_tcp);
    json_uint(json, "udp", flows->opened_udp);
    json_uint(json, "tcp_reuse", flows->ended[FLOW_END_TCP_REUSE]);
    json_uint(json, "memuse", flows->memory_bytes);
    json_close_object(json);
}

/* Whole seconds of trace time; 0 while a clock set back is behind its start. */
static int64_t uptime_s(const struct statistics *statistics)
{
    const bool is_ahead = statistics->has_time && statistics->now_ns > statistics->start_ns;
    return is_ahead ? (statistics->now_ns - statistics->start_ns) / NS_PER_S : 0;
}

static void write_eve(struct json_writer *json, const struct statistics *statistics)
{
    json_open_object(json, "stats");
    json_int(json, "uptime", uptime_s(statistics));
    write_capture(json, &statistics->capture);
    write_decoder(json, statistics);
    write_eve_flow(json, &statistics->flows);
    json_close_object(json);
}

static void write_refused(struct json_writer *json, const struct packet_counters *packets)
{
    json_open_object(json, "refused");
    for (int reason = PACKET_ACCEPTED + 1; reason < PACKET_REFUSAL_COUNT; reason++)
        json_uint(json, packet_refusal_name((enum packet_refusal)reason), packets->refused[reason]);
    json_close_object(json);
}

static void write_record_counters(struct json_writer *json, const struct record_counters *records)
{
    json_uint(json, "records_made", records->made);
    json_uint(json, "records_written", records->written);
    json_uint(json, "records_queued", records->queued);
    json_uint(json, "records_spooled", records->spooled);
    json_uint(json, "records_lost", records->lost);
}

static void write_account(struct json_writer *json, const struct statistics *statistics)
{
    const struct capture_counters *capture = &statistics->capture;
    const struct flow_counters *flows = &statistics->flows;
    const struct engine_counters *engine = &statistics->engine;
    json_open_object(json, "account");
    json_uint(json, "received", capture->received);
    json_uint(json, "kernel_dropped", capture->kernel_dropped);
    json_uint(json, "interface_dropped", capture->interface_dropped);
    json_uint(json, "read", capture->read);
    json_uint(json, "in_flows", statistics->packets.in_flows);
    write_refused(json, &statistics->packets);
    json_uint(json, "ip_bytes_in_flows", statistics->packets.ip_bytes_in_flows);
    json_uint(json, "flows_opened", flows->opened);
    json_uint(json, "flows_written", engine->flows_written);
    json_uint(json, "flows_open", flows->open);
    json_uint(json, "flows_queued", flows->waiting + engine->flows_queued);
    json_uint(json, "packets_written", engine->packets_written);
    json_uint(json, "ip_bytes_written", engine->ip_bytes_written);
    write_record_counters(json, &statistics->records);
    json_close_object(json);
}

static void write_evicted(struct json_writer *json, const struct statistics *statistics)
{
    const struct engine_counters *engine = &statistics->engine;
    json_open_object(json, "evicted");
    json_uint(json, "flows", statistics->flows.evicted);
    json_uint(json, "memories", statistics->flows.memories_evicted);
    json_uint(json, "datagrams", statistics->flows.datagrams_evicted);
    json_uint(json, "hosts", engine->hosts_evicted);
    json_uint(json, "pairs", engine->pairs_evicted);
    json_uint(json, "conversations", engine->conversations_evicted);
    json_uint(json, "categories", engine->categories_evicted);
    json_uint(json, "services", engine->services_evicted);
    json_uint(json, "probation", engine->probation_evicted);
    json_uint(json, "sketches", engine->sketches_evicted);
    json_uint(json, "window_flows", engine->window_flows_cut);
    json_uint(json, "incidents", engine->incidents_evicted);
    json_uint(json, "talkers", engine->talkers_evicted);
    json_close_object(json);
}

static void write_suppressed(struct json_writer *json, const struct engine_counters *engine)
{
    json_uint(json, "suppressed", engine->suppressed);
    if (engine->suppressed_by_count == 0)
        return;
    json_open_array(json, "suppressed_by");
    for (uint32_t i = 0; i < engine->suppressed_by_count; i++) {
        json_open_object(json, NULL);
        json_uint(json, "line", engine->suppressed_by[i].line);
        json_uint(json, "count", engine->suppressed_by[i].count);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_reasons(struct json_writer *json, const struct engine_counters *engine)
{
    json_open_array(json, "flagged_reasons");
    for (uint32_t i = 0; i < engine->reason_count; i++) {
        const struct flagged_reason *const reason = &engine->reasons[i];
        const bool is_behaviour = reason->flagged_by == FLAGGED_BY_BEHAVIOUR;
        json_open_object(json, NULL);
        json_text(json, "flagged_by", is_behaviour ? "behaviour" : "surprise");
        json_text(json, "name",
                  is_behaviour ? behaviour_infos[reason->id].name : feature_infos[reason->id].name);
        json_uint(json, "count", reason->count);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_talkers(struct json_writer *json, const char *name,
                          const struct statistics_talker talkers[], uint32_t count)
{
    json_open_array(json, name);
    for (uint32_t i = 0; i < count; i++) {
        char address[ADDRESS_TEXT_SIZE];
        address_text(talkers[i].address, talkers[i].ip_version, address);
        json_open_object(json, NULL);
        json_text(json, "ip", address);
        json_uint(json, "flows", talkers[i].flows);
        json_uint(json, "ip_bytes", talkers[i].ip_bytes);
        if (talkers[i].is_least)
            json_bool(json, "at_least", true);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_engine(struct json_writer *json, const struct statistics *statistics)
{
    const struct engine_counters *engine = &statistics->engine;
    json_open_object(json, "engine");
    json_uint(json, "scored", engine->scored);
    json_uint(json, "flagged", engine->flagged);
    json_uint(json, "notable", engine->notable);
    json_uint(json, "incidents", engine->incidents);
    json_uint(json, "findings", engine->findings);
    write_reasons(json, engine);
    write_suppressed(json, engine);
    json_uint(json, "flows_learnt", engine->learnt);
    json_uint(json, "flows_held_back", engine->held_back);
    json_double(json, "budget", engine->budget);
    json_double(json, "p_floor", engine->p_floor);
    json_uint(json, "memory_bytes", engine->memory_bytes);
    json_uint(json, "spilled_bytes", engine->spilled_bytes);
    write_talkers(json, "top_sources", engine->top_by_bytes, engine->top_by_bytes_count);
    write_talkers(json, "top_sources_by_flows", engine->top_by_flows, engine->top_by_flows_count);
    write_evicted(json, statistics);
    json_close_object(json);
}

/* What happened to flows and packets besides, with a counter of its own. */
static void write_events(struct json_writer *json, const struct statistics *statistics)
{
    json_open_object(json, "events");
    json_open_object(json, "ended");
    for (int reason = FLOW_END_IDLE; reason <= FLOW_END_CLOCK_STEP; reason++)
        json_uint(json, flow_end_reason_name((enum flow_end_reason)reason),
                  statistics->flows.ended[reason]);
    json_close_object(json);
    json_uint(json, "fragments", statistics->packets.fragments);
    json_uint(json, "late_packets", statistics->packets.late);
    json_uint(json, "clock_steps", statistics->flows.clock_steps);
    json_uint(json, "memories", statistics->flows.memories);
    json_uint(json, "datagrams", statistics->flows.datagrams);
    json_close_object(json);
}

static void write_limits(struct json_writer *json, const struct settings *settings)
{
    json_open_object(json, "limits");
    json_microseconds(json, "idle_timeout_us", settings->flow.idle_timeout_ns);
    json_microseconds(json, "active_timeout_us", settings->flow.active_timeout_ns);
    json_microseconds(json, "close_timeout_us", settings->flow.close_timeout_ns);
    json_microseconds(json, "memory_us", settings->flow.memory_ns);
    json_uint(json, "max_flows", settings->flow.max_flows);
    json_uint(json, "max_memories", settings->flow.max_memories);
    json_uint(json, "max_fragments", settings->flow.max_fragments);
    json_microseconds(json, "window_us", settings->feature.window_ns);
    json_uint(json, "max_hosts", settings->feature.max_hosts);
    json_uint(json, "max_pairs", settings->feature.max_pairs);
    json_uint(json, "max_conversations", settings->feature.max_conversations);
    json_uint(json, "max_window_flows", settings->feature.max_window_flows);
    json_uint(json, "max_categories", settings->anomaly.max_categories);
    json_uint(json, "max_services", settings->anomaly.max_services);
    json_uint(json, "max_lessons", settings->anomaly.max_lessons);
    json_microseconds(json, "learning_lag_us", settings->anomaly.learning_lag_ns);
    json_uint(json, "max_probation", settings->anomaly.max_probation);
    json_microseconds(json, "probation_us", settings->anomaly.probation_ns);
    json_uint(json, "max_behaviour_hosts", settings->behaviour.max_hosts);
    json_uint(json, "max_behaviour_pairs", settings->behaviour.max_pairs);
    json_uint(json, "memory_bytes", settings->anomaly.memory_bytes);
    json_uint(json, "warmup_flows", settings->anomaly.warmup_flows);
    json_microseconds(json, "warmup_us", settings->anomaly.warmup_ns);
    json_uint(json, "max_incidents", settings->incident.max_incidents);
    json_microseconds(json, "incident_silence_us", settings->incident.silence_ns);
    json_uint(json, "max_talkers", STATISTICS_TALKERS_KEPT);
    json_uint(json, "suppress_rules", SUPPRESS_RULES_MAX);
    json_double(json, "alert_share", settings->anomaly.alert_share);
    json_double(json, "alerts_per_hour", settings->anomaly.alerts_per_hour);
    json_uint(json, "vlan_tags", PACKET_VLAN_MAX);
    json_uint(json, "tunnels", PACKET_TUNNELS_MAX);
    json_uint(json, "history_letters", FLOW_HISTORY_MAX - 1);
    json_uint(json, "record_bytes", FORMAT_LINE_LENGTH_MAX);
    json_close_object(json);
}

void native_write_identity(struct json_writer *json, const struct format_context *context)
{
    json_text(json, "schema", "whyflow/1");
    json_text(json, "sensor", context->sensor);
    json_text(json, "boot", context->boot);
    json_uint(json, "seq", context->sequence);
}

void native_write_statistics(struct json_writer *json, const struct record *record,
                             const struct format_context *context)
{
    const struct statistics *statistics = &record->as.statistics;
    json_time(json, "timestamp", record->timestamp_ns);
    json_text(json, "event_type", "stats");
    json_text(json, "host", context->sensor);
    write_eve(json, statistics);
    json_open_object(json, "whyflow");
    native_write_identity(json, context);
    json_bool(json, "final", statistics->is_final);
    json_text(json, "version", context->version);
    write_account(json, statistics);
    write_engine(json, statistics);
    write_events(json, statistics);
    write_limits(json, context->settings);
    json_close_object(json);
}
