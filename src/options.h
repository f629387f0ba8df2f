/* SPDX-License-Identifier: Apache-2.0 */
/* Options: command line and config file become one value, checked as a whole. It opens no device
 * and no output; what it reads are the config and the filter file. Called by main.c at start,
 * before there are threads. */
#ifndef WHYFLOW_OPTIONS_H
#define WHYFLOW_OPTIONS_H

#include "whyflow/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { OPTIONS_INTERFACES_MAX = 16, OPTIONS_FILES_MAX = 1024, OPTIONS_OUTPUTS_MAX = 16 };
enum { OPTIONS_FLOW_FILES_MAX = 256 }; /* read side by side */
enum { OPTIONS_BASELINES_MAX = 256 };
enum { OPTIONS_ERROR_SIZE = 512, OPTIONS_BATCH_MAX = 4096, OPTIONS_BATCH_DEFAULT = 64 };

enum options_action {
    OPTIONS_ACTION_RUN,
    OPTIONS_ACTION_TEST, /* the configuration; options_parse has done it, but for the filter */
    OPTIONS_ACTION_LIST_INTERFACES,
    OPTIONS_ACTION_LIST_LINK_TYPES,
    OPTIONS_ACTION_MERGE, /* saved baselines */
    OPTIONS_ACTION_HELP,
    OPTIONS_ACTION_VERSION,
};

/* The order of these is that of the words in option_list.h. */
enum options_format { OPTIONS_FORMAT_NATIVE, OPTIONS_FORMAT_TEXT, OPTIONS_FORMAT_CSV };
enum options_records { OPTIONS_RECORDS_ALERTS, OPTIONS_RECORDS_FLOWS, OPTIONS_RECORDS_ALL };
enum options_fsync { OPTIONS_FSYNC_NONE, OPTIONS_FSYNC_1S, OPTIONS_FSYNC_RECORD };

struct options_output {
    enum options_format format;
    enum options_records records;
    const char *destination; /* "-" or a path */
};

struct options {
    enum options_action action;
    bool is_live; /* interfaces were given, else files or flow files */
    size_t interface_count;
    const char *interfaces[OPTIONS_INTERFACES_MAX];
    size_t file_count;
    const char *files[OPTIONS_FILES_MAX]; /* path, directory or "-" */
    size_t flow_file_count;
    const char *flow_files[OPTIONS_FLOW_FILES_MAX]; /* -R: path or "-"; then there are no others */
    const char *filter;                             /* NULL: every packet */
    uint64_t max_packets;                           /* 0: no limit */
    uint32_t snap_bytes;
    uint32_t ring_kib;
    bool is_not_promiscuous;

    size_t output_count; /* >= 1 */
    struct options_output outputs[OPTIONS_OUTPUTS_MAX];
    const char *write_file;   /* NULL: none */
    const char *flagged_file; /* --flagged-pcap; NULL: none */
    uint32_t max_flagged;     /* flows in it */
    enum options_fsync fsync;
    bool use_color;
    bool use_progress;

    struct settings settings; /* complete but for random placement and sketch keys, see below */
    bool has_sketch_key;      /* given, and in settings.feature; else a live run draws one */
    bool has_hash_key;        /* given, and in all three rooms' settings; else draw them */

    const char *baseline;      /* NULL: start cold */
    const char *save_baseline; /* NULL: do not save */
    size_t merge_count;        /* for OPTIONS_ACTION_MERGE */
    char *merge_files[OPTIONS_BASELINES_MAX];

    const char *sensor;  /* NULL: not given */
    const char *pidfile; /* NULL: none */
    bool fail_on_alert;
    bool is_verbose;
    bool is_quiet;

    bool is_inline;
    uint32_t batch_packets;

    char *config_text; /* owned: strings above point into these or into argv */
    char *filter_text;
    struct suppress_list *suppress; /* owned: settings.suppress is this; NULL: none */
    char *merge_text;
};

/* Reads argv and the config file it names into `options`; argv must outlive it. Returns false and
 * one line in `error` (OPTIONS_ERROR_SIZE bytes), which names the option, or the config file's
 * line, and what is allowed. Call options_deinit in either case. */
bool options_parse(struct options *options, int argc, char **argv, char *error);

void options_deinit(struct options *options);

/* What --help says, from the option list. */
void options_print_help(FILE *file);

#endif
