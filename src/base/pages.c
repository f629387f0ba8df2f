/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE_PAGE_BYTES = 2 << 20 };

void *pages_open(size_t bytes)
{
    void *const pages =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    /* cppcheck-suppress memleak */
    return pages; /* the caller's, for pages_close */
}

void pages_clear(void *pages, size_t bytes)
{
    (void)madvise(pages, bytes, MADV_DONTNEED); /* whole pages of ours: cannot fail */
}

void pages_close(void *pages, size_t bytes)
{
    if (pages != NULL)
        munmap(pages, bytes);
}

void pages_back(void *memory, size_t bytes)
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
