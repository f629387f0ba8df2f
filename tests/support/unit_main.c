/* SPDX-License-Identifier: Apache-2.0 */
/* main() of every unit and property test program: runs the suite of the one test file it is linked
 * with. Check's own environment variables work (CK_FORK=no for a debugger, CK_RUN_CASE). */
#include "tests/support/unit.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(whyflow_suite());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
