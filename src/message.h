/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people, one line each, on standard error. Never mixed with records. Any thread. */
#ifndef WHYFLOW_MESSAGE_H
#define WHYFLOW_MESSAGE_H

/* "whyflow: " and the text and a newline, in one write. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
