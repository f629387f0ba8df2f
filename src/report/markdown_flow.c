/* SPDX-License-Identifier: Apache-2.0 */
/* One flagged flow as Markdown. Nothing is worded here that the record does not say: what stands
 * in it is laid out, what does not is left out. See the header. */
#include "report/markdown_flow.h"

#include "report/flow_filter.h"
#include "report/json_path.h"
#include "report/markdown_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTRIBUTIONS_SHOWN = 12, CONTRIBUTIONS_MAX = 256 };

static const char *const columns[] = {
    "ID",
    "IP_SRC_ADDR",
    "IP_DST_ADDR",
    "L4_SRC_PORT",
    "L4_DST_PORT",
    "PROTOCOL_NUM",
    "FIRST_SWITCHED",
    "LAST_SWITCHED",
    "IN_PKTS",
    "IN_BYTES",
    "FLOW_DURATION_MILLISECONDS",
    "avg_in_packet_size",
    "inter_arrival_ms",
    "dst_flows_in_window",
    "src_entropy_PROTOCOL",
    "src_IN_PKTS_sum",
    "src_flows_in_window",
    "src_flag_SYN",
};

static void put_row(FILE *out, const char *name, json_t *value)
{
    fprintf(out, "| ");
    markdown_put(out, name);
    fputs(" | ", out);
    if (value != NULL)
        markdown_put_value(out, value);
    else
        fputs("not measured", out);
    fputs(" |\n", out);
}

static void put_summary(FILE *out, json_t *alert)
{
    json_t *const summary = json_path_at(alert, "whyflow.summary");
    fputs("## 🔍 Summary\n", out);
    if (summary != NULL)
        markdown_put_list(out, summary);
}

static void put_observed(FILE *out, json_t *alert)
{
    json_t *const observed = json_path_at(alert, "whyflow.observed");
    const char *name;
    json_t *value;
    fputs("\n---\n\n## 📊 Observable Features\n| Feature | Value |\n|------|------|\n", out);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        put_row(out, columns[i], json_object_get(observed, columns[i]));
    json_object_foreach (json_path_at(alert, "whyflow.features"), name, value) {
        put_row(out, name, value);
    }
}

static void put_reason(FILE *out, json_t *reason)
{
    static const char *const places[] = {"value", "typical", "p05", "p95"};
    const char *const unit = json_path_text(reason, "unit");
    const char *label = json_path_text(reason, "label");
    fputs("| ", out);
    markdown_put(out, *label != '\0' ? label : json_path_text(reason, "feature"));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        json_t *const value = json_object_get(reason, places[i]);
        fputs(" | ", out);
        if (value != NULL)
            markdown_put_quantity(out, value, unit, json_path_text(reason, "feature"));
    }
    fputs(" | ", out);
    markdown_put(out, json_path_text(reason, "direction"));
    const double seen_share = json_path_number(reason, "seen_share", -1);
    if (seen_share >= 0)
        fprintf(out, " (%.2f %% of flows)", 100 * seen_share);
    fprintf(out, " | %.3f | %.1f %% |\n", json_path_number(reason, "bits", 0),
            100 * json_path_number(reason, "share", 0));
}

static void put_reasons(FILE *out, json_t *alert)
{
    json_t *const reasons = json_path_at(alert, "whyflow.reasons");
    json_t *reason;
    size_t i;
    if (json_array_size(reasons) == 0)
        return;
    fputs("\n### Characteristics Contributing to the Score\n\n"
          "| Characteristic | Value | Typical | 5 % | 95 % | Direction | Bits | Share |\n"
          "|------|------|------|------|------|------|------|------|\n",
          out);
    json_array_foreach (reasons, i, reason) {
        put_reason(out, reason);
    }
    fputs("\nCompared with ", out);
    markdown_put_count(out, json_path_count(alert, "whyflow.baseline.n"));
    fputs(" flows.\n", out);
}

struct contribution {
    const char *name;
    double bits;
};

