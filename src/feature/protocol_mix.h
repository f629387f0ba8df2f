/* SPDX-License-Identifier: Apache-2.0 */
/* The mixture of protocols in a source's flows of the window: a count for each protocol number, and
 * its Shannon entropy. Part of a source; the thread that calls feature_measure.
 *
 * Most sources use TCP, UDP or both, which are counted in place. The other 254 protocols are a
 * short list, by protocol number, of cells from one pool. A cell stands for at least one flow in
 * the window: with as many cells as the window holds flows the pool cannot run dry, and every count
 * is exact. */
#ifndef WHYFLOW_FEATURE_PROTOCOL_MIX_H
#define WHYFLOW_FEATURE_PROTOCOL_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct protocol_cell {
    uint32_t next; /* index of the cell with the next higher protocol; 0: none */
    uint32_t flows;
    uint8_t protocol;
};

struct protocol_pool {
    struct protocol_cell *cells; /* [0] is not used */
    uint32_t limit;
    uint32_t touched, free; /* free: a list by `next` */
};

/* All zero is an empty one. */
struct protocol_mix {
    uint32_t first; /* index of a cell; 0: none */
    uint32_t flows;
    uint32_t tcp, udp; /* of them */
};

bool protocol_pool_init(struct protocol_pool *pool, uint32_t limit);
void protocol_pool_deinit(struct protocol_pool *pool);
void protocol_pool_clear(struct protocol_pool *pool); /* every mix made from it is void */
size_t protocol_pool_memory_bytes(const struct protocol_pool *pool);

void protocol_mix_add(struct protocol_mix *mix, struct protocol_pool *pool, uint8_t protocol);
/* One of the flows added before, with the same protocol, leaves. */
void protocol_mix_remove(struct protocol_mix *mix, struct protocol_pool *pool, uint8_t protocol);
void protocol_mix_release(struct protocol_mix *mix, struct protocol_pool *pool);

/* Sum over protocols of share * log2(1 / share), in bits, added up by rising protocol number; 0 if
 * empty. Exactly 0 for one protocol and 1 for two equal halves. */
double protocol_mix_entropy(const struct protocol_mix *mix, const struct protocol_pool *pool);

#endif
