/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the table of rules and fills in the fields. Called by explain_alert; no state. */
#include "explain/prose.h"

#include "whyflow/feature.h"

#include <assert.h>
#include <string.h>

/* Appends a sentence with its fields filled in. */
static void put_sentence(const char *sentence, const struct prose_facts *facts, struct text *text)
{
    while (*sentence != '\0') {
        const size_t plain = strcspn(sentence, "{");
        text_append_bytes(text, sentence, plain);
        sentence += plain;
        if (*sentence == '\0')
            return;
        const size_t length = strcspn(sentence, "}") - 1;
        const struct prose_field *field = prose_find_field(sentence + 1, length);
        assert(field != NULL);
        field->put(facts, text);
        sentence += length + 2;
    }
}

/* A state is told once, of the protocol or of the service; and of a service that is itself rare,
 * state and size are rare too: it goes without saying. */
static bool says_again(const struct record_reason *earlier, const struct record_reason *reason)
{
    static const double RARE_SHARE = 0.01;
    const uint8_t told = earlier->feature;
    const uint8_t id = reason->feature;
    const bool is_state = id == FEATURE_PROTOCOL_STATE || id == FEATURE_SERVICE_STATE;
    const bool told_state = told == FEATURE_PROTOCOL_STATE || told == FEATURE_SERVICE_STATE;
    const bool names_service = id == FEATURE_SERVICE_STATE || id == FEATURE_SERVICE_SIZE;
    if (is_state && told_state)
        return true;
    if ((told == FEATURE_SERVICE && id == FEATURE_PROTOCOL) ||
        (told == FEATURE_PROTOCOL && id == FEATURE_SERVICE))
        return reason->evidence.share >= earlier->evidence.share;
    return told == FEATURE_SERVICE && names_service && earlier->evidence.share < RARE_SHARE;
}

static bool is_repetition(const struct explanation *explanation, uint32_t index)
{
    const enum feature_id id = (enum feature_id)explanation->reasons[index].feature;
    for (uint32_t i = 0; i < index; i++) {
        if (feature_counts_same((enum feature_id)explanation->reasons[i].feature, id))
            return true;
        if (says_again(&explanation->reasons[i], &explanation->reasons[index]))
            return true;
    }
    return false;
}

uint32_t prose_reason_index(const struct explanation *explanation, unsigned n)
{
    for (uint32_t i = 0; i < explanation->reason_count && i < PROSE_REASONS_KEPT; i++) {
        if (is_repetition(explanation, i))
            continue;
        if (n-- == 0)
            return i;
    }
    return explanation->reason_count;
}

/* What of its place's rules holds first, or NULL. */
static const struct prose_rule *find_rule(const struct prose_facts *facts, enum prose_place place)
{
    for (size_t i = 0; i < prose_rule_count; i++) {
        if (prose_rules[i].place == place && prose_rules[i].holds(facts))
            return &prose_rules[i];
    }
    return NULL;
}

/* How much a text tells, the most that fits: two reasons and what the port is used for before three
 * reasons without. */
static const struct telling {
    unsigned reasons;
    bool service;
} tellings[] = {{3, true}, {2, true},  {3, false}, {2, false},
                {1, true}, {1, false}, {0, true},  {0, false}};

/* One sentence. */
static void write_text(struct prose_facts *facts, char out[RECORD_TEXT_SIZE])
{
    const struct prose_rule *rule = find_rule(facts, PROSE_TEXT);
    assert(rule != NULL);
    for (size_t i = 0; i < sizeof tellings / sizeof tellings[0]; i++) {
        facts->reasons_told = tellings[i].reasons;
        facts->tells_service = tellings[i].service;
        struct text text = text_init(out, PROSE_TEXT_CHARACTERS_MAX + 1);
        put_sentence(rule->sentence, facts, &text);
        if (!text.is_full)
            return;
    }
    assert(0 && "the shortest text fits: two IPv6 endpoints and no reason");
}

void prose_write_place(const struct prose_facts *facts, enum prose_place place, struct text *text)
{
    for (size_t i = 0; i < prose_rule_count; i++) {
        if (prose_rules[i].place != place || !prose_rules[i].holds(facts))
            continue;
        const struct text before = *text;
        if (text->length > 0)
            text_append_char(text, ' ');
        put_sentence(prose_rules[i].sentence, facts, text);
        if (text->is_full) {
            *text = before;
            text->bytes[text->length] = '\0';
        }
    }
}

/* A note of up to 240 characters; "", and false, if it does not fit. */
static bool write_note(const struct prose_facts *facts, const struct prose_rule *rule, char *out)
{
    struct text text = text_init(out, PROSE_NOTE_CHARACTERS_MAX + 1);
    put_sentence(rule->sentence, facts, &text);
    if (text.is_full)
        out[0] = '\0';
    return !text.is_full;
}

static void write_note_of(const struct prose_facts *facts, enum prose_place place, char *out)
{
    const struct prose_rule *rule = find_rule(facts, place);
    if (rule != NULL)
        (void)write_note(facts, rule, out);
}

/* The first that holds and fits. */
static void write_reading(const struct prose_facts *facts, enum prose_place place,
                          struct record_reading *reading)
{
    for (size_t i = 0; i < prose_reading_count; i++) {
        const struct prose_reading *const one = &prose_readings[i];
        if (one->rule.place != place || !one->rule.holds(facts) ||
            !write_note(facts, &one->rule, reading->text))
            continue;
        while (reading->fact_count < RECORD_READING_FACTS_MAX &&
               one->facts[reading->fact_count] != NULL) {
            reading->facts[reading->fact_count] = one->facts[reading->fact_count];
            reading->fact_count++;
        }
        return;
    }
}

void prose_write(const struct record_flow_part *part, struct explanation *out)
{
    struct prose_facts facts = {.part = part, .explanation = out};
    write_text(&facts, out->text);
    out->summary_count = 0;
    for (int place = PROSE_WHAT; place <= PROSE_LIMITS; place++) {
        struct text line = text_init(out->summary[out->summary_count], RECORD_SUMMARY_LINE_SIZE);
        prose_write_place(&facts, (enum prose_place)place, &line);
        out->summary_count += line.length > 0;
    }
    write_note_of(&facts, PROSE_COMBINATION, out->combination_text);
    write_note_of(&facts, PROSE_COUNTERFACTUAL, out->counterfactual_text);
    write_reading(&facts, PROSE_BENIGN, &out->benign);
    write_reading(&facts, PROSE_SUSPICIOUS, &out->suspicious);
}
