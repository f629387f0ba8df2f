/* SPDX-License-Identifier: Apache-2.0 */
/* When a sentence is said: the conditions that the table of rules (prose_rule.c) names. Each is a
 * pure function of the facts, in the file that stands above its group; any thread. */
#ifndef WHYFLOW_EXPLAIN_PROSE_CONDITION_H
#define WHYFLOW_EXPLAIN_PROSE_CONDITION_H

#include "explain/prose.h"

/* prose_condition_reason.c: how it compares, what it resembles, reasons, notes and readings. */
bool when_resembles(const struct prose_facts *facts);
bool when_resembles_a_technique(const struct prose_facts *facts);
bool when_resembles_nothing(const struct prose_facts *facts);
bool when_is_peer_to_peer(const struct prose_facts *facts);
bool when_does_not_stand_out(const struct prose_facts *facts);
bool when_is_the_only_one(const struct prose_facts *facts);
bool when_stands_out_of_few(const struct prose_facts *facts);
bool when_stands_out_of_many(const struct prose_facts *facts);
bool when_flagged_by_score(const struct prose_facts *facts);
bool when_leads(const struct prose_facts *facts);
bool when_leads_with_two(const struct prose_facts *facts);
bool when_has_reason(const struct prose_facts *facts);
bool when_combined(const struct prose_facts *facts);
bool when_changes_suffice(const struct prose_facts *facts);
bool when_no_change_suffices(const struct prose_facts *facts);
bool when_has_benign(const struct prose_facts *facts);
bool when_has_suspicious(const struct prose_facts *facts);
bool when_has_no_reading(const struct prose_facts *facts);
bool when_has_combination_text(const struct prose_facts *facts);
bool when_has_changes_text(const struct prose_facts *facts);

/* prose_condition_flow.c: what the flow is, and what it carried when. */
bool when_always(const struct prose_facts *facts);
bool when_is_attempted(const struct prose_facts *facts);
bool when_is_refused(const struct prose_facts *facts);
bool when_is_half_open(const struct prose_facts *facts);
bool when_is_established(const struct prose_facts *facts);
bool when_is_closed(const struct prose_facts *facts);
bool when_is_reset(const struct prose_facts *facts);
bool when_is_midstream(const struct prose_facts *facts);
bool when_is_continued(const struct prose_facts *facts);
bool when_is_answered(const struct prose_facts *facts);
bool when_is_one_way(const struct prose_facts *facts);
bool when_was_tunnelled(const struct prose_facts *facts);
bool when_was_labelled(const struct prose_facts *facts);
bool when_has_ports(const struct prose_facts *facts);
bool when_is_icmp(const struct prose_facts *facts);
bool when_is_udp(const struct prose_facts *facts);
bool when_both_sent(const struct prose_facts *facts);
bool when_lasted(const struct prose_facts *facts);
bool when_has_bit_rate(const struct prose_facts *facts);
bool when_sizes_are_known(const struct prose_facts *facts);
bool when_packets_are_full(const struct prose_facts *facts);
bool when_has_payload_share(const struct prose_facts *facts);
bool when_has_retransmissions(const struct prose_facts *facts);
bool when_has_zero_windows(const struct prose_facts *facts);
bool when_has_one_gap(const struct prose_facts *facts);
bool when_has_gaps(const struct prose_facts *facts);
bool when_has_mean_gap_only(const struct prose_facts *facts);
bool when_has_gaps_back(const struct prose_facts *facts);
bool when_bursty(const struct prose_facts *facts);
bool when_even(const struct prose_facts *facts);
bool when_has_longest_silence(const struct prose_facts *facts);
bool when_has_handshake(const struct prose_facts *facts);

/* prose_condition_ends.c: addresses, networks, acquaintance, and the window's other flows. */
bool when_source_holds_ipv4(const struct prose_facts *facts);
bool when_destination_holds_ipv4(const struct prose_facts *facts);
bool when_source_is_special(const struct prose_facts *facts);
bool when_destination_is_special(const struct prose_facts *facts);
bool when_from_outside(const struct prose_facts *facts);
bool when_to_outside(const struct prose_facts *facts);
bool when_all_inside(const struct prose_facts *facts);
bool when_all_outside(const struct prose_facts *facts);
bool when_is_new_pair(const struct prose_facts *facts);
bool when_pair_is_known(const struct prose_facts *facts);
bool when_has_windows(const struct prose_facts *facts);
bool when_source_is_alone(const struct prose_facts *facts);
bool when_source_is_busy(const struct prose_facts *facts);
bool when_window_tells(const struct prose_facts *facts);

/* prose_condition_limit.c: what was not measured or not seen. */
bool when_is_cold(const struct prose_facts *facts);
bool when_had_kernel_drops(const struct prose_facts *facts);
bool when_saw_only_source(const struct prose_facts *facts);
bool when_saw_only_client(const struct prose_facts *facts);
bool when_saw_only_destination(const struct prose_facts *facts);
bool when_is_slice(const struct prose_facts *facts);
bool when_is_first_sender_taken(const struct prose_facts *facts);
bool when_is_port_taken(const struct prose_facts *facts);
bool when_has_coarse_time(const struct prose_facts *facts);
bool when_is_truncated(const struct prose_facts *facts);
bool when_has_duplicates(const struct prose_facts *facts);
bool when_has_overlapping_fragments(const struct prose_facts *facts);
bool when_lacks_first_fragments(const struct prose_facts *facts);
bool when_was_evicted(const struct prose_facts *facts);
bool when_is_window_cut(const struct prose_facts *facts);
bool when_had_clock_step(const struct prose_facts *facts);
bool when_has_late_packets(const struct prose_facts *facts);

/* prose_condition_reading.c: the case for an ordinary cause, or for a closer look. */
bool when_server_answers(const struct prose_facts *facts);
bool when_port_is_customary(const struct prose_facts *facts);
bool when_customary_transfer(const struct prose_facts *facts);
bool when_unknown_transfer(const struct prose_facts *facts);
bool when_sent_to_custom_port(const struct prose_facts *facts);
bool when_service_is_rare(const struct prose_facts *facts);
bool when_multicast(const struct prose_facts *facts);
bool when_echo(const struct prose_facts *facts);
bool when_neighbour_discovery(const struct prose_facts *facts);
bool when_icmp_error(const struct prose_facts *facts);
bool when_nobody_answered(const struct prose_facts *facts);
bool when_download(const struct prose_facts *facts);
bool when_upload(const struct prose_facts *facts);
bool when_upload_to_new(const struct prose_facts *facts);
bool when_small_first_flow(const struct prose_facts *facts);
bool when_is_inside_first(const struct prose_facts *facts);
bool when_ipv4_destination_inside(const struct prose_facts *facts);
bool when_entered_from_outside(const struct prose_facts *facts);
bool when_knocked_from_outside(const struct prose_facts *facts);
bool when_searching(const struct prose_facts *facts);
bool when_regular(const struct prose_facts *facts);

#endif
