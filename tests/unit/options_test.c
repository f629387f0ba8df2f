/* SPDX-License-Identifier: Apache-2.0 */
/* Options: units, errors, the forms of -o, what goes before what. */
#include "option_list.h"
#include "option_value.h"
#include "options.h"
#include "tests/support/unit.h"
#include "whyflow/suppress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 64, LINE_SIZE = 1024 };

static struct options options;
static char error[OPTIONS_ERROR_SIZE];

/* Parse a command line given as words, or as one line with blanks between them. */
static bool parse_words(int count, char **words)
{
    static char name[] = "whyflow";
    static char *argv[WORDS_MAX + 2];
    ck_assert_int_le(count, WORDS_MAX);
    options_deinit(&options);
    argv[0] = name;
    memcpy(argv + 1, words, (size_t)count * sizeof words[0]);
    argv[count + 1] = NULL;
    return options_parse(&options, count + 1, argv, error);
}

static bool parse(const char *line)
{
    static char copy[LINE_SIZE]; /* options point into it until the next line */
    char *words[WORDS_MAX];
    int count = 0;
    ck_assert_uint_lt(strlen(line), sizeof copy);
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(count, WORDS_MAX);
        words[count++] = word;
    }
    return parse_words(count, words);
}

static void accept(const char *line)
{
    ck_assert_msg(parse(line), "refused: %s: %s", line, error);
}

/* The line is refused and the error says each of these (NULL: nothing more). */
static void refuse(const char *line, const char *naming, const char *allowed)
{
    ck_assert_msg(!parse(line), "accepted: %s", line);
    ck_assert_msg(strstr(error, naming) != NULL, "%s: does not name %s", error, naming);
    ck_assert_msg(strstr(error, allowed) != NULL, "%s: does not say %s", error, allowed);
    ck_assert_ptr_null(strchr(error, '\n'));
}

static const char *write_file(const char *text)
{
    static char path[] = "/tmp/whyflow_options_XXXXXX";
    strcpy(path + strlen(path) - 6, "XXXXXX");
    const int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    return path;
}

/* Parses "--config FILE" and `line`; the file holds `config`. */
static bool parse_config(const char *config, const char *line)
{
    char whole[LINE_SIZE];
    const char *path = write_file(config);
    snprintf(whole, sizeof whole, "--config %s %s", path, line);
    const bool is_good = parse(whole);
    unlink(path);
    return is_good;
}

START_TEST(times_take_units_and_plain_seconds)
{
    static const struct {
        const char *text;
        int64_t time_ns;
    } times[] = {
        {"30s", 30000000000}, {"30", 30000000000},    {"500ms", 500000000},  {"250us", 250000},
        {"7ns", 7},           {"2m", 120000000000},   {"1h", 3600000000000}, {"0", 0},
        {"1.5s", 1500000000}, {"1d", 86400000000000}, {"0.1", 100000000},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t time_ns = -1;
        ck_assert_msg(option_value_time(times[i].text, &time_ns), "%s", times[i].text);
        ck_assert_int_eq(time_ns, times[i].time_ns);
    }
}
END_TEST

START_TEST(times_of_other_forms_are_refused)
{
    static const char *const texts[] = {"",
                                        "s",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "1 s",
                                        "1x",
                                        "1mm",
                                        "0x1",
                                        "1e3",
                                        "1.",
                                        ".5",
                                        "1.s",
                                        "inf",
                                        "nan",
                                        "1,5",
                                        "1001d",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t time_ns = -1;
        ck_assert_msg(!option_value_time(texts[i], &time_ns), "%s", texts[i]);
        ck_assert_int_eq(time_ns, -1);
    }
}
END_TEST

