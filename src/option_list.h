/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of options. --help, the config file's keys, the man page and the completion are made
 * from it; src/option_set.c says what each one sets.
 *
 * OPTION(ID, letter, name, argument, initial, group, text)
 *   letter    0: none
 *   argument  NULL: a switch; words separated by | are the only ones allowed
 *   initial   what holds without it, in words; NULL: nothing, or off
 *   group     a heading of OPTION_GROUP_LIST
 * Options of the groups CONFIGURATION and INFORMATION are not keys of the config file. */
#ifndef WHYFLOW_OPTION_LIST_H
#define WHYFLOW_OPTION_LIST_H

/* clang-format off */
#define OPTION_GROUP_LIST(GROUP) \
    GROUP(INPUT, "Input") \
    GROUP(OUTPUT, "Output") \
    GROUP(FLOWS, "Flows") \
    GROUP(ANOMALY, "What is unusual") \
    GROUP(OPERATION, "Operation") \
    GROUP(CONFIGURATION, "Configuration") \
    GROUP(INFORMATION, "Information") \
    GROUP(TESTING, "Testing")

#define OPTION_LIST(OPTION) \
    OPTION(INTERFACE, 'i', "interface", "IF", NULL, INPUT, \
           "capture from interface IF; again for a second side, merged by time") \
    OPTION(READ, 'r', "read", "FILE|DIR|-", NULL, INPUT, \
           "replay FILE (also .gz, .zst), captures in DIR or standard input; again: merged by time") \
    OPTION(RESCORE, 'R', "rescore", "FILE|-", NULL, INPUT, \
           "score the flow lines of FILE (also .gz, .zst) or standard input again; again: merged") \
    OPTION(FILTER, 'f', "filter", "EXPR", NULL, INPUT, \
           "only packets that match the BPF filter EXPR; it may also stand at the end") \
    OPTION(FILTER_FILE, 'F', "filter-file", "FILE", NULL, INPUT, \
           "read the filter from FILE; # starts a comment") \
    OPTION(PACKETS, 'c', "count", "N", NULL, INPUT, \
           "stop after N packets") \
    OPTION(SNAPLEN, 's', "snaplen", "BYTES", "262144", INPUT, \
           "capture at most so many bytes of each packet") \
    OPTION(BUFFER, 'B', "buffer-size", "KiB", "65536", INPUT, \
           "size of the kernel's ring") \
    OPTION(NO_PROMISCUOUS, 'p', "no-promiscuous", NULL, NULL, INPUT, \
           "do not put the interface into promiscuous mode") \
    OPTION(OUTPUT, 'o', "output", "[FORMAT[+RECORDS]:]DEST", "-", OUTPUT, \
           "write records to DEST: - is standard output, else a path; again for more") \
    OPTION(FORMAT, 0, "format", "native|text|csv", "text at a terminal, else native", OUTPUT, \
           "format of an output that names none") \
    OPTION(RECORDS, 0, "records", "alerts|flows|all", "alerts; csv: flows", OUTPUT, \
           "records of an output that names none; stats come with each") \
    OPTION(WRITE, 'w', "write", "FILE", NULL, OUTPUT, \
           "write every packet read to FILE, with nanoseconds") \
    OPTION(FLAGGED_PCAP, 0, "flagged-pcap", "FILE", NULL, OUTPUT, \
           "replay: write the packets of flagged flows to FILE; the input is read a second time") \
    OPTION(MAX_FLAGGED, 0, "max-flagged", "N", "1048576", OUTPUT, \
           "flagged flows that --flagged-pcap writes; those beyond are counted") \
    OPTION(FSYNC, 0, "fsync", "none|1s|record", "none", OUTPUT, \
           "when files are forced to the disk") \
    OPTION(STATS, 0, "stats", "TIME", "60s", OUTPUT, \
           "a stats record every TIME of trace time; 0: only the final one") \
    OPTION(COLOR, 0, "color", "auto|never|always", "auto", OUTPUT, \
           "colours in text; auto: at a terminal, unless NO_COLOR is set") \
    OPTION(PROGRESS, 0, "progress", "auto|never", "auto", OUTPUT, \
           "progress of a replay on standard error; auto: at a terminal") \
    OPTION(IDLE_TIMEOUT, 0, "idle-timeout", "TIME", "30s", FLOWS, \
           "a flow ends after so long without a packet; 0: never") \
    OPTION(ACTIVE_TIMEOUT, 0, "active-timeout", "TIME", "120s", FLOWS, \
           "a longer flow is cut into slices; 0: never") \
    OPTION(CLOSE_TIMEOUT, 0, "close-timeout", "TIME", "5s", FLOWS, \
           "a closed TCP flow ends after so long without a packet; 0: as any other") \
    OPTION(MAX_FLOWS, 0, "max-flows", "N", "1048576", FLOWS, \
           "flows open at a time; beyond it the least active are ended early") \
    OPTION(KEY_VLAN, 0, "key-vlan", NULL, NULL, FLOWS, \
           "flows of different VLANs are different; without it tags are only recorded") \
    OPTION(DEDUP, 0, "dedup", NULL, NULL, FLOWS, \
           "leave copies of packets, as mirror ports make them, out of the flows' counts") \
    OPTION(MAX_FRAGMENTS, 0, "max-fragments", "N", "16384", FLOWS, \
           "fragmented packets followed at a time, so that later fragments find their flow") \
    OPTION(LOCAL_NETS, 0, "local-nets", "CIDR,...", \
           "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10", FLOWS, \
           "networks that are inside: direction is told by them") \
    OPTION(WINDOW, 0, "window", "TIME", "60s", FLOWS, \
           "the time over which *_window features count") \
    OPTION(ALERT_SHARE, 0, "alert-share", "P", "1%", ANOMALY, \
           "replay: flag this share of the flows, at least one (--baseline: p up to it); 0.001 or 0.1%") \
    OPTION(ALERTS_PER_HOUR, 0, "alerts-per-hour", "N", "6", ANOMALY, \
           "live and --online: incidents wanted in an hour; each is an alert or more") \
    OPTION(WARMUP, 0, "warmup", "FLOWS,TIME", "2000,30m", ANOMALY, \
           "live and --online: no alert before so many flows and so much time") \
    OPTION(SUPPRESS, 0, "suppress", "FILE", NULL, ANOMALY, \
           "do not flag what FILE's rules name, e.g. net 10.1.2.0/24 port 443 until 2026-12-31; " \
           "read at start only") \
    OPTION(ONLINE, 0, "online", NULL, NULL, ANOMALY, \
           "replay as if live: score each flow by those before it, then learn it") \
    OPTION(BASELINE, 0, "baseline", "FILE", NULL, ANOMALY, \
           "start from a saved baseline; a replay compares with it, in one pass") \
    OPTION(SAVE_BASELINE, 0, "save-baseline", "FILE", NULL, ANOMALY, \
           "save what was learnt: at the end, live also every hour; the one before: FILE.previous") \
    OPTION(MERGE_BASELINES, 0, "merge-baselines", "FILE,FILE,...", NULL, ANOMALY, \
           "add saved baselines into --save-baseline and exit, without reading packets") \
    OPTION(FROZEN, 0, "frozen", NULL, NULL, ANOMALY, \
           "with --baseline: judge by it alone, learn nothing") \
    OPTION(FLOOD_ROBUST, 0, "flood-robust", NULL, NULL, ANOMALY, \
           "learn a burst of like flows as one, so that a flood does not become normal") \
    OPTION(MAX_HOSTS, 0, "max-hosts", "N", "32768", ANOMALY, \
           "sources and destinations remembered at a time, each") \
    OPTION(MAX_PAIRS, 0, "max-pairs", "N", "65536", ANOMALY, \
           "pairs of source and destination remembered at a time") \
    OPTION(MAX_SERVICES, 0, "max-services", "N", "128", ANOMALY, \
           "services with a baseline of their own") \
    OPTION(MAX_CATEGORIES, 0, "max-categories", "N", "65536", ANOMALY, \
           "categories (services, states, sizes) told apart in the baseline") \
    OPTION(MAX_INCIDENTS, 0, "max-incidents", "N", "4096", ANOMALY, \
           "incidents open at a time") \
    OPTION(MEMORY, 0, "memory", "SIZE", "512M", ANOMALY, \
           "replay: keep finished flows in memory up to SIZE, beyond that in a temporary file") \
    OPTION(SKETCH_KEY, 0, "sketch-key", "HEX", "live: random; replay: fixed", ANOMALY, \
           "32 hexadecimal digits: key of the distinct counters; part of the output") \
    OPTION(SENSOR, 0, "sensor", "NAME", "live: host name; replay: replay", OPERATION, \
           "name of this sensor in records") \
    OPTION(PIDFILE, 0, "pidfile", "FILE", NULL, OPERATION, \
           "write the process id to FILE, remove it at the end") \
    OPTION(FAIL_ON_ALERT, 0, "fail-on-alert", NULL, NULL, OPERATION, \
           "exit code 10 if there were alerts") \
    OPTION(VERBOSE, 'v', "verbose", NULL, NULL, OPERATION, \
           "more messages on standard error; with text, the long prose of alerts") \
    OPTION(QUIET, 'q', "quiet", NULL, NULL, OPERATION, \
           "only errors on standard error, no closing table") \
    OPTION(CONFIG, 0, "config", "FILE", NULL, CONFIGURATION, \
           "read options from FILE: name = value, a line each; the command line goes before it") \
    OPTION(SET, 0, "set", "KEY=VALUE", NULL, CONFIGURATION, \
           "set an option as a line of the config file does, e.g. online=false") \
    OPTION(TEST, 'T', "test", NULL, NULL, CONFIGURATION, \
           "test the configuration and exit; with -v print the hash of the settings") \
    OPTION(LIST_INTERFACES, 'D', "list-interfaces", NULL, NULL, INFORMATION, \
           "list the interfaces and exit") \
    OPTION(LIST_LINK_TYPES, 'L', "list-link-types", NULL, NULL, INFORMATION, \
           "list the link types of the interface or file and exit") \
    OPTION(HELP, 'h', "help", NULL, NULL, INFORMATION, \
           "show this help and exit") \
    OPTION(VERSION, 'V', "version", NULL, NULL, INFORMATION, \
           "show versions and exit") \
    OPTION(INLINE, 0, "inline", NULL, NULL, TESTING, \
           "replay on one thread; the output is the same") \
    OPTION(HASH_KEY, 0, "hash-key", "HEX", "random", TESTING, \
           "32 hexadecimal digits: key of the hash tables; the output is the same") \
    OPTION(BATCH, 0, "batch", "N", "64", TESTING, \
           "packets handled at a time, 1 to 4096; the output is the same")
/* clang-format on */

#endif
