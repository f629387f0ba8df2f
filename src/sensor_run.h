/* SPDX-License-Identifier: Apache-2.0 */
/* A run through the library's own face (sensor.h), on one thread, as an embedding program would
 * make it: from the first flow or packet to the last record and the saved baseline. Called by
 * inline.c and rescore.c, which say how it reads. */
#ifndef WHYFLOW_SENSOR_RUN_H
#define WHYFLOW_SENSOR_RUN_H

#include "run.h"
#include "whyflow/sensor.h"

struct sensor_run_source {
    void (*read)(struct run *run, struct sensor *sensor); /* all there is, or until a stop */
    void (*tell)(const struct run *run);                  /* once all records are out; or NULL */
};

/* False if records were lost on the way; it said why. */
bool sensor_run(struct run *run, const struct sensor_run_source *source);

#endif
