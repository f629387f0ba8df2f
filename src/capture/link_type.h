/* SPDX-License-Identifier: Apache-2.0 */
/* LINKTYPE_ numbers (in files, the same everywhere) and DLT_ numbers (libpcap's, of this system).
 * Pure; any thread. */
#ifndef WHYFLOW_CAPTURE_LINK_TYPE_H
#define WHYFLOW_CAPTURE_LINK_TYPE_H

#include <stdint.h>

uint16_t link_type_from_dlt(int dlt);
int link_type_to_dlt(uint16_t link_type);

#endif
