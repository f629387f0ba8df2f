/* SPDX-License-Identifier: Apache-2.0 */
/* BPF filters: compiled for a handle, and looked after in the kernel. For the capture room. */
#ifndef WHYFLOW_CAPTURE_FILTER_H
#define WHYFLOW_CAPTURE_FILTER_H

#include "capture/capture_error.h"

#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdbool.h>

/* Compiles `filter` for a handle. `name` is the source's, for the error. */
bool filter_compile(pcap_t *pcap, const char *filter, const char *name, struct bpf_program *program,
                    struct capture_error *error);

/* Compiles `filter` and sets it by pcap_setfilter. */
bool filter_set(pcap_t *pcap, const char *filter, const char *name, struct capture_error *error);

enum { FILTER_INSTRUCTIONS_MAX = 4096 + 8 }; /* the kernel's BPF_MAXINSNS, and ours before */

/* A kernel program in the caller's memory. */
struct filter_program {
    unsigned short count; /* 0: accept everything */
    struct sock_filter instructions[FILTER_INSTRUCTIONS_MAX];
};

/* Reads the program that pcap_setfilter attached to the socket. False: there is none. */
bool filter_program_read(int fd, struct filter_program *program);

/* Has it refuse packets that leave by interface `index`, before anything else is asked. */
bool filter_program_refuse_outgoing(struct filter_program *program, int index);

/* Attach to the socket, behind libpcap's back: the ring keeps what is in it. */
bool filter_program_attach(int fd, const struct filter_program *program);
bool filter_attach_refuse_all(int fd);

#endif
