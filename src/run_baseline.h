/* SPDX-License-Identifier: Apache-2.0 */
/* What a run does with saved baselines: which file it starts from, what it says where that
 * cannot be read, when it saves. Called by runtime.c and sensor_run.c, whose pipelines
 * differ, through a port; on the thread that owns the engine, or while no other runs. */
#ifndef WHYFLOW_RUN_BASELINE_H
#define WHYFLOW_RUN_BASELINE_H

#include "run.h"
#include "whyflow/snapshot.h"

struct run_baseline_port {
    void *context;
    bool (*load)(void *context, const struct snapshot *snapshot, struct snapshot_summary *summary,
                 char *error, size_t error_size);
    bool (*save)(void *context, struct snapshot *snapshot, struct snapshot_summary *summary);
};

/* Before any packet. Live: FILE, else FILE.previous, else it starts cold and says so. A replay was
 * asked to compare with this file: if it cannot be, the run fails (RUN_INPUT) and it is false.
 * Also tries --save-baseline: false if it could not be written (RUN_FAILED). */
bool run_baseline_start(struct run *run, const struct run_baseline_port *port);

/* Saves, if it was asked for. Where nothing was learnt the file stays as it is, which is said.
 * False: it could not, and said so. */
bool run_baseline_save(const struct run *run, const struct run_baseline_port *port);

/* --merge-baselines: the whole run. */
enum run_exit run_baseline_merge(const struct options *options);

#endif