START_TEST(counts_are_decimal_and_sizes_binary)
{
    uint64_t number;
    ck_assert(option_value_count("1M", &number) && number == 1000000);
    ck_assert(option_value_count("2k", &number) && number == 2000);
    ck_assert(option_value_count("18446744073709551615", &number) && number == UINT64_MAX);
    ck_assert(!option_value_count("18446744073709551616", &number));
    ck_assert(!option_value_count("18446744073709551615k", &number));
    ck_assert(!option_value_count("1K", &number));
    ck_assert(!option_value_count("1.5k", &number));
    ck_assert(!option_value_count("-1", &number));
    ck_assert(option_value_size("512M", &number) && number == 512u << 20);
    ck_assert(option_value_size("1T", &number) && number == UINT64_C(1) << 40);
    ck_assert(option_value_size("4096", &number) && number == 4096);
    ck_assert(!option_value_size("512MB", &number));
    ck_assert(!option_value_size("1m", &number));
}
END_TEST

START_TEST(a_share_is_a_fraction_or_a_percentage)
{
    double share = -1;
    ck_assert(option_value_share("0.001", &share));
    ck_assert_double_eq(share, 0.001);
    ck_assert(option_value_share("0.1%", &share));
    ck_assert_double_eq(share, 0.001);
    ck_assert(option_value_share("100%", &share));
    ck_assert_double_eq(share, 1);
    ck_assert(!option_value_share("0", &share));
    ck_assert(!option_value_share("1.01", &share));
    ck_assert(!option_value_share("101%", &share));
    ck_assert(!option_value_share("1%%", &share));
}
END_TEST

START_TEST(a_key_is_32_hexadecimal_digits)
{
    uint64_t key[2] = {1, 2};
    ck_assert(option_value_key("000102030405060708090a0B0c0D0e0F", key));
    ck_assert_uint_eq(key[0], UINT64_C(0x0001020304050607));
    ck_assert_uint_eq(key[1], UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!option_value_key("000102030405060708090a0b0c0d0e0", key));
    ck_assert(!option_value_key("000102030405060708090a0b0c0d0e0f0", key));
    ck_assert(!option_value_key("0x0102030405060708090a0b0c0d0e0f", key));
}
END_TEST

/* What --help calls the default is what settings_default and options_parse start from. */
START_TEST(defaults_are_as_the_option_list_says)
{
    static const char *const names[] = {
        "snaplen",      "buffer-size",    "fsync",          "stats",           "color",
        "progress",     "idle-timeout",   "active-timeout", "close-timeout",   "max-flows",
        "local-nets",   "window",         "alert-share",    "alerts-per-hour", "warmup",
        "memory",       "batch",          "max-fragments",  "max-hosts",       "max-pairs",
        "max-services", "max-categories", "max-incidents",  "max-flagged",
    };
#define OPTION(id, letter, name, argument, initial, group, text) {name, initial},
    static const struct {
        const char *name, *initial;
    } list[] = {OPTION_LIST(OPTION)};
#undef OPTION
    accept("-r x");
    const struct options defaults = options;
    size_t compared = 0;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            if (strcmp(list[i].name, names[j]) != 0)
                continue;
            char line[256];
            snprintf(line, sizeof line, "-r x --%s %s", list[i].name, list[i].initial);
            accept(line);
            ck_assert_msg(settings_hash(&options.settings) == settings_hash(&defaults.settings),
                          "--%s %s", list[i].name, list[i].initial);
            ck_assert_uint_eq(options.snap_bytes, defaults.snap_bytes);
            ck_assert_uint_eq(options.ring_kib, defaults.ring_kib);
            ck_assert_uint_eq(options.batch_packets, defaults.batch_packets);
            ck_assert_uint_eq(options.settings.anomaly.memory_bytes,
                              defaults.settings.anomaly.memory_bytes);
            ck_assert_int_eq(options.settings.stats_interval_ns,
                             defaults.settings.stats_interval_ns);
            compared++;
        }
    ck_assert_uint_eq(compared, sizeof names / sizeof names[0]);
}
END_TEST

