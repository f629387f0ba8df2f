/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes into a page. See the header. */
#include "report/page_data.h"

enum { CHUNK_SIZE = 3 * 4096, GROUP_BYTES = 3 };

bool page_data_init(struct page_data *data, FILE *out)
{
    *data = (struct page_data){.out = out, .is_good = true};
    return deflateInit(&data->stream, Z_BEST_COMPRESSION) == Z_OK;
}

/* One to three bytes as four letters. */
static void put_group(struct page_data *data, const unsigned char *bytes, size_t count)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned group = (unsigned)bytes[0] << 16 | (count > 1 ? (unsigned)bytes[1] << 8 : 0) |
                           (count > 2 ? (unsigned)bytes[2] : 0);
    const char letters[] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                            count > 1 ? alphabet[group >> 6 & 63] : '=',
                            count > 2 ? alphabet[group & 63] : '='};
    if (fwrite(letters, 1, sizeof letters, data->out) != sizeof letters)
        data->is_good = false;
}

static void put_bytes(struct page_data *data, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (data->rest_count < sizeof data->rest) {
            data->rest[data->rest_count++] = bytes[i];
            continue;
        }
        const unsigned char group[GROUP_BYTES] = {data->rest[0], data->rest[1], bytes[i]};
        put_group(data, group, GROUP_BYTES);
        data->rest_count = 0;
    }
}

static void deflate_all(struct page_data *data, int flush)
{
    unsigned char chunk[CHUNK_SIZE];
    do {
        data->stream.next_out = chunk;
        data->stream.avail_out = sizeof chunk;
        if (deflate(&data->stream, flush) == Z_STREAM_ERROR)
            data->is_good = false;
        put_bytes(data, chunk, sizeof chunk - data->stream.avail_out);
    } while (data->stream.avail_out == 0 && data->is_good);
}

/* zlib counts in unsigned int; a section of 4 GiB goes in parts. */
void page_data_write(struct page_data *data, const char *bytes, size_t length)
{
    static const size_t PART_MAX = 1U << 30;
    while (length > 0 && data->is_good) {
        const size_t part = length < PART_MAX ? length : PART_MAX;
        data->stream.next_in = (Bytef *)(uintptr_t)bytes;
        data->stream.avail_in = (uInt)part;
        deflate_all(data, Z_NO_FLUSH);
        bytes += part;
        length -= part;
    }
}

bool page_data_deinit(struct page_data *data)
{
    deflate_all(data, Z_FINISH);
    if (data->rest_count > 0)
        put_group(data, data->rest, data->rest_count);
    if (deflateEnd(&data->stream) != Z_OK)
        data->is_good = false;
    return data->is_good;
}
