/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows are flagged, and the second reading that writes their packets. */
#include "flagged_capture.h"

#include "capture/capture_writer.h"
#include "flow/flow_table.h"
#include "packet/packet_decode.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FRAMES_PER_READ = 256, FLOWS_PER_TAKE = 64 };

struct flagged_capture {
    const struct options *options;
    struct capture_settings input;
    struct capture_writer *writer; /* NULL once it is closed */
    uint64_t *openings;            /* opening numbers of flagged flows */
    size_t opening_count, opening_capacity;
    uint64_t beyond;
    uint64_t packets_expected, frame_bytes_expected; /* of the flows in `openings` */

    /* the second reading's */
    struct flow_table *table;
    const struct frame *frame; /* under way */
    bool is_told;              /* the table said whose it is */
    struct frame held;         /* the frame whose stamp the table doubts; its bytes: */
    uint8_t *held_bytes;
    size_t held_capacity;
    uint64_t frames, packets, frame_bytes;
    struct flow_record taken[FLOWS_PER_TAKE];
    bool has_failed;
    struct capture_error *error; /* filled where has_failed */
};

static bool fail(struct capture_error *error, enum capture_error_kind kind, const char *path,
                 const char *what)
{
    error->kind = kind;
    snprintf(error->text, sizeof error->text, "--flagged-pcap: %s: %s", path, what);
    return false;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* Whether each input can be read again, and none is the file to be written. */
static bool check_files(const struct capture_settings *input, const char *path,
                        struct capture_error *error)
{
    struct stat target, file;
    const bool has_target = stat(path, &target) == 0;
    for (size_t i = 0; i < input->file_count; i++) {
        const char *const name = input->files[i];
        if (stat(name, &file) != 0)
            return fail(error, CAPTURE_ERROR_INPUT, name, strerror(errno));
        if (!S_ISREG(file.st_mode))
            return fail(error, CAPTURE_ERROR_USAGE, name,
                        "no regular file: it cannot be read a second time");
        if (has_target && file.st_dev == target.st_dev && file.st_ino == target.st_ino)
            return fail(error, CAPTURE_ERROR_USAGE, path, "it is an input too");
    }
    return true;
}

static bool check_link_types(const struct capture *capture, const char *path,
                             struct capture_error *error)
{
    for (size_t i = 1; i < capture_source_count(capture); i++)
        if (capture_source_link_type(capture, i) != capture_source_link_type(capture, 0))
            return fail(error, CAPTURE_ERROR_USAGE, path,
                        "the inputs are of several link types, which one pcap file cannot hold");
    return true;
}

struct flagged_capture *flagged_capture_open(const struct options *options,
                                             const struct capture_settings *input,
                                             const struct capture *capture,
                                             struct capture_error *error)
{
    const char *const path = options->flagged_file;
    if (!check_files(input, path, error) || !check_link_types(capture, path, error))
        return NULL;
    struct flagged_capture *const flagged = calloc(1, sizeof *flagged);
    uint64_t *const openings = calloc(options->max_flagged, sizeof *openings);
    if (flagged == NULL || openings == NULL) {
        free(flagged);
        free(openings);
        fail(error, CAPTURE_ERROR_SYSTEM, path, "out of memory: lower --max-flagged");
        return NULL;
    }
    *flagged = (struct flagged_capture){
        .options = options,
        .input = *input,
        .openings = openings,
        .opening_capacity = options->max_flagged,
        .writer = capture_writer_open(path, capture_source_link_type(capture, 0),
                                      options->snap_bytes, error),
    };
    flagged->input.wake_fd = flagged->input.stop_fd = -1; /* a stop is of the first reading */
    if (flagged->writer != NULL)
        return flagged;
    flagged_capture_close(flagged);
    return NULL;
}

void flagged_capture_close(struct flagged_capture *flagged)
{
    if (flagged == NULL)
        return;
    struct capture_error error;
    capture_writer_close(flagged->writer, &error);
    flow_table_close(flagged->table);
    free(flagged->held_bytes);
    free(flagged->openings);
    free(flagged);
}

/* ---- which flows --------------------------------------------------------------------------- */

void flagged_capture_note(struct flagged_capture *flagged, const struct flow_record *flow)
{
    if (flagged->opening_count == flagged->opening_capacity) {
        flagged->beyond++;
        return;
    }
    flagged->openings[flagged->opening_count++] = flow->opening_number;
    for (unsigned way = 0; way < 2; way++) {
        flagged->packets_expected += flow->direction[way].packets;
        flagged->frame_bytes_expected += flow->direction[way].frame_bytes;
    }
}

uint64_t flagged_capture_beyond(const struct flagged_capture *flagged)
{
    return flagged->beyond;
}

static int compare_openings(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static bool is_flagged(const struct flagged_capture *flagged, uint64_t opening_number)
{
    return bsearch(&opening_number, flagged->openings, flagged->opening_count,
                   sizeof opening_number, compare_openings) != NULL;
}

/* ---- the second reading -------------------------------------------------------------------- */

static void write_frame(struct flagged_capture *flagged, const struct frame *frame)
{
    if (flagged->has_failed)
        return;
    flagged->packets++;
    flagged->frame_bytes += frame->wire_bytes;
    flagged->has_failed = !capture_writer_frame(flagged->writer, frame, flagged->error);
}

/* The flow table's answer: whose the frame under way is, or the one that was held. */
static void on_packet(void *context, uint64_t opening_number, bool was_held)
{
    struct flagged_capture *const flagged = context;
    flagged->is_told |= !was_held;
    if (is_flagged(flagged, opening_number))
        write_frame(flagged, was_held ? &flagged->held : flagged->frame);
}

/* Keeps a frame until the next packet says whether its stamp is right: rare, hence the copy. */
static void hold_frame(struct flagged_capture *flagged, const struct frame *frame)
{
    if (frame->captured_bytes > flagged->held_capacity) {
        uint8_t *const bytes = realloc(flagged->held_bytes, frame->captured_bytes);
        if (bytes == NULL) {
            flagged->has_failed = true;
            fail(flagged->error, CAPTURE_ERROR_SYSTEM, flagged->options->flagged_file,
                 "out of memory");
            return;
        }
        flagged->held_bytes = bytes;
        flagged->held_capacity = frame->captured_bytes;
    }
    memcpy(flagged->held_bytes, frame->bytes, frame->captured_bytes);
    flagged->held = *frame;
    flagged->held.bytes = flagged->held_bytes;
}

/* The flows themselves have been told already. */
static void sweep(struct flagged_capture *flagged)
{
    while (!flow_table_sweep(flagged->table, SIZE_MAX))
        ;
    while (flow_table_take(flagged->table, flagged->taken, FLOWS_PER_TAKE) > 0)
        ;
}

static void take_frame(struct flagged_capture *flagged, const struct frame *frame)
{
    struct packet packet;
    flagged->frames++;
    if (packet_decode(frame, &packet) != PACKET_ACCEPTED)
        return;
    flagged->frame = frame;
    flagged->is_told = false;
    while (flow_table_packets(flagged->table, &packet, 1) == 0)
        sweep(flagged);
    if (flow_table_sweep_is_due(flagged->table))
        sweep(flagged);
    if (!flagged->is_told)
        hold_frame(flagged, frame);
}

static void on_frames(void *context, const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take_frame(context, &frames[i]);
}

/* A file cut short was told of in the first reading. */
static bool read_again(struct flagged_capture *flagged, uint64_t frames)
{
    struct capture *const capture = capture_open_files(&flagged->input, flagged->error);
    if (capture == NULL)
        return false;
    enum capture_result result = CAPTURE_FRAMES;
    while (result != CAPTURE_END && flagged->frames < frames && !flagged->has_failed) {
        const uint64_t left = frames - flagged->frames;
        result = capture_dispatch(capture, left < FRAMES_PER_READ ? left : FRAMES_PER_READ,
                                  on_frames, flagged);
    }
    while (!flow_table_end_input(flagged->table))
        sweep(flagged);
    capture_close(capture);
    return !flagged->has_failed;
}

static bool is_same(const struct flagged_capture *flagged, uint64_t frames)
{
    return flagged->frames == frames && flagged->packets == flagged->packets_expected &&
           flagged->frame_bytes == flagged->frame_bytes_expected;
}

bool flagged_capture_write(struct flagged_capture *flagged, uint64_t frames,
                           struct capture_error *error)
{
    assert(flagged->table == NULL);
    const char *const path = flagged->options->flagged_file;
    flagged->error = error;
    qsort(flagged->openings, flagged->opening_count, sizeof *flagged->openings, compare_openings);
    flagged->table = flow_table_open(&flagged->options->settings.flow);
    if (flagged->table == NULL)
        return fail(error, CAPTURE_ERROR_SYSTEM, path, "out of memory for the flow table");
    flow_table_observe(flagged->table, on_packet, flagged);
    if (!read_again(flagged, frames))
        return false;
    struct capture_writer *const writer = flagged->writer;
    flagged->writer = NULL;
    if (!capture_writer_close(writer, error))
        return false;
    return is_same(flagged, frames) ||
           fail(error, CAPTURE_ERROR_INPUT, path,
                "the input changed between its two readings: other packets than the records'");
}
