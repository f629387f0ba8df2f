/* SPDX-License-Identifier: Apache-2.0 */
/* The list of features as data: include/whyflow/feature_list.h expanded once more. Constant; read
 * by the anomaly, explanation and format rooms through whyflow/feature.h. */
#include "whyflow/feature.h"

#include <stddef.h>
#include <string.h>

const struct feature_info feature_infos[FEATURE_COUNT] = {
#define FEATURE(ID, NAME, LABEL, UNIT, SCALE, LOW, HIGH, FAMILY, MEANING) \
    [FEATURE_##ID] = {.name = NAME, \
                      .label = LABEL, \
                      .unit = UNIT, \
                      .scale = FEATURE_SCALE_##SCALE, \
                      .low = LOW, \
                      .high = HIGH, \
                      .family = FEATURE_FAMILY_##FAMILY, \
                      .meaning = MEANING},
    FEATURE_LIST(FEATURE)
#undef FEATURE
};

/* Length of a name without the time it counts over, all of it where it counts over none. */
static size_t stem_length(const char *name)
{
    static const char *const endings[] = {"_window", "_10m"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
            return length - ending;
    }
    return length;
}

bool feature_counts_over_time(enum feature_id id)
{
    const char *const name = feature_infos[id].name;
    return name[stem_length(name)] != '\0';
}

bool feature_counts_same(enum feature_id one, enum feature_id other)
{
    const char *const name = feature_infos[one].name;
    const size_t length = stem_length(name);
    return stem_length(feature_infos[other].name) == length &&
           memcmp(feature_infos[other].name, name, length) == 0;
}
