/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded table of what was used recently: find or insert by key, forget the least recently used
 * when full. Hosts, pairs, services of the feature and the behaviour room are kept in such tables.
 * One thread at a time.
 *
 * Misses of the caches and wrong guesses of branches are what a look-up costs: one flow makes
 * eleven, in ten tables of many megabytes. So an index of its own (open addressing, linear probing,
 * a keyed hash because packet bytes choose the keys) holds some bits of the hash beside each place:
 * absent keys are known without looking at an entry, present ones with one look. It is at most a
 * quarter full: at half, how many cells to look at is anyone's guess, and guessing cost 40 ns for
 * an insertion and eviction; so a cell is 4 bytes, not 8. It doubles with what it holds: of a
 * capture with few hosts it stays in the cache. The order of use is a list in an array of its own,
 * 12 bytes an entry, that mostly stays in the cache; along it evictions are foreseen. All is taken
 * at init (of the index, a range of addresses in which that of n cells begins at cell n) and backed
 * by the system with memory as it is touched. The hash decides placement only: who is forgotten
 * follows from the order of use, a total order. Rejected: uthash, as this was first: its list and
 * chains lie in the entries, so that others' entries are fetched too, and it takes 56 bytes an
 * entry. */
#ifndef WHYFLOW_BASE_RECENT_TABLE_H
#define WHYFLOW_BASE_RECENT_TABLE_H

#include "base/prefetch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First member of each entry; the key, without padding, follows it directly. */
struct recent_entry {
    uint64_t inserted; /* number of the flow that brought the entry in */
    uint64_t lost;     /* number of the last flow before it that cost an entry in use; 0: none */
};

/* Called with an entry that is about to be forgotten because the table is full. Returns true if it
 * was in use: flows of the window are forgotten with it. */
typedef bool recent_forget_fn(void *context, struct recent_entry *entry);

/* Called with an entry that is soon to be forgotten, to have fetched what forgetting it needs. */
typedef void recent_foresee_fn(void *context, const struct recent_entry *entry);

/* What the entries of a table are. Where it is a constant, a touch is made for it: entries are
 * cleared, keys copied and compared by a few instructions, and what forgets is known. */
struct recent_kind {
    size_t entry_bytes;
    size_t key_bytes;
    recent_forget_fn *forget;   /* NULL: nothing to do */
    recent_foresee_fn *foresee; /* the same */
};

/* A key has at most so many bytes. */
enum { RECENT_KEY_BYTES_MAX = 47 };

struct recent_layout {
    size_t entry_bytes; /* these four as in a kind */
    size_t key_bytes;
    uint32_t limit; /* entries; 0 is taken as 1 */
    recent_forget_fn *forget;
    recent_foresee_fn *foresee;
    void *context;
    const uint64_t *hash_key; /* NULL: every look-up brings its hash */
};

/* An entry's neighbours in the order of use, by 1 + slot; of place 0, the list's head, the least
 * and the most recently used. */
struct recent_link {
    uint32_t newer, older, hash;
};

struct recent_table {
    struct recent_layout layout;
    uint64_t hash_key[2];
    uint32_t *cells; /* 0: empty; see recent_table.c */
    uint32_t *range; /* room for as many cells as there may be, and before it for fewer */
    struct recent_link *links;
    uint8_t *slab;
    uint32_t cell_mask, cells_most;
    uint32_t place_bits, place_mask, distance_most, distance_mask, tag_mask; /* parts of a cell */
    uint32_t entry_shift;   /* an entry's size is an odd number times this power of two; */
    uint64_t entry_inverse; /* the odd number's inverse, modulo 2^64 */
    uint32_t count;         /* entries; they fill the first slots */
    uint64_t lost;          /* as in an entry, for the next one to come in */
    uint64_t evicted;
};

struct recent_layout recent_layout_of(const struct recent_kind *kind, uint32_t limit,
                                      void *context);
/* All its memory; nothing is allocated later. False if there is none, `table` is then empty. */
bool recent_table_init(struct recent_table *table, const struct recent_layout *layout);
void recent_table_deinit(struct recent_table *table);
size_t recent_table_memory_bytes(const struct recent_table *table);

/* A lookup in steps, so that a caller with several tables has their memory fetched side by side: a
 * miss costs 100 ns, and one flow touches five tables. ask, find, touch: each for all tables before
 * the next; the first two only read, and what they saw may change until the touch. */
struct recent_lookup {
    const void *key; /* the caller's, valid until the touch */
    uint32_t hash;
    uint32_t place; /* where recent_find was led some time ago; 0: it is not known */
};

/* By the table's own hash of the key, or by one that the caller has; one table is always asked in
 * one of the two ways. */
struct recent_lookup recent_lookup_begin(const struct recent_table *table, const void *key);
struct recent_lookup recent_lookup_hashed(const void *key, uint32_t hash);
/* Has the cell fetched that the hash leads to. */
static inline void recent_table_ask(const struct recent_table *table, uint32_t hash);
bool recent_table_has(const struct recent_table *table, struct recent_lookup lookup);
/* The entry, now the most recently used; inserted if it was not there: then `inserted` is `number`
 * and what follows the key is zero. For who touches for every flow and table there is the same in
 * line, in recent_touch.h; both may be used of one table. */
void *recent_table_touch_anew(struct recent_table *table, struct recent_lookup lookup,
                              uint64_t number);
/* Forgets all entries, without calling `forget` and without counting them as evicted. */
void recent_table_clear(struct recent_table *table);

/* The entries from the least to the most recently used; NULL: no more. */
void *recent_table_oldest(const struct recent_table *table);
void *recent_table_newer(const struct recent_table *table, const void *entry);

uint32_t recent_table_slot(const struct recent_table *table, const void *entry);
/* What is in a slot if it has been there since flow `number` or before; else NULL. */
void *recent_table_at(const struct recent_table *table, uint32_t slot, uint64_t number);

/* ---- in line: asked for every flow and table ------------------------------------------------ */

static inline void recent_table_ask(const struct recent_table *table, uint32_t hash)
{
    prefetch(&table->cells[hash & table->cell_mask]);
}

#endif