static int compare_contributions(const void *a, const void *b)
{
    const struct contribution *const one = a, *const other = b;
    const double difference = fabs(other->bits) - fabs(one->bits);
    if (difference != 0)
        return difference > 0 ? 1 : -1;
    return strcmp(one->name, other->name);
}

static size_t list_contributions(json_t *alert, struct contribution list[CONTRIBUTIONS_MAX])
{
    size_t count = 0;
    const char *name;
    json_t *bits;
    json_object_foreach (json_path_at(alert, "whyflow.contrib"), name, bits) {
        if (count < CONTRIBUTIONS_MAX)
            list[count++] = (struct contribution){name, json_number_value(bits)};
    }
    if (count > 0)
        qsort(list, count, sizeof *list, compare_contributions);
    return count;
}

static void put_score(FILE *out, json_t *alert)
{
    struct contribution list[CONTRIBUTIONS_MAX];
    const size_t count = list_contributions(alert, list);
    double rest = 0;
    fprintf(
        out,
        "\n### How the Score Adds Up\n\n| Part | Bits |\n|------|------:|\n| typical | %.3f |\n",
        json_path_number(alert, "whyflow.typical", 0));
    for (size_t i = 0; i < count; i++)
        if (i < CONTRIBUTIONS_SHOWN) {
            fputs("| ", out);
            markdown_put(out, list[i].name);
            fprintf(out, " | %+.3f |\n", list[i].bits);
        } else {
            rest += list[i].bits;
        }
    if (count > CONTRIBUTIONS_SHOWN)
        fprintf(out, "| %zu others | %+.3f |\n", count - CONTRIBUTIONS_SHOWN, rest);
    fprintf(out, "| **score** | **%.3f** |\n\nFlagged by surprise from %.3f on; 1 in ",
            json_path_number(alert, "whyflow.score", 0),
            json_path_number(alert, "whyflow.threshold", 0));
    markdown_put_count(out, json_path_count(alert, "whyflow.rank"));
    fputs(" flows scores as high.\n", out);
}

static void put_evidence(FILE *out, json_t *evidence)
{
    const char *const unit = json_path_text(evidence, "unit");
    const char *const name = json_path_text(evidence, "quantity");
    json_t *const least = json_object_get(evidence, "at_least");
    json_t *const most = json_object_get(evidence, "at_most");
    fputs("| ", out);
    const char *const label = json_path_text(evidence, "label");
    markdown_put(out, *label != '\0' ? label : name);
    fputs(" | ", out);
    if (json_object_get(evidence, "value") != NULL)
        markdown_put_quantity(out, json_object_get(evidence, "value"), unit, name);
    const bool is_number = strcmp(unit, "yes") != 0;
    fputs(" | ", out);
    if (is_number && (least != NULL || most != NULL))
        fputs(least != NULL ? "at least " : "at most ", out);
    if (least != NULL || most != NULL)
        markdown_put_quantity(out, least != NULL ? least : most, unit, name);
    fputs(" |\n", out);
}

static void put_resemblance(FILE *out, json_t *alert)
{
    json_t *const resembles = json_path_at(alert, "whyflow.resembles");
    json_t *evidence;
    size_t i;
    if (*json_path_text(resembles, "behaviour") == '\0')
        return;
    fputs("\n### What It Resembles\n\n", out);
    markdown_put(out, json_path_text(resembles, "behaviour"));
    json_array_foreach (json_object_get(resembles, "technique"), i, evidence) {
        fputs(i == 0 ? ", ATT&amp;CK " : ", ", out);
        markdown_put_value(out, evidence);
    }
    fputs("\n\n| Evidence | Value | Limit |\n|------|------|------|\n", out);
    json_array_foreach (json_object_get(resembles, "evidence"), i, evidence) {
        put_evidence(out, evidence);
    }
}

