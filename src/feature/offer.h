/* SPDX-License-Identifier: Apache-2.0 */
/* An offer: one service at one destination, and since when it has been used there. An entry of the
 * engine's table of offers; the thread that calls feature_measure. */
#ifndef WHYFLOW_FEATURE_OFFER_H
#define WHYFLOW_FEATURE_OFFER_H

#include "base/recent_table.h"

struct offer_key {
    uint8_t destination[16];
    uint32_t service; /* its code, category.h */
    uint8_t ip_version;
    uint8_t padding[3]; /* 0 */
};
_Static_assert(sizeof(struct offer_key) == 24, "an offer's key has no hidden padding");

struct offer {
    struct recent_entry entry;
    struct offer_key key;
    int64_t first_ns; /* earliest start of its flows so far */
};
_Static_assert(offsetof(struct offer, key) == sizeof(struct recent_entry), "the key comes first");

#endif
