/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (RFC 3174) of a message in memory. It names flows (Community ID asks for it) and finds what
 * broke in a saved baseline; it secures nothing. Any thread; no state. */
#ifndef WHYFLOW_BASE_SHA1_H
#define WHYFLOW_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_SIZE = 20 };

void sha1(const uint8_t *bytes, size_t size, uint8_t digest[SHA1_SIZE]);

#endif
