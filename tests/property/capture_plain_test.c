/* SPDX-License-Identifier: Apache-2.0 */
/* Plain pcap files, which are read without libpcap as far as their records are ordinary: whatever
 * is in them, frames, messages and ends are the same as of the same bytes in gzip, which libpcap
 * alone reads. And a file that changes while it is read. */
#include "capture/capture.h"
#include "capture/plain_pcap.h"
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    BYTES_MAX = 3 << 20,
    FRAMES_MAX = 4096,
    PATH_SIZE = 64,
    FILE_HEADER_BYTES = 24,
    RECORD_HEADER_BYTES = 16,
    RANDOM_RUNS = 400,
    FILES_MAX = 70, /* of which each has the smallest window */
};

static const uint32_t magic_us = 0xa1b2c3d4, magic_ns = 0xa1b23c4d, magic_kuznetzov = 0xa1b2cd34;

static struct {
    uint8_t data[BYTES_MAX];
    size_t size;
    bool is_big_endian;
} file;

/* A frame as it came: its bytes as their CRC. */
struct seen_frame {
    int64_t time_s, time_subsec_ns;
    uint32_t captured_bytes, wire_bytes, crc;
    uint16_t link_type, source_index;
};

struct seen {
    struct seen_frame frames[FRAMES_MAX];
    size_t count;
    unsigned cut_short;
    char failure[CAPTURE_ERROR_SIZE]; /* without the file's name */
};

static struct seen plain, packed;
static char folder[PATH_SIZE];
static char paths[2][PATH_SIZE + 8];

static void make_folder(void)
{
    (void)strcpy(folder, "/tmp/whyflow-plain-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (unsigned i = 0; i < 2; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%c", folder, 'a' + (char)i);
}

