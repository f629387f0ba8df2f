/* SPDX-License-Identifier: Apache-2.0 */
/* Reading capture files: every format, compressed or not, damaged or not, one or several. The files
 * are written here byte by byte, so that libpcap's writer cannot hide a fault of its reader. */
#include "capture/capture.h"
#include "capture/capture_writer.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BYTES_MAX = 1 << 20, FRAMES_MAX = 4096, PATH_SIZE = 64 };

/* A file being made. */
struct bytes {
    uint8_t data[BYTES_MAX];
    size_t size;
    bool is_big_endian;
};

static void add_u32(struct bytes *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        const int shift = bytes->is_big_endian ? 24 - 8 * i : 8 * i;
        bytes->data[bytes->size++] = (uint8_t)(number >> shift);
    }
}

static void add_u16(struct bytes *bytes, uint16_t number)
{
    const uint8_t low = (uint8_t)number, high = (uint8_t)(number >> 8);
    bytes->data[bytes->size++] = bytes->is_big_endian ? high : low;
    bytes->data[bytes->size++] = bytes->is_big_endian ? low : high;
}

static const uint32_t magic_us = 0xa1b2c3d4, magic_ns = 0xa1b23c4d;

static void start_pcap(struct bytes *bytes, uint32_t magic, bool is_big_endian, uint32_t link_type)
{
    bytes->size = 0;
    bytes->is_big_endian = is_big_endian;
    add_u32(bytes, magic);
    add_u16(bytes, 2);
    add_u16(bytes, 4);
    add_u32(bytes, 0);
    add_u32(bytes, 0);
    add_u32(bytes, 65535);
    add_u32(bytes, link_type);
}

/* A frame whose every byte is `tag`. */
static void add_packet(struct bytes *bytes, uint32_t second, uint32_t fraction, uint32_t captured,
                       uint8_t tag)
{
    add_u32(bytes, second);
    add_u32(bytes, fraction);
    add_u32(bytes, captured);
    add_u32(bytes, captured + 1000);
    memset(bytes->data + bytes->size, tag, captured);
    bytes->size += captured;
}

static void start_pcapng(struct bytes *bytes, bool is_big_endian)
{
    bytes->size = 0;
    bytes->is_big_endian = is_big_endian;
    add_u32(bytes, 0x0a0d0d0a); /* section header */
    add_u32(bytes, 28);
    add_u32(bytes, 0x1a2b3c4d);
    add_u16(bytes, 1);
    add_u16(bytes, 0);
    add_u32(bytes, UINT32_MAX);
    add_u32(bytes, UINT32_MAX);
    add_u32(bytes, 28);
    add_u32(bytes, 1); /* interface: Ethernet, stamps in nanoseconds */
    add_u32(bytes, 32);
    add_u16(bytes, 1);
    add_u16(bytes, 0);
    add_u32(bytes, 65535);
    add_u16(bytes, 9); /* if_tsresol */
    add_u16(bytes, 1);
    bytes->data[bytes->size++] = 9;
    memset(bytes->data + bytes->size, 0, 3);
    bytes->size += 3;
    add_u32(bytes, 0); /* end of options */
    add_u32(bytes, 32);
}

static void add_enhanced_packet(struct bytes *bytes, uint64_t time_ns, uint8_t tag)
{
    add_u32(bytes, 6);
    add_u32(bytes, 32 + 8);
    add_u32(bytes, 0);
    add_u32(bytes, (uint32_t)(time_ns >> 32));
    add_u32(bytes, (uint32_t)time_ns);
    add_u32(bytes, 8);
    add_u32(bytes, 1008);
    memset(bytes->data + bytes->size, tag, 8);
    bytes->size += 8;
    add_u32(bytes, 32 + 8);
}

/* What a capture handed over. */
struct seen {
    struct frame frames[FRAMES_MAX]; /* bytes: not kept */
    uint8_t tags[FRAMES_MAX];
    size_t count;
    unsigned cut_short;
    char message[CAPTURE_ERROR_SIZE];
};

