/* SPDX-License-Identifier: Apache-2.0 */
/* An incident: many alerts that are one story, as a record tells it. A plain value. */
#ifndef WHYFLOW_INCIDENT_H
#define WHYFLOW_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

struct incident {
    uint64_t id;               /* < 2^51; 0: the flow belongs to none */
    uint64_t count;            /* flows of it so far, this one included */
    int64_t first_ns, last_ns; /* notice times of its first and latest flow */
    bool is_closed;            /* an hour without a further flow, or the end of the run */
};

#endif
