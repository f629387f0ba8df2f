/* SPDX-License-Identifier: Apache-2.0 */
/* Options while they are being parsed: what each is called, what was said of it so far, and how an
 * error is told. The config file, --set and the command line all set options by
 * option_draft_set, so that they cannot differ. Inside options.c and option_*.c alone. */
#ifndef WHYFLOW_OPTION_DRAFT_H
#define WHYFLOW_OPTION_DRAFT_H

#include "option_list.h"
#include "options.h"

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

struct option_info {
    int letter;
    const char *name, *argument, *initial;
    enum option_group group;
    const char *text;
};
extern const struct option_info option_infos[OPTION_COUNT];

/* Inputs, outputs and the filter are each replaced as a whole: what the command line says of one
 * takes the place of all the config file said of it. */
enum option_subject { SUBJECT_INPUTS, SUBJECT_OUTPUTS, SUBJECT_FILTER, SUBJECT_COUNT };

enum { OPTION_UNSET = UINT32_MAX };

/* What parsing knows beside its result. */
struct option_draft {
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

/* Defaults; errors go to `error` (OPTIONS_ERROR_SIZE). */
void option_draft_init(struct option_draft *draft, char *error);

/* Writes the one line of error, after the config file's name and line where it is one of those.
 * Returns false, so that a caller can return what it returns. */
__attribute__((format(printf, 2, 3))) bool option_draft_fail(const struct option_draft *draft,
                                                             const char *format, ...);

/* The same with the option's name before it, as the user would have written it. */
__attribute__((format(printf, 3, 4))) bool
option_draft_fail_option(const struct option_draft *draft, enum option_id id, const char *format,
                         ...);

/* Says that `subject` is being set; empties what the config file put there. */
void option_draft_claim(struct option_draft *draft, enum option_subject subject);

/* The whole file as one string, which the caller frees; NULL and errno if there is none to give
 * (EFBIG over 1 MiB, EINVAL with a zero byte). */
char *option_draft_read_text(const char *path);

/* Sets one option from its text; value is NULL for a switch of the command line. False and an
 * error where the value is not allowed. */
bool option_draft_set(struct option_draft *draft, enum option_id id, const char *value);

/* Checks the whole and fills in what follows from it. */
bool option_draft_resolve(struct option_draft *draft);

#endif
