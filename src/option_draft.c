/* SPDX-License-Identifier: Apache-2.0 */
#include "option_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A config or filter file that is longer is a mistake. */
enum { FILE_SIZE_MAX = 1024 * 1024 };

const struct option_info option_infos[OPTION_COUNT] = {
#define OPTION(id, letter, name, argument, initial, group, text) \
    {letter, name, argument, initial, GROUP_##group, text},
    OPTION_LIST(OPTION)
#undef OPTION
};

void option_draft_init(struct option_draft *draft, char *error)
{
    *draft = (struct option_draft){
        .error = error,
        .format = OPTION_UNSET,
        .records = OPTION_UNSET,
        .options = {.snap_bytes = 262144,
                    .ring_kib = 65536,
                    .max_flagged = 1048576,
                    .batch_packets = OPTIONS_BATCH_DEFAULT},
    };
    error[0] = '\0';
    settings_default(&draft->options.settings);
}

bool option_draft_fail(const struct option_draft *draft, const char *format, ...)
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

bool option_draft_fail_option(const struct option_draft *draft, enum option_id id,
                              const char *format, ...)
{
    char message[OPTIONS_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const struct option_info *info = &option_infos[id];
    if (draft->config_line > 0)
        return option_draft_fail(draft, "%s: %s", info->name, message);
    if (info->letter != 0)
        return option_draft_fail(draft, "-%c (--%s): %s", info->letter, info->name, message);
    return option_draft_fail(draft, "--%s: %s", info->name, message);
}

void option_draft_claim(struct option_draft *draft, enum option_subject subject)
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

char *option_draft_read_text(const char *path)
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
