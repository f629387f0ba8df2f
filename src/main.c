/* SPDX-License-Identifier: Apache-2.0 */
/* The program: options → run → exit code. */
#include "capture/capture.h"
#include "inline.h"
#include "message.h"
#include "options.h"
#include "rescore.h"
#include "run_baseline.h"
#include "runtime.h"
#include "whyflow/settings.h"
#include "whyflow/version.h"

#include <jansson.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <zlib.h>
#include <zstd.h>

static void print_version(void)
{
    printf("whyflow %s\n%s\njansson %s\nzlib %s, zstd %s\n"
           "formats: native text csv; sinks: standard output, file\n",
           WHYFLOW_VERSION, pcap_lib_version(), jansson_version_str(), zlibVersion(),
           ZSTD_versionString());
}

static bool list_link_types(const struct options *options, struct capture_error *error)
{
    if (!options->is_live) {
        struct capture_settings settings;
        capture_settings_default(&settings);
        settings.files = options->files;
        settings.file_count = options->file_count;
        return capture_list_file_link_types(&settings, stdout, error);
    }
    bool is_listed = true;
    for (size_t i = 0; i < options->interface_count && is_listed; i++)
        is_listed = capture_list_link_types(options->interfaces[i], stdout, error);
    return is_listed;
}

/* What is asked of the capture room without a run. */
static enum run_exit ask_capture(const struct options *options)
{
    struct capture_error error;
    bool is_answered;
    if (options->action == OPTIONS_ACTION_LIST_INTERFACES)
        is_answered = capture_list_interfaces(stdout, &error);
    else if (options->action == OPTIONS_ACTION_LIST_LINK_TYPES)
        is_answered = list_link_types(options, &error);
    else
        is_answered = capture_check_filter(options->filter, &error);
    if (is_answered)
        return RUN_DONE;
    message("%s", error.text);
    return run_exit_of(error.kind);
}

/* Keys that decide placement only are drawn anew at each start, so that nobody can aim at them. */
static bool draw_keys(struct options *options)
{
    struct settings *const settings = &options->settings;
    if (!options->has_hash_key) {
        uint64_t *const keys[] = {settings->flow.hash_key, settings->feature.hash_key,
                                  settings->anomaly.hash_key, settings->incident.hash_key};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (getrandom(keys[i], 2 * sizeof(uint64_t), 0) != 2 * sizeof(uint64_t))
                return false;
    }
    if (options->is_live && !options->has_sketch_key)
        return getrandom(settings->feature.sketch_key, 2 * sizeof(uint64_t), 0) ==
               2 * sizeof(uint64_t);
    return true;
}

static bool move_data(struct run *run)
{
    if (run->flows != NULL)
        return rescore_run(run);
    return run->options->is_inline ? inline_run(run) : runtime_run(run);
}

static enum run_exit run_options(const struct options *options)
{
    struct run run;
    signal(SIGPIPE, SIG_IGN);
    if (options->flow_file_count > 0)
        run_block_interrupts();
    else if (!options->is_inline)
        runtime_block_signals();
    if (run_open(&run, options))
        run_judge(&run, move_data(&run));
    run_close(&run);
    return run.exit;
}

/* With -v also what names a run's settings, so that they can be written down before it. */
static enum run_exit test_configuration(const struct options *options)
{
    if (ask_capture(options) != RUN_DONE)
        return RUN_USAGE;
    puts("configuration is good");
    if (options->is_verbose)
        printf("settings %016llx\n", (unsigned long long)settings_hash(&options->settings));
    return RUN_DONE;
}

/* Live, an alert should not wait. In a replay each sweep costs two switches of threads, and the
 * moment of a sweep decides nothing: 12 minutes of 2.1 M packets took 13 % less time with 10 s. */
#define LIVE_SWEEP_INTERVAL_NS INT64_C(1000000000)

static void prepare_live(struct settings *settings)
{
    settings->flow.is_live = true;
    settings->flow.sweep_interval_ns = LIVE_SWEEP_INTERVAL_NS;
    settings->anomaly.mode = ANOMALY_MODE_ONLINE;
}

static enum run_exit act(struct options *options)
{
    if (options->is_live)
        prepare_live(&options->settings);
    switch (options->action) {
    case OPTIONS_ACTION_HELP:
        options_print_help(stdout);
        return RUN_DONE;
    case OPTIONS_ACTION_VERSION:
        print_version();
        return RUN_DONE;
    case OPTIONS_ACTION_LIST_INTERFACES:
    case OPTIONS_ACTION_LIST_LINK_TYPES:
        return ask_capture(options);
    case OPTIONS_ACTION_TEST:
        return test_configuration(options);
    case OPTIONS_ACTION_RUN:
    case OPTIONS_ACTION_MERGE:
        break;
    }
    if (!draw_keys(options)) {
        message("no random numbers to be had: %m");
        return RUN_FAILED;
    }
    return options->action == OPTIONS_ACTION_MERGE ? run_baseline_merge(options)
                                                   : run_options(options);
}

int main(int argc, char **argv)
{
    struct options options;
    char error[OPTIONS_ERROR_SIZE];
    enum run_exit exit = RUN_USAGE;
    if (options_parse(&options, argc, argv, error))
        exit = act(&options);
    else
        message("%s", error);
    options_deinit(&options);
    return (int)exit;
}