static void see_frame(void *context, const struct frame *frame)
{
    struct seen *seen = context;
    ck_assert_uint_lt(seen->count, FRAMES_MAX);
    for (uint32_t i = 0; i < frame->captured_bytes; i++)
        ck_assert_uint_eq(frame->bytes[i], frame->bytes[0]);
    seen->frames[seen->count] = *frame;
    seen->tags[seen->count] = frame->captured_bytes > 0 ? frame->bytes[0] : 0;
    seen->count++;
}

static void see(void *context, const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        see_frame(context, &frames[i]);
}

static void read_all(struct capture *capture, struct seen *seen, size_t batch)
{
    seen->count = 0;
    seen->cut_short = 0;
    enum capture_result result;
    while ((result = capture_dispatch(capture, batch, see, seen)) != CAPTURE_END) {
        ck_assert(result == CAPTURE_FRAMES || result == CAPTURE_CUT_SHORT);
        if (result == CAPTURE_CUT_SHORT) {
            seen->cut_short++;
            (void)strcpy(seen->message, capture_message(capture));
        }
    }
    struct capture_counters counters;
    capture_counters(capture, &counters);
    ck_assert_uint_eq(counters.read, seen->count);
    ck_assert_uint_eq(counters.received, seen->count);
    ck_assert(!counters.is_live);
}

static struct capture *open_files(const char *const *files, size_t count, const char *filter,
                                  struct capture_error *error)
{
    struct capture_settings settings;
    capture_settings_default(&settings);
    settings.files = files;
    settings.file_count = count;
    settings.filter = filter;
    return capture_open_files(&settings, error);
}

static void read_files(const char *const *files, size_t count, struct seen *seen, size_t batch)
{
    struct capture_error error;
    struct capture *capture = open_files(files, count, NULL, &error);
    ck_assert_msg(capture != NULL, "%s", error.text);
    read_all(capture, seen, batch);
    capture_close(capture);
}

static void read_file(const char *path, struct seen *seen)
{
    read_files(&path, 1, seen, 64);
}

static void expect_error(const char *path, enum capture_error_kind kind, const char *part)
{
    struct capture_error error;
    struct capture *capture = open_files(&path, 1, NULL, &error);
    ck_assert_ptr_null(capture);
    ck_assert_int_eq(error.kind, kind);
    ck_assert_msg(strstr(error.text, part) != NULL, "\"%s\" lacks \"%s\"", error.text, part);
    ck_assert_ptr_nonnull(strstr(error.text, path));
}

/* The files of one test, in a folder of its own that is removed after it. */
static char folder[PATH_SIZE];
static struct bytes *bytes;
static struct seen *seen;

