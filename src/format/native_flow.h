/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a `flow` or `alert` line in the native format. */
#ifndef WHYFLOW_FORMAT_NATIVE_FLOW_H
#define WHYFLOW_FORMAT_NATIVE_FLOW_H

#include "format/format.h"
#include "format/json_writer.h"

/* What is left out of a line that would be too long: each step leaves out what those before it do.
 * Contributions never go, nor does anything that the score could be made from again. */
enum native_cut {
    NATIVE_CUT_NOTHING,
    NATIVE_CUT_REASONS, /* reasons 4 and 5: `contrib` and `features` have them too */
    NATIVE_CUT_READINGS,
    NATIVE_CUT_COMBINATION,
    NATIVE_CUT_SUMMARY, /* all but the first two lines of the summary */
    NATIVE_CUT_NAMES,   /* top_features, most_informative, the labels of evidence */
    NATIVE_CUT_SOURCE,  /* the name of the interface or file */
    NATIVE_CUT_COUNTERFACTUAL,
    NATIVE_CUT_PROSE,       /* the rest of the summary; `text` stays */
    NATIVE_CUT_ALL_BUT_ONE, /* all reasons but the first */
    NATIVE_CUT_BARE,        /* that one, the baseline and all of the behaviour but its name:
                             * `text` and `contrib` stay */
    NATIVE_CUT_COUNT
};

void native_write_flow(struct json_writer *json, const struct record *record,
                       const struct format_context *context, enum native_cut cut);

#endif
