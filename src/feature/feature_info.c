/* SPDX-License-Identifier: Apache-2.0 */
/* The list of features as data: include/whyflow/feature_list.h expanded once more. Constant; read
 * by the anomaly, explanation and format rooms through whyflow/feature.h. */
#include "whyflow/feature.h"

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
