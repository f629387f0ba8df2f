/* SPDX-License-Identifier: Apache-2.0 */
/* --flagged-pcap: the packets of flagged flows, as a capture of their own. Which flows are flagged
 * is known when the last of them has been scored, so the input is read a second time: through a
 * flow table with the same settings, which makes the same flows of the same packets, whatever
 * fragments, tunnels, copies, late stamps or clocks set back there are among them. A flow is known
 * again by its opening number.
 *
 * Rejected: matching packets by addresses, ports and time, which would need the rules of all these
 * a second time; keeping packets until their flow is judged, which in a capture is to keep it all.
 *
 * Opened and written by run.c on the thread that reads; flagged_capture_note is the emitter
 * thread's, between the two. */
#ifndef WHYFLOW_FLAGGED_CAPTURE_H
#define WHYFLOW_FLAGGED_CAPTURE_H

#include "capture/capture.h"
#include "options.h"
#include "whyflow/flow_record.h"

#include <stdbool.h>
#include <stdint.h>

struct flagged_capture;

/* Opens options->flagged_file for writing. `input` says what is read, and lives until this is
 * closed; `capture` is its first reading, open. NULL and `error`: it cannot be written, or the
 * input cannot be read a second time, or has several link types. */
struct flagged_capture *flagged_capture_open(const struct options *options,
                                             const struct capture_settings *input,
                                             const struct capture *capture,
                                             struct capture_error *error);

/* Remembers a flagged flow, or, beyond options->max_flagged, counts it. */
void flagged_capture_note(struct flagged_capture *flagged, const struct flow_record *flow);

/* Flows flagged beyond options->max_flagged: their packets are left out. */
uint64_t flagged_capture_beyond(const struct flagged_capture *flagged);

/* Reads the input again, `frames` frames of it as before, writes and closes the file. False and
 * `error`: a file could not be read or written, or is not what it was. Call once. */
bool flagged_capture_write(struct flagged_capture *flagged, uint64_t frames,
                           struct capture_error *error);

void flagged_capture_close(struct flagged_capture *flagged); /* NULL is allowed */

#endif
