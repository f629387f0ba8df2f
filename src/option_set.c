/* SPDX-License-Identifier: Apache-2.0 */
/* What each option sets: one table, and the setters of those whose value is more than one number or
 * word. */
#include "option_draft.h"
#include "option_value.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SENSOR_NAME_MAX = 64 };

/* ---- options whose value is more than one number or word ---- */

static bool set_interface(struct option_draft *draft, enum option_id id, const char *value)
{
    option_draft_claim(draft, SUBJECT_INPUTS);
    if (draft->options.interface_count == OPTIONS_INTERFACES_MAX)
        return option_draft_fail_option(draft, id, "allowed at most %d times",
                                        OPTIONS_INTERFACES_MAX);
    draft->options.interfaces[draft->options.interface_count++] = value;
    return true;
}

static bool set_file(struct option_draft *draft, enum option_id id, const char *value)
{
    option_draft_claim(draft, SUBJECT_INPUTS);
    if (draft->options.file_count == OPTIONS_FILES_MAX)
        return option_draft_fail_option(draft, id, "allowed at most %d times; name a directory",
                                        OPTIONS_FILES_MAX);
    draft->options.files[draft->options.file_count++] = value;
    return true;
}

static bool set_flow_file(struct option_draft *draft, enum option_id id, const char *value)
{
    option_draft_claim(draft, SUBJECT_INPUTS);
    if (draft->options.flow_file_count == OPTIONS_FLOW_FILES_MAX)
        return option_draft_fail_option(draft, id, "allowed at most %d times",
                                        OPTIONS_FLOW_FILES_MAX);
    draft->options.flow_files[draft->options.flow_file_count++] = value;
    return true;
}

static bool set_filter(struct option_draft *draft, enum option_id id, const char *value)
{
    option_draft_claim(draft, SUBJECT_FILTER);
    if (id == OPTION_FILTER)
        draft->options.filter = value;
    else
        draft->filter_path = value;
    return true;
}

/* "[FORMAT[+RECORDS]:]DEST". What stands before a colon is a format unless a slash is in it. */
static bool set_output(struct option_draft *draft, enum option_id id, const char *value)
{
    option_draft_claim(draft, SUBJECT_OUTPUTS);
    const size_t index = draft->options.output_count;
    if (index == OPTIONS_OUTPUTS_MAX)
        return option_draft_fail_option(draft, id, "allowed at most %d times", OPTIONS_OUTPUTS_MAX);
    uint32_t format = OPTION_UNSET;
    uint32_t records = OPTION_UNSET;
    const char *destination = value;
    const size_t prefix = strcspn(value, ":/");
    if (value[prefix] == ':') {
        const size_t word = strcspn(value, "+:");
        if (!option_value_word(value, word, option_infos[OPTION_FORMAT].argument, &format))
            return option_draft_fail_option(
                draft, id, "'%s': unknown format (allowed: %s; a path with a colon: ./%s)", value,
                option_infos[OPTION_FORMAT].argument, value);
        if (value[word] == '+' &&
            !option_value_word(value + word + 1, prefix - word - 1,
                               option_infos[OPTION_RECORDS].argument, &records))
            return option_draft_fail_option(draft, id, "'%s': unknown records (allowed: %s)", value,
                                            option_infos[OPTION_RECORDS].argument);
        destination = value + prefix + 1;
    }
    if (*destination == '\0')
        return option_draft_fail_option(draft, id, "'%s': no destination (allowed: - or a path)",
                                        value);
    draft->options.outputs[index].destination = destination;
    draft->outputs[index].format = format;
    draft->outputs[index].records = records;
    draft->options.output_count++;
    return true;
}

static bool set_networks(struct option_draft *draft, enum option_id id, const char *value)
{
    char problem[OPTIONS_ERROR_SIZE / 2] = "";
    if (settings_parse_networks(&draft->options.settings.feature, value, problem, sizeof problem))
        return true;
    return option_draft_fail_option(draft, id, "%s", problem);
}

static bool set_warmup(struct option_draft *draft, enum option_id id, const char *value)
{
    struct anomaly_settings *anomaly = &draft->options.settings.anomaly;
    char flows[32];
    const size_t length = strcspn(value, ",");
    if (length < sizeof flows && value[length] == ',') {
        memcpy(flows, value, length);
        flows[length] = '\0';
        if (option_value_count(flows, &anomaly->warmup_flows) &&
            option_value_time(value + length + 1, &anomaly->warmup_ns))
            return true;
    }
    return option_draft_fail_option(
        draft, id, "'%s' is not allowed: a count and a time such as 2000,30m", value);
}

