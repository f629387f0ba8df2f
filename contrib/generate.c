/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the man page (man) or the bash completion (bash) from the option list, or the page of
 * features (features) from the feature list, so that none can say anything else than the program.
 * Called by `make docs`, which writes contrib/whyflow.8, contrib/whyflow.bash and docs/features.md,
 * and by scripts/lint, which compares. */
#include "option_list.h"
#include "whyflow/feature_list.h"
#include "whyflow/version.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *heading;
} groups[] = {
#define GROUP(id, heading) {#id, heading},
    OPTION_GROUP_LIST(GROUP)
#undef GROUP
};

static const struct option_info {
    int letter;
    const char *name, *argument, *initial, *group, *text;
} infos[] = {
#define OPTION(id, letter, name, argument, initial, group, text) \
    {letter, name, argument, initial, #group, text},
    OPTION_LIST(OPTION)
#undef OPTION
};

enum { GROUP_COUNT = sizeof groups / sizeof groups[0] };
enum { OPTION_COUNT = sizeof infos / sizeof infos[0] };

/* Text as roff takes it: a minus is \-, a line does not start with a control character. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
    }
}

static void print_man_option(const struct option_info *info)
{
    puts(".TP");
    fputs(".B ", stdout);
    if (info->letter != 0)
        printf("\\-%c\\fR, \\fB", info->letter);
    fputs("\\-\\-", stdout);
    print_roff(info->name);
    if (info->argument != NULL) {
        fputs(" \\fI", stdout);
        print_roff(info->argument);
    }
    puts("\\fR");
    print_roff(info->text);
    if (info->initial != NULL) {
        fputs(" (default: ", stdout);
        print_roff(info->initial);
        putchar(')');
    }
    puts(".");
}

static void print_man_options(void)
{
    puts(".SH OPTIONS");
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        printf(".SS %s\n", groups[group].heading);
        for (size_t i = 0; i < OPTION_COUNT; i++)
            if (strcmp(infos[i].group, groups[group].name) == 0)
                print_man_option(&infos[i]);
    }
    puts("Times take ns, us, ms, s, m, h or d; plain numbers are seconds. Counts take k, M and G\n"
         "(thousands), sizes K, M, G and T (powers of 1024).");
}

static void print_man(void)
{
    printf(".\\\" SPDX-License-Identifier: Apache-2.0\n"
           ".\\\" Made by contrib/generate.c from src/option_list.h: change that.\n"
           ".TH WHYFLOW 8 \"\" \"whyflow %s\" \"System Administration\"\n",
           WHYFLOW_VERSION);
    puts(".SH NAME\n"
         "whyflow \\- builds flows from packets and says why a flow is unusual\n"
         ".SH SYNOPSIS\n"
         ".B whyflow\n(\\fB\\-i\\fR \\fIIF\\fR | \\fB\\-r\\fR \\fIFILE\\fR)\n"
         "[\\fIOPTION\\fR]... [\\fIFILTER\\fR]\n"
         ".SH DESCRIPTION\n"
         ".B whyflow\n"
         "captures or replays packets, assembles them into flows of both directions, scores each\n"
         "finished flow against what is usual on this network, and writes a JSON line for each\n"
         "flow that stands out: which feature, how far from usual, how much it added to the\n"
         "score. The shape of a record is Suricata's EVE; what is whyflow's own is under the key\n"
         ".BR whyflow .\n"
         "Records go to standard output or \\fB\\-o\\fR, messages to standard error.");
    print_man_options();
    puts(
        ".SH CONFIGURATION FILE\n"
        "Lines of \\fIkey\\fB = \\fIvalue\\fR, where a key is an option's long name; # starts a\n"
        "comment at the start of a line or after a blank. A switch takes \\fBtrue\\fR or\n"
        "\\fBfalse\\fR. What may be given again stands on a line each. What the command line says\n"
        "of the inputs, the outputs or the filter replaces all the file says of them.\n"
        ".SH SIGNALS\n"
        "INT and TERM finish what is open and end; a second one ends at once. HUP reopens the\n"
        "outputs, USR1 prints counters, USR2 ends all flows.\n"
        ".SH EXIT STATUS\n"
        "0 done; 1 error; 2 usage, configuration or filter; 3 input unreadable or cut short\n"
        "(what was good is written); 4 no permission or no such interface; 5 records were lost;\n"
        "10 alerts were raised, only with \\fB\\-\\-fail\\-on\\-alert\\fR.\n"
        ".SH SEE ALSO\n"
        ".BR tcpdump (8),\n.BR pcap\\-filter (7)");
}

/* Words for completion after an option: its fixed words, files, directories, or interfaces. */
static void print_bash_case(const struct option_info *info)
{
    if (info->argument == NULL)
        return;
    fputs("    ", stdout);
    if (info->letter != 0)
        printf("-%c | ", info->letter);
    printf("--%s)\n", info->name);
    if (strcmp(info->argument, "IF") == 0)
        puts("        words=$(command ls /sys/class/net 2>/dev/null)");
    else if (strstr(info->argument, "FILE") != NULL || strstr(info->argument, "DEST") != NULL)
        puts("        kind=-f");
    else if (strchr(info->argument, '|') != NULL)
        printf("        words='%s'\n", info->argument);
    else
        puts("        kind=none");
    puts("        ;;");
}

static void print_bash(void)
{
    puts("# SPDX-License-Identifier: Apache-2.0\n"
         "# shellcheck shell=bash\n"
         "# Made by contrib/generate.c from src/option_list.h: change that.\n"
         "\n"
         "_whyflow() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    local words='' kind=''\n"
         "    case $before in");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        print_bash_case(&infos[i]);
    fputs("    *)\n        words='", stdout);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        printf("%s--%s", i == 0 ? "" : "\n            ", infos[i].name);
    puts("'\n        ;;\n"
         "    esac\n"
         "    COMPREPLY=()\n"
         "    [ \"$kind\" = none ] && return\n"
         "    if [ \"$kind\" = -f ]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "    else\n"
         "        mapfile -t COMPREPLY < <(compgen -W \"${words//|/ }\" -- \"$word\")\n"
         "    fi\n"
         "}\n"
         "complete -o filenames -o bashdefault -F _whyflow whyflow");
}

static void print_features(void)
{
    puts(
        "# Features\n\n"
        "<!-- Made by contrib/generate.c from include/whyflow/feature_list.h: change that. -->\n\n"
        "What is measured of each finished flow, from the flow itself and the flows handed over\n"
        "before it. What was not measured is missing, never 0. The weight of a family is what its\n"
        "bits count in the score: size and timing 1/2, window and category 1, service x size 1/2,\n"
        "direction 4.\n\n"
        "| name | unit | bins | family | meaning |\n|---|---|---|---|---|");
#define FEATURE(id, name, label, unit, scale, low, high, family, meaning) \
    printf("| `%s` | %s | %s %g to %g | %s | %s |\n", name, unit, #scale, (double)(low), \
           (double)(high), #family, meaning);
    FEATURE_LIST(FEATURE)
#undef FEATURE
    puts("\nLOG2: 16 equal bins of log2(1 + x) between the two numbers; LINEAR: of x; CATEGORY: a\n"
         "count for each value. Values beyond the ends fall into the bins at the ends.");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "man") == 0) {
        print_man();
    } else if (argc == 2 && strcmp(argv[1], "bash") == 0) {
        print_bash();
    } else if (argc == 2 && strcmp(argv[1], "features") == 0) {
        print_features();
    } else {
        fputs("usage: generate man|bash|features\n", stderr);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