static void make_folder(void)
{
    (void)strcpy(folder, "/tmp/whyflow-capture-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    bytes = calloc(1, sizeof *bytes);
    seen = calloc(1, sizeof *seen);
    ck_assert(bytes != NULL && seen != NULL);
}

static void remove_folder(void)
{
    static const char names[] = "abc";
    for (size_t i = 0; names[i] != '\0'; i++) {
        char path[PATH_SIZE + 4];
        (void)snprintf(path, sizeof path, "%s/%c", folder, names[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    free(bytes);
    free(seen);
}

static const char *path_of(char name)
{
    static char paths[3][PATH_SIZE + 4];
    char *path = paths[name - 'a'];
    (void)snprintf(path, sizeof paths[0], "%s/%c", folder, name);
    return path;
}

static const char *save(char name, const struct bytes *content, size_t size)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content->data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static const char *save_gzip(char name, const struct bytes *content, const char *mode)
{
    const char *path = path_of(name);
    gzFile file = gzopen(path, mode);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, content->data, (unsigned)content->size), (int)content->size);
    ck_assert_int_eq(gzclose(file), Z_OK);
    return path;
}

/* Adds a zstd frame with the content to the file. */
static const char *save_zstd(char name, const struct bytes *content, const char *mode)
{
    static char packed[1 << 20];
    const size_t size = ZSTD_compress(packed, sizeof packed, content->data, content->size, 1);
    ck_assert(!ZSTD_isError(size));
    const char *path = path_of(name);
    FILE *file = fopen(path, mode);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(packed, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Two packets: 2040-02-01 and 2001-09-09, with 123456789 ns where the format keeps them. */
static void make_pair(uint32_t magic, bool is_big_endian)
{
    const uint32_t fraction = magic == magic_ns ? 123456789 : 123456;
    start_pcap(bytes, magic, is_big_endian, 1);
    add_packet(bytes, 2211667200u, fraction, 60, 1);
    add_packet(bytes, 1000000000u, fraction, 1500, 2);
}

static void expect_pair(int64_t subsec_ns)
{
    ck_assert_uint_eq(seen->count, 2);
    ck_assert_uint_eq(seen->cut_short, 0);
    ck_assert_int_eq(seen->frames[0].time_s, 2211667200);
    ck_assert_int_eq(seen->frames[1].time_s, 1000000000);
    ck_assert_int_eq(seen->frames[0].time_subsec_ns, subsec_ns);
    ck_assert_int_eq(seen->frames[1].time_subsec_ns, subsec_ns);
    ck_assert_uint_eq(seen->frames[1].captured_bytes, 1500);
    ck_assert_uint_eq(seen->frames[1].wire_bytes, 2500);
    ck_assert_uint_eq(seen->frames[0].link_type, 1);
    ck_assert_uint_eq(seen->tags[0], 1);
    ck_assert_uint_eq(seen->tags[1], 2);
}

START_TEST(pcap_is_read_in_both_byte_orders_and_precisions_beyond_2038)
{
    const uint32_t magic = (_i & 1) != 0 ? magic_ns : magic_us;
    make_pair(magic, (_i & 2) != 0);
    read_file(save('a', bytes, bytes->size), seen);
    expect_pair(magic == magic_ns ? 123456789 : 123456000);
}
END_TEST

START_TEST(pcapng_is_read_in_both_byte_orders)
{
    start_pcapng(bytes, _i == 1);
    add_enhanced_packet(bytes, UINT64_C(2211667200123456789), 1);
    add_enhanced_packet(bytes, UINT64_C(1000000000123456789), 2);
    read_file(save('a', bytes, bytes->size), seen);
    ck_assert_uint_eq(seen->count, 2);
    ck_assert_int_eq(seen->frames[0].time_s, 2211667200);
    ck_assert_int_eq(seen->frames[0].time_subsec_ns, 123456789);
    ck_assert_uint_eq(seen->frames[1].wire_bytes, 1008);
    ck_assert_uint_eq(seen->tags[1], 2);
}
END_TEST

START_TEST(raw_ip_has_the_link_type_of_files)
{
    start_pcap(bytes, magic_us, false, 101);
    add_packet(bytes, 1, 2, 20, 0x45);
    read_file(save('a', bytes, bytes->size), seen);
    ck_assert_uint_eq(seen->frames[0].link_type, 101);
}
END_TEST

START_TEST(rotten_stamps_and_lengths_come_through_unchanged)
{
    start_pcap(bytes, magic_us, false, 1);
    add_packet(bytes, 1, 5000000, 10, 1);
    add_packet(bytes, 1, 0xffffffff, 10, 2);
    bytes->data[bytes->size - 14] = 3; /* longer captured than sent */
    bytes->data[bytes->size - 13] = 0;
    read_file(save('a', bytes, bytes->size), seen);
    ck_assert_uint_eq(seen->count, 2);
    ck_assert_int_eq(seen->frames[0].time_subsec_ns, INT64_C(5000000000));
    const int64_t subsec_ns = seen->frames[1].time_subsec_ns;
    ck_assert(subsec_ns < 0 || subsec_ns >= 1000000000);
    ck_assert_uint_eq(seen->frames[1].wire_bytes, 3);
}
END_TEST

START_TEST(gzip_is_told_by_its_first_bytes)
{
    make_pair(magic_ns, false);
    read_file(save_gzip('a', bytes, "wb"), seen);
    expect_pair(123456789);
}
END_TEST

START_TEST(gzip_members_are_read_one_after_the_other)
{
    make_pair(magic_ns, true);
    const size_t whole = bytes->size;
    bytes->size = 50; /* in the middle of a packet */
    (void)save_gzip('a', bytes, "wb");
    memmove(bytes->data, bytes->data + 50, whole - 50);
    bytes->size = whole - 50;
    read_file(save_gzip('a', bytes, "ab"), seen);
    expect_pair(123456789);
}
END_TEST

START_TEST(zstd_is_told_by_its_first_bytes)
{
    make_pair(magic_ns, false);
    read_file(save_zstd('a', bytes, "wb"), seen);
    expect_pair(123456789);
}
END_TEST

START_TEST(zstd_frames_are_read_one_after_the_other)
{
    make_pair(magic_ns, true);
    const size_t whole = bytes->size;
    /* A frame to be skipped, as pzstd writes, an empty one, and two that share a packet. */
    struct bytes *part = calloc(1, sizeof *part);
    ck_assert_ptr_nonnull(part);
    memcpy(part->data, "\x50\x2a\x4d\x18\x02\0\0\0xy", 10);
    (void)save('a', part, 10);
    (void)save_zstd('a', part, "ab");
    memcpy(part->data, bytes->data, 50);
    part->size = 50;
    (void)save_zstd('a', part, "ab");
    memcpy(part->data, bytes->data + 50, whole - 50);
    part->size = whole - 50;
    read_file(save_zstd('a', part, "ab"), seen);
    free(part);
    expect_pair(123456789);
}
END_TEST

static void make_many(size_t count)
{
    start_pcap(bytes, magic_ns, false, 1);
    for (size_t i = 0; i < count; i++)
        add_packet(bytes, (uint32_t)i, (uint32_t)(i * 7919), 100, (uint8_t)i);
}

/* Cut anywhere, what was whole is handed over, and the cut is told unless it is between packets. */
START_TEST(a_cut_file_gives_its_whole_packets_and_says_so)
{
    make_many(3);
    for (size_t size = 24; size <= bytes->size; size++) {
        read_file(save('a', bytes, size), seen);
        ck_assert_uint_eq(seen->count, (size - 24) / 116);
        ck_assert_uint_eq(seen->cut_short, (size - 24) % 116 != 0);
        if (seen->cut_short != 0)
            ck_assert_ptr_nonnull(strstr(seen->message, path_of('a')));
    }
}
END_TEST

START_TEST(a_cut_gzip_stream_is_told_even_between_packets)
{
    make_many(1000);
    const char *path = save_gzip('a', bytes, "wb");
    read_file(path, seen);
    ck_assert_uint_eq(seen->count, 1000);
    ck_assert_uint_eq(seen->cut_short, 0);
    ck_assert_int_eq(truncate(path, 3000), 0);
    read_file(path, seen);
    ck_assert_uint_gt(seen->count, 0);
    ck_assert_uint_lt(seen->count, 1000);
    ck_assert_uint_eq(seen->cut_short, 1);
    ck_assert_ptr_nonnull(strstr(seen->message, "gzip stream is cut short"));
}
END_TEST

START_TEST(a_damaged_gzip_stream_is_told)
{
    make_many(1000);
    const char *path = save_gzip('a', bytes, "wb");
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, -8, SEEK_END), 0); /* the checksum */
    ck_assert_int_eq(fputc(0x55, file), 0x55);
    ck_assert_int_eq(fputc(0xaa, file), 0xaa);
    ck_assert_int_eq(fclose(file), 0);
    read_file(path, seen);
    ck_assert_uint_eq(seen->cut_short, 1);
    ck_assert_ptr_nonnull(strstr(seen->message, "gzip stream is damaged"));
}
END_TEST

/* Wherever it is cut, what can be read of it is handed over, and the cut is told. */
START_TEST(a_cut_zstd_stream_is_told)
{
    make_many(4000); /* several blocks of 128 KiB */
    const char *path = save_zstd('a', bytes, "wb");
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    read_file(path, seen);
    ck_assert_uint_eq(seen->count, 4000);
    ck_assert_uint_eq(seen->cut_short, 0);
    for (off_t size = status.st_size - 1; size > status.st_size - 20; size -= 9) {
        ck_assert_int_eq(truncate(path, size), 0);
        read_file(path, seen);
        ck_assert_uint_gt(seen->count, 1000);
        ck_assert_uint_le(seen->count, 4000);
        ck_assert_uint_eq(seen->cut_short, 1);
        ck_assert_ptr_nonnull(strstr(seen->message, "zstd stream is cut short"));
    }
}
END_TEST

START_TEST(a_damaged_zstd_stream_is_told)
{
    make_many(1000);
    const char *path = save_zstd('a', bytes, "wb");
    FILE *file = fopen(path, "ab"); /* where a frame should begin */
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fputs("rubbish", file) >= 0, 1);
    ck_assert_int_eq(fclose(file), 0);
    read_file(path, seen);
    ck_assert_uint_eq(seen->count, 1000);
    ck_assert_uint_eq(seen->cut_short, 1);
    ck_assert_ptr_nonnull(strstr(seen->message, "zstd stream is damaged"));
}
END_TEST

START_TEST(a_damaged_packet_header_ends_the_file_there)
{
    make_many(5);
    memset(bytes->data + 24 + 2 * 116 + 8, 0xff, 4); /* the third packet's captured length */
    read_file(save('a', bytes, bytes->size), seen);
    ck_assert_uint_eq(seen->count, 2);
    ck_assert_uint_eq(seen->cut_short, 1);
}
END_TEST

START_TEST(what_is_no_capture_file_is_told_at_once)
{
    expect_error("/nonexistent/file", CAPTURE_ERROR_INPUT, "No such file");
    expect_error("/tmp", CAPTURE_ERROR_INPUT, "directory");
    expect_error(save('a', bytes, 0), CAPTURE_ERROR_INPUT, "empty");
    memcpy(bytes->data, "hello, world of packets\n", 24);
    bytes->size = 24;
    expect_error(save('a', bytes, 24), CAPTURE_ERROR_INPUT, "not a readable capture file");
    expect_error(save_gzip('b', bytes, "wb"), CAPTURE_ERROR_INPUT, "not a readable capture file");
    make_many(1);
    expect_error(save('c', bytes, 10), CAPTURE_ERROR_INPUT, "not a readable capture file");
}
END_TEST

START_TEST(other_compressions_are_told_with_their_program)
{
    memcpy(bytes->data, "\x04\x22\x4d\x18....", 8);
    expect_error(save('a', bytes, 8), CAPTURE_ERROR_INPUT, "lz4 -dc");
    memcpy(bytes->data,
           "\xfd"
           "7zXZ...",
           8);
    expect_error(save('a', bytes, 8), CAPTURE_ERROR_INPUT, "xz -dc");
}
END_TEST

START_TEST(files_are_merged_by_time_each_in_its_own_order)
{
    static const uint32_t seconds[3][5] = {
        {10, 20, 15, 30, 31}, {5, 20, 21, 22, 40}, {20, 1, 2, 3, 50}};
    static const uint8_t expected[] = {10, 0, 1, 2, 11, 20, 21, 22, 23, 12, 13, 3, 4, 14, 24};
    const char *files[3];
    for (unsigned f = 0; f < 3; f++) {
        start_pcap(bytes, magic_us, f == 1, 1);
        for (unsigned i = 0; i < 5; i++)
            add_packet(bytes, seconds[f][i], 0, 40 + i, (uint8_t)(10 * f + i));
        files[f] = f == 2 ? save_gzip('c', bytes, "wb") : save((char)('a' + f), bytes, bytes->size);
    }
    for (size_t batch = 1; batch < 20; batch++) {
        read_files(files, 3, seen, batch);
        ck_assert_uint_eq(seen->count, 15);
        for (size_t i = 0; i < 15; i++) {
            ck_assert_uint_eq(seen->tags[i], expected[i]);
            ck_assert_uint_eq(seen->frames[i].source_index, expected[i] / 10);
        }
    }
}
END_TEST

START_TEST(a_rotten_stamp_does_not_hold_its_file_back)
{
    start_pcap(bytes, magic_us, false, 1);
    add_packet(bytes, 10, 0, 4, 1);
    add_packet(bytes, 4000000000u, 2000000, 4, 2); /* 2096, two million microseconds */
    add_packet(bytes, 11, 0, 4, 3);
    const char *files[2] = {save('a', bytes, bytes->size)};
    start_pcap(bytes, magic_us, false, 1);
    add_packet(bytes, 20, 0, 4, 4);
    files[1] = save('b', bytes, bytes->size);
    read_files(files, 2, seen, 64);
    ck_assert_mem_eq(seen->tags, ((uint8_t[]){1, 2, 3, 4}), 4);
}
END_TEST

START_TEST(one_cut_file_of_several_leaves_the_others)
{
    make_many(10);
    const char *files[2] = {save('a', bytes, bytes->size - 500), save('b', bytes, bytes->size)};
    read_files(files, 2, seen, 3);
    ck_assert_uint_eq(seen->count, 5 + 10);
    ck_assert_uint_eq(seen->cut_short, 1);
    ck_assert_ptr_nonnull(strstr(seen->message, files[0]));
}
END_TEST

START_TEST(a_filter_takes_only_what_it_names)
{
    make_many(100);
    const char *path = save('a', bytes, bytes->size);
    struct capture_error error;
    struct capture *capture = open_files(&path, 1, "ether[0] < 10", &error);
    ck_assert_msg(capture != NULL, "%s", error.text);
    read_all(capture, seen, 7);
    capture_close(capture);
    ck_assert_uint_eq(seen->count, 10);
    ck_assert_ptr_null(open_files(&path, 1, "tcp prot 80", &error));
    ck_assert_int_eq(error.kind, CAPTURE_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error.text, "tcp prot 80"));
    ck_assert_ptr_null(strchr(error.text, '\n'));
}
END_TEST