/* "A,B,..."; the list is copied because it is cut apart. */
static bool set_merge(struct option_draft *draft, enum option_id id, const char *value)
{
    struct options *options = &draft->options;
    free(options->merge_text);
    options->merge_count = 0;
    options->merge_text = strdup(value);
    if (options->merge_text == NULL)
        return option_draft_fail_option(draft, id, "no memory");
    char *rest = options->merge_text, *path;
    while ((path = strsep(&rest, ",")) != NULL) {
        if (*path == '\0')
            return option_draft_fail_option(draft, id, "'%s': a name is empty", value);
        if (options->merge_count == OPTIONS_BASELINES_MAX)
            return option_draft_fail_option(draft, id, "allowed: at most %d files",
                                            OPTIONS_BASELINES_MAX);
        options->merge_files[options->merge_count++] = path;
    }
    options->action = OPTIONS_ACTION_MERGE;
    return true;
}

static bool set_sketch_key(struct option_draft *draft, enum option_id id, const char *value)
{
    draft->options.has_sketch_key = true;
    if (option_value_key(value, draft->options.settings.feature.sketch_key))
        return true;
    return option_draft_fail_option(draft, id, "'%s' is not allowed: 32 hexadecimal digits", value);
}

static bool set_hash_key(struct option_draft *draft, enum option_id id, const char *value)
{
    struct settings *settings = &draft->options.settings;
    draft->options.has_hash_key = true;
    if (!option_value_key(value, settings->flow.hash_key))
        return option_draft_fail_option(draft, id, "'%s' is not allowed: 32 hexadecimal digits",
                                        value);
    memcpy(settings->feature.hash_key, settings->flow.hash_key, sizeof settings->flow.hash_key);
    memcpy(settings->anomaly.hash_key, settings->flow.hash_key, sizeof settings->flow.hash_key);
    memcpy(settings->incident.hash_key, settings->flow.hash_key, sizeof settings->flow.hash_key);
    return true;
}

/* A name goes into every record and into file names of others: visible ASCII, without quotes. */
static bool set_sensor(struct option_draft *draft, enum option_id id, const char *value)
{
    const size_t length = strlen(value);
    for (const char *byte = value; *byte != '\0'; byte++)
        if (*byte <= ' ' || *byte > '~' || *byte == '"' || *byte == '\\' || *byte == '/')
            return option_draft_fail_option(draft, id,
                                            "allowed: visible ASCII but blank, \", \\ and /");
    if (length > SENSOR_NAME_MAX)
        return option_draft_fail_option(draft, id, "allowed: at most %d characters",
                                        SENSOR_NAME_MAX);
    draft->options.sensor = value;
    return true;
}

/* ---- what each option sets ---- */

enum target_kind {
    TARGET_SWITCH, /* bool */
    TARGET_UINT32,
    TARGET_UINT64,
    TARGET_SIZE,   /* uint64_t, bytes */
    TARGET_TIME,   /* int64_t, ns */
    TARGET_SHARE,  /* double */
    TARGET_NUMBER, /* double */
    TARGET_WORD,   /* uint32_t: which of the words of the option's argument */
    TARGET_STRING, /* const char * */
    TARGET_CUSTOM,
    TARGET_ACTION, /* the option is an action */
};

struct target {
    enum target_kind kind;
    size_t offset;      /* of the field in struct option_draft */
    double least, most; /* of a number, in the option's unit (times: seconds) */
    bool (*set)(struct option_draft *draft, enum option_id id, const char *value); /* CUSTOM */
    enum options_action action;
};

#define FIELD(field) .offset = offsetof(struct option_draft, field)

