/* SPDX-License-Identifier: Apache-2.0 */
/* Options, in four steps: defaults; the config file; the command line, which goes before it; and
 * the whole is checked and what follows from it filled in. One table says what each option sets,
 * so that the command line, --set and the config file cannot differ. See options.h. */
#include "options.h"

#include "option_list.h"
#include "option_value.h"
#include "whyflow/suppress.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A config or filter file that is longer is a mistake. */
enum { FILE_SIZE_MAX = 1024 * 1024 };
enum { SENSOR_NAME_MAX = 64 };

enum option_group {
#define GROUP(id, heading) GROUP_##id,
    OPTION_GROUP_LIST(GROUP)
#undef GROUP
        GROUP_COUNT
};

enum option_id {
#define OPTION(id, letter, name, argument, initial, group, text) OPTION_##id,
    OPTION_LIST(OPTION)
#undef OPTION
        OPTION_COUNT
};

static const char *const group_headings[GROUP_COUNT] = {
#define GROUP(id, heading) heading,
    OPTION_GROUP_LIST(GROUP)
#undef GROUP
};

static const struct option_info {
    int letter;
    const char *name, *argument, *initial;
    enum option_group group;
    const char *text;
} infos[OPTION_COUNT] = {
#define OPTION(id, letter, name, argument, initial, group, text) \
    {letter, name, argument, initial, GROUP_##group, text},
    OPTION_LIST(OPTION)
#undef OPTION
};

/* Inputs, outputs and the filter are each replaced as a whole: what the command line says of one
 * takes the place of all the config file said of it. */
enum subject { SUBJECT_INPUTS, SUBJECT_OUTPUTS, SUBJECT_FILTER, SUBJECT_COUNT };

enum { UNSET = UINT32_MAX };

/* What parsing knows beside its result. */
struct draft {
    struct options options;
    char *error;
    const char *config_path; /* NULL: none */
    unsigned config_line;    /* 0: this is the command line */
    bool is_from_config[SUBJECT_COUNT];
    const char *filter_path, *suppress_path;
    bool flood_robust, online;
    uint32_t format, records, fsync, color, progress;
    struct {
        uint32_t format, records;
    } outputs[OPTIONS_OUTPUTS_MAX];
};

/* Writes the one line of error, after the config file's name and line where it is one of those.
 * Returns false, so that a caller can return what it returns. */
__attribute__((format(printf, 2, 3))) static bool fail(const struct draft *draft,
                                                       const char *format, ...)
{
    size_t length = 0;
    draft->error[0] = '\0';
    if (draft->config_line > 0) {
        const int written = snprintf(draft->error, OPTIONS_ERROR_SIZE,
                                     "%.200s:%u: ", draft->config_path, draft->config_line);
        length = written > 0 ? (size_t)written : 0;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(draft->error + length, OPTIONS_ERROR_SIZE - length, format, arguments);
    va_end(arguments);
    return false;
}

/* The same with the option's name before it, as the user would have written it. */
__attribute__((format(printf, 3, 4))) static bool
fail_option(const struct draft *draft, enum option_id id, const char *format, ...)
{
    char message[OPTIONS_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const struct option_info *info = &infos[id];
    if (draft->config_line > 0)
        return fail(draft, "%s: %s", info->name, message);
    if (info->letter != 0)
        return fail(draft, "-%c (--%s): %s", info->letter, info->name, message);
    return fail(draft, "--%s: %s", info->name, message);
}

/* ---- options whose value is more than one number or word ---- */

/* Says that `subject` is being set; empties what the config file put there. */
static void claim(struct draft *draft, enum subject subject)
{
    if (draft->config_line > 0) {
        draft->is_from_config[subject] = true;
        return;
    }
    if (!draft->is_from_config[subject])
        return;
    draft->is_from_config[subject] = false;
    switch (subject) {
    case SUBJECT_INPUTS:
        draft->options.interface_count = draft->options.file_count = 0;
        draft->options.flow_file_count = 0;
        break;
    case SUBJECT_OUTPUTS:
        draft->options.output_count = 0;
        break;
    case SUBJECT_FILTER:
        draft->options.filter = draft->filter_path = NULL;
        break;
    case SUBJECT_COUNT:
        break;
    }
}

static bool set_interface(struct draft *draft, enum option_id id, const char *value)
{
    claim(draft, SUBJECT_INPUTS);
    if (draft->options.interface_count == OPTIONS_INTERFACES_MAX)
        return fail_option(draft, id, "allowed at most %d times", OPTIONS_INTERFACES_MAX);
    draft->options.interfaces[draft->options.interface_count++] = value;
    return true;
}

static bool set_file(struct draft *draft, enum option_id id, const char *value)
{
    claim(draft, SUBJECT_INPUTS);
    if (draft->options.file_count == OPTIONS_FILES_MAX)
        return fail_option(draft, id, "allowed at most %d times; name a directory",
                           OPTIONS_FILES_MAX);
    draft->options.files[draft->options.file_count++] = value;
    return true;
}

static bool set_flow_file(struct draft *draft, enum option_id id, const char *value)
{
    claim(draft, SUBJECT_INPUTS);
    if (draft->options.flow_file_count == OPTIONS_FLOW_FILES_MAX)
        return fail_option(draft, id, "allowed at most %d times", OPTIONS_FLOW_FILES_MAX);
    draft->options.flow_files[draft->options.flow_file_count++] = value;
    return true;
}

static bool set_filter(struct draft *draft, enum option_id id, const char *value)
{
    claim(draft, SUBJECT_FILTER);
    if (id == OPTION_FILTER)
        draft->options.filter = value;
    else
        draft->filter_path = value;
    return true;
}

/* "[FORMAT[+RECORDS]:]DEST". What stands before a colon is a format unless a slash is in it. */
static bool set_output(struct draft *draft, enum option_id id, const char *value)
{
    claim(draft, SUBJECT_OUTPUTS);
    const size_t index = draft->options.output_count;
    if (index == OPTIONS_OUTPUTS_MAX)
        return fail_option(draft, id, "allowed at most %d times", OPTIONS_OUTPUTS_MAX);
    uint32_t format = UNSET;
    uint32_t records = UNSET;
    const char *destination = value;
    const size_t prefix = strcspn(value, ":/");
    if (value[prefix] == ':') {
        const size_t word = strcspn(value, "+:");
        if (!option_value_word(value, word, infos[OPTION_FORMAT].argument, &format))
            return fail_option(draft, id,
                               "'%s': unknown format (allowed: %s; a path with a colon: ./%s)",
                               value, infos[OPTION_FORMAT].argument, value);
        if (value[word] == '+' && !option_value_word(value + word + 1, prefix - word - 1,
                                                     infos[OPTION_RECORDS].argument, &records))
            return fail_option(draft, id, "'%s': unknown records (allowed: %s)", value,
                               infos[OPTION_RECORDS].argument);
        destination = value + prefix + 1;
    }
    if (*destination == '\0')
        return fail_option(draft, id, "'%s': no destination (allowed: - or a path)", value);
    draft->options.outputs[index].destination = destination;
    draft->outputs[index].format = format;
    draft->outputs[index].records = records;
    draft->options.output_count++;
    return true;
}

static bool set_networks(struct draft *draft, enum option_id id, const char *value)
{
    char problem[OPTIONS_ERROR_SIZE / 2] = "";
    if (settings_parse_networks(&draft->options.settings.feature, value, problem, sizeof problem))
        return true;
    return fail_option(draft, id, "%s", problem);
}

static bool set_warmup(struct draft *draft, enum option_id id, const char *value)
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
    return fail_option(draft, id, "'%s' is not allowed: a count and a time such as 2000,30m",
                       value);
}

/* "A,B,..."; the list is copied because it is cut apart. */
static bool set_merge(struct draft *draft, enum option_id id, const char *value)
{
    struct options *options = &draft->options;
    free(options->merge_text);
    options->merge_count = 0;
    options->merge_text = strdup(value);
    if (options->merge_text == NULL)
        return fail_option(draft, id, "no memory");
    char *rest = options->merge_text, *path;
    while ((path = strsep(&rest, ",")) != NULL) {
        if (*path == '\0')
            return fail_option(draft, id, "'%s': a name is empty", value);
        if (options->merge_count == OPTIONS_BASELINES_MAX)
            return fail_option(draft, id, "allowed: at most %d files", OPTIONS_BASELINES_MAX);
        options->merge_files[options->merge_count++] = path;
    }
    options->action = OPTIONS_ACTION_MERGE;
    return true;
}

static bool set_sketch_key(struct draft *draft, enum option_id id, const char *value)
{
    draft->options.has_sketch_key = true;
    if (option_value_key(value, draft->options.settings.feature.sketch_key))
        return true;
    return fail_option(draft, id, "'%s' is not allowed: 32 hexadecimal digits", value);
}

static bool set_hash_key(struct draft *draft, enum option_id id, const char *value)
{
    struct settings *settings = &draft->options.settings;
    draft->options.has_hash_key = true;
    if (!option_value_key(value, settings->flow.hash_key))
        return fail_option(draft, id, "'%s' is not allowed: 32 hexadecimal digits", value);
    memcpy(settings->feature.hash_key, settings->flow.hash_key, sizeof settings->flow.hash_key);
    memcpy(settings->anomaly.hash_key, settings->flow.hash_key, sizeof settings->flow.hash_key);
    memcpy(settings->incident.hash_key, settings->flow.hash_key, sizeof settings->flow.hash_key);
    return true;
}

/* A name goes into every record and into file names of others: visible ASCII, without quotes. */
static bool set_sensor(struct draft *draft, enum option_id id, const char *value)
{
    const size_t length = strlen(value);
    for (const char *byte = value; *byte != '\0'; byte++)
        if (*byte <= ' ' || *byte > '~' || *byte == '"' || *byte == '\\' || *byte == '/')
            return fail_option(draft, id, "allowed: visible ASCII but blank, \", \\ and /");
    if (length > SENSOR_NAME_MAX)
        return fail_option(draft, id, "allowed: at most %d characters", SENSOR_NAME_MAX);
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
    size_t offset;      /* of the field in struct draft */
    double least, most; /* of a number, in the option's unit (times: seconds) */
    bool (*set)(struct draft *draft, enum option_id id, const char *value); /* CUSTOM */
    enum options_action action;
};

#define FIELD(field) .offset = offsetof(struct draft, field)

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

static bool fail_range(const struct draft *draft, enum option_id id, const char *value,
                       const char *example)
{
    const struct target *target = &targets[id];
    return fail_option(draft, id, "'%s' is not allowed: %s, from %.15g to %.15g%s", value, example,
                       target->least, target->most, target->kind == TARGET_TIME ? " s" : "");
}

static bool set_whole(struct draft *draft, enum option_id id, const char *value, void *field)
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

static bool set_time(struct draft *draft, enum option_id id, const char *value, int64_t *field)
{
    const struct target *target = &targets[id];
    int64_t time_ns;
    if (!option_value_time(value, &time_ns) || (double)time_ns < target->least * 1e9 ||
        (double)time_ns > target->most * 1e9)
        return fail_range(draft, id, value, "a time such as 500ms, 30s, 2m or 1h");
    *field = time_ns;
    return true;
}

static bool set_number(struct draft *draft, enum option_id id, const char *value, double *field)
{
    const struct target *target = &targets[id];
    double number;
    if (!option_value_number(value, &number) || number < target->least || number > target->most)
        return fail_range(draft, id, value, "a number");
    *field = number;
    return true;
}

static bool set_switch(struct draft *draft, enum option_id id, const char *value, bool *field)
{
    if (value == NULL)
        *field = true;
    else if (!option_value_switch(value, field))
        return fail_option(draft, id, "'%s' is not allowed: true or false", value);
    return true;
}

/* Sets one option from its text; value is NULL for a switch of the command line. */
static bool set_option(struct draft *draft, enum option_id id, const char *value)
{
    const struct target *target = &targets[id];
    void *field = (char *)draft + target->offset;
    if (value != NULL && *value == '\0')
        return fail_option(draft, id, "an empty value is not allowed");
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
               fail_option(draft, id,
                           "'%s' is not allowed: a share over 0 and up to 1, or to 100%%", value);
    case TARGET_NUMBER:
        return set_number(draft, id, value, field);
    case TARGET_WORD:
        return option_value_word(value, strlen(value), infos[id].argument, field) ||
               fail_option(draft, id, "'%s' is not allowed: %s", value, infos[id].argument);
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

/* ---- config file ---- */

/* The whole file as one string, which the caller frees; NULL and errno if there is none to give. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    char *text = malloc(FILE_SIZE_MAX + 1);
    if (text == NULL)
        goto out;
    const size_t size = fread(text, 1, FILE_SIZE_MAX + 1, file);
    if (ferror(file) || size > FILE_SIZE_MAX || memchr(text, '\0', size) != NULL) {
        const int reason = ferror(file) ? errno : size > FILE_SIZE_MAX ? EFBIG : EINVAL;
        free(text);
        text = NULL;
        errno = reason;
        goto out;
    }
    text[size] = '\0';
out:;
    const int reason = errno;
    fclose(file);
    errno = reason;
    return text;
}

/* The option with this key, or OPTION_COUNT. */
static enum option_id find_key(const char *key, size_t length)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (strlen(infos[id].name) == length && memcmp(infos[id].name, key, length) == 0 &&
            infos[id].group != GROUP_CONFIGURATION && infos[id].group != GROUP_INFORMATION)
            return (enum option_id)id;
    return OPTION_COUNT;
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    for (char *end = text + strlen(text); end > text && strchr(" \t\r", end[-1]) != NULL; end--)
        end[-1] = '\0';
    return text;
}

/* A # starts a comment at the start of a line or after a blank; elsewhere it is itself. */
static void cut_comment(char *line)
{
    for (char *at = line; *at != '\0'; at++)
        if (*at == '#' && (at == line || at[-1] == ' ' || at[-1] == '\t'))
            *at = '\0';
}

static bool read_config_line(struct draft *draft, char *line)
{
    cut_comment(line);
    line = trim(line);
    if (*line == '\0')
        return true;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return fail(draft, "'%s' is not 'key = value'", line);
    *equals = '\0';
    const char *key = trim(line);
    const enum option_id id = find_key(key, strlen(key));
    if (id == OPTION_COUNT)
        return fail(draft, "unknown key '%s' (keys are the long options' names)", key);
    return set_option(draft, id, trim(equals + 1));
}

static bool read_config(struct draft *draft)
{
    if (draft->config_path == NULL)
        return true;
    draft->options.config_text = read_text(draft->config_path);
    if (draft->options.config_text == NULL)
        return fail_option(draft, OPTION_CONFIG, "cannot read '%s': %s", draft->config_path,
                           strerror(errno));
    char *rest = draft->options.config_text;
    while (rest != NULL) {
        char *line = strsep(&rest, "\n");
        draft->config_line++;
        if (!read_config_line(draft, line))
            return false;
    }
    draft->config_line = 0;
    return true;
}

/* ---- command line ---- */

/* getopt_long's tables. A long option's code is CODE_FIRST + its id, above every letter. */
enum { CODE_FIRST = 256 };

struct scanner {
    struct option long_options[OPTION_COUNT + 1];
    char letters[2 * OPTION_COUNT + 2];
};

static void scanner_init(struct scanner *scanner)
{
    char *letter = scanner->letters;
    *letter++ = ':';
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const int has_argument = infos[id].argument != NULL ? required_argument : no_argument;
        scanner->long_options[id] = (struct option){
            .name = infos[id].name, .has_arg = has_argument, .val = CODE_FIRST + (int)id};
        if (infos[id].letter == 0)
            continue;
        *letter++ = (char)infos[id].letter;
        if (has_argument == required_argument)
            *letter++ = ':';
    }
    *letter = '\0';
    scanner->long_options[OPTION_COUNT] = (struct option){0};
    optind = 0; /* glibc: start again, with nothing kept from an earlier scan */
    opterr = 0;
}

static enum option_id option_of_code(int code)
{
    if (code >= CODE_FIRST)
        return (enum option_id)(code - CODE_FIRST);
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (infos[id].letter == code)
            return (enum option_id)id;
    return OPTION_COUNT;
}

/* getopt_long's '?' is an unknown option or an argument too many. */
static bool fail_unknown(const struct draft *draft, char **argv)
{
    if (optopt >= CODE_FIRST)
        return fail_option(draft, option_of_code(optopt), "takes no value");
    if (optopt != 0)
        return fail(draft, "unknown option -%c (--help shows all)", optopt);
    const char *word = argv[optind - 1];
    return fail(draft, "unknown option %.*s (--help shows all)", (int)strcspn(word, "="), word);
}

/* --set KEY=VALUE */
static bool set_key(struct draft *draft, const char *assignment)
{
    const size_t length = strcspn(assignment, "=");
    if (assignment[length] != '=')
        return fail_option(draft, OPTION_SET, "'%s' is not KEY=VALUE", assignment);
    const enum option_id id = find_key(assignment, length);
    if (id == OPTION_COUNT)
        return fail_option(draft, OPTION_SET,
                           "unknown key '%.*s' (keys are the long options' names)", (int)length,
                           assignment);
    return set_option(draft, id, assignment + length + 1);
}

/* One pass over argv: the first looks for --config alone, since what the config file says has to
 * be there before the command line goes over it; the second takes all others. */
static bool scan(struct draft *draft, int argc, char **argv, bool is_config_pass)
{
    struct scanner scanner;
    scanner_init(&scanner);
    int code;
    while ((code = getopt_long(argc, argv, scanner.letters, scanner.long_options, NULL)) != -1) {
        if (code == '?')
            return fail_unknown(draft, argv);
        if (code == ':')
            return fail_option(draft, option_of_code(optopt), "needs a value: %s",
                               infos[option_of_code(optopt)].argument);
        const enum option_id id = option_of_code(code);
        if ((id == OPTION_CONFIG) != is_config_pass)
            continue;
        if (is_config_pass && draft->config_path != NULL)
            return fail_option(draft, id, "allowed once");
        if (id == OPTION_SET ? !set_key(draft, optarg) : !set_option(draft, id, optarg))
            return false;
    }
    return true;
}

/* What stands after the options is the filter, its words joined by blanks. */
static bool take_expression(struct draft *draft, int count, char **words)
{
    if (count == 0)
        return true;
    claim(draft, SUBJECT_FILTER);
    if (draft->options.filter != NULL || draft->filter_path != NULL)
        return fail(draft, "'%s': a filter was given already by -f or -F", words[0]);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return fail(draft, "no memory for the filter");
    char *end = text;
    for (int i = 0; i < count; i++) {
        if (i > 0)
            *end++ = ' ';
        end = stpcpy(end, words[i]);
    }
    draft->options.filter = draft->options.filter_text = text;
    return true;
}

/* ---- the whole ---- */

static void draft_init(struct draft *draft, char *error)
{
    *draft = (struct draft){
        .error = error,
        .format = UNSET,
        .records = UNSET,
        .options = {.snap_bytes = 262144,
                    .ring_kib = 65536,
                    .max_flagged = 1048576,
                    .batch_packets = OPTIONS_BATCH_DEFAULT},
    };
    error[0] = '\0';
    settings_default(&draft->options.settings);
}

static bool resolve_filter(struct draft *draft)
{
    if (draft->filter_path == NULL)
        return true;
    if (draft->options.filter != NULL)
        return fail(draft, "a filter comes from one of -f, -F and the end of the line");
    char *text = read_text(draft->filter_path);
    if (text == NULL)
        return fail_option(draft, OPTION_FILTER_FILE, "cannot read '%s': %s", draft->filter_path,
                           strerror(errno));
    bool is_comment = false;
    for (char *at = text; *at != '\0'; at++) { /* as tcpdump does: comments become blanks */
        is_comment = *at == '#' || (is_comment && *at != '\n');
        if (is_comment)
            *at = ' ';
    }
    draft->options.filter = draft->options.filter_text = text;
    return true;
}

static bool resolve_suppress(struct draft *draft)
{
    if (draft->suppress_path == NULL)
        return true;
    char problem[OPTIONS_ERROR_SIZE / 2] = "";
    char *const text = read_text(draft->suppress_path);
    if (text == NULL)
        return fail_option(draft, OPTION_SUPPRESS, "cannot read '%s': %s", draft->suppress_path,
                           strerror(errno));
    draft->options.suppress = suppress_parse(text, problem, sizeof problem);
    draft->options.settings.suppress = draft->options.suppress;
    free(text);
    return draft->options.suppress != NULL ||
           fail_option(draft, OPTION_SUPPRESS, "%.200s: %s", draft->suppress_path, problem);
}

static size_t count_standard_input(const char *const *paths, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(paths[i], "-") == 0;
    return found;
}

/* Flow lines instead of packets: what is about packets has no meaning. */
static bool resolve_flow_files(struct draft *draft)
{
    const struct options *options = &draft->options;
    if (options->flow_file_count == 0)
        return true;
    if (options->interface_count > 0 || options->file_count > 0)
        return fail_option(draft, OPTION_RESCORE,
                           "reads flows: not with -i (--interface) or -r "
                           "(--read)");
    if (options->filter != NULL)
        return fail_option(draft, OPTION_RESCORE, "reads flows: a packet filter is not allowed");
    if (options->write_file != NULL || options->max_packets > 0)
        return fail_option(draft, OPTION_RESCORE,
                           "reads flows: not with -w (--write) or -c "
                           "(--count)");
    if (options->action == OPTIONS_ACTION_LIST_LINK_TYPES)
        return fail_option(draft, OPTION_LIST_LINK_TYPES, "flow lines have no link type");
    return true;
}

static bool resolve_inputs(struct draft *draft)
{
    struct options *options = &draft->options;
    options->is_live = options->interface_count > 0;
    if (!resolve_flow_files(draft))
        return false;
    if (options->interface_count > 0 && options->file_count > 0)
        return fail(draft, "either -i (--interface) or -r (--read), not both");
    const bool needs_input =
        options->action == OPTIONS_ACTION_RUN || options->action == OPTIONS_ACTION_LIST_LINK_TYPES;
    if (needs_input &&
        options->interface_count + options->file_count + options->flow_file_count == 0)
        return fail(draft, "no input: give -i INTERFACE, -r FILE or -R FILE (--help shows all)");
    if (count_standard_input(options->files, options->file_count) > 1)
        return fail_option(draft, OPTION_READ, "standard input (-) is allowed once");
    if (count_standard_input(options->flow_files, options->flow_file_count) > 1)
        return fail_option(draft, OPTION_RESCORE, "standard input (-) is allowed once");
    return true;
}

/* What is flagged is known only at the end: the packets must be there to be read again. */
static bool resolve_flagged(struct draft *draft)
{
    struct options *const options = &draft->options;
    if (options->flagged_file == NULL)
        return true;
    if (options->interface_count > 0 || options->flow_file_count > 0)
        return fail_option(draft, OPTION_FLAGGED_PCAP,
                           "allowed with -r (--read) only: the packets are read a second time");
    if (count_standard_input(options->files, options->file_count) > 0)
        return fail_option(draft, OPTION_FLAGGED_PCAP,
                           "standard input cannot be read a second time: give -r a file");
    if (strcmp(options->flagged_file, "-") == 0)
        return fail_option(draft, OPTION_FLAGGED_PCAP, "allowed: a path");
    if (options->write_file != NULL && strcmp(options->flagged_file, options->write_file) == 0)
        return fail_option(draft, OPTION_FLAGGED_PCAP, "'%s' is the file of -w (--write)",
                           options->flagged_file);
    options->settings.emit_flagged = true;
    return true;
}

static void resolve_output(const struct draft *draft, size_t index, struct options_output *output)
{
    uint32_t format = draft->outputs[index].format;
    if (format == UNSET)
        format = draft->format;
    if (format == UNSET) {
        const bool is_terminal = strcmp(output->destination, "-") == 0 && isatty(STDOUT_FILENO);
        format = is_terminal ? OPTIONS_FORMAT_TEXT : OPTIONS_FORMAT_NATIVE;
    }
    uint32_t records = draft->outputs[index].records;
    if (records == UNSET)
        records = draft->records;
    if (records == UNSET)
        records = format == OPTIONS_FORMAT_CSV ? OPTIONS_RECORDS_FLOWS : OPTIONS_RECORDS_ALERTS;
    output->format = (enum options_format)format;
    output->records = (enum options_records)records;
}

static bool resolve_outputs(struct draft *draft)
{
    struct options *options = &draft->options;
    if (options->output_count == 0) {
        draft->outputs[0].format = draft->outputs[0].records = UNSET;
        options->outputs[0].destination = "-";
        options->output_count = 1;
    }
    options->settings.emit_flows = options->settings.emit_alerts = false;
    for (size_t i = 0; i < options->output_count; i++) {
        struct options_output *output = &options->outputs[i];
        for (size_t j = 0; j < i; j++)
            if (strcmp(output->destination, options->outputs[j].destination) == 0)
                return fail_option(draft, OPTION_OUTPUT, "'%s' is allowed once",
                                   output->destination);
        resolve_output(draft, i, output);
        options->settings.emit_flows |= output->records != OPTIONS_RECORDS_ALERTS;
        options->settings.emit_alerts |= output->records != OPTIONS_RECORDS_FLOWS;
    }
    return true;
}

/* The order of words in option_list.h: auto, never, always. */
static void resolve_terminal(struct draft *draft)
{
    enum { WHEN_AUTO, WHEN_NEVER, WHEN_ALWAYS };
    struct options *options = &draft->options;
    const char *no_color = getenv("NO_COLOR");
    const bool wants_color = no_color == NULL || *no_color == '\0';
    options->use_color = draft->color == WHEN_ALWAYS ||
                         (draft->color == WHEN_AUTO && wants_color && isatty(STDOUT_FILENO));
    options->use_progress =
        draft->progress == WHEN_AUTO && !options->is_quiet && isatty(STDERR_FILENO);
    options->fsync = (enum options_fsync)draft->fsync;
}

/* What is saved, loaded and merged: combinations that mean nothing are refused. */
static bool resolve_baseline(struct draft *draft)
{
    struct options *options = &draft->options;
    struct anomaly_settings *anomaly = &options->settings.anomaly;
    const bool has_input =
        options->interface_count + options->file_count + options->flow_file_count > 0;
    if (options->merge_count > 0 && options->save_baseline == NULL)
        return fail_option(draft, OPTION_MERGE_BASELINES,
                           "--save-baseline must say where the sum goes");
    if (options->merge_count > 0 && (has_input || options->baseline != NULL))
        return fail_option(draft, OPTION_MERGE_BASELINES,
                           "allowed without -i, -r, -R and --baseline only: it reads no packets");
    if (anomaly->is_frozen && options->baseline == NULL)
        return fail_option(draft, OPTION_FROZEN, "allowed with --baseline only");
    if (anomaly->is_frozen && options->save_baseline != NULL)
        return fail_option(draft, OPTION_FROZEN,
                           "nothing is learnt that --save-baseline could save");
    if (options->baseline == NULL)
        return true;
    anomaly->alerts_by_share = anomaly->mode == ANOMALY_MODE_CAPTURE;
    anomaly->mode = ANOMALY_MODE_ONLINE;
    return true;
}

static bool resolve(struct draft *draft)
{
    struct options *options = &draft->options;
    if (!resolve_filter(draft) || !resolve_suppress(draft) || !resolve_inputs(draft) ||
        !resolve_flagged(draft) || !resolve_outputs(draft))
        return false;
    resolve_terminal(draft);
    const bool is_online = options->is_live || draft->online;
    options->settings.anomaly.mode = is_online ? ANOMALY_MODE_ONLINE : ANOMALY_MODE_CAPTURE;
    if (draft->flood_robust)
        options->settings.anomaly.flood_exponent = 1;
    if (!resolve_baseline(draft))
        return false;
    if (options->is_inline && options->is_live)
        return fail_option(draft, OPTION_INLINE, "allowed with -r (--read) only");
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, char *error)
{
    struct draft draft;
    draft_init(&draft, error);
    const bool is_good = scan(&draft, argc, argv, true) && read_config(&draft) &&
                         scan(&draft, argc, argv, false) &&
                         take_expression(&draft, argc - optind, argv + optind) && resolve(&draft);
    *options = draft.options;
    return is_good;
}

void options_deinit(struct options *options)
{
    free(options->config_text);
    free(options->filter_text);
    free(options->suppress);
    free(options->merge_text);
    *options = (struct options){0};
}

/* ---- help ---- */

enum { HELP_COLUMN = 30, HELP_WIDTH = 96 };

/* Words of `text` from HELP_COLUMN to HELP_WIDTH; `column` is where the line stands now. */
static void print_wrapped(FILE *file, size_t column, const char *text)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (column > HELP_COLUMN && column + length >= HELP_WIDTH) {
            fputc('\n', file);
            column = 0;
        }
        fprintf(file, "%*s%.*s", column < HELP_COLUMN ? (int)(HELP_COLUMN - column) : 1, "",
                (int)length, text);
        column = (column < HELP_COLUMN ? HELP_COLUMN : column + 1) + length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', file);
}

