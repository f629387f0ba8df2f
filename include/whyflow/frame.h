/* SPDX-License-Identifier: Apache-2.0 */
/* A frame: one packet as a source hands it over, before anything is believed about it.
 *
 * The bytes belong to the source and are valid only during the call they are passed to: nothing
 * that outlives the call may point into them. */
#ifndef WHYFLOW_FRAME_H
#define WHYFLOW_FRAME_H

#include <stdint.h>

struct frame {
    const uint8_t *bytes;
    int64_t time_s;          /* seconds since 1970-01-01 UTC, as stored: not yet checked */
    int64_t time_subsec_ns;  /* nanoseconds within the second, as stored: not yet checked */
    uint32_t captured_bytes; /* length of `bytes` */
    uint32_t wire_bytes;     /* length on the wire, as stored: not yet checked */
    uint16_t link_type;      /* LINKTYPE_ number (tcpdump.org/linktypes.html) */
    uint16_t source_index;   /* which interface or file, counted from 0 */
};

#endif
