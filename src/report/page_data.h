/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes into a page: deflated (zlib) and in base64, whose letters can be no markup, whatever the
 * bytes say. Called by html.c, on whyflow-report's one thread. */
#ifndef WHYFLOW_REPORT_PAGE_DATA_H
#define WHYFLOW_REPORT_PAGE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

struct page_data {
    FILE *out;
    z_stream stream;
    unsigned char rest[2]; /* bytes that do not make a group of three yet */
    size_t rest_count;
    bool is_good;
};

bool page_data_init(struct page_data *data, FILE *out); /* false: no memory */
void page_data_write(struct page_data *data, const char *bytes, size_t length);

/* Writes what is left. True if everything was written. */
bool page_data_deinit(struct page_data *data);

#endif
