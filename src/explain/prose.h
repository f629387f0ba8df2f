/* SPDX-License-Identifier: Apache-2.0 */
/* Prose by rules: one table of {where, condition, sentence}, whose sentences name fields of the
 * record in braces. Every number that comes out is a field of the record, printed by a rule of
 * base/quantity.h, or derived: `rank` (1 / p_value), and the IPv4 address inside an IPv6 one.
 *
 * Where the flows up to this one resemble a behaviour, `text` is about the evidence: "resembles",
 * with values and limits of conditions, as the finding holds them.
 *
 * It says "unusual compared with" and how many flows; it never says what a flow is up to. A port
 * is "assigned to" a service, never "is" one. */
#ifndef WHYFLOW_EXPLAIN_PROSE_H
#define WHYFLOW_EXPLAIN_PROSE_H

#include "base/text.h"
#include "whyflow/record.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROSE_TEXT_CHARACTERS_MAX = 300 };
enum { PROSE_NOTE_CHARACTERS_MAX = 240 };

/* What conditions and fields look at. */
struct prose_facts {
    const struct record_flow_part *part;
    const struct explanation *explanation; /* all but its prose */
    bool tells_service;                    /* {service_note} is empty otherwise */
    unsigned reasons_told;                 /* how many {reasons} names */
};

/* Where a sentence stands. Of PROSE_TEXT the first that holds is taken; of a summary line all that
 * hold and fit, in the table's order. */
enum prose_place {
    PROSE_TEXT,
    PROSE_WHAT,    /* what this flow is */
    PROSE_UNUSUAL, /* what is unusual, compared with what */
    PROSE_AROUND,  /* its timing and surroundings */
    PROSE_LIMITS,  /* what was not measured, and other caveats */

    /* Of each the first that holds, as of PROSE_TEXT. */
    PROSE_COMBINATION,
    PROSE_COUNTERFACTUAL,
    PROSE_BENIGN,     /* the strongest case for an ordinary cause */
    PROSE_SUSPICIOUS, /* and for a closer look */

    /* Sections: all that hold, as of a summary line. */
    PROSE_PORTS,
    PROSE_VOLUME,
    PROSE_TIMING,
    PROSE_ENDS,
    PROSE_INDICATORS,
    PROSE_LIKELY,
    PROSE_CONCLUSION,
};

struct prose_rule {
    enum prose_place place;
    bool (*holds)(const struct prose_facts *facts);
    const char *sentence;
};

extern const struct prose_rule prose_rules[];
extern const size_t prose_rule_count;

/* A reading: of each place the first that holds. */
struct prose_reading {
    struct prose_rule rule;
    const char *facts[RECORD_READING_FACTS_MAX]; /* what it rests on: features, or members of
                                                  * `flow` and `observed` in a record */
};

extern const struct prose_reading prose_readings[];
extern const size_t prose_reading_count;

struct prose_field {
    const char *name; /* as in a sentence's braces */
    void (*put)(const struct prose_facts *facts, struct text *text);
};

/* The field of a name of `length` bytes, or NULL. */
const struct prose_field *prose_find_field(const char *name, size_t length);

/* Index of the n-th reason worth telling (from 0): reasons that say again over ten minutes what a
 * stronger one says over the window are skipped. reason_count if there is none. */
uint32_t prose_reason_index(const struct explanation *explanation, unsigned n);

/* Appends all sentences of a place that hold, parted by spaces; one that does not fit is left out
 * whole. */
void prose_write_place(const struct prose_facts *facts, enum prose_place place, struct text *text);

/* Fills `text`, `summary` and `summary_count` of an explanation that is complete but for them. */
void prose_write(const struct record_flow_part *part, struct explanation *out);

#endif