START_TEST(a_filter_a_link_type_cannot_have_is_told)
{
    start_pcap(bytes, magic_us, false, 101);
    const char *path = save('a', bytes, bytes->size);
    struct capture_error error;
    ck_assert_ptr_null(open_files(&path, 1, "ether host 02:00:00:00:00:01", &error));
    ck_assert_int_eq(error.kind, CAPTURE_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error.text, path));
}
END_TEST

START_TEST(a_capture_without_packets_ends_at_once)
{
    start_pcap(bytes, magic_us, false, 1);
    read_file(save('a', bytes, bytes->size), seen);
    ck_assert_uint_eq(seen->count, 0);
    ck_assert_uint_eq(seen->cut_short, 0);
}
END_TEST

/* Writes the test's bytes into a pipe, the first ones one by one. */
static void *feed(void *context)
{
    const int fd = *(const int *)context;
    size_t written = 0;
    for (; written < 6; written++)
        ck_assert_int_eq(write(fd, bytes->data + written, 1), 1);
    while (written < bytes->size) {
        const ssize_t count = write(fd, bytes->data + written, bytes->size - written);
        ck_assert_int_gt(count, 0);
        written += (size_t)count;
    }
    ck_assert_int_eq(close(fd), 0);
    return NULL;
}

static void read_fed_input(void)
{
    int ends[2];
    pthread_t feeder;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(pthread_create(&feeder, NULL, feed, &ends[1]), 0);
    read_file("-", seen);
    ck_assert_int_eq(pthread_join(feeder, NULL), 0);
    ck_assert_int_eq(close(ends[0]), 0);
}