static const struct target targets[OPTION_COUNT] = {
    [OPTION_INTERFACE] = {TARGET_CUSTOM, .set = set_interface},
    [OPTION_READ] = {TARGET_CUSTOM, .set = set_file},
    [OPTION_RESCORE] = {TARGET_CUSTOM, .set = set_flow_file},
    [OPTION_FILTER] = {TARGET_CUSTOM, .set = set_filter},
    [OPTION_FILTER_FILE] = {TARGET_CUSTOM, .set = set_filter},
    [OPTION_PACKETS] = {TARGET_UINT64, FIELD(options.max_packets), .least = 1, .most = 1e18},
    [OPTION_SNAPLEN] = {TARGET_UINT32, FIELD(options.snap_bytes), .least = 64, .most = 262144},
    [OPTION_BUFFER] = {TARGET_UINT32, FIELD(options.ring_kib), .least = 256, .most = 2097151},
    [OPTION_NO_PROMISCUOUS] = {TARGET_SWITCH, FIELD(options.is_not_promiscuous)},
    [OPTION_OUTPUT] = {TARGET_CUSTOM, .set = set_output},
    [OPTION_FORMAT] = {TARGET_WORD, FIELD(format)},
    [OPTION_RECORDS] = {TARGET_WORD, FIELD(records)},
    [OPTION_WRITE] = {TARGET_STRING, FIELD(options.write_file)},
    [OPTION_FLAGGED_PCAP] = {TARGET_STRING, FIELD(options.flagged_file)},
    [OPTION_MAX_FLAGGED] = {TARGET_UINT32, FIELD(options.max_flagged), .least = 1, .most = 1 << 28},
    [OPTION_FSYNC] = {TARGET_WORD, FIELD(fsync)},
    [OPTION_STATS] = {TARGET_TIME, FIELD(options.settings.stats_interval_ns), .most = 1e6},
    [OPTION_COLOR] = {TARGET_WORD, FIELD(color)},
    [OPTION_PROGRESS] = {TARGET_WORD, FIELD(progress)},
    [OPTION_IDLE_TIMEOUT] = {TARGET_TIME, FIELD(options.settings.flow.idle_timeout_ns),
                             .most = 1e6},
    [OPTION_ACTIVE_TIMEOUT] = {TARGET_TIME, FIELD(options.settings.flow.active_timeout_ns),
                               .most = 1e6},
    [OPTION_CLOSE_TIMEOUT] = {TARGET_TIME, FIELD(options.settings.flow.close_timeout_ns),
                              .most = 1e6},
    [OPTION_MAX_FLOWS] = {TARGET_UINT32, FIELD(options.settings.flow.max_flows), .least = 16,
                          .most = 1 << 26},
    [OPTION_KEY_VLAN] = {TARGET_SWITCH, FIELD(options.settings.flow.vlan_is_in_key)},
    [OPTION_DEDUP] = {TARGET_SWITCH, FIELD(options.settings.flow.leaves_out_duplicates)},
    [OPTION_MAX_FRAGMENTS] = {TARGET_UINT32, FIELD(options.settings.flow.max_fragments),
                              .least = 16, .most = 1 << 24},
    [OPTION_MAX_HOSTS] = {TARGET_UINT32, FIELD(options.settings.feature.max_hosts), .least = 16,
                          .most = 1 << 24},
    [OPTION_MAX_PAIRS] = {TARGET_UINT32, FIELD(options.settings.feature.max_pairs), .least = 16,
                          .most = 1 << 25},
    [OPTION_MAX_SERVICES] = {TARGET_UINT32, FIELD(options.settings.anomaly.max_services),
                             .least = 1, .most = 1 << 14},
    [OPTION_MAX_CATEGORIES] = {TARGET_UINT32, FIELD(options.settings.anomaly.max_categories),
                               .least = 64, .most = 1 << 24},
    [OPTION_MAX_INCIDENTS] = {TARGET_UINT32, FIELD(options.settings.incident.max_incidents),
                              .least = 1, .most = 1 << 20},
    [OPTION_LOCAL_NETS] = {TARGET_CUSTOM, .set = set_networks},
    [OPTION_WINDOW] = {TARGET_TIME, FIELD(options.settings.feature.window_ns), .least = 1,
                       .most = 3600},
    [OPTION_ALERT_SHARE] = {TARGET_SHARE, FIELD(options.settings.anomaly.alert_share)},
    [OPTION_ALERTS_PER_HOUR] = {TARGET_NUMBER, FIELD(options.settings.anomaly.alerts_per_hour),
                                .least = 0.001, .most = 1e6},
    [OPTION_WARMUP] = {TARGET_CUSTOM, .set = set_warmup},
    [OPTION_SUPPRESS] = {TARGET_STRING, FIELD(suppress_path)},
    [OPTION_ONLINE] = {TARGET_SWITCH, FIELD(online)},
    [OPTION_BASELINE] = {TARGET_STRING, FIELD(options.baseline)},
    [OPTION_SAVE_BASELINE] = {TARGET_STRING, FIELD(options.save_baseline)},
    [OPTION_MERGE_BASELINES] = {TARGET_CUSTOM, .set = set_merge},
    [OPTION_FROZEN] = {TARGET_SWITCH, FIELD(options.settings.anomaly.is_frozen)},
    [OPTION_FLOOD_ROBUST] = {TARGET_SWITCH, FIELD(flood_robust)},
    [OPTION_MEMORY] = {TARGET_SIZE, FIELD(options.settings.anomaly.memory_bytes), .least = 1 << 20,
                       .most = 1e15},
    [OPTION_SKETCH_KEY] = {TARGET_CUSTOM, .set = set_sketch_key},
    [OPTION_SENSOR] = {TARGET_CUSTOM, .set = set_sensor},
    [OPTION_PIDFILE] = {TARGET_STRING, FIELD(options.pidfile)},
    [OPTION_FAIL_ON_ALERT] = {TARGET_SWITCH, FIELD(options.fail_on_alert)},
    [OPTION_VERBOSE] = {TARGET_SWITCH, FIELD(options.is_verbose)},
    [OPTION_QUIET] = {TARGET_SWITCH, FIELD(options.is_quiet)},
    [OPTION_CONFIG] = {TARGET_STRING, FIELD(config_path)},
    [OPTION_TEST] = {TARGET_ACTION, .action = OPTIONS_ACTION_TEST},
    [OPTION_LIST_INTERFACES] = {TARGET_ACTION, .action = OPTIONS_ACTION_LIST_INTERFACES},
    [OPTION_LIST_LINK_TYPES] = {TARGET_ACTION, .action = OPTIONS_ACTION_LIST_LINK_TYPES},
    [OPTION_HELP] = {TARGET_ACTION, .action = OPTIONS_ACTION_HELP},
    [OPTION_VERSION] = {TARGET_ACTION, .action = OPTIONS_ACTION_VERSION},
    [OPTION_INLINE] = {TARGET_SWITCH, FIELD(options.is_inline)},
    [OPTION_HASH_KEY] = {TARGET_CUSTOM, .set = set_hash_key},
    [OPTION_BATCH] = {TARGET_UINT32, FIELD(options.batch_packets), .least = 1,
                      .most = OPTIONS_BATCH_MAX},
};

