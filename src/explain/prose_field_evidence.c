/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a behaviour and the conditions it was found by. Constant data and pure functions. */
#include "explain/prose_field.h"

#include <string.h>

static void put_behaviour(const struct prose_facts *facts, struct text *text)
{
    text_append(text, behaviour_infos[facts->part->finding.behaviour].label);
}

static void put_evidence_amount(const char *unit, double amount, struct text *text)
{
    if (strcmp(unit, "s") == 0)
        quantity_append_time(text, amount * 1e6, PROSE_VALUE_DIGITS);
    else if (strcmp(unit, "bytes") == 0)
        quantity_append_size(text, amount, PROSE_VALUE_DIGITS);
    else
        quantity_append(text, amount, "", PROSE_VALUE_DIGITS);
}

/* "ports of one host probed in 20 s 49 (at least 10)"; of what is yes or no the label says all. */
static void put_condition(const struct behaviour_evidence *evidence, struct text *text)
{
    const struct behaviour_quantity *const quantity = &behaviour_quantities[evidence->quantity];
    text_append(text, quantity->label);
    if (strcmp(quantity->unit, "yes") == 0)
        return;
    text_append(text, ": ");
    put_evidence_amount(quantity->unit, evidence->value, text);
    text_append(text, evidence->is_most ? " (at most " : " (at least ");
    put_evidence_amount(quantity->unit, evidence->limit, text);
    text_append_char(text, ')');
}

/* A negative yes-or-no ("the source is outside": no) goes without saying. */
static bool is_told(const struct behaviour_evidence *evidence)
{
    return !evidence->is_most || strcmp(behaviour_quantities[evidence->quantity].unit, "yes") != 0;
}

/* Of the conditions worth telling, those from number `first` to before `end`. */
static void put_conditions(const struct prose_facts *facts, unsigned first, unsigned end,
                           struct text *text)
{
    const struct behaviour_finding *const finding = &facts->part->finding;
    unsigned told = 0;
    for (unsigned i = 0; i < finding->evidence_count; i++) {
        if (!is_told(&finding->evidence[i]))
            continue;
        if (told > first && told < end)
            text_append(text, "; ");
        if (told >= first && told < end)
            put_condition(&finding->evidence[i], text);
        told++;
    }
}

/* The first is always told, the others as far as there is room. */
static void put_evidence(const struct prose_facts *facts, struct text *text)
{
    put_conditions(facts, 0, facts->reasons_told > 0 ? facts->reasons_told : 1, text);
}

static void put_all_evidence(const struct prose_facts *facts, struct text *text)
{
    put_conditions(facts, 0, BEHAVIOUR_EVIDENCE_MAX, text);
}

static void put_first_evidence(const struct prose_facts *facts, struct text *text)
{
    put_conditions(facts, 0, 1, text);
}

static const struct prose_field fields[] = {
    {"behaviour", put_behaviour},
    {"evidence", put_evidence},
    {"first_evidence", put_first_evidence},
    {"all_evidence", put_all_evidence},
};

const struct prose_fields prose_fields_evidence = {fields, sizeof fields / sizeof fields[0]};