START_TEST(standard_input_is_read_from_a_pipe)
{
    make_many(2000);
    read_fed_input();
    ck_assert_uint_eq(seen->count, 2000);
    ck_assert_uint_eq(seen->cut_short, 0);
}
END_TEST

START_TEST(standard_input_may_be_compressed)
{
    make_many(2000);
    const char *path = save_gzip('a', bytes, "wb");
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    bytes->size = fread(bytes->data, 1, sizeof bytes->data, file);
    ck_assert_int_eq(fclose(file), 0);
    read_fed_input();
    ck_assert_uint_eq(seen->count, 2000);
    ck_assert_uint_eq(seen->cut_short, 0);
}
END_TEST

START_TEST(standard_input_twice_is_refused)
{
    const char *files[] = {"-", "-"};
    struct capture_error error;
    ck_assert_ptr_null(open_files(files, 2, NULL, &error));
    ck_assert_int_eq(error.kind, CAPTURE_ERROR_USAGE);
}
END_TEST

/* The pipe's writer stays silent and open in the middle of a packet: without the stop, the test
 * would hang. */
START_TEST(a_silent_pipe_ends_when_told_to_stop)
{
    int input[2], stop[2];
    ck_assert_int_eq(pipe(input), 0);
    ck_assert_int_eq(pipe(stop), 0);
    ck_assert_int_eq(dup2(input[0], STDIN_FILENO), STDIN_FILENO);
    make_many(3);
    ck_assert_int_eq(write(input[1], bytes->data, 24 + 2 * 116 + 50), 24 + 2 * 116 + 50);
    ck_assert_int_eq(write(stop[1], "x", 1), 1);
    const char *path = "-";
    struct capture_settings settings;
    capture_settings_default(&settings);
    settings.files = &path;
    settings.file_count = 1;
    settings.stop_fd = stop[0];
    struct capture_error error;
    struct capture *capture = capture_open_files(&settings, &error);
    ck_assert_msg(capture != NULL, "%s", error.text);
    read_all(capture, seen, 64);
    capture_close(capture);
    ck_assert_uint_eq(seen->count, 2);
    ck_assert_uint_eq(seen->cut_short, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(close(input[i]), 0);
        ck_assert_int_eq(close(stop[i]), 0);
    }
}
END_TEST

