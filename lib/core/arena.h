/*
 * arena.h - one reused, huge-paged block of memory for a step's activations.
 *
 * Address space is reserved at once and touched as it is used; freed blocks are
 * joined with free neighbours and given out again; reset forgets everything but
 * keeps the pages, so that the next step faults nothing in. With make SAN=1, a
 * block used after it was given back is caught.
 */
#ifndef XL_CORE_ARENA_H
#define XL_CORE_ARENA_H

#include <stddef.h>

struct xl_arena;

/*
 * xl_arena_new - reserve address space: 64 GiB, or less where that is refused
 *
 * Owns     the caller frees it, and all blocks with it, with xl_arena_free
 * Errors   NULL with xl_err set
 * Threads  an arena is for one thread at a time
 */
struct xl_arena *xl_arena_new(void);
void xl_arena_free(struct xl_arena *a);

/* xl_arena_sparse - blocks will hardly be written: take no huge pages for them */
void xl_arena_sparse(struct xl_arena *a);

/* xl_arena_take - a block, 64-byte aligned, not zeroed; the arena's, until
 * xl_arena_give or xl_arena_reset. NULL with xl_err set */
void *xl_arena_take(struct xl_arena *a, size_t bytes);

/* xl_arena_give - hand back a block of the size it was taken with; p may be NULL */
void xl_arena_give(struct xl_arena *a, void *p, size_t bytes);

/* xl_arena_reset - hand back all blocks; the pages stay */
void xl_arena_reset(struct xl_arena *a);

/* xl_arena_peak - the most bytes of address space used at once since xl_arena_new:
 * blocks, their headers, and free ones between them */
size_t xl_arena_peak(const struct xl_arena *a);

#endif