static bool fail_range(const struct option_draft *draft, enum option_id id, const char *value,
                       const char *example)
{
    const struct target *target = &targets[id];
    return option_draft_fail_option(draft, id, "'%s' is not allowed: %s, from %.15g to %.15g%s",
                                    value, example, target->least, target->most,
                                    target->kind == TARGET_TIME ? " s" : "");
}

static bool set_whole(struct option_draft *draft, enum option_id id, const char *value, void *field)
{
    const struct target *target = &targets[id];
    const bool is_size = target->kind == TARGET_SIZE;
    uint64_t number;
    if (!(is_size ? option_value_size : option_value_count)(value, &number) ||
        (double)number < target->least || (double)number > target->most)
        return fail_range(draft, id, value,
                          is_size ? "bytes such as 512M or 2G"
                                  : "a whole number such as 100 or 2k");
    if (target->kind == TARGET_UINT32)
        *(uint32_t *)field = (uint32_t)number;
    else
        *(uint64_t *)field = number;
    return true;
}

static bool set_time(struct option_draft *draft, enum option_id id, const char *value,
                     int64_t *field)
{
    const struct target *target = &targets[id];
    int64_t time_ns;
    if (!option_value_time(value, &time_ns) || (double)time_ns < target->least * 1e9 ||
        (double)time_ns > target->most * 1e9)
        return fail_range(draft, id, value, "a time such as 500ms, 30s, 2m or 1h");
    *field = time_ns;
    return true;
}

static bool set_number(struct option_draft *draft, enum option_id id, const char *value,
                       double *field)
{
    const struct target *target = &targets[id];
    double number;
    if (!option_value_number(value, &number) || number < target->least || number > target->most)
        return fail_range(draft, id, value, "a number");
    *field = number;
    return true;
}

static bool set_switch(struct option_draft *draft, enum option_id id, const char *value,
                       bool *field)
{
    if (value == NULL)
        *field = true;
    else if (!option_value_switch(value, field))
        return option_draft_fail_option(draft, id, "'%s' is not allowed: true or false", value);
    return true;
}

bool option_draft_set(struct option_draft *draft, enum option_id id, const char *value)
{
    const struct target *target = &targets[id];
    void *field = (char *)draft + target->offset;
    if (value != NULL && *value == '\0')
        return option_draft_fail_option(draft, id, "an empty value is not allowed");
    switch (target->kind) {
    case TARGET_SWITCH:
        return set_switch(draft, id, value, field);
    case TARGET_UINT32:
    case TARGET_UINT64:
    case TARGET_SIZE:
        return set_whole(draft, id, value, field);
    case TARGET_TIME:
        return set_time(draft, id, value, field);
    case TARGET_SHARE:
        return option_value_share(value, field) ||
               option_draft_fail_option(
                   draft, id, "'%s' is not allowed: a share over 0 and up to 1, or to 100%%",
                   value);
    case TARGET_NUMBER:
        return set_number(draft, id, value, field);
    case TARGET_WORD:
        return option_value_word(value, strlen(value), option_infos[id].argument, field) ||
               option_draft_fail_option(draft, id, "'%s' is not allowed: %s", value,
                                        option_infos[id].argument);
    case TARGET_STRING:
        *(const char **)field = value;
        return true;
    case TARGET_CUSTOM:
        return target->set(draft, id, value);
    case TARGET_ACTION:
        draft->options.action = target->action;
        return true;
    }
    return true;
}
