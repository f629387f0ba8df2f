/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the library and of the program, as -V, the man page and a record's `model` say. */
#ifndef WHYFLOW_VERSION_H
#define WHYFLOW_VERSION_H

#define WHYFLOW_VERSION "0.1.0"

#endif
