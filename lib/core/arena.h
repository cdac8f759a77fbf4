/*
 * arena.h - one reused, huge-paged block of memory for a step's activations.
 *
 * Address space is reserved at once and touched as it is used; freed blocks are
 * kept by size and given out again; reset forgets everything but keeps the
 * pages, so that the next step faults nothing in.
 */
#ifndef XL_CORE_ARENA_H
#define XL_CORE_ARENA_H

#include <stddef.h>

struct xl_arena;

/* xl_arena_new - NULL with xl_err set */
struct xl_arena *xl_arena_new(void);
void xl_arena_free(struct xl_arena *a);

/* xl_arena_take - 64-byte aligned, not zeroed; NULL with xl_err set */
void *xl_arena_take(struct xl_arena *a, size_t bytes);

/* xl_arena_give - hand back a block of the size it was taken with */
void xl_arena_give(struct xl_arena *a, void *p, size_t bytes);

void xl_arena_reset(struct xl_arena *a);

/* xl_arena_peak - the most bytes in use since xl_arena_new */
size_t xl_arena_peak(const struct xl_arena *a);

#endif
