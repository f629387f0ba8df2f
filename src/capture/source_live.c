/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an interface as a source. The capture thread.
 *
 * The counters must add up exactly: received = read + dropped. Three things in libpcap 1.10 stand
 * in the way, so the kernel's filter is handled here:
 * 1. Between activation and pcap_setfilter everything is received, and thrown away in user space.
 *    So we refuse all, throw away what came, and only then count from zero.
 * 2. pcap_setfilter has blocks already in the ring filtered in user space by the new filter, where
 *    some of it (inbound, ifindex) cannot be evaluated. So libpcap is left with "everything", and
 *    the kernel gets the program libpcap made, by us.
 * 3. What leaves by the loopback interface comes in again; the kernel counts it twice, libpcap
 *    hands over one. So the kernel's program refuses the outgoing copy. */
#include "capture/filter.h"
#include "capture/link_type.h"
#include "capture/source.h"

#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTLE_MS = 2 * CAPTURE_BLOCK_TIMEOUT_MS, /* until the kernel has handed over its last block */
    SETTLE_ROUNDS_MAX = 50,
};

static bool is_set(int status)
{
    return status == 0;
}

/* CAP_NET_RAW alone is enough for all of this, promiscuous mode included. */
static bool configure(pcap_t *pcap, const struct capture_settings *settings, uint32_t snaplen_bytes)
{
    const uint32_t buffer_kib =
        settings->buffer_kib != 0 ? settings->buffer_kib : CAPTURE_BUFFER_KIB_DEFAULT;
    if (buffer_kib > INT32_MAX / 1024)
        return false;
    /* Nanoseconds are kept in the ring on Linux; elsewhere this would be refused. */
    return is_set(pcap_set_snaplen(pcap, (int)snaplen_bytes)) &&
           is_set(pcap_set_promisc(pcap, settings->is_promiscuous)) &&
           is_set(pcap_set_buffer_size(pcap, (int)(buffer_kib * 1024))) &&
           is_set(pcap_set_timeout(pcap, CAPTURE_BLOCK_TIMEOUT_MS)) &&
           is_set(pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO));
}

static bool activate(struct source *source, const struct capture_settings *settings,
                     struct capture_error *error)
{
    char detail[PCAP_ERRBUF_SIZE] = "";
    source->pcap = pcap_create(source->name, detail);
    if (source->pcap == NULL) {
        capture_error_set_live(error, source->name, PCAP_ERROR, detail);
        return false;
    }
    if (!configure(source->pcap, settings, source->snaplen_bytes)) {
        capture_error_set(error, CAPTURE_ERROR_USAGE,
                          "%s: snaplen, ring size or nanosecond stamps refused", source->name);
        return false;
    }
    const int status = pcap_activate(source->pcap);
    if (status < 0) { /* above 0 are warnings: captured all the same */
        capture_error_set_live(error, source->name, status, pcap_geterr(source->pcap));
        return false;
    }
    if (pcap_setnonblock(source->pcap, 1, detail) != 0) {
        capture_error_set_live(error, source->name, PCAP_ERROR, detail);
        return false;
    }
    return true;
}

/* The program the kernel is to run: libpcap's for the filter, with loopback's outgoing copies
 * refused if this source can see them. Leaves libpcap itself with a filter that takes all. */
static bool make_program(struct source *source, const char *filter, struct filter_program *program,
                         struct capture_error *error)
{
    const int fd = pcap_fileno(source->pcap);
    if (!filter_set(source->pcap, filter != NULL ? filter : "", source->name, error))
        return false;
    if (!filter_program_read(fd, program)) {
        capture_error_set(error, CAPTURE_ERROR_USAGE,
                          "filter \"%.200s\": too long for the kernel: make it shorter",
                          filter != NULL ? filter : "");
        return false;
    }
    const unsigned loopback = if_nametoindex("lo");
    const bool sees_loopback = strcmp(source->name, "any") == 0 || strcmp(source->name, "lo") == 0;
    if (loopback != 0 && sees_loopback && !filter_program_refuse_outgoing(program, (int)loopback)) {
        capture_error_set(error, CAPTURE_ERROR_USAGE, "filter: too long: make it shorter");
        return false;
    }
    return filter_set(source->pcap, "", source->name, error);
}

/* Throws away what came before the filter stood: until a wait brings neither a frame nor a count.
 * (The sums need not hold here: what leaves by loopback is still counted twice.) */
static bool discard(struct source *source)
{
    uint64_t received_before = UINT64_MAX;
    for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
        (void)poll(NULL, 0, SETTLE_MS);
        size_t count = 0, taken;
        while ((taken = source_dispatch(source, SIZE_MAX, NULL, NULL)) > 0)
            count += taken;
        if (source->state != SOURCE_OPEN || !source_update_counters(source))
            return false;
        if (count == 0 && source->counters.received == received_before)
            return true;
        received_before = source->counters.received;
    }
    return false;
}

static void count_from_zero(struct source *source)
{
    source->discarded = 0;
    source->counters.received = source->counters.dropped = 0;
    source->counters.interface_dropped = 0;
}

static bool install_filter(struct source *source, const char *filter, struct capture_error *error)
{
    struct filter_program *program = calloc(1, sizeof *program);
    if (program == NULL) {
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: out of memory", source->name);
        return false;
    }
    const int fd = pcap_fileno(source->pcap);
    bool is_installed = make_program(source, filter, program, error);
    if (is_installed) {
        is_installed = filter_attach_refuse_all(fd) && discard(source);
        count_from_zero(source);
        is_installed = is_installed && filter_program_attach(fd, program);
        if (!is_installed)
            capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: cannot set the kernel's filter",
                              source->name);
    }
    free(program);
    return is_installed;
}

bool source_open_live(struct source *source, const struct capture_settings *settings, size_t index,
                      struct capture_error *error)
{
    source->name = settings->interfaces[index];
    source->index = (uint16_t)index;
    source->snaplen_bytes =
        settings->snaplen_bytes != 0 ? settings->snaplen_bytes : CAPTURE_SNAPLEN_MAX;
    if (!activate(source, settings, error) || !install_filter(source, settings->filter, error))
        goto out;
    source->link_type = link_type_from_dlt(pcap_datalink(source->pcap));
    if (settings->interface_count > 1) {
        source->held_bytes = malloc(source->snaplen_bytes);
        if (source->held_bytes == NULL) {
            capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: out of memory", source->name);
            goto out;
        }
    }
    return true;
out:
    source_close(source);
    return false;
}
