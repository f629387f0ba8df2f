/* SPDX-License-Identifier: Apache-2.0 */
/* BPF filters. See filter.h; the capture thread. */
#include "capture/filter.h"

#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

bool filter_compile(pcap_t *pcap, const char *filter, const char *name, struct bpf_program *program,
                    struct capture_error *error)
{
    if (pcap_compile(pcap, program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0)
        return true;
    capture_error_set(error, CAPTURE_ERROR_USAGE,
                      "filter \"%.200s\": %s (on %.100s): see pcap-filter(7)", filter,
                      pcap_geterr(pcap), name);
    return false;
}

bool filter_set(pcap_t *pcap, const char *filter, const char *name, struct capture_error *error)
{
    struct bpf_program program;
    if (!filter_compile(pcap, filter, name, &program, error))
        return false;
    const int status = pcap_setfilter(pcap, &program);
    pcap_freecode(&program);
    if (status != 0)
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: cannot set the filter: %s", name,
                          pcap_geterr(pcap));
    return status == 0;
}

bool filter_program_read(int fd, struct filter_program *program)
{
    /* SO_GET_FILTER shares its number with SO_ATTACH_FILTER and counts instructions, not bytes. */
    socklen_t count = FILTER_INSTRUCTIONS_MAX;
    if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, program->instructions, &count) != 0)
        return false;
    program->count = (unsigned short)count;
    return count > 0;
}

bool filter_program_refuse_outgoing(struct filter_program *program, int index)
{
    const struct sock_filter before[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_IFINDEX)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)index, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const size_t count = sizeof before / sizeof *before;
    if (program->count + count > FILTER_INSTRUCTIONS_MAX)
        return false;
    memmove(program->instructions + count, program->instructions,
            program->count * sizeof *program->instructions);
    memcpy(program->instructions, before, sizeof before);
    program->count = (unsigned short)(program->count + count);
    return true;
}

static bool attach(int fd, unsigned short count, const struct sock_filter *instructions)
{
    /* The kernel only reads them. */
    const struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)instructions};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool filter_program_attach(int fd, const struct filter_program *program)
{
    return attach(fd, program->count, program->instructions);
}

bool filter_attach_refuse_all(int fd)
{
    static const struct sock_filter refuse_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    return attach(fd, 1, refuse_all);
}
