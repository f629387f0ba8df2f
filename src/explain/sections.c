/* SPDX-License-Identifier: Apache-2.0 */
/* The sections: which places of the table they are, and their titles. */
#include "whyflow/sections.h"

#include "explain/prose.h"

#include <assert.h>

static const struct {
    enum prose_place place;
    const char *title;
} outline[SECTION_COUNT] = {
    {PROSE_PORTS, "Protocol and port context"},
    {PROSE_VOLUME, "Volume and duration"},
    {PROSE_TIMING, "Timing"},
    {PROSE_ENDS, "Source and destination context"},
    {PROSE_INDICATORS, "Key indicators"},
    {PROSE_LIKELY, "Likely reasons"},
    {PROSE_CONCLUSION, "Cautious conclusion"},
};

void sections_write(const struct record *record, struct section sections[SECTION_COUNT])
{
    assert(record->kind == RECORD_ALERT);
    const struct prose_facts facts = {
        .part = &record->as.flow.part,
        .explanation = &record->as.flow.explanation,
    };
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        struct text text = text_init(sections[i].text, sizeof sections[i].text);
        sections[i].title = outline[i].title;
        prose_write_place(&facts, outline[i].place, &text);
    }
}