/* Numbered, as reports of this kind are; what has nothing to say has no number. */
static void put_sections(FILE *out, const struct section *sections)
{
    unsigned number = 0;
    for (unsigned i = 0; sections != NULL && i < SECTION_COUNT; i++) {
        if (sections[i].text[0] == '\0')
            continue;
        fprintf(out, "\n### %u. %s\n\n", ++number, sections[i].title);
        markdown_put(out, sections[i].text);
        fputc('\n', out);
    }
}

static void put_names(FILE *out, const char *before, json_t *names)
{
    json_t *name;
    size_t i;
    json_array_foreach (names, i, name) {
        fputs(i == 0 ? before : ", ", out);
        markdown_put_value(out, name);
    }
    if (json_array_size(names) > 0)
        fputc(')', out);
}

static void put_readings(FILE *out, json_t *alert)
{
    json_t *const readings = json_path_at(alert, "whyflow.readings");
    const char *name;
    json_t *reading;
    if (json_object_size(readings) == 0)
        return;
    fputs("\n### Readings\n\n", out);
    json_object_foreach (readings, name, reading) {
        fputs("- **If ", out);
        markdown_put(out, name);
        fputs(":** ", out);
        markdown_put(out, json_path_text(reading, "text"));
        put_names(out, " (rests on ", json_object_get(reading, "for"));
        fputc('\n', out);
    }
}

/* What a record says in a text of its own, whatever it says in parts too. */
static void put_text_of(FILE *out, const char *title, json_t *part)
{
    const char *name;
    json_t *value;
    unsigned count = 0;
    if (*json_path_text(part, "text") == '\0')
        return;
    fprintf(out, "\n### %s\n\n", title);
    markdown_put(out, json_path_text(part, "text"));
    json_object_foreach (json_object_get(part, "moved"), name, value) {
        fputs(count++ == 0 ? " (with it moved " : ", ", out);
        markdown_put(out, name);
    }
    if (count > 0)
        fputc(')', out);
    fputc('\n', out);
}

/* No text in these begins a line, so a fence ends where it should. */
static void put_filters(FILE *out, json_t *alert)
{
    char bpf[FLOW_FILTER_SIZE], tshark[FLOW_FILTER_SIZE];
    struct text bpf_text = text_init(bpf, sizeof bpf);
    struct text tshark_text = text_init(tshark, sizeof tshark);
    const bool has_bpf = flow_filter_bpf(alert, &bpf_text);
    if (!flow_filter_tshark(alert, &tshark_text))
        return;
    fputs("\n### Take Along\n\n", out);
    if (has_bpf)
        fprintf(out, "BPF filter:\n\n```text\n%s\n```\n\n", bpf);
    fprintf(out, "tshark:\n\n```sh\n%s\n```\n", tshark);
}

static void put_part(FILE *out, const char *title, json_t *part)
{
    if (part == NULL || json_is_null(part) || (json_is_array(part) && json_array_size(part) == 0) ||
        (json_is_object(part) && json_object_size(part) == 0))
        return;
    fprintf(out, "\n### %s\n\n", title);
    markdown_put_list(out, part);
}

void markdown_put_flow(FILE *out, json_t *alert, const struct section *sections)
{
    json_t *const id = json_object_get(alert, "flow_id");
    fputs("# Flow ", out);
    if (id != NULL)
        markdown_put_value(out, id);
    fputs(" – Anomaly Explanation\n\n", out);
    put_summary(out, alert);
    put_observed(out, alert);
    fputs("\n---\n\n## 🧠 Model Explanation\n", out);
    markdown_put(out, json_path_text(alert, "whyflow.text"));
    fputc('\n', out);
    put_sections(out, sections);
    put_reasons(out, alert);
    put_score(out, alert);
    put_resemblance(out, alert);
    put_readings(out, alert);
    put_text_of(out, "Unusual Together", json_path_at(alert, "whyflow.combination"));
    put_text_of(out, "What Would Have Left It Unflagged",
                json_path_at(alert, "whyflow.counterfactual"));
    put_part(out, "Incident", json_path_at(alert, "whyflow.incident"));
    put_part(out, "Caveats", json_path_at(alert, "whyflow.caveats"));
    put_filters(out, alert);
}
