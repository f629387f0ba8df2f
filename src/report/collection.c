/* SPDX-License-Identifier: Apache-2.0 */
/* What a report is made of. See the header. */
#include "report/collection.h"

#include "report/json_path.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collection *collection_open(size_t alerts_max)
{
    struct collection *const collection = calloc(1, sizeof *collection);
    if (collection == NULL)
        return NULL;
    alert_list_init(&collection->alerts, alerts_max);
    timeline_init(&collection->of_flows);
    timeline_init(&collection->of_runs);
    return collection;
}

const char *collection_protocol_name(enum collection_protocol protocol)
{
    static const char *const names[COLLECTION_PROTOCOLS] = {
        [COLLECTION_TCP] = "TCP",   [COLLECTION_UDP] = "UDP",
        [COLLECTION_ICMP] = "ICMP", [COLLECTION_ICMPV6] = "IPv6-ICMP",
        [COLLECTION_SCTP] = "SCTP", [COLLECTION_OTHER_PROTOCOL] = "other"};
    return names[protocol];
}

static enum collection_protocol protocol_of(json_t *record)
{
    const char *const name = json_path_text(record, "proto");
    for (int i = 0; i < COLLECTION_OTHER_PROTOCOL; i++)
        if (strcmp(name, collection_protocol_name((enum collection_protocol)i)) == 0)
            return (enum collection_protocol)i;
    return COLLECTION_OTHER_PROTOCOL;
}

/* Days from 1970 to the first of a month, by the proleptic Gregorian calendar: years begin in
 * March, so that a leap day comes last. */
static int64_t days_until_month(int64_t year, int64_t month)
{
    const int64_t march_year = month > 2 ? year : year - 1;
    const int64_t months = (month + 9) % 12;
    return 365 * march_year + march_year / 4 - march_year / 100 + march_year / 400 +
           (153 * months + 2) / 5 - 719468;
}

/* "2019-10-02T07:54:09.531207+0000", as every line has it; -1: it does not. */
static int64_t parse_time_ns(const char *text)
{
    unsigned year, month, day, hour, minute, second, microsecond;
    char zone[6];
    if (sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u.%6u%5s", &year, &month, &day, &hour, &minute, &second,
               &microsecond, zone) != 8 ||
        strcmp(zone, "+0000") != 0)
        return -1;
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
        return -1;
    if (hour > 23 || minute > 59 || second > 60)
        return -1;
    const int64_t days = days_until_month(year, month) + day - 1;
    const int64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return (seconds * 1000000 + microsecond) * 1000;
}

static uint64_t ip_bytes_of(json_t *record)
{
    return json_path_count(record, "whyflow.flow.fwd.ip_bytes") +
           json_path_count(record, "whyflow.flow.rev.ip_bytes");
}

static int64_t start_ns_of(json_t *record)
{
    return parse_time_ns(json_path_text(record, "flow.start"));
}

static void take_flow(struct collection *collection, json_t *record)
{
    const uint64_t ip_bytes = ip_bytes_of(record);
    collection->flow_lines++;
    collection->flow_ip_bytes += ip_bytes;
    collection->flows_by_protocol[protocol_of(record)]++;
    flow_grid_add(&collection->grid, json_path_count(record, "whyflow.flow.duration_us"), ip_bytes);
    timeline_add(&collection->of_flows, start_ns_of(record),
                 (struct timeline_step){.flows = 1, .ip_bytes = ip_bytes});
}

/* Both timelines, because only at the end it is known which one is shown. */
static bool take_alert(struct collection *collection, json_t *record, char *line, size_t length)
{
    const int64_t start_ns = start_ns_of(record);
    timeline_add(&collection->of_flows, start_ns, (struct timeline_step){.alerts = 1});
    timeline_add(&collection->of_runs, start_ns, (struct timeline_step){.alerts = 1});
    const bool has_behaviour = *json_path_text(record, "whyflow.resembles.behaviour") != '\0';
    return alert_list_add(&collection->alerts,
                          (struct alert){.line = line,
                                         .length = length,
                                         .score = json_path_number(record, "whyflow.score", 0),
                                         .has_behaviour = has_behaviour});
}

static uint64_t difference(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void take_stats(struct collection *collection, json_t *record)
{
    collection->stats_lines++;
    struct run_totals *const run = run_list_find(&collection->runs, record);
    if (run == NULL)
        return;
    const int64_t time_ns = parse_time_ns(json_path_text(record, "timestamp"));
    const int64_t uptime_s = (int64_t)json_path_count(record, "stats.uptime");
    const int64_t begin_ns = uptime_s < INT32_MAX ? time_ns - uptime_s * 1000000000 : time_ns;
    const uint64_t flows = json_path_count(record, "whyflow.account.flows_written");
    const uint64_t ip_bytes = json_path_count(record, "whyflow.account.ip_bytes_written");
    timeline_spread(&collection->of_runs, run->time_ns < 0 ? begin_ns : run->time_ns, time_ns,
                    (struct timeline_step){.flows = difference(flows, run->flows),
                                           .ip_bytes = difference(ip_bytes, run->ip_bytes)});
    run->time_ns = time_ns;
    run->flows = flows;
    run->ip_bytes = ip_bytes;
    json_decref(run->line);
    run->line = json_incref(record);
}

/* A flow without its addresses and its score is nothing that a report could tell. */
static bool is_flow(json_t *record)
{
    return *json_path_text(record, "src_ip") != '\0' &&
           *json_path_text(record, "dest_ip") != '\0' &&
           json_is_number(json_path_at(record, "whyflow.score"));
}

static enum collection_result take_record(struct collection *collection, json_t *record, char *line,
                                          size_t length)
{
    const char *const type = json_path_text(record, "event_type");
    if (strcmp(json_path_text(record, "whyflow.schema"), "whyflow/1") != 0)
        return COLLECTION_BAD_LINE;
    if (strcmp(type, "stats") == 0) {
        take_stats(collection, record);
        return COLLECTION_TAKEN;
    }
    if (!is_flow(record))
        return COLLECTION_BAD_LINE;
    if (strcmp(type, "flow") == 0) {
        take_flow(collection, record);
        return COLLECTION_TAKEN;
    }
    if (strcmp(type, "alert") != 0)
        return COLLECTION_BAD_LINE;
    return take_alert(collection, record, line, length) ? COLLECTION_TAKEN : COLLECTION_NO_MEMORY;
}

enum collection_result collection_take(struct collection *collection, char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return COLLECTION_TAKEN;
    collection->lines++;
    json_t *const record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const enum collection_result result = take_record(collection, record, line, length);
    if (result == COLLECTION_BAD_LINE)
        collection->bad_lines++;
    json_decref(record);
    return result;
}

void collection_count_bad(struct collection *collection)
{
    collection->lines++;
    collection->bad_lines++;
}

void collection_finish(struct collection *collection)
{
    alert_list_sort(&collection->alerts);
}

const struct timeline *collection_timeline(const struct collection *collection)
{
    return collection->flow_lines > 0 ? &collection->of_flows : &collection->of_runs;
}

void collection_close(struct collection *collection)
{
    if (collection == NULL)
        return;
    alert_list_deinit(&collection->alerts);
    run_list_deinit(&collection->runs);
    free(collection);
}