static void print_option(FILE *file, const struct option_info *info)
{
    char letter[8] = "    ";
    if (info->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", info->letter);
    const int written =
        fprintf(file, "  %s--%s%s%s", letter, info->name, info->argument != NULL ? " " : "",
                info->argument != NULL ? info->argument : "");
    char text[256];
    snprintf(text, sizeof text, "%s%s%s%s", info->text, info->initial != NULL ? " (default: " : "",
             info->initial != NULL ? info->initial : "", info->initial != NULL ? ")" : "");
    size_t column = written > 0 ? (size_t)written : 0;
    if (column >= HELP_COLUMN) {
        fputc('\n', file);
        column = 0;
    }
    print_wrapped(file, column, text);
}

void options_print_help(FILE *file)
{
    fputs("usage: whyflow (-i IF | -r FILE | -R FILE) [OPTION]... [FILTER]\n"
          "Builds flows from packets and says, a JSON line each, why a flow is unusual.\n",
          file);
    for (unsigned group = 0; group < GROUP_COUNT; group++) {
        fprintf(file, "\n%s:\n", group_headings[group]);
        for (unsigned id = 0; id < OPTION_COUNT; id++)
            if (infos[id].group == group)
                print_option(file, &infos[id]);
    }
    fputs("\nExit: 0 done, 1 error, 2 usage, 3 input unreadable or cut short, 4 no permission or\n"
          "no such interface, 5 records lost, 10 alerts were raised (with --fail-on-alert).\n",
          file);
}