/* What was written comes back as it was, also what must be refused. */
START_TEST(a_written_file_reads_back_the_same)
{
    static const struct frame frames[] = {
        {.time_s = 1570002845, .time_subsec_ns = 1207123, .captured_bytes = 5, .wire_bytes = 1500},
        {.time_s = 4294967295, .time_subsec_ns = 999999999, .captured_bytes = 0, .wire_bytes = 0},
        {.time_s = 4294967296, .time_subsec_ns = 5, .captured_bytes = 5, .wire_bytes = 5},
        {.time_s = 7, .time_subsec_ns = -1, .captured_bytes = 5, .wire_bytes = 5},
    };
    static const uint8_t content[] = {9, 9, 9, 9, 9};
    struct capture_error error;
    struct capture_writer *writer = capture_writer_open(path_of('a'), 101, 0, &error);
    ck_assert_msg(writer != NULL, "%s", error.text);
    for (size_t i = 0; i < 4; i++) {
        struct frame frame = frames[i];
        frame.bytes = content;
        frame.link_type = 101;
        ck_assert(capture_writer_frame(writer, &frame, &error));
    }
    ck_assert(capture_writer_close(writer, &error));
    read_file(path_of('a'), seen);
    ck_assert_uint_eq(seen->count, 4);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(seen->frames[i].time_s, frames[i].time_s);
        ck_assert_int_eq(seen->frames[i].time_subsec_ns, frames[i].time_subsec_ns);
        ck_assert_uint_eq(seen->frames[i].captured_bytes, frames[i].captured_bytes);
        ck_assert_uint_eq(seen->frames[i].wire_bytes, frames[i].wire_bytes);
        ck_assert_uint_eq(seen->frames[i].link_type, 101);
    }
    for (size_t i = 2; i < 4; i++)
        ck_assert_int_ge(seen->frames[i].time_subsec_ns, 1000000000);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    static const uint8_t content[1000];
    struct capture_error error = {.kind = CAPTURE_ERROR_NONE};
    struct capture_writer *writer = capture_writer_open("/dev/full", 1, 0, &error);
    ck_assert_msg(writer != NULL, "%s", error.text);
    const struct frame frame = {
        .bytes = content, .captured_bytes = 1000, .wire_bytes = 1000, .link_type = 1};
    bool is_written = true;
    for (int i = 0; i < 100 && is_written; i++)
        is_written = capture_writer_frame(writer, &frame, &error);
    ck_assert(!is_written);
    ck_assert_ptr_nonnull(strstr(error.text, "/dev/full"));
    ck_assert(!capture_writer_close(writer, &error));
}
END_TEST

