/* SPDX-License-Identifier: Apache-2.0 */
/* The Markdown report. Alerts are parsed again one at a time, so that memory holds their lines
 * and one tree. See the header. */
#include "report/markdown.h"

#include "alert_sections.h"
#include "report/json_path.h"
#include "report/markdown_flow.h"
#include "report/markdown_text.h"

#include <jansson.h>

static void put_count_row(FILE *out, const char *name, uint64_t count)
{
    fputs("| ", out);
    markdown_put(out, name);
    fputs(" | ", out);
    markdown_put_count(out, count);
    fputs(" |\n", out);
}

struct counter {
    const char *name, *path;
};

static void put_counters(FILE *out, json_t *sum, const struct counter *counters, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_path_at(sum, counters[i].path) != NULL)
            put_count_row(out, counters[i].name, json_path_count(sum, counters[i].path));
}

/* Of an object of counters those that are not 0: "refused: not_ip". */
static void put_losses(FILE *out, json_t *sum, const char *what, const char *path)
{
    const char *name;
    json_t *count;
    json_object_foreach (json_path_at(sum, path), name, count) {
        if (json_integer_value(count) <= 0)
            continue;
        fprintf(out, "| %s: ", what);
        markdown_put(out, name);
        fputs(" | ", out);
        markdown_put_count(out, (uint64_t)json_integer_value(count));
        fputs(" |\n", out);
    }
}

static void put_statistics(FILE *out, json_t *sum)
{
    static const struct counter counters[] = {
        {"packets received", "whyflow.account.received"},
        {"packets in flows", "whyflow.account.in_flows"},
        {"IP bytes in flows", "whyflow.account.ip_bytes_in_flows"},
        {"flows", "whyflow.account.flows_written"},
        {"flagged flows", "whyflow.engine.flagged"},
        {"incidents", "whyflow.engine.incidents"},
        {"flows notable, but over the alert budget", "whyflow.engine.notable"},
        {"flows muted by rules", "whyflow.engine.suppressed"},
        {"packets dropped by the kernel", "whyflow.account.kernel_dropped"},
        {"packets dropped by the interface", "whyflow.account.interface_dropped"},
        {"records lost", "whyflow.account.records_lost"},
    };
    put_counters(out, sum, counters, sizeof counters / sizeof counters[0]);
    put_losses(out, sum, "packets refused", "whyflow.account.refused");
    put_losses(out, sum, "evicted at a limit", "whyflow.engine.evicted");
}

static void put_protocols(FILE *out, const struct collection *collection)
{
    for (int i = 0; i < COLLECTION_PROTOCOLS; i++) {
        if (collection->flows_by_protocol[i] == 0)
            continue;
        fprintf(out, "| %s flows | ", collection_protocol_name((enum collection_protocol)i));
        markdown_put_count(out, collection->flows_by_protocol[i]);
        fputs(" |\n", out);
    }
}

static void put_overview(FILE *out, const struct collection *collection)
{
    json_t *const sum = run_list_sum(&collection->runs);
    fputs("## Captured and Lost\n\n| What | Count |\n|------|------:|\n", out);
    put_statistics(out, sum);
    put_protocols(out, collection);
    put_count_row(out, "alerts in this report", collection->alerts.count);
    put_count_row(out, "alerts left out, the weakest",
                  collection->alerts.seen - collection->alerts.count);
    put_count_row(out, "lines of the input that could not be read", collection->bad_lines);
    if (collection->runs.left_out > 0)
        put_count_row(out, "statistics of further runs left out", collection->runs.left_out);
    if (sum == NULL)
        fputs("\nThe input holds no statistics: what was lost is not known.\n", out);
    else if (!run_list_is_final(&collection->runs))
        fputs("\nThe last statistics are not the final ones: the run went on, or its end is "
              "missing.\n",
              out);
    json_decref(sum);
}

static void put_port(FILE *out, json_t *port)
{
    if (json_is_integer(port))
        fprintf(out, " port %lld", (long long)json_integer_value(port));
}

static void put_index_row(FILE *out, size_t number, json_t *alert)
{
    fprintf(out, "| [%zu](#flow-%zu) | ", number, number);
    markdown_put(out, json_path_text(alert, "flow.start"));
    fputs(" | ", out);
    markdown_put(out, json_path_text(alert, "proto"));
    fputs(" | ", out);
    markdown_put(out, json_path_text(alert, "src_ip"));
    put_port(out, json_object_get(alert, "src_port"));
    fputs(" | ", out);
    markdown_put(out, json_path_text(alert, "dest_ip"));
    put_port(out, json_object_get(alert, "dest_port"));
    fprintf(out, " | %.3f | ", json_path_number(alert, "whyflow.score", 0));
    const char *const behaviour = json_path_text(alert, "whyflow.resembles.behaviour");
    markdown_put(out, *behaviour != '\0' ? behaviour : json_path_text(alert, "alert.signature"));
    fputs(" |\n", out);
}

/* NULL: there is no memory, since the line was good before. */
static json_t *load(const struct alert *alert)
{
    return json_loadb(alert->line, alert->length, 0, NULL);
}

static bool put_index(FILE *out, const struct alert_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *const alert = load(&list->alerts[i]);
        if (alert == NULL)
            return false;
        put_index_row(out, i + 1, alert);
        json_decref(alert);
    }
    return true;
}

static bool put_flows(FILE *out, const struct alert_list *list)
{
    struct alert_sections *const sections = alert_sections_open();
    bool is_good = sections != NULL;
    for (size_t i = 0; i < list->count && is_good; i++) {
        const struct alert *const kept = &list->alerts[i];
        json_t *const alert = load(kept);
        fprintf(out, "\n---\n\n<a id=\"flow-%zu\"></a>\n\n", i + 1);
        if (alert != NULL)
            markdown_put_flow(out, alert, alert_sections_of(sections, kept->line, kept->length));
        is_good = alert != NULL;
        json_decref(alert);
    }
    alert_sections_close(sections);
    return is_good;
}

bool markdown_write(FILE *out, const struct collection *collection)
{
    fputs("# Unusual Flows\n\n", out);
    put_overview(out, collection);
    fputs("\n## Index\n\n", out);
    if (collection->alerts.count == 0)
        fputs("No flow is flagged.\n", out);
    else
        fputs("| Flow | Start | Protocol | Source | Destination | Score | Flagged as |\n"
              "|------|------|------|------|------|------:|------|\n",
              out);
    return put_index(out, &collection->alerts) && put_flows(out, &collection->alerts) &&
           ferror(out) == 0;
}
