/* SPDX-License-Identifier: Apache-2.0 */
/* THE TABLE of rules for prose: where, when, what is said. To say something new: a row here, its
 * condition in prose_condition.c, its fields in prose_field.c. Constant data. */
#include "explain/prose.h"

#include "explain/prose_condition.h"

/* Sentences of one place stand in the order of their weight: what does not fit at a line's end is
 * what matters least. */
/* clang-format off */
const struct prose_rule prose_rules[] = {
    {PROSE_TEXT, when_resembles,
     "{protocol} flow from {source} to {destination} resembles {behaviour}: {evidence}."},
    {PROSE_TEXT, when_is_the_only_one,
     "{protocol} flow from {source} to {destination}{service_note} is the only one: there is "
     "nothing to compare it with."},
    {PROSE_TEXT, when_does_not_stand_out,
     "{protocol} flow from {source} to {destination}{service_note} scores among the highest "
     "of {compared}, yet does not stand out from them: {reasons}."},
    {PROSE_TEXT, when_stands_out_of_few,
     "{protocol} flow from {source} to {destination}{service_note} is {grade} compared with "
     "only {compared}: {reasons}."},
    {PROSE_TEXT, when_stands_out_of_many,
     "{protocol} flow from {source} to {destination}{service_note} is {grade} compared with "
     "{compared}: {reasons}."},

    {PROSE_WHAT, when_is_attempted,
     "TCP connection attempt{service} that nobody answered: {sent}{in_duration}."},
    {PROSE_WHAT, when_is_refused,
     "TCP connection attempt{service}, refused by a reset: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, when_is_half_open,
     "TCP handshake{service} that the initiator did not complete: {sent}, "
     "{received}{in_duration}."},
    {PROSE_WHAT, when_is_established,
     "TCP connection{service}, not seen to end: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, when_is_closed,
     "TCP connection{service}, closed by both sides: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, when_is_reset,
     "TCP connection{service}, ended by a reset: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, when_is_midstream,
     "TCP flow{service}, its beginning not seen: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, when_is_continued,
     "{protocol} flow{service} that goes on with an earlier one: {sent}, "
     "{received}{in_duration}."},
    {PROSE_WHAT, when_is_answered, "{protocol} exchange{service}: {sent}, {received}{in_duration}."},
    {PROSE_WHAT, when_is_one_way, "{protocol} flow{service}, one way: {sent}{in_duration}."},
    {PROSE_WHAT, when_was_tunnelled, "Carried in {tunnels} between {outer_source} and {outer_target}."},
    {PROSE_WHAT, when_was_labelled, "Carried in {tunnels}."},
    {PROSE_WHAT, when_has_rates, "That is {byte_rate} and {packet_rate}."},
    {PROSE_WHAT, when_has_packets_sent, "Packets sent carry {mean_packet} on average."},

    {PROSE_UNUSUAL, when_resembles,
     "With flows before it, it resembles {behaviour}: {first_evidence}."},
    {PROSE_UNUSUAL, when_resembles_by_more, "Also {second_evidence}."},
    {PROSE_UNUSUAL, when_resembles, "By itself it scores as 1 in {rank}."},
    {PROSE_UNUSUAL, when_is_the_only_one, "It is the only flow: there is nothing to compare it with."},
    {PROSE_UNUSUAL, when_does_not_stand_out,
     "It scores among the highest of {compared}, yet does not stand out from them."},
    {PROSE_UNUSUAL, when_stands_out_of_few,
     "{Grade} compared with only {compared}, too few to say how rare it is."},
    {PROSE_UNUSUAL, when_stands_out_of_many,
     "{Grade} compared with {compared}: 1 in {rank} scores as high."},
    {PROSE_UNUSUAL, when_has_first_reason, "Chiefly {first_reason}."},
    {PROSE_UNUSUAL, when_has_second_reason, "Then {second_reason}."},
    {PROSE_UNUSUAL, when_has_third_reason, "Also {third_reason}."},

    {PROSE_AROUND, when_source_holds_ipv4, "The source is {source_kind}, for {source_ipv4}."},
    {PROSE_AROUND, when_destination_holds_ipv4,
     "The destination is {destination_kind}, for {destination_ipv4}."},
    {PROSE_AROUND, when_source_is_special, "The source is {source_kind}."},
    {PROSE_AROUND, when_destination_is_special, "The destination is {destination_kind}."},
    {PROSE_AROUND, when_has_one_gap, "The two packets sent came {gap_mean} apart."},
    {PROSE_AROUND, when_has_gaps,
     "Packets sent came {gap_mean} apart on average ({gap_min} to {gap_max})."},
    {PROSE_AROUND, when_has_mean_gap_only, "Packets sent came {gap_mean} apart on average."},
    {PROSE_AROUND, when_has_retransmissions,
     "Of its TCP segments {retransmitted} were sent again."},
    {PROSE_AROUND, when_has_windows,
     "In the window the source had {source_flows} to {source_peers}, the destination "
     "{destination_flows} from {destination_sources}."},
    {PROSE_AROUND, when_is_new_pair, "No earlier flow of the two is remembered."},
    {PROSE_AROUND, when_has_longest_silence, "The longest silence was {longest_gap}."},
    {PROSE_AROUND, when_has_handshake, "The handshake took {handshake}."},
    {PROSE_AROUND, when_has_zero_windows, "A receive window fell to zero {zero_windows}."},

    {PROSE_LIMITS, when_is_cold, "It was scored before the warm-up was over."},
    {PROSE_LIMITS, when_had_kernel_drops, "The capture lost packets meanwhile."},
    {PROSE_LIMITS, when_saw_only_source, "Only the source's packets were seen."},
    {PROSE_LIMITS, when_saw_only_destination, "Only the destination's packets were seen."},
    {PROSE_LIMITS, when_is_slice, "It is a part of a longer flow."},
    {PROSE_LIMITS, when_is_first_sender_taken,
     "Who began was not seen: the sender of the first packet is taken for the initiator."},
    {PROSE_LIMITS, when_is_port_taken, "Who began was not seen: the initiator is told by the ports."},
    {PROSE_LIMITS, when_has_coarse_time,
     "Its time stamps are whole milliseconds: shorter gaps were not measured."},
    {PROSE_LIMITS, when_is_truncated,
     "Packets were captured in part; sizes are those of their headers."},
    {PROSE_LIMITS, when_has_duplicates,
     "{copies} of its packets came too, as mirror ports make them."},
    {PROSE_LIMITS, when_has_overlapping_fragments,
     "Of its {fragments} {overlapping} brought bytes twice or beyond the end."},
    {PROSE_LIMITS, when_lacks_first_fragments,
     "Of its {fragments} {first_missing} came without the first, which has the ports."},
    {PROSE_LIMITS, when_was_evicted, "It was ended early: the flow table was full."},
    {PROSE_LIMITS, when_is_window_cut, "Counts over the window may be too low: not all of it could be kept."},
    {PROSE_LIMITS, when_had_clock_step, "It was ended because the clock was set back."},
    {PROSE_LIMITS, when_has_late_packets, "Some of its packets came out of time order."},

    {PROSE_COMBINATION, when_combined,
     "{combined_service} is usual ({service_bits}) and so is {combined_value} ({value_bits}); "
     "among {combined_flows} of that service it is not ({together_bits})."},
    {PROSE_COUNTERFACTUAL, when_changes_suffice,
     "{changes}, it would have scored {changed_score}, below the {threshold} that flags."},
    {PROSE_COUNTERFACTUAL, when_no_change_suffices,
     "no change of up to three features leaves it unflagged"},
};
/* clang-format on */

const size_t prose_rule_count = sizeof prose_rules / sizeof prose_rules[0];

/* clang-format off */
const struct prose_reading prose_readings[] = {
    {{PROSE_BENIGN, when_is_midstream,
      "A connection that was open before the capture began would look so: {sent}, {received}."},
     {"state", "packets_fwd", "packets_rev"}},
    {{PROSE_SUSPICIOUS, when_is_new_pair,
      "No earlier flow of the two is remembered, and it carries {sent}."},
     {"src_knows_dst", "ip_bytes_fwd"}},
};
/* clang-format on */

const size_t prose_reading_count = sizeof prose_readings / sizeof prose_readings[0];
