/*
 * test_arena.c - blocks that do not overlap, memory that is used again, and what
 * the peak says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "core/arena.h"
#include "core/rng.h"
#include "xl.h"

enum { BLOCKS = 200, ROUNDS = 20000 };

static struct xl_arena *arena;

static int open_arena(void **state)
{
	(void)state;
	return (arena = xl_arena_new()) ? 0 : -1;
}

static int close_arena(void **state)
{
	(void)state;
	xl_arena_free(arena);
	return 0;
}

struct held {
	unsigned char *p;
	size_t bytes;
	unsigned char mark;
};

/* Still what was written into it? */
static void check_block(const struct held *b)
{
	assert_true((uintptr_t)b->p % 64 == 0);
	for (size_t i = 0; i < b->bytes; i += b->bytes < 64 ? 1 : b->bytes / 64)
		assert_int_equal(b->p[i], b->mark);
	if (b->bytes)
		assert_int_equal(b->p[b->bytes - 1], b->mark);
}

/* Blocks of all sizes taken and given back in disorder keep what they hold, and
 * all memory is one piece again at the end. */
static void test_disorder(void **state)
{
	static struct held held[BLOCKS];
	struct xl_rng rng;
	size_t in_use = 0, most = 0;

	(void)state;
	xl_rng_init(&rng, 1, 0, 0, 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct held *b = &held[xl_rng_below(&rng, BLOCKS)];
		if (b->p) {
			check_block(b);
			xl_arena_give(arena, b->p, b->bytes);
			in_use -= b->bytes;
			b->p = NULL;
			continue;
		}
		b->bytes = xl_rng_below(&rng, 1u << xl_rng_below(&rng, 20));
		b->mark = (unsigned char)i;
		assert_non_null(b->p = xl_arena_take(arena, b->bytes));
		memset(b->p, b->mark, b->bytes);
		in_use += b->bytes;
		most = in_use > most ? in_use : most;
	}
	const size_t peak = xl_arena_peak(arena);
	assert_true(peak >= most);
	assert_true(peak < 2 * most); /* little is lost between blocks */
	for (int i = 0; i < BLOCKS; i++)
		xl_arena_give(arena, held[i].p, held[i].bytes);
	void *whole = xl_arena_take(arena, peak / 2);
	assert_non_null(whole);
	assert_true(xl_arena_peak(arena) == peak);
	xl_arena_give(arena, whole, peak / 2);
}

/* Neighbours given back serve a block as large as all of them. */
static void test_joining(void **state)
{
	enum { N = 8, EACH = 1 << 20 };
	void *p[N + 1];

	(void)state;
	xl_arena_reset(arena);
	for (int i = 0; i <= N; i++)
		assert_non_null(p[i] = xl_arena_take(arena, EACH));
	const size_t peak = xl_arena_peak(arena);
	for (int i = 0; i < N; i += 2)
		xl_arena_give(arena, p[i], EACH);
	for (int i = 1; i < N; i += 2)
		xl_arena_give(arena, p[i], EACH);
	assert_ptr_equal(xl_arena_take(arena, (size_t)N * EACH), p[0]);
	assert_true(xl_arena_peak(arena) == peak);
}

static void test_reset(void **state)
{
	(void)state;
	xl_arena_reset(arena);
	void *small = xl_arena_take(arena, 100), *large = xl_arena_take(arena, 1 << 22);
	const size_t peak = xl_arena_peak(arena);
	xl_arena_reset(arena);
	assert_ptr_equal(xl_arena_take(arena, 7), small);
	assert_ptr_equal(xl_arena_take(arena, 1 << 21), large);
	assert_true(xl_arena_peak(arena) == peak);
}

static void test_too_much(void **state)
{
	(void)state;
	xl_arena_reset(arena);
	assert_null(xl_arena_take(arena, SIZE_MAX));
	assert_null(xl_arena_take(arena, (size_t)1 << 60));
	assert_non_null(strstr(xl_err_msg(), "no memory for activations"));
	assert_non_null(xl_arena_take(arena, 64));
	xl_arena_give(arena, NULL, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disorder),
		cmocka_unit_test(test_joining),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