START_TEST(a_file_has_one_link_type)
{
    struct capture_error error;
    struct capture_writer *writer = capture_writer_open(path_of('a'), 1, 0, &error);
    ck_assert_msg(writer != NULL, "%s", error.text);
    const struct frame frame = {
        .bytes = (const uint8_t *)"x", .captured_bytes = 1, .wire_bytes = 1, .link_type = 113};
    ck_assert(!capture_writer_frame(writer, &frame, &error));
    ck_assert_int_eq(error.kind, CAPTURE_ERROR_USAGE);
    ck_assert(capture_writer_close(writer, &error));
}
END_TEST

START_TEST(an_interface_that_is_not_there_is_told)
{
    const char *interface = "whyflow-none";
    struct capture_settings settings;
    capture_settings_default(&settings);
    settings.interfaces = &interface;
    settings.interface_count = 1;
    struct capture_error error;
    ck_assert_ptr_null(capture_open_live(&settings, &error));
    ck_assert_int_eq(error.kind, CAPTURE_ERROR_PERMISSION);
    ck_assert_ptr_nonnull(strstr(error.text, interface));
}
END_TEST

static void add_format_tests(TCase *tests)
{
    tcase_add_loop_test(tests, pcap_is_read_in_both_byte_orders_and_precisions_beyond_2038, 0, 4);
    tcase_add_loop_test(tests, pcapng_is_read_in_both_byte_orders, 0, 2);
    tcase_add_test(tests, raw_ip_has_the_link_type_of_files);
    tcase_add_test(tests, rotten_stamps_and_lengths_come_through_unchanged);
    tcase_add_test(tests, gzip_is_told_by_its_first_bytes);
    tcase_add_test(tests, gzip_members_are_read_one_after_the_other);
    tcase_add_test(tests, zstd_is_told_by_its_first_bytes);
    tcase_add_test(tests, zstd_frames_are_read_one_after_the_other);
    tcase_add_test(tests, a_capture_without_packets_ends_at_once);
}