START_TEST(each_option_sets_its_setting)
{
    accept("-r a -r b --idle-timeout 10s --active-timeout 0 --close-timeout 500ms --max-flows 1M "
           "--memory 1G --window 2m --alerts-per-hour 2.5 --alert-share 0.5% --warmup 10,1m "
           "--key-vlan --dedup --max-fragments 2k --stats 0 --online --flood-robust -c 5k -s 128 "
           "-B 1024 -p --inline --batch 7 -q");
    const struct settings *settings = &options.settings;
    ck_assert_uint_eq(options.file_count, 2);
    ck_assert_str_eq(options.files[1], "b");
    ck_assert_int_eq(settings->flow.idle_timeout_ns, 10000000000);
    ck_assert_int_eq(settings->flow.active_timeout_ns, 0);
    ck_assert_int_eq(settings->flow.close_timeout_ns, 500000000);
    ck_assert_uint_eq(settings->flow.max_flows, 1000000);
    ck_assert(settings->flow.vlan_is_in_key && settings->flow.leaves_out_duplicates);
    ck_assert_uint_eq(settings->flow.max_fragments, 2000);
    ck_assert_uint_eq(settings->anomaly.memory_bytes, 1u << 30);
    ck_assert_int_eq(settings->feature.window_ns, 120000000000);
    ck_assert_double_eq(settings->anomaly.alerts_per_hour, 2.5);
    ck_assert_double_eq(settings->anomaly.alert_share, 0.005);
    ck_assert_uint_eq(settings->anomaly.warmup_flows, 10);
    ck_assert_int_eq(settings->anomaly.warmup_ns, 60000000000);
    ck_assert_int_eq(settings->stats_interval_ns, 0);
    ck_assert_int_eq(settings->anomaly.mode, ANOMALY_MODE_ONLINE);
    ck_assert_double_eq(settings->anomaly.flood_exponent, 1);
    ck_assert_uint_eq(options.max_packets, 5000);
    ck_assert_uint_eq(options.snap_bytes, 128);
    ck_assert_uint_eq(options.ring_kib, 1024);
    ck_assert(options.is_not_promiscuous && options.is_inline && options.is_quiet);
    ck_assert_uint_eq(options.batch_packets, 7);
}
END_TEST

START_TEST(local_nets_replace_the_default)
{
    accept("-r x --local-nets 10.37.0.0/16,fd37:0:0:10::/64");
    ck_assert_uint_eq(options.settings.feature.local_net_count, 2);
    ck_assert_uint_eq(options.settings.feature.local_nets[1].prefix_bits, 64);
    refuse("-r x --local-nets 10.0.0.0/33", "--local-nets", "10.0.0.0/33");
}
END_TEST

