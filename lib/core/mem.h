/*
 * mem.h - arithmetic of sizes and allocation. Every size that comes from outside
 * is checked here before it is multiplied or allocated.
 */
#ifndef XL_CORE_MEM_H
#define XL_CORE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include "xl.h"

/* xl_mul, xl_add - *out = a op b; 0, or -1 with xl_err set on overflow */
int xl_mul(size_t a, size_t b, size_t *out);
int xl_add(size_t a, size_t b, size_t *out);

/* xl_div_up - a / b, rounded up; xl_round_up - a, rounded up to a multiple of b.
 * For counts that were checked: a >= 0, b > 0, and a + b does not overflow. */
static inline int64_t xl_div_up(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

static inline int64_t xl_round_up(int64_t a, int64_t b)
{
	return xl_div_up(a, b) * b;
}

/* xl_alloc - n * size zeroed bytes, 64-byte aligned is not promised; NULL with
 * xl_err set. xl_free may be plain free(). */
void *xl_alloc(size_t n, size_t size);

/* xl_alloc_large - the same, in the large pages of the system where there are such:
 * many small ones take long to come by */
void *xl_alloc_large(size_t n, size_t size);
void *xl_realloc(void *p, size_t n, size_t size);
char *xl_strdup(const char *s);

/* xl_keep_memory - let the process keep what it frees: a loop that takes the same
 * sizes again and again then faults no pages in */
void xl_keep_memory(void);

/*
 * xl_list_add - append a word to a list for a message, ", " between two
 *
 * list     a string in `size` bytes, 8 or more, empty at first; where a word does
 *          not fit, the list ends with ".." and takes no more
 */
void xl_list_add(char *list, size_t size, const char *word);

/* xl_strf - a formatted string of its own; NULL with xl_err set */
char *xl_strf(const char *fmt, ...) XL_PRINTF(1, 2);

#endif