static void remove_folder(void)
{
    for (unsigned i = 0; i < 2; i++)
        (void)unlink(paths[i]);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* xorshift64: the same numbers in each run. */
static uint32_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static void put_u32(size_t at, uint32_t number)
{
    const uint32_t stored = file.is_big_endian ? __builtin_bswap32(number) : number;
    memcpy(file.data + at, &stored, sizeof stored);
}

static void add_u32(uint32_t number)
{
    put_u32(file.size, number);
    file.size += sizeof number;
}

struct file_header {
    uint32_t magic, minor_version, snaplen_bytes, link_type;
    bool is_big_endian;
};

static const struct file_header usual = {
    .magic = 0xa1b2c3d4, .minor_version = 4, .snaplen_bytes = 262144, .link_type = 1};

static void start(const struct file_header *header)
{
    file.size = 0;
    file.is_big_endian = header->is_big_endian;
    add_u32(header->magic);
    add_u32(header->is_big_endian ? 2u << 16 | header->minor_version
                                  : header->minor_version << 16 | 2u);
    add_u32(0);
    add_u32(0);
    add_u32(header->snaplen_bytes);
    add_u32(header->link_type);
}

static void add_record(uint32_t second, uint32_t fraction, uint32_t captured_bytes,
                       uint32_t wire_bytes)
{
    ck_assert_uint_le(file.size + RECORD_HEADER_BYTES + captured_bytes, BYTES_MAX);
    add_u32(second);
    add_u32(fraction);
    add_u32(captured_bytes);
    add_u32(wire_bytes);
    for (uint32_t i = 0; i < captured_bytes; i++)
        file.data[file.size++] = (uint8_t)(second + i * 31);
}

static void save(size_t size)
{
    FILE *out = fopen(paths[0], "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(file.data, 1, size, out), size);
    ck_assert_int_eq(fclose(out), 0);
}

static void save_packed(size_t size)
{
    gzFile out = gzopen(paths[1], "wb1");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(gzwrite(out, file.data, (unsigned)size), (int)size);
    ck_assert_int_eq(gzclose(out), Z_OK);
}

static void see_frame(void *context, const struct frame *frame)
{
    struct seen *const seen = context;
    ck_assert_uint_lt(seen->count, FRAMES_MAX);
    seen->frames[seen->count++] = (struct seen_frame){
        .time_s = frame->time_s,
        .time_subsec_ns = frame->time_subsec_ns,
        .captured_bytes = frame->captured_bytes,
        .wire_bytes = frame->wire_bytes,
        .crc = (uint32_t)crc32(0, frame->bytes, frame->captured_bytes),
        .link_type = frame->link_type,
        .source_index = frame->source_index,
    };
}

static void see(void *context, const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        see_frame(context, &frames[i]);
}

static void begin_seen(struct seen *seen)
{
    seen->count = 0;
    seen->cut_short = 0;
    seen->failure[0] = '\0';
}

static void read_rest(struct capture *capture, size_t batch, struct seen *seen)
{
    enum capture_result result;
    while ((result = capture_dispatch(capture, batch, see, seen)) != CAPTURE_END) {
        ck_assert(result == CAPTURE_FRAMES || result == CAPTURE_CUT_SHORT);
        if (result != CAPTURE_CUT_SHORT)
            continue;
        seen->cut_short++;
        (void)strcpy(seen->failure, strchr(capture_message(capture), ':'));
    }
}

static struct capture *open_files(const char *const *names, size_t count, const char *filter,
                                  struct capture_error *error)
{
    struct capture_settings settings;
    capture_settings_default(&settings);
    settings.files = names;
    settings.file_count = count;
    settings.filter = filter;
    return capture_open_files(&settings, error);
}

/* `count` times the same file, which is then merged with itself. */
static void read_file(const char *path, size_t count, const char *filter, struct seen *seen)
{
    const char *names[FILES_MAX];
    struct capture_error error;
    for (size_t i = 0; i < count; i++)
        names[i] = path;
    begin_seen(seen);
    struct capture *capture = open_files(names, count, filter, &error);
    if (capture == NULL) {
        (void)strcpy(seen->failure, strchr(error.text, ':'));
        return;
    }
    read_rest(capture, 1 + file.size % 100, seen);
    capture_close(capture);
}

static void expect_same_frame(const struct seen_frame *a, const struct seen_frame *b)
{
    ck_assert_int_eq(a->time_s, b->time_s);
    ck_assert_int_eq(a->time_subsec_ns, b->time_subsec_ns);
    ck_assert_uint_eq(a->captured_bytes, b->captured_bytes);
    ck_assert_uint_eq(a->wire_bytes, b->wire_bytes);
    ck_assert_uint_eq(a->crc, b->crc);
    ck_assert_uint_eq(a->link_type, b->link_type);
    ck_assert_uint_eq(a->source_index, b->source_index);
}

static void expect_same(size_t size, size_t count, const char *filter)
{
    save(size);
    save_packed(size);
    read_file(paths[0], count, filter, &plain);
    read_file(paths[1], count, filter, &packed);
    ck_assert_uint_eq(plain.count, packed.count);
    ck_assert_uint_eq(plain.cut_short, packed.cut_short);
    ck_assert_str_eq(plain.failure, packed.failure);
    for (size_t i = 0; i < plain.count; i++)
        expect_same_frame(&plain.frames[i], &packed.frames[i]);
}

/* Mostly small packets, some of tens of kilobytes, so that records lie across every end of a
 * read. */
static uint32_t random_size(uint64_t *state)
{
    const uint32_t number = next_random(state);
    return number % 50 == 0 ? number / 50 % 100000 : number / 50 % 1500;
}

static void add_random_records(uint64_t *state, size_t bytes_max)
{
    size_t count = 0;
    for (uint32_t second = 1; count < FRAMES_MAX / 2; second += next_random(state) % 3, count++) {
        const uint32_t size = random_size(state);
        if (file.size + RECORD_HEADER_BYTES + size > bytes_max)
            return;
        add_record(second, next_random(state) % 1000000, size, size + next_random(state) % 20);
    }
}

START_TEST(files_of_every_kind_are_read_as_libpcap_reads_them)
{
    const uint32_t magics[] = {magic_us, magic_ns, magic_kuznetzov};
    const uint32_t link_types[] = {1, 101, 113, 189}; /* Ethernet, IP, Linux cooked, Linux USB */
    const uint32_t snaplens[] = {262144, 65535, 96, 0, 0xffffffff};
    uint64_t state = 77;
    for (unsigned i = 0; i < 3 * 4 * 5 * 3; i++) {
        const struct file_header header = {
            .magic = magics[i % 3],
            .link_type = link_types[i / 3 % 4],
            .snaplen_bytes = snaplens[i / 12 % 5],
            .minor_version = 2 + i / 60 % 3,
            .is_big_endian = _i != 0,
        };
        start(&header);
        add_random_records(&state, 200000);
        expect_same(file.size, 1, NULL);
    }
}
END_TEST

START_TEST(records_across_the_ends_of_reads_are_whole)
{
    uint64_t state = 99;
    start(&usual);
    add_random_records(&state, BYTES_MAX - (1 << 20));
    add_record(1, 1, 262144, 262144); /* the largest */
    add_record(2, 1, 0, 0);
    add_record(3, 1, 262143, 300000);
    add_record(4, 1, 1, 1);
    ck_assert_uint_gt(file.size, 4 * PLAIN_PCAP_READ_BYTES);
    expect_same(file.size, 1, NULL);
    ck_assert_uint_eq(plain.cut_short, 0);
    expect_same(file.size, 2, NULL);
    start(&usual);
    add_random_records(&state, 100000);
    add_record(1, 1, 100000, 100000);
    expect_same(file.size - 1, FILES_MAX, NULL);
    ck_assert_uint_eq(plain.cut_short, FILES_MAX);
}
END_TEST

/* Any number of the file's or of a record's header changed, and the file cut anywhere. */
START_TEST(a_damaged_file_is_judged_as_libpcap_judges_it)
{
    static const uint32_t numbers[] = {0,      1,      15,      16,         65535,      262144,
                                       262145, 999999, 1000000, 0x7fffffff, 0x80000000, 0xffffffff};
    uint64_t state = 5;
    unsigned cut_short = 0;
    for (unsigned run = 0; run < RANDOM_RUNS; run++) {
        struct file_header header = usual;
        header.is_big_endian = run % 2 != 0;
        start(&header);
        add_random_records(&state, 3000);
        const size_t place = next_random(&state) % (file.size / 4) * 4;
        const uint32_t number = numbers[next_random(&state) % (sizeof numbers / sizeof *numbers)];
        put_u32(run % 3 != 0 ? FILE_HEADER_BYTES + next_random(&state) % 4 * 4 : place, number);
        const size_t size = run % 5 != 0 ? file.size : next_random(&state) % file.size;
        if (size > 0)
            expect_same(size, 1 + run % 2, NULL);
        cut_short += plain.cut_short;
    }
    ck_assert_uint_gt(cut_short, RANDOM_RUNS / 20);
}
END_TEST

START_TEST(a_file_cut_anywhere_ends_with_libpcaps_words)
{
    start(&usual);
    for (uint32_t i = 0; i < 4; i++)
        add_record(i, i, 20 * i, 20 * i);
    for (size_t size = FILE_HEADER_BYTES; size <= file.size; size++) {
        expect_same(size, 1, NULL);
        expect_same(size, 2, NULL);
    }
}
END_TEST

START_TEST(a_filter_lets_the_same_frames_pass)
{
    uint64_t state = 31;
    start(&usual);
    add_random_records(&state, 600000);
    put_u32(file.size - RECORD_HEADER_BYTES, 7); /* and so the end is libpcap's */
    static const char *const filters[] = {"less 200", "greater 70000", "ether[3] & 1 = 0",
                                          "ether[1400] = 5", "ip"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        expect_same(file.size, 1, filters[i]);
        expect_same(file.size, 2, filters[i]);
    }
    ck_assert_uint_eq(plain.count, 0);
    expect_same(file.size, 1, "less 200");
    ck_assert_uint_gt(plain.count, 20);
}
END_TEST

/* ---- who reads ------------------------------------------------------------------------------ */

/* How many of the two records of a file with this header are read without libpcap. */
static unsigned count_ordinary(const struct file_header *header)
{
    static const struct stream_purpose purpose = {'r', "empty"};
    char detail[PCAP_ERRBUF_SIZE];
    struct stream_error error;
    struct plain_pcap reader = {0};
    struct frame frame = {0};
    unsigned count = 0;
    start(header);
    add_record(1, 1, 60, 60);
    add_record(2, 2, 60, 60);
    save(file.size);
    struct stream *stream = stream_open(paths[0], -1, &purpose, &error);
    ck_assert_ptr_nonnull(stream);
    pcap_t *pcap = pcap_fopen_offline(stream_file(stream), detail);
    ck_assert_ptr_nonnull(pcap);
    if (plain_pcap_open(&reader, stream, pcap, PLAIN_PCAP_READ_BYTES)) {
        while (plain_pcap_frames(&reader, &frame, 1) > 0)
            count++;
        ck_assert_uint_eq(plain_pcap_offset(&reader),
                          FILE_HEADER_BYTES + count * (60 + RECORD_HEADER_BYTES));
    }
    plain_pcap_close(&reader);
    pcap_close(pcap);
    stream_close(stream);
    return count;
}

START_TEST(ordinary_files_need_no_libpcap_and_others_do)
{
    struct file_header header = usual;
    ck_assert_uint_eq(count_ordinary(&header), 2);
    header.magic = magic_ns;
    header.is_big_endian = true;
    ck_assert_uint_eq(count_ordinary(&header), 2);
    header.link_type = 113; /* libpcap may swap its bytes */
    ck_assert_uint_eq(count_ordinary(&header), 0);
    header.is_big_endian = false;
    ck_assert_uint_eq(count_ordinary(&header), 2);
    header.minor_version = 3;
    ck_assert_uint_eq(count_ordinary(&header), 0);
    header.minor_version = 4;
    header.magic = magic_kuznetzov;
    ck_assert_uint_eq(count_ordinary(&header), 0);
    header.magic = magic_us;
    header.snaplen_bytes = 59; /* libpcap hands over 59 bytes */
    ck_assert_uint_eq(count_ordinary(&header), 0);
}
END_TEST

/* ---- files that change ---------------------------------------------------------------------- */

static struct capture *open_plain(void)
{
    const char *const name = paths[0];
    struct capture_error error;
    save(file.size);
    begin_seen(&plain);
    struct capture *capture = open_files(&name, 1, NULL, &error);
    ck_assert_ptr_nonnull(capture);
    return capture;
}

START_TEST(what_is_added_while_a_file_is_read_is_read_too)
{
    start(&usual);
    for (uint32_t i = 0; i < 10; i++)
        add_record(i, 0, 100, 100);
    struct capture *capture = open_plain();
    ck_assert_int_eq(capture_dispatch(capture, 10, see, &plain), CAPTURE_FRAMES);
    FILE *out = fopen(paths[0], "ab");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(file.data + FILE_HEADER_BYTES, 1, 580, out), 580);
    ck_assert_int_eq(fclose(out), 0);
    read_rest(capture, 3, &plain);
    ck_assert_uint_eq(plain.count, 15);
    ck_assert_uint_eq(plain.cut_short, 0);
    capture_close(capture);
}
END_TEST

/* No frame is made of bytes that were never there, nothing crashes, and it is told. */
START_TEST(a_file_that_shrinks_while_it_is_read_is_told)
{
    enum { COUNT = 2000, SIZE = 1000 };
    start(&usual);
    for (uint32_t i = 0; i < COUNT; i++)
        add_record(i, 0, SIZE, SIZE);
    static const off_t left[] = {0, 24, 24 + 1016 * 5, 24 + 1016 * 5 + 7, 24 + 1016 * 1000};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        struct capture *capture = open_plain();
        ck_assert_int_eq(capture_dispatch(capture, 300, see, &plain), CAPTURE_FRAMES);
        ck_assert_int_eq(truncate(paths[0], left[i]), 0);
        read_rest(capture, 100, &plain);
        ck_assert_uint_ge(plain.count, 300);
        ck_assert_uint_le(plain.count, 1000);
        for (uint32_t k = 0; k < plain.count; k++)
            ck_assert_int_eq(plain.frames[k].time_s, k);
        const bool is_told = strstr(plain.failure, "became shorter") != NULL;
        ck_assert_uint_eq(plain.cut_short, is_told);
        ck_assert_int_eq(is_told, left[i] < 24 + 1016 * 300);
        capture_close(capture);
    }
}
END_TEST

Suite *whyflow_suite(void)
{
    Suite *suite = suite_create("capture_plain");
    TCase *tests = tcase_create("plain");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, files_of_every_kind_are_read_as_libpcap_reads_them, 0, 2);
    tcase_add_test(tests, records_across_the_ends_of_reads_are_whole);
    tcase_add_test(tests, a_damaged_file_is_judged_as_libpcap_judges_it);
    tcase_add_test(tests, a_file_cut_anywhere_ends_with_libpcaps_words);
    tcase_add_test(tests, a_filter_lets_the_same_frames_pass);
    tcase_add_test(tests, ordinary_files_need_no_libpcap_and_others_do);
    tcase_add_test(tests, what_is_added_while_a_file_is_read_is_read_too);
    tcase_add_test(tests, a_file_that_shrinks_while_it_is_read_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