START_TEST(one_hash_key_is_set_in_every_room)
{
    accept("-r x --hash-key 000102030405060708090a0b0c0d0e0f");
    ck_assert(options.has_hash_key && !options.has_sketch_key);
    ck_assert_uint_eq(options.settings.flow.hash_key[0], UINT64_C(0x0001020304050607));
    ck_assert_uint_eq(options.settings.feature.hash_key[1], UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert_uint_eq(options.settings.anomaly.hash_key[0], UINT64_C(0x0001020304050607));
}
END_TEST

START_TEST(a_live_run_is_online_and_a_replay_is_not)
{
    accept("-i eth0 -i eth1");
    ck_assert(options.is_live);
    ck_assert_uint_eq(options.interface_count, 2);
    ck_assert_int_eq(options.settings.anomaly.mode, ANOMALY_MODE_ONLINE);
    accept("-r x");
    ck_assert(!options.is_live);
    ck_assert_int_eq(options.settings.anomaly.mode, ANOMALY_MODE_CAPTURE);
}
END_TEST

START_TEST(words_at_the_end_are_the_filter)
{
    accept("-r x tcp port 80 -c 3 or udp");
    ck_assert_str_eq(options.filter, "tcp port 80 or udp");
    ck_assert_uint_eq(options.max_packets, 3);
    options_deinit(&options);
    accept("-r x -f icmp");
    ck_assert_str_eq(options.filter, "icmp");
    accept("-r x");
    ck_assert_ptr_null(options.filter);
    refuse("-r x -f icmp tcp", "tcp", "-f or -F");
    refuse("-r x -f icmp -F /dev/null", "-F", "one of");
}
END_TEST

START_TEST(a_filter_file_may_hold_comments)
{
    char line[256];
    const char *path = write_file("# web\ntcp port 80 # and\nor udp");
    snprintf(line, sizeof line, "-r x -F %s", path);
    accept(line);
    unlink(path);
    ck_assert_ptr_null(strchr(options.filter, '#'));
    ck_assert_ptr_null(strstr(options.filter, "web"));
    ck_assert_ptr_nonnull(strstr(options.filter, "tcp port 80"));
    ck_assert_ptr_nonnull(strstr(options.filter, "\nor udp"));
    options_deinit(&options);
    refuse(line, "-F (--filter-file)", "No such file");
}
END_TEST

START_TEST(a_suppress_file_is_read_at_start_and_decides_output)
{
    char line[256];
    accept("-r x");
    const uint64_t without = settings_hash(&options.settings);
    const char *path = write_file("port 443 # web\n\nnet 10.0.0.0/8 until 2026-12-31\n");
    snprintf(line, sizeof line, "-r x --suppress %s", path);
    accept(line);
    unlink(path);
    ck_assert_ptr_eq(options.settings.suppress, options.suppress);
    ck_assert_uint_eq(options.suppress->count, 2);
    ck_assert_uint_ne(settings_hash(&options.settings), without);
    options_deinit(&options);
    refuse(line, "--suppress", "No such file");
    path = write_file("port 443\nport web\n");
    snprintf(line, sizeof line, "-T -r x --suppress %s", path);
    refuse(line, path, "line 2: 'web' is not a port");
    unlink(path);
}
END_TEST

START_TEST(an_output_names_format_records_and_destination)
{
    accept("-r x -o text:- -o csv:f.csv -o native+all:/tmp/a:b -o csv+alerts:c -o ./d:e -o /f");
    static const struct options_output expected[] = {
        {OPTIONS_FORMAT_TEXT, OPTIONS_RECORDS_ALERTS, "-"},
        {OPTIONS_FORMAT_CSV, OPTIONS_RECORDS_FLOWS, "f.csv"},
        {OPTIONS_FORMAT_NATIVE, OPTIONS_RECORDS_ALL, "/tmp/a:b"},
        {OPTIONS_FORMAT_CSV, OPTIONS_RECORDS_ALERTS, "c"},
        {OPTIONS_FORMAT_NATIVE, OPTIONS_RECORDS_ALERTS, "./d:e"},
        {OPTIONS_FORMAT_NATIVE, OPTIONS_RECORDS_ALERTS, "/f"},
    };
    ck_assert_uint_eq(options.output_count, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(options.outputs[i].format, expected[i].format);
        ck_assert_int_eq(options.outputs[i].records, expected[i].records);
        ck_assert_str_eq(options.outputs[i].destination, expected[i].destination);
    }
    ck_assert(options.settings.emit_alerts && options.settings.emit_flows);
}
END_TEST

START_TEST(an_output_takes_format_and_records_where_it_does_not_say)
{
    accept("-r x --records flows --format text -o a -o native:b -o csv+all:c");
    ck_assert_int_eq(options.outputs[0].format, OPTIONS_FORMAT_TEXT);
    ck_assert_int_eq(options.outputs[0].records, OPTIONS_RECORDS_FLOWS);
    ck_assert_int_eq(options.outputs[1].format, OPTIONS_FORMAT_NATIVE);
    ck_assert_int_eq(options.outputs[1].records, OPTIONS_RECORDS_FLOWS);
    ck_assert_int_eq(options.outputs[2].records, OPTIONS_RECORDS_ALL);
    accept("-r x --format native");
    ck_assert_uint_eq(options.output_count, 1);
    ck_assert_str_eq(options.outputs[0].destination, "-");
    ck_assert(options.settings.emit_alerts && !options.settings.emit_flows);
}
END_TEST

START_TEST(bad_outputs_are_refused)
{
    refuse("-r x -o unix:/run/x", "-o (--output)", "native|text|csv");
    refuse("-r x -o eve:a", "eve", "native|text|csv");
    refuse("-r x -o nativ:a", "nativ", "native|text|csv");
    refuse("-r x -o native+some:a", "native+some", "alerts|flows|all");
    refuse("-r x -o native+:a", "-o", "alerts|flows|all");
    refuse("-r x -o text:", "-o", "no destination");
    refuse("-r x -o a -o text:a", "'a'", "once");
}
END_TEST

START_TEST(bad_values_are_refused_and_the_option_named)
{
    refuse("-r x --idle-timeout soon", "--idle-timeout", "30s");
    refuse("-r x --window 0", "--window", "from 1 to 3600");
    refuse("-r x -c 0", "-c (--count)", "from 1");
    refuse("-r x --max-flows 1", "--max-flows", "from 16 to 67108864");
    refuse("-r x --max-flows 4294967312", "--max-flows", "from 16 to 67108864");
    refuse("-r x --memory 10", "--memory", "512M");
    refuse("-r x --warmup 10", "--warmup", "2000,30m");
    refuse("-r x --warmup ,1m", "--warmup", "2000,30m");
    refuse("-r x --alert-share 0", "--alert-share", "up to 1");
    refuse("-r x --alerts-per-hour -1", "--alerts-per-hour", "number");
    refuse("-r x --format yaml", "--format", "native|text|csv");
    refuse("-r x --fsync always", "--fsync", "none|1s|record");
    refuse("-r x --sketch-key 12", "--sketch-key", "32 hexadecimal");
    refuse("-r x --sensor a/b", "--sensor", "allowed");
    refuse("-r x --batch 4097", "--batch", "4096");
    refuse("-r x --online=yes", "--online", "no value");
    refuse("-r x -c", "-c (--count)", "needs a value");
    refuse("-r x --set colour=1", "--set", "colour");
    refuse("-r x --set online", "--set", "KEY=VALUE");
    refuse("-r x --set online=1", "--online", "true or false");
    refuse("-i eth0 --inline", "--inline", "--read");
}
END_TEST

START_TEST(empty_values_are_refused)
{
    char letter[] = "-r";
    char nothing[] = "";
    ck_assert(!parse_words(2, (char *[]){letter, nothing}));
    ck_assert_ptr_nonnull(strstr(error, "-r (--read): an empty value"));
}
END_TEST

/* Options of later versions are unknown, not ignored. */
START_TEST(unknown_options_are_refused)
{
    refuse("-r x --baselines=b", "--baselines", "unknown option --baselines (");
    refuse("-r x --dedupe", "--dedupe", "unknown option");
    refuse("-r x -Z nobody", "-Z", "unknown option");
}
END_TEST

START_TEST(a_replay_with_a_baseline_is_online_and_flags_by_share)
{
    accept("-r x --baseline b --frozen");
    ck_assert_str_eq(options.baseline, "b");
    ck_assert_int_eq(options.settings.anomaly.mode, ANOMALY_MODE_ONLINE);
    ck_assert(options.settings.anomaly.alerts_by_share);
    ck_assert(options.settings.anomaly.is_frozen);
    accept("-r x --baseline b --online --save-baseline b");
    ck_assert(!options.settings.anomaly.alerts_by_share);
    ck_assert_str_eq(options.save_baseline, "b");
    accept("-i x --baseline b");
    ck_assert(!options.settings.anomaly.alerts_by_share);
    accept("-r x --save-baseline b");
    ck_assert_int_eq(options.settings.anomaly.mode, ANOMALY_MODE_CAPTURE);
}
END_TEST

START_TEST(baselines_to_merge_are_a_list_and_need_a_place_for_the_sum)
{
    accept("--merge-baselines a,b/c,d --save-baseline e");
    ck_assert_int_eq(options.action, OPTIONS_ACTION_MERGE);
    ck_assert_uint_eq(options.merge_count, 3);
    ck_assert_str_eq(options.merge_files[1], "b/c");
    refuse("--merge-baselines a,b", "--merge-baselines", "--save-baseline");
    refuse("--merge-baselines a,,b --save-baseline e", "--merge-baselines", "empty");
    refuse("--merge-baselines a --save-baseline e -r x", "--merge-baselines", "reads no packets");
    refuse("-r x --frozen", "--frozen", "with --baseline only");
    refuse("-r x --frozen --baseline b --save-baseline c", "--frozen", "nothing is learnt");
}
END_TEST

START_TEST(input_is_one_kind_and_must_be_there)
{
    refuse("", "-i", "-r FILE");
    refuse("-i eth0 -r x", "-i", "not both");
    refuse("-r - -r -", "-r", "once");
    refuse("-R x -r y", "-R", "reads flows");
    refuse("-i eth0 -R x", "-R", "reads flows");
    refuse("-R x tcp", "-R", "filter");
    refuse("-R x -f tcp", "-R", "filter");
    refuse("-R x -w y", "-R", "-w");
    refuse("-R x -c 5", "-R", "-c");
    refuse("-R - -R -", "-R", "once");
    refuse("-L -R x", "-L", "link type");
    accept("-R x --rescore y");
    ck_assert_uint_eq(options.flow_file_count, 2);
    ck_assert_str_eq(options.flow_files[1], "y");
    ck_assert(!options.is_live);
    accept("-T");
    ck_assert_int_eq(options.action, OPTIONS_ACTION_TEST);
    accept("-D");
    ck_assert_int_eq(options.action, OPTIONS_ACTION_LIST_INTERFACES);
    accept("-h");
    ck_assert_int_eq(options.action, OPTIONS_ACTION_HELP);
    accept("-V");
    ck_assert_int_eq(options.action, OPTIONS_ACTION_VERSION);
    refuse("-L", "-i", "-r FILE");
}
END_TEST

START_TEST(config_file_sets_what_the_command_line_leaves_open)
{
    ck_assert_msg(parse_config("# a comment\n"
                               "read = from_config   # and one here\r\n"
                               "\n"
                               "  idle-timeout=10s\n"
                               "window =  2m\n"
                               "online = true\n"
                               "filter = tcp port 80 and host a#b\n"
                               "output = text:-\n"
                               "output = csv:flows.csv",
                               "--window 90s"),
                  "%s", error);
    ck_assert_str_eq(options.files[0], "from_config");
    ck_assert_int_eq(options.settings.flow.idle_timeout_ns, 10000000000);
    ck_assert_int_eq(options.settings.feature.window_ns, 90000000000);
    ck_assert_str_eq(options.filter, "tcp port 80 and host a#b");
    ck_assert_uint_eq(options.output_count, 2);
    ck_assert_int_eq(options.settings.anomaly.mode, ANOMALY_MODE_ONLINE);
    options_deinit(&options);
}
END_TEST

START_TEST(command_line_goes_before_the_config_file)
{
    static const char config[] = "interface = eth0\n"
                                 "output = a\noutput = b\n"
                                 "filter = tcp\n"
                                 "online = true\n";
    ck_assert_msg(parse_config(config, "-r x -o c --set online=false udp"), "%s", error);
    ck_assert(!options.is_live);
    ck_assert_uint_eq(options.interface_count, 0);
    ck_assert_uint_eq(options.output_count, 1);
    ck_assert_str_eq(options.outputs[0].destination, "c");
    ck_assert_str_eq(options.filter, "udp");
    ck_assert_int_eq(options.settings.anomaly.mode, ANOMALY_MODE_CAPTURE);
    options_deinit(&options);
}
END_TEST

START_TEST(config_errors_name_file_and_line)
{
    ck_assert(!parse_config("window = 1m\n\nwindow = never\n", "-r x"));
    ck_assert_ptr_nonnull(strstr(error, ":3: window: 'never'"));
    ck_assert(!parse_config("colour = red\n", "-r x"));
    ck_assert_ptr_nonnull(strstr(error, ":1: unknown key 'colour'"));
    ck_assert(!parse_config("online\n", "-r x"));
    ck_assert_ptr_nonnull(strstr(error, ":1: 'online' is not 'key = value'"));
    ck_assert(!parse_config("read =\n", ""));
    ck_assert_ptr_nonnull(strstr(error, ":1: read: an empty value"));
    ck_assert(!parse_config("help = true\n", "-r x"));
    ck_assert_ptr_nonnull(strstr(error, ":1: unknown key 'help'"));
    ck_assert(!parse_config("config = x\n", "-r x"));
    ck_assert_ptr_nonnull(strstr(error, ":1: unknown key 'config'"));
    refuse("-r x --config /nonexistent/file", "--config", "No such file");
    refuse("-r x --config /dev/null --config /dev/null", "--config", "once");
}
END_TEST

START_TEST(help_names_every_option_within_100_columns)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    options_print_help(file);
    fclose(file);
#define OPTION(id, letter, name, argument, initial, group, meaning) \
    ck_assert_ptr_nonnull(strstr(text, "--" name));
    OPTION_LIST(OPTION)
#undef OPTION
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 100);
    free(text);
}
END_TEST

