/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON taken apart so that they deflate well, and can be put together again to the byte:
 * a thousand alerts are 7 MB of text, and a page of them should stay below one.
 *
 * A line is a skeleton (all that is not a value: keys and brackets, which recur) and its values,
 * which go to columns, one for each key, where like stands by like. Measured on 275 distinct
 * alerts: 853 bytes each deflated as lines, 518 so; base64 makes a third more of either.
 * Rejected: leaving parts of the records out, because what can be copied from the page should be
 * the record itself.
 *
 * Packed: sections parted by byte 2. First the skeletons, a line each, a value's place marked as
 * byte 1, the number of its column, byte 1; then the index of each line's skeleton, a line each;
 * then the columns, a value a line. No such byte can stand in JSON outside of those marks. Called
 * by html.c, on whyflow-report's one thread. */
#ifndef WHYFLOW_REPORT_ALERT_PACK_H
#define WHYFLOW_REPORT_ALERT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct alert_pack;

struct alert_pack *alert_pack_open(void); /* NULL: no memory */

/* A line of good JSON, NUL-ended, at most COLLECTION_LINE_LENGTH_MAX long. False: no memory. */
bool alert_pack_add(struct alert_pack *pack, const char *line);

/* A section after the other; returns NULL after the last. Nothing may be added any more. The bytes
 * are the pack's and live until the next call. */
const char *alert_pack_next_section(struct alert_pack *pack, size_t *length);

/* False if memory ran out on the way: the sections are not whole. */
bool alert_pack_is_whole(const struct alert_pack *pack);

void alert_pack_close(struct alert_pack *pack); /* NULL is allowed */

#endif
