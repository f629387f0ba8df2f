/* SPDX-License-Identifier: Apache-2.0 */
/* When a sentence is said: the conditions that the table of rules (prose_rule.c) names. Each is a
 * pure function of the facts. */
#ifndef WHYFLOW_EXPLAIN_PROSE_CONDITION_H
#define WHYFLOW_EXPLAIN_PROSE_CONDITION_H

#include "explain/prose.h"

bool when_resembles(const struct prose_facts *facts);
bool when_resembles_by_more(const struct prose_facts *facts);
bool when_does_not_stand_out(const struct prose_facts *facts);
bool when_is_the_only_one(const struct prose_facts *facts);
bool when_stands_out_of_few(const struct prose_facts *facts);
bool when_stands_out_of_many(const struct prose_facts *facts);
bool when_has_first_reason(const struct prose_facts *facts);
bool when_has_second_reason(const struct prose_facts *facts);
bool when_has_third_reason(const struct prose_facts *facts);
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
bool when_has_rates(const struct prose_facts *facts);
bool when_has_packets_sent(const struct prose_facts *facts);
bool when_was_tunnelled(const struct prose_facts *facts);
bool when_was_labelled(const struct prose_facts *facts);
bool when_has_one_gap(const struct prose_facts *facts);
bool when_has_gaps(const struct prose_facts *facts);
bool when_has_mean_gap_only(const struct prose_facts *facts);
bool when_has_longest_silence(const struct prose_facts *facts);
bool when_has_handshake(const struct prose_facts *facts);
bool when_has_windows(const struct prose_facts *facts);
bool when_is_new_pair(const struct prose_facts *facts);
bool when_has_retransmissions(const struct prose_facts *facts);
bool when_has_zero_windows(const struct prose_facts *facts);
bool when_source_holds_ipv4(const struct prose_facts *facts);
bool when_destination_holds_ipv4(const struct prose_facts *facts);
bool when_source_is_special(const struct prose_facts *facts);
bool when_destination_is_special(const struct prose_facts *facts);
bool when_is_cold(const struct prose_facts *facts);
bool when_had_kernel_drops(const struct prose_facts *facts);
bool when_saw_only_source(const struct prose_facts *facts);
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

/* Notes. */
bool when_combined(const struct prose_facts *facts);
bool when_changes_suffice(const struct prose_facts *facts);
bool when_no_change_suffices(const struct prose_facts *facts);

#endif
