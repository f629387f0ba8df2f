/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a packet that the header functions decode. See digest.h; the capture thread. */
#include "packet/digest.h"

#include "packet/decoder.h"

enum { DIGEST_CUT_BYTES = 20 }; /* see digest.h */

void digest_set(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    const struct cursor *cursor = &decoder->cursor;
    if (cursor->is_short)
        return; /* about to be refused */
    const uint32_t captured = cursor->size - cursor->position;
    const bool is_cut = captured < decoder_ip_left(decoder) && captured < DIGEST_BYTES;
    const struct digest_input input = {
        .bytes = cursor->bytes + cursor->position,
        .size = is_cut && captured > DIGEST_CUT_BYTES ? DIGEST_CUT_BYTES : captured,
        .identification = decoder->identification,
        .protocol = packet->protocol,
        .ip_bytes = packet->ip_bytes,
        .fragment_id = packet->fragment_id,
        .fragment_offset_bytes = packet->fragment_offset_bytes,
    };
    packet->digest = digest_of(&input);
}
