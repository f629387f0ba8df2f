/* SPDX-License-Identifier: Apache-2.0 */
/* --help, made from option_list.h. */
#include "option_draft.h"

#include <string.h>

static const char *const group_headings[GROUP_COUNT] = {
#define GROUP(id, heading) heading,
    OPTION_GROUP_LIST(GROUP)
#undef GROUP
};

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
            if (option_infos[id].group == group)
                print_option(file, &option_infos[id]);
    }
    fputs("\nExit: 0 done, 1 error, 2 usage, 3 input unreadable or cut short, 4 no permission or\n"
          "no such interface, 5 records lost, 10 alerts were raised (with --fail-on-alert).\n",
          file);
}
