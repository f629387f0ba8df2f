# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Made by contrib/generate.c from src/option_list.h: change that.

_whyflow() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local words='' kind=''
    case $before in
    -i | --interface)
        words=$(command ls /sys/class/net 2>/dev/null)
        ;;
    -r | --read)
        kind=-f
        ;;
    -R | --rescore)
        kind=-f
        ;;
    -f | --filter)
        kind=none
        ;;
    -F | --filter-file)
        kind=-f
        ;;
    -c | --count)
        kind=none
        ;;
    -s | --snaplen)
        kind=none
        ;;
    -B | --buffer-size)
        kind=none
        ;;
    -o | --output)
        kind=-f
        ;;
    --format)
        words='native|text|csv'
        ;;
    --records)
        words='alerts|flows|all'
        ;;
    -w | --write)
        kind=-f
        ;;
    --flagged-pcap)
        kind=-f
        ;;
    --max-flagged)
        kind=none
        ;;
    --fsync)
        words='none|1s|record'
        ;;
    --stats)
        kind=none
        ;;
    --color)
        words='auto|never|always'
        ;;
    --progress)
        words='auto|never'
        ;;
    --idle-timeout)
        kind=none
        ;;
    --active-timeout)
        kind=none
        ;;
    --close-timeout)
        kind=none
        ;;
    --max-flows)
        kind=none
        ;;
    --max-fragments)
        kind=none
        ;;
    --local-nets)
        kind=none
        ;;
    --window)
        kind=none
        ;;
    --alert-share)
        kind=none
        ;;
    --alerts-per-hour)
        kind=none
        ;;
    --warmup)
        kind=none
        ;;
    --suppress)
        kind=-f
        ;;
    --baseline)
        kind=-f
        ;;
    --save-baseline)
        kind=-f
        ;;
    --merge-baselines)
        kind=-f
        ;;
    --max-hosts)
        kind=none
        ;;
    --max-pairs)
        kind=none
        ;;
    --max-services)
        kind=none
        ;;
    --max-categories)
        kind=none
        ;;
    --max-incidents)
        kind=none
        ;;
    --memory)
        kind=none
        ;;
    --sketch-key)
        kind=none
        ;;
    --sensor)
        kind=none
        ;;
    --pidfile)
        kind=-f
        ;;
    --config)
        kind=-f
        ;;
    --set)
        kind=none
        ;;
    --hash-key)
        kind=none
        ;;
    --batch)
        kind=none
        ;;
    *)
        words='--interface
            --read
            --rescore
            --filter
            --filter-file
            --count
            --snaplen
            --buffer-size
            --no-promiscuous
            --output
            --format
            --records
            --write
            --flagged-pcap
            --max-flagged
            --fsync
            --stats
            --color
            --progress
            --idle-timeout
            --active-timeout
            --close-timeout
            --max-flows
            --key-vlan
            --dedup
            --max-fragments
            --local-nets
            --window
            --alert-share
            --alerts-per-hour
            --warmup
            --suppress
            --online
            --baseline
            --save-baseline
            --merge-baselines
            --frozen
            --flood-robust
            --max-hosts
            --max-pairs
            --max-services
            --max-categories
            --max-incidents
            --memory
            --sketch-key
            --sensor
            --pidfile
            --fail-on-alert
            --verbose
            --quiet
            --config
            --set
            --test
            --list-interfaces
            --list-link-types
            --help
            --version
            --inline
            --hash-key
            --batch'
        ;;
    esac
    COMPREPLY=()
    [ "$kind" = none ] && return
    if [ "$kind" = -f ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$word")
    fi
}
complete -o filenames -o bashdefault -F _whyflow whyflow