static void add_value_tests(TCase *tests)
{
    tcase_add_test(tests, times_take_units_and_plain_seconds);
    tcase_add_test(tests, times_of_other_forms_are_refused);
    tcase_add_test(tests, counts_are_decimal_and_sizes_binary);
    tcase_add_test(tests, a_share_is_a_fraction_or_a_percentage);
    tcase_add_test(tests, a_key_is_32_hexadecimal_digits);
}

static void add_option_tests(TCase *tests)
{
    tcase_add_test(tests, defaults_are_as_the_option_list_says);
    tcase_add_test(tests, each_option_sets_its_setting);
    tcase_add_test(tests, local_nets_replace_the_default);
    tcase_add_test(tests, one_hash_key_is_set_in_every_room);
    tcase_add_test(tests, a_live_run_is_online_and_a_replay_is_not);
    tcase_add_test(tests, words_at_the_end_are_the_filter);
    tcase_add_test(tests, a_filter_file_may_hold_comments);
    tcase_add_test(tests, a_suppress_file_is_read_at_start_and_decides_output);
    tcase_add_test(tests, an_output_names_format_records_and_destination);
    tcase_add_test(tests, an_output_takes_format_and_records_where_it_does_not_say);
    tcase_add_test(tests, bad_outputs_are_refused);
    tcase_add_test(tests, bad_values_are_refused_and_the_option_named);
    tcase_add_test(tests, empty_values_are_refused);
    tcase_add_test(tests, unknown_options_are_refused);
    tcase_add_test(tests, a_replay_with_a_baseline_is_online_and_flags_by_share);
    tcase_add_test(tests, baselines_to_merge_are_a_list_and_need_a_place_for_the_sum);
    tcase_add_test(tests, input_is_one_kind_and_must_be_there);
    tcase_add_test(tests, help_names_every_option_within_100_columns);
}

static void add_config_tests(TCase *tests)
{
    tcase_add_test(tests, config_file_sets_what_the_command_line_leaves_open);
    tcase_add_test(tests, command_line_goes_before_the_config_file);
    tcase_add_test(tests, config_errors_name_file_and_line);
}

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *values = tcase_create("values");
    TCase *command_line = tcase_create("command line");
    TCase *config = tcase_create("config file");
    add_value_tests(values);
    add_option_tests(command_line);
    add_config_tests(config);
    suite_add_tcase(suite, values);
    suite_add_tcase(suite, command_line);
    suite_add_tcase(suite, config);
    return suite;
}