static void add_damage_tests(TCase *tests)
{
    tcase_add_test(tests, a_cut_file_gives_its_whole_packets_and_says_so);
    tcase_add_test(tests, a_cut_gzip_stream_is_told_even_between_packets);
    tcase_add_test(tests, a_damaged_gzip_stream_is_told);
    tcase_add_test(tests, a_cut_zstd_stream_is_told);
    tcase_add_test(tests, a_damaged_zstd_stream_is_told);
    tcase_add_test(tests, a_damaged_packet_header_ends_the_file_there);
    tcase_add_test(tests, what_is_no_capture_file_is_told_at_once);
    tcase_add_test(tests, other_compressions_are_told_with_their_program);
    tcase_add_test(tests, an_interface_that_is_not_there_is_told);
}

static void add_source_tests(TCase *tests)
{
    tcase_add_test(tests, files_are_merged_by_time_each_in_its_own_order);
    tcase_add_test(tests, a_rotten_stamp_does_not_hold_its_file_back);
    tcase_add_test(tests, one_cut_file_of_several_leaves_the_others);
    tcase_add_test(tests, a_filter_takes_only_what_it_names);
    tcase_add_test(tests, a_filter_a_link_type_cannot_have_is_told);
    tcase_add_test(tests, standard_input_is_read_from_a_pipe);
    tcase_add_test(tests, standard_input_may_be_compressed);
    tcase_add_test(tests, standard_input_twice_is_refused);
    tcase_add_test(tests, a_silent_pipe_ends_when_told_to_stop);
}

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("capture_file");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    add_format_tests(tests);
    add_damage_tests(tests);
    add_source_tests(tests);
    tcase_add_test(tests, a_written_file_reads_back_the_same);
    tcase_add_test(tests, a_full_disk_is_told);
    tcase_add_test(tests, a_file_has_one_link_type);
    suite_add_tcase(suite, tests);
    return suite;
}
