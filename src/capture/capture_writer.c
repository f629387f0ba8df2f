/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a pcap file. See capture_writer.h; the opener's thread. */
#include "capture/capture_writer.h"

#include "capture/capture_error.h"
#include "capture/link_type.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

struct capture_writer {
    const char *path;
    uint16_t link_type;
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    int failure; /* errno of the first failed write; what follows it fails the same way */
};

static bool fail(struct capture_writer *writer, struct capture_error *error)
{
    if (writer->failure == 0)
        writer->failure = errno;
    capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: cannot write: %s", writer->path,
                      strerror(writer->failure));
    return false;
}

static bool open_dumper(struct capture_writer *writer, uint32_t snaplen_bytes,
                        struct capture_error *error)
{
    const uint32_t snaplen = snaplen_bytes != 0 ? snaplen_bytes : CAPTURE_SNAPLEN_MAX;
    writer->pcap = pcap_open_dead_with_tstamp_precision(link_type_to_dlt(writer->link_type),
                                                        (int)snaplen, PCAP_TSTAMP_PRECISION_NANO);
    if (writer->pcap == NULL) {
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: out of memory", writer->path);
        return false;
    }
    writer->dumper = pcap_dump_open(writer->pcap, writer->path);
    if (writer->dumper == NULL)
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s", pcap_geterr(writer->pcap));
    return writer->dumper != NULL;
}

struct capture_writer *capture_writer_open(const char *path, uint16_t link_type,
                                           uint32_t snaplen_bytes, struct capture_error *error)
{
    struct capture_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: out of memory", path);
        return NULL;
    }
    writer->path = path;
    writer->link_type = link_type;
    if (open_dumper(writer, snaplen_bytes, error))
        return writer;
    if (writer->pcap != NULL)
        pcap_close(writer->pcap);
    free(writer);
    return NULL;
}

/* A stamp the file format can hold. Seconds have 32 bits in it: one that has more must not come
 * back as another, good time, so it is written as a stamp that is refused. */
static struct timeval make_stamp(const struct frame *frame)
{
    if (frame->time_s < 0 || frame->time_s > UINT32_MAX || frame->time_subsec_ns < 0 ||
        frame->time_subsec_ns >= 1000000000)
        return (struct timeval){.tv_sec = 0, .tv_usec = 1000000000};
    return (struct timeval){.tv_sec = frame->time_s, .tv_usec = frame->time_subsec_ns};
}

bool capture_writer_frame(struct capture_writer *writer, const struct frame *frame,
                          struct capture_error *error)
{
    if (frame->link_type != writer->link_type) {
        capture_error_set(error, CAPTURE_ERROR_USAGE,
                          "%s: frames of link type %u and %u cannot be in one pcap file",
                          writer->path, writer->link_type, frame->link_type);
        return false;
    }
    const struct pcap_pkthdr header = {
        .ts = make_stamp(frame), .caplen = frame->captured_bytes, .len = frame->wire_bytes};
    pcap_dump((u_char *)writer->dumper, &header, frame->bytes);
    return ferror(pcap_dump_file(writer->dumper)) == 0 || fail(writer, error);
}

bool capture_writer_flush(struct capture_writer *writer, struct capture_error *error)
{
    /* A failed write leaves stdio's buffer empty: flushing then succeeds, and says nothing. */
    const bool is_flushed = pcap_dump_flush(writer->dumper) == 0;
    const bool is_whole = is_flushed && ferror(pcap_dump_file(writer->dumper)) == 0;
    return is_whole || fail(writer, error);
}

bool capture_writer_close(struct capture_writer *writer, struct capture_error *error)
{
    if (writer == NULL)
        return true;
    const bool is_written = capture_writer_flush(writer, error);
    pcap_dump_close(writer->dumper);
    pcap_close(writer->pcap);
    free(writer);
    return is_written;
}
