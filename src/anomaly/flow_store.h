/* SPDX-License-Identifier: Apache-2.0 */
/* Kept flows: items of any size, appended in order and read back in that order as often as wanted.
 * The first `memory_bytes` stay in memory, what comes after goes to an unlinked temporary file,
 * which the kernel removes however the program ends. Called by whoever runs a capture's two passes;
 * one thread. It allocates in steps of FLOW_STORE_CHUNK_BYTES, never per item.
 *
 * Errors are sticky and never silent: append and next say so, flow_store_error says what. */
#ifndef WHYFLOW_ANOMALY_FLOW_STORE_H
#define WHYFLOW_ANOMALY_FLOW_STORE_H

#include <stdbool.h>
#include <stdint.h>

enum { FLOW_STORE_CHUNK_BYTES = 1 << 20, FLOW_STORE_BUFFER_BYTES = 1 << 18 };

struct flow_store;

enum flow_store_read {
    FLOW_STORE_ITEM,  /* the next item was copied out */
    FLOW_STORE_END,   /* there is no further item */
    FLOW_STORE_ERROR, /* see flow_store_error */
};

/* spill_directory: for the temporary file; NULL: TMPDIR, else /var/tmp. It is copied. The file is
 * made when memory is first full. NULL: no memory. */
struct flow_store *flow_store_open(uint64_t memory_bytes, const char *spill_directory);
void flow_store_close(struct flow_store *store); /* NULL is allowed */

/* Copies an item of size > 0 to the end. Items are appended before the first rewind. False: it
 * could not be kept; nothing can be appended or read any more. */
bool flow_store_append(struct flow_store *store, const void *item, uint32_t size);

/* The next flow_store_next gives the first item. False: what was buffered could not be written. */
bool flow_store_rewind(struct flow_store *store);

/* Copies the next item to `buffer` of `capacity` bytes and its size to *size. An item larger than
 * the buffer is an error. */
enum flow_store_read flow_store_next(struct flow_store *store, void *buffer, uint32_t capacity,
                                     uint32_t *size);

/* One line about what failed, or "". Owned by the store. */
const char *flow_store_error(const struct flow_store *store);

uint64_t flow_store_count(const struct flow_store *store);
uint64_t flow_store_memory_bytes(const struct flow_store *store);  /* counted: all it allocated */
uint64_t flow_store_spilled_bytes(const struct flow_store *store); /* in the file, or on the way */

#endif
