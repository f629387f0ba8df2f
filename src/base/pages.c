/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"

#include <sys/mman.h>

enum { HUGE_PAGE_BYTES = 2 << 20 };

void *pages_open(size_t bytes, bool is_dense)
{
    void *const pages =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    /* Where there are no huge pages, small ones are as right. */
    if (0 && is_dense && bytes >= HUGE_PAGE_BYTES)
        (void)madvise(pages, bytes, MADV_HUGEPAGE);
    return pages;
}

void pages_close(void *pages, size_t bytes)
{
    if (pages != NULL)
        munmap(pages, bytes);
}
