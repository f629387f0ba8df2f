/* SPDX-License-Identifier: Apache-2.0 */
#include "base/populate.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE_PAGE_BYTES = 2 << 20 };

void populate_memory(void *memory, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t start = (uintptr_t)memory;
    const uintptr_t first = (start + page - 1) / page * page;
    const uintptr_t end = (start + bytes) / page * page;
    if (memory == NULL || end <= first)
        return;
    uint8_t *const pages = (uint8_t *)memory + (first - start);
    if (end - first >= LARGE_PAGE_BYTES)
        (void)madvise(pages, end - first, MADV_HUGEPAGE);
    (void)madvise(pages, end - first, MADV_POPULATE_WRITE);
#else
    (void)memory;
    (void)bytes;
#endif
}
