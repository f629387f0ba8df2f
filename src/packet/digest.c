/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a packet that the header functions decode. See digest.h; the capture thread. */
#include "packet/digest.h"

#include "packet/decoder.h"

void digest_set(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    const struct cursor *cursor = &decoder->cursor;
    if (cursor->is_short)
        return; /* about to be refused */
    const struct digest_input input = {
        .bytes = cursor->bytes + cursor->position,
        .size = digest_size(cursor->size - cursor->position, decoder_ip_left(decoder)),
        .identification = decoder->identification,
        .protocol = packet->protocol,
        .ip_bytes = packet->ip_bytes,
        .fragment_id = packet->fragment_id,
        .fragment_offset_bytes = packet->fragment_offset_bytes,
    };
    packet->digest = digest_of(&input);
}
