/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of parsing: what was said is checked as a whole, and what follows from it is
 * filled in. */
#include "option_draft.h"
#include "whyflow/suppress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool resolve_filter(struct option_draft *draft)
{
    if (draft->filter_path == NULL)
        return true;
    if (draft->options.filter != NULL)
        return option_draft_fail(draft,
                                 "a filter comes from one of -f, -F and the end of the line");
    char *text = option_draft_read_text(draft->filter_path);
    if (text == NULL)
        return option_draft_fail_option(draft, OPTION_FILTER_FILE, "cannot read '%s': %s",
                                        draft->filter_path, strerror(errno));
    bool is_comment = false;
    for (char *at = text; *at != '\0'; at++) { /* as tcpdump does: comments become blanks */
        is_comment = *at == '#' || (is_comment && *at != '\n');
        if (is_comment)
            *at = ' ';
    }
    draft->options.filter = draft->options.filter_text = text;
    return true;
}

static bool resolve_suppress(struct option_draft *draft)
{
    if (draft->suppress_path == NULL)
        return true;
    char problem[OPTIONS_ERROR_SIZE / 2] = "";
    char *const text = option_draft_read_text(draft->suppress_path);
    if (text == NULL)
        return option_draft_fail_option(draft, OPTION_SUPPRESS, "cannot read '%s': %s",
                                        draft->suppress_path, strerror(errno));
    draft->options.suppress = suppress_parse(text, problem, sizeof problem);
    draft->options.settings.suppress = draft->options.suppress;
    free(text);
    return draft->options.suppress != NULL ||
           option_draft_fail_option(draft, OPTION_SUPPRESS, "%.200s: %s", draft->suppress_path,
                                    problem);
}

static size_t count_standard_input(const char *const *paths, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(paths[i], "-") == 0;
    return found;
}

/* Flow lines instead of packets: what is about packets has no meaning. */
static bool resolve_flow_files(struct option_draft *draft)
{
    const struct options *options = &draft->options;
    if (options->flow_file_count == 0)
        return true;
    if (options->interface_count > 0 || options->file_count > 0)
        return option_draft_fail_option(draft, OPTION_RESCORE,
                                        "reads flows: not with -i (--interface) or -r "
                                        "(--read)");
    if (options->filter != NULL)
        return option_draft_fail_option(draft, OPTION_RESCORE,
                                        "reads flows: a packet filter is not allowed");
    if (options->write_file != NULL || options->max_packets > 0)
        return option_draft_fail_option(draft, OPTION_RESCORE,
                                        "reads flows: not with -w (--write) or -c "
                                        "(--count)");
    if (options->action == OPTIONS_ACTION_LIST_LINK_TYPES)
        return option_draft_fail_option(draft, OPTION_LIST_LINK_TYPES,
                                        "flow lines have no link type");
    return true;
}

static bool resolve_inputs(struct option_draft *draft)
{
    struct options *options = &draft->options;
    options->is_live = options->interface_count > 0;
    if (!resolve_flow_files(draft))
        return false;
    if (options->interface_count > 0 && options->file_count > 0)
        return option_draft_fail(draft, "either -i (--interface) or -r (--read), not both");
    const bool needs_input =
        options->action == OPTIONS_ACTION_RUN || options->action == OPTIONS_ACTION_LIST_LINK_TYPES;
    if (needs_input &&
        options->interface_count + options->file_count + options->flow_file_count == 0)
        return option_draft_fail(
            draft, "no input: give -i INTERFACE, -r FILE or -R FILE (--help shows all)");
    if (count_standard_input(options->files, options->file_count) > 1)
        return option_draft_fail_option(draft, OPTION_READ, "standard input (-) is allowed once");
    if (count_standard_input(options->flow_files, options->flow_file_count) > 1)
        return option_draft_fail_option(draft, OPTION_RESCORE,
                                        "standard input (-) is allowed once");
    return true;
}

