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

bool source_open_file(struct source *source, const struct capture_settings *settings, size_t index,
                      struct capture_error *error)
{
    source->name = settings->files[index];
    source->index = (uint16_t)index;
    if (!open_stream(source, settings->stop_fd, error) || !open_pcap(source, error))
        goto out;
    source->link_type = link_type_from_dlt(pcap_datalink(source->pcap));
    source->has_unsigned_seconds = !stream_is_pcapng(source->stream);
    const bool has_filter = settings->filter != NULL && settings->filter[0] != '\0';
    if (has_filter && !filter_set(source->pcap, settings->filter, source->name, error))
        goto out;
    return true;
out:
    source_close(source);
    return false;
}
