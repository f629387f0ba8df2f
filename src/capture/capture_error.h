/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in a struct capture_error. For the capture room alone. */
#ifndef WHYFLOW_CAPTURE_CAPTURE_ERROR_H
#define WHYFLOW_CAPTURE_CAPTURE_ERROR_H

#include "capture/capture.h"

/* Formats one line; what does not fit is cut. */
void capture_error_set(struct capture_error *error, enum capture_error_kind kind,
                       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* From a result of pcap_create or pcap_activate (PCAP_ERROR_...) on an interface. */
void capture_error_set_live(struct capture_error *error, const char *interface, int status,
                            const char *detail);

#endif