/* What is flagged is known only at the end: the packets must be there to be read again. */
static bool resolve_flagged(struct option_draft *draft)
{
    struct options *const options = &draft->options;
    if (options->flagged_file == NULL)
        return true;
    if (options->interface_count > 0 || options->flow_file_count > 0)
        return option_draft_fail_option(
            draft, OPTION_FLAGGED_PCAP,
            "allowed with -r (--read) only: the packets are read a second time");
    if (count_standard_input(options->files, options->file_count) > 0)
        return option_draft_fail_option(
            draft, OPTION_FLAGGED_PCAP,
            "standard input cannot be read a second time: give -r a file");
    if (strcmp(options->flagged_file, "-") == 0)
        return option_draft_fail_option(draft, OPTION_FLAGGED_PCAP, "allowed: a path");
    if (options->write_file != NULL && strcmp(options->flagged_file, options->write_file) == 0)
        return option_draft_fail_option(draft, OPTION_FLAGGED_PCAP,
                                        "'%s' is the file of -w (--write)", options->flagged_file);
    options->settings.emit_flagged = true;
    return true;
}

static void resolve_output(const struct option_draft *draft, size_t index,
                           struct options_output *output)
{
    uint32_t format = draft->outputs[index].format;
    if (format == OPTION_UNSET)
        format = draft->format;
    if (format == OPTION_UNSET) {
        const bool is_terminal = strcmp(output->destination, "-") == 0 && isatty(STDOUT_FILENO);
        format = is_terminal ? OPTIONS_FORMAT_TEXT : OPTIONS_FORMAT_NATIVE;
    }
    uint32_t records = draft->outputs[index].records;
    if (records == OPTION_UNSET)
        records = draft->records;
    if (records == OPTION_UNSET)
        records = format == OPTIONS_FORMAT_CSV ? OPTIONS_RECORDS_FLOWS : OPTIONS_RECORDS_ALERTS;
    output->format = (enum options_format)format;
    output->records = (enum options_records)records;
}

static bool resolve_outputs(struct option_draft *draft)
{
    struct options *options = &draft->options;
    if (options->output_count == 0) {
        draft->outputs[0].format = draft->outputs[0].records = OPTION_UNSET;
        options->outputs[0].destination = "-";
        options->output_count = 1;
    }
    options->settings.emit_flows = options->settings.emit_alerts = false;
    for (size_t i = 0; i < options->output_count; i++) {
        struct options_output *output = &options->outputs[i];
        for (size_t j = 0; j < i; j++)
            if (strcmp(output->destination, options->outputs[j].destination) == 0)
                return option_draft_fail_option(draft, OPTION_OUTPUT, "'%s' is allowed once",
                                                output->destination);
        resolve_output(draft, i, output);
        options->settings.emit_flows |= output->records != OPTIONS_RECORDS_ALERTS;
        options->settings.emit_alerts |= output->records != OPTIONS_RECORDS_FLOWS;
    }
    return true;
}

/* The order of words in option_list.h: auto, never, always. */
static void resolve_terminal(struct option_draft *draft)
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
static bool resolve_baseline(struct option_draft *draft)
{
    struct options *options = &draft->options;
    struct anomaly_settings *anomaly = &options->settings.anomaly;
    const bool has_input =
        options->interface_count + options->file_count + options->flow_file_count > 0;
    if (options->merge_count > 0 && options->save_baseline == NULL)
        return option_draft_fail_option(draft, OPTION_MERGE_BASELINES,
                                        "--save-baseline must say where the sum goes");
    if (options->merge_count > 0 && (has_input || options->baseline != NULL))
        return option_draft_fail_option(
            draft, OPTION_MERGE_BASELINES,
            "allowed without -i, -r, -R and --baseline only: it reads no packets");
    if (anomaly->is_frozen && options->baseline == NULL)
        return option_draft_fail_option(draft, OPTION_FROZEN, "allowed with --baseline only");
    if (anomaly->is_frozen && options->save_baseline != NULL)
        return option_draft_fail_option(draft, OPTION_FROZEN,
                                        "nothing is learnt that --save-baseline could save");
    if (options->baseline == NULL)
        return true;
    anomaly->alerts_by_share = anomaly->mode == ANOMALY_MODE_CAPTURE;
    anomaly->mode = ANOMALY_MODE_ONLINE;
    return true;
}

bool option_draft_resolve(struct option_draft *draft)
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
        return option_draft_fail_option(draft, OPTION_INLINE, "allowed with -r (--read) only");
    return true;
}
