/* SPDX-License-Identifier: Apache-2.0 */
/* Trace time as UTC text, down to the microsecond. Any thread; no state. */
#ifndef WHYFLOW_FORMAT_UTC_TIME_H
#define WHYFLOW_FORMAT_UTC_TIME_H

#include "base/text.h"

#include <stdint.h>

/* "2019-10-02T07:54:09.531207": date, `separator`, time of day. time_ns >= 0; what is below a
 * microsecond is cut off, so that a time never moves into the next second. */
void utc_time_append(struct text *text, int64_t time_ns, char separator);

#endif
