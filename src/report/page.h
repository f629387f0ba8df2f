/* SPDX-License-Identifier: Apache-2.0 */
/* The page without its data: report.html with report.css and report.js in it, cut in two where the
 * data go. scripts/make-page makes the definitions when whyflow-report is built. Read by html.c. */
#ifndef WHYFLOW_REPORT_PAGE_H
#define WHYFLOW_REPORT_PAGE_H

#include <stddef.h>

extern const unsigned char page_head[];
extern const size_t page_head_size;
extern const unsigned char page_tail[];
extern const size_t page_tail_size;

#endif
