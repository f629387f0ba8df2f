/* SPDX-License-Identifier: Apache-2.0 */
/* The HTML page: template, data, template. Nothing of a record becomes markup here; report.js makes
 * the page of the data, as text. See the header. */
#include "report/html.h"

#include "report/alert_pack.h"
#include "report/page.h"
#include "report/page_data.h"
#include "report/prose_columns.h"
#include "whyflow/feature.h"
#include "whyflow/sections.h"
#include "whyflow/version.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char SECTION_END = 2;

static json_t *timeline_json(const struct collection *collection)
{
    const struct timeline *const timeline = collection_timeline(collection);
    const size_t count = timeline_step_count(timeline);
    json_t *const steps = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct timeline_step *const step = &timeline->steps[i];
        json_array_append_new(steps,
                              json_pack("[III]", (json_int_t)step->flows,
                                        (json_int_t)step->ip_bytes, (json_int_t)step->alerts));
    }
    const json_int_t step_ms = timeline->step_ns / 1000000;
    return json_pack("{s:I, s:I, s:o}", "step_ms", step_ms, "start_ms",
                     (json_int_t)timeline->first_step * step_ms, "steps", steps);
}

static json_t *grid_json(const struct flow_grid *grid)
{
    json_t *const cells = json_array();
    for (int d = 0; d < FLOW_GRID_CELLS; d++)
        for (int b = 0; b < FLOW_GRID_CELLS; b++)
            if (grid->counts[d][b] > 0)
                json_array_append_new(cells,
                                      json_pack("[iiI]", d, b, (json_int_t)grid->counts[d][b]));
    return cells;
}

static json_t *protocols_json(const struct collection *collection)
{
    json_t *const protocols = json_object();
    for (int i = 0; i < COLLECTION_PROTOCOLS; i++)
        if (collection->flows_by_protocol[i] > 0)
            json_object_set_new(protocols, collection_protocol_name((enum collection_protocol)i),
                                json_integer((json_int_t)collection->flows_by_protocol[i]));
    return protocols;
}

/* What names of features mean: label, unit. */
static json_t *features_json(void)
{
    json_t *const features = json_object();
    for (int i = 0; i < FEATURE_COUNT; i++)
        json_object_set_new(features, feature_infos[i].name,
                            json_pack("[ss]", feature_infos[i].label, feature_infos[i].unit));
    return features;
}

static json_t *overview_json(const struct collection *collection)
{
    json_t *const sum = run_list_sum(&collection->runs);
    return json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:b, s:o?, s:o, s:o, s:o, s:o}",
                     "version", WHYFLOW_VERSION, "section_columns", (int)SECTION_COUNT, "lines",
                     (json_int_t)collection->lines, "bad_lines", (json_int_t)collection->bad_lines,
                     "alerts_seen", (json_int_t)collection->alerts.seen, "flow_lines",
                     (json_int_t)collection->flow_lines, "flow_ip_bytes",
                     (json_int_t)collection->flow_ip_bytes, "runs", (int)collection->runs.count,
                     "stats_left_out", (json_int_t)collection->runs.left_out, "is_final",
                     (int)run_list_is_final(&collection->runs), "stats", sum, "protocols",
                     protocols_json(collection), "features", features_json(), "timeline",
                     timeline_json(collection), "grid", grid_json(&collection->grid));
}

static bool write_overview(struct page_data *data, const struct collection *collection)
{
    json_t *const overview = overview_json(collection);
    char *const text = json_dumps(overview, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(overview);
    if (text == NULL)
        return false;
    page_data_write(data, text, strlen(text));
    free(text);
    return true;
}

static bool write_pack(struct page_data *data, struct alert_pack *pack)
{
    size_t length;
    for (const char *section = alert_pack_next_section(pack, &length); section != NULL;
         section = alert_pack_next_section(pack, &length)) {
        page_data_write(data, &SECTION_END, 1);
        page_data_write(data, section, length);
    }
    return alert_pack_is_whole(pack);
}

static bool write_alerts(struct page_data *data, const struct alert_list *list)
{
    struct alert_pack *const pack = alert_pack_open();
    bool is_good = pack != NULL;
    for (size_t i = 0; i < list->count && is_good; i++)
        is_good = alert_pack_add(pack, list->alerts[i].line);
    is_good = is_good && write_pack(data, pack);
    alert_pack_close(pack);
    return is_good;
}

static bool write_sections(struct page_data *data, const struct alert_list *list)
{
    struct prose_columns *const columns = prose_columns_open();
    if (columns == NULL)
        return false;
    size_t length;
    for (size_t i = 0; i < list->count; i++)
        prose_columns_add(columns, list->alerts[i].line, list->alerts[i].length);
    for (const char *column = prose_columns_next(columns, &length); column != NULL;
         column = prose_columns_next(columns, &length)) {
        page_data_write(data, &SECTION_END, 1);
        page_data_write(data, column, length);
    }
    const bool is_whole = prose_columns_are_whole(columns);
    prose_columns_close(columns);
    return is_whole;
}

/* The overview, the columns of sections (the overview says how many), the alerts. */
static bool write_data(FILE *out, const struct collection *collection)
{
    struct page_data data;
    if (!page_data_init(&data, out))
        return false;
    const bool is_good = write_overview(&data, collection) &&
                         write_sections(&data, &collection->alerts) &&
                         write_alerts(&data, &collection->alerts);
    return page_data_deinit(&data) && is_good;
}

bool html_write(FILE *out, const struct collection *collection)
{
    return fwrite(page_head, 1, page_head_size, out) == page_head_size &&
           write_data(out, collection) &&
           fwrite(page_tail, 1, page_tail_size, out) == page_tail_size;
}
