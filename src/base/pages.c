/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"

#include <sys/mman.h>

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
