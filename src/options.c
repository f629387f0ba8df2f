/* SPDX-License-Identifier: Apache-2.0 */
/* Options, in four steps: defaults; the config file; the command line, which goes before it; and
 * the whole is checked and what follows from it filled in (option_resolve.c). What each option sets
 * stands in option_set.c. See options.h. */
#include "options.h"

#include "option_draft.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* ---- config file ---- */

/* The option with this key, or OPTION_COUNT. */
static enum option_id find_key(const char *key, size_t length)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (strlen(option_infos[id].name) == length &&
            memcmp(option_infos[id].name, key, length) == 0 &&
            option_infos[id].group != GROUP_CONFIGURATION &&
            option_infos[id].group != GROUP_INFORMATION)
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

static bool read_config_line(struct option_draft *draft, char *line)
{
    cut_comment(line);
    line = trim(line);
    if (*line == '\0')
        return true;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return option_draft_fail(draft, "'%s' is not 'key = value'", line);
    *equals = '\0';
    const char *key = trim(line);
    const enum option_id id = find_key(key, strlen(key));
    if (id == OPTION_COUNT)
        return option_draft_fail(draft, "unknown key '%s' (keys are the long options' names)", key);
    return option_draft_set(draft, id, trim(equals + 1));
}

static bool read_config(struct option_draft *draft)
{
    if (draft->config_path == NULL)
        return true;
    draft->options.config_text = option_draft_read_text(draft->config_path);
    if (draft->options.config_text == NULL)
        return option_draft_fail_option(draft, OPTION_CONFIG, "cannot read '%s': %s",
                                        draft->config_path, strerror(errno));
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
        const int has_argument =
            option_infos[id].argument != NULL ? required_argument : no_argument;
        scanner->long_options[id] = (struct option){
            .name = option_infos[id].name, .has_arg = has_argument, .val = CODE_FIRST + (int)id};
        if (option_infos[id].letter == 0)
            continue;
        *letter++ = (char)option_infos[id].letter;
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
        if (option_infos[id].letter == code)
            return (enum option_id)id;
    return OPTION_COUNT;
}

/* getopt_long's '?' is an unknown option or an argument too many. */
static bool fail_unknown(const struct option_draft *draft, char **argv)
{
    if (optopt >= CODE_FIRST)
        return option_draft_fail_option(draft, option_of_code(optopt), "takes no value");
    if (optopt != 0)
        return option_draft_fail(draft, "unknown option -%c (--help shows all)", optopt);
    const char *word = argv[optind - 1];
    return option_draft_fail(draft, "unknown option %.*s (--help shows all)",
                             (int)strcspn(word, "="), word);
}

/* --set KEY=VALUE */
static bool set_key(struct option_draft *draft, const char *assignment)
{
    const size_t length = strcspn(assignment, "=");
    if (assignment[length] != '=')
        return option_draft_fail_option(draft, OPTION_SET, "'%s' is not KEY=VALUE", assignment);
    const enum option_id id = find_key(assignment, length);
    if (id == OPTION_COUNT)
        return option_draft_fail_option(draft, OPTION_SET,
                                        "unknown key '%.*s' (keys are the long options' names)",
                                        (int)length, assignment);
    return option_draft_set(draft, id, assignment + length + 1);
}

/* One pass over argv: the first looks for --config alone, since what the config file says has to
 * be there before the command line goes over it; the second takes all others. */
static bool scan(struct option_draft *draft, int argc, char **argv, bool is_config_pass)
{
    struct scanner scanner;
    scanner_init(&scanner);
    int code;
    while ((code = getopt_long(argc, argv, scanner.letters, scanner.long_options, NULL)) != -1) {
        if (code == '?')
            return fail_unknown(draft, argv);
        if (code == ':')
            return option_draft_fail_option(draft, option_of_code(optopt), "needs a value: %s",
                                            option_infos[option_of_code(optopt)].argument);
        const enum option_id id = option_of_code(code);
        if ((id == OPTION_CONFIG) != is_config_pass)
            continue;
        if (is_config_pass && draft->config_path != NULL)
            return option_draft_fail_option(draft, id, "allowed once");
        if (id == OPTION_SET ? !set_key(draft, optarg) : !option_draft_set(draft, id, optarg))
            return false;
    }
    return true;
}

/* What stands after the options is the filter, its words joined by blanks. */
static bool take_expression(struct option_draft *draft, int count, char **words)
{
    if (count == 0)
        return true;
    option_draft_claim(draft, SUBJECT_FILTER);
    if (draft->options.filter != NULL || draft->filter_path != NULL)
        return option_draft_fail(draft, "'%s': a filter was given already by -f or -F", words[0]);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return option_draft_fail(draft, "no memory for the filter");
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

bool options_parse(struct options *options, int argc, char **argv, char *error)
{
    struct option_draft draft;
    option_draft_init(&draft, error);
    const bool is_good =
        scan(&draft, argc, argv, true) && read_config(&draft) && scan(&draft, argc, argv, false) &&
        take_expression(&draft, argc - optind, argv + optind) && option_draft_resolve(&draft);
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
