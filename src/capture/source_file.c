/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a capture file as a source. The capture thread. */
#include "capture/filter.h"
#include "capture/link_type.h"
#include "capture/source.h"

#include <string.h>

static bool open_pcap(struct source *source, struct capture_error *error)
{
    char detail[PCAP_ERRBUF_SIZE] = "";
    FILE *file = stream_file(source->stream);
    if (file == NULL) {
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: out of memory", source->name);
        return false;
    }
    source->pcap =
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, detail);
    if (source->pcap != NULL)
        return true;
    (void)fclose(file);
    const char *below = stream_failure(source->stream);
    capture_error_set(error, CAPTURE_ERROR_INPUT, "%s: not a readable capture file: %s",
                      source->name, below[0] != '\0' ? below : detail);
    return false;
}

static bool open_stream(struct source *source, int stop_fd, struct capture_error *error)
{
    static const struct stream_purpose purpose = {'r', "empty: not a capture file"};
    struct stream_error below;
    source->stream = stream_open(source->name, stop_fd, &purpose, &below);
    if (source->stream == NULL)
        capture_error_set(error, below.is_system ? CAPTURE_ERROR_SYSTEM : CAPTURE_ERROR_INPUT, "%s",
                          below.text);
    return source->stream != NULL;
}

/* Files that are read side by side share a megabyte of the cache, in whole pages, down to where the
 * calls would cost as much as the bytes. */
static size_t choose_read_bytes(size_t file_count)
{
    enum { ALL_BYTES = 1 << 20, LEAST_BYTES = 16 << 10, PAGE_BYTES = 4096 };
    const size_t share_bytes = ALL_BYTES / file_count / PAGE_BYTES * PAGE_BYTES;
    if (share_bytes > PLAIN_PCAP_READ_BYTES)
        return PLAIN_PCAP_READ_BYTES;
    return share_bytes > LEAST_BYTES ? share_bytes : LEAST_BYTES;
}

/* libpcap has the filter too, for when it goes on with a plain file. */
static bool set_filter(struct source *source, const char *filter, struct capture_error *error)
{
    if (filter == NULL || filter[0] == '\0')
        return true;
    return filter_set(source->pcap, filter, source->name, error) &&
           (!source->is_plain ||
            filter_compile(source->pcap, filter, source->name, &source->filter, error));
}

bool source_open_file(struct source *source, const struct capture_settings *settings, size_t index,
                      struct capture_error *error)
{
    source->name = settings->files[index];
    source->index = (uint16_t)index;
    if (!open_stream(source, settings->stop_fd, error) || !open_pcap(source, error))
        goto out;
    source->link_type = link_type_from_dlt(pcap_datalink(source->pcap));
    source->has_unsigned_seconds = !stream_is_pcapng(source->stream);
    source->is_plain = plain_pcap_open(&source->plain, source->stream, source->pcap,
                                       choose_read_bytes(settings->file_count));
    for (size_t i = 0; i < SOURCE_FRAMES_MAX; i++)
        source->frames[i] =
            (struct frame){.link_type = source->link_type, .source_index = source->index};
    if (set_filter(source, settings->filter, error))
        return true;
out:
    source_close(source);
    return false;
}
