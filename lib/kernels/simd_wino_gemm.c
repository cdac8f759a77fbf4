/*
 * simd_wino_gemm.c - the matrix products of simd_wino.c, compiled once per
 * instruction set: a set of rows times 16 or 32 columns is held in registers,
 * for every step in depth one vector or two of b and one broadcast of a for each
 * row.
 */
#include <assert.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_wino.h"

/* Rows that fit the registers (of 16 for turned a), and panels beside each other. */
#if XL_LANES == 16
enum { ROWS = 14, TURNED = 8, PAIR = 2 };
#elif XL_LANES == 8
enum { ROWS = 6, TURNED = 4, PAIR = 1 };
#else
enum { ROWS = 3, TURNED = 2, PAIR = 1 };
#endif

/* An item of work is at least so many multiply-adds. */
enum { ITEM = 1 << 18 };

#define UNROLL _Pragma("GCC unroll 16")

/* Where a product begins, and how it walks through a: `blocks` times `len` steps. */
struct place {
	float *c;
	const float *a, *b;
	int blocks, len;
};

/* R rows times P panels; a's rows are ROW floats apart, its steps in depth STEP. */
#define PRODUCT(NAME, R, P, ROW, STEP)                                                             \
	static void NAME(const struct xl_wino_gemm *g, struct place t)                             \
	{                                                                                          \
		vf acc[R][P * XL_VECS];                                                            \
		UNROLL for (int r = 0; r < R; r++)                                                 \
		{                                                                                  \
			UNROLL for (int v = 0; v < P * XL_VECS; v++) acc[r][v] = (vf){0};          \
		}                                                                                  \
		/* what is written last is not in a cache: ask for it early */                     \
		UNROLL for (int r = 0; r < R; r++)                                                 \
		{                                                                                  \
			UNROLL for (int p = 0; p < P; p++)                                         \
				__builtin_prefetch(t.c + p * g->c.panel + r * XL_BLOCK, 1);        \
		}                                                                                  \
		for (int k = 0; k < t.blocks; k++, t.a += g->a.panel)                              \
			for (int l = 0; l < t.len; l++, t.b += XL_BLOCK) {                         \
				vf b[P * XL_VECS];                                                 \
				UNROLL for (int v = 0; v < P * XL_VECS; v++) b[v] =                \
					*(const vf *)(t.b + v / XL_VECS * g->b.panel +             \
						      v % XL_VECS * XL_LANES);                     \
				UNROLL for (int r = 0; r < R; r++)                                 \
				{                                                                  \
					const float a = t.a[r * ROW + l * STEP];                   \
					UNROLL for (int v = 0; v < P * XL_VECS; v++) acc[r][v] +=  \
						a * b[v];                                          \
				}                                                                  \
			}                                                                          \
		UNROLL for (int r = 0; r < R; r++)                                                 \
		{                                                                                  \
			UNROLL for (int v = 0; v < P * XL_VECS; v++)                               \
			{                                                                          \
				vf *c = (vf *)(t.c + v / XL_VECS * g->c.panel + r * XL_BLOCK +     \
					       v % XL_VECS * XL_LANES);                            \
				if (g->add)                                                        \
					acc[r][v] += *c;                                           \
				*c = acc[r][v];                                                    \
			}                                                                          \
		}                                                                                  \
	}

#define BOTH(R)                                                                                    \
	PRODUCT(one_##R, R, 1, XL_BLOCK, 1)                                                        \
	PRODUCT(pair_##R, R, PAIR, XL_BLOCK, 1)
BOTH(1)
BOTH(2)
BOTH(3)
#if XL_LANES >= 8
BOTH(4)
BOTH(5)
BOTH(6)
#endif
#if XL_LANES >= 16
BOTH(7)
BOTH(8)
BOTH(9)
BOTH(10)
BOTH(11)
BOTH(12)
BOTH(13)
BOTH(14)
#endif
PRODUCT(one_turned, TURNED, 1, 1, XL_BLOCK)
PRODUCT(pair_turned, TURNED, PAIR, 1, XL_BLOCK)

typedef void product(const struct xl_wino_gemm *, struct place);

#define EITHER(R)                                                                                  \
	{                                                                                          \
		one_##R, pair_##R                                                                  \
	}
static product *const by_rows[ROWS + 1][2] = {
	{0},       EITHER(1), EITHER(2), EITHER(3),
#if XL_LANES >= 8
	EITHER(4), EITHER(5), EITHER(6),
#endif
#if XL_LANES >= 16
	EITHER(7), EITHER(8), EITHER(9), EITHER(10), EITHER(11), EITHER(12), EITHER(13), EITHER(14),
#endif
};

/* All rows of the columns of one group of panels, at one point. */
static void columns(const struct xl_wino_gemm *g, int point, int col)
{
	const bool pair = PAIR == 2 && g->cols - col > XL_BLOCK;
	float *c = g->c.p + point * g->c.point + col / XL_BLOCK * g->c.panel;
	const float *a = g->a.p + point * g->a.point;
	const float *b = g->b.p + point * g->b.point + col / XL_BLOCK * g->b.panel;

	if (g->a_turned) {
		for (int r = 0; r < g->rows; r += TURNED)
			(pair ? pair_turned : one_turned)(
				g, (struct place){c + (int64_t)r * XL_BLOCK,
						  a + r / XL_BLOCK * g->a.panel + r % XL_BLOCK, b,
						  1, g->depth});
		return;
	}
	/* sets of rows as equal as can be */
	const int sets = (int)xl_div_up(g->rows, ROWS);
	for (int s = 0, r = 0; s < sets; s++) {
		const int rows = (g->rows - r) / (sets - s);
		by_rows[rows][pair](g, (struct place){c + (int64_t)r * XL_BLOCK,
						      a + (int64_t)r * XL_BLOCK, b,
						      g->depth / XL_BLOCK, XL_BLOCK});
		r += rows;
	}
}

struct item {
	const struct xl_wino_gemm *g;
	int groups, per_item;
};

static void gemm_item(void *ctx, int64_t i)
{
	const struct item *it = ctx;
	const int from = (int)i * it->per_item, all = it->g->points * it->groups;

	for (int j = from; j < from + it->per_item && j < all; j++)
		columns(it->g, j / it->groups, j % it->groups * PAIR * XL_BLOCK);
}

void XL_FN(xl_wino_gemm)(const struct xl_wino_gemm *g)
{
	assert(g->cols % XL_BLOCK == 0 && (g->a_turned ? g->rows : g->depth) % XL_BLOCK == 0);
	const int groups = (int)xl_div_up(g->cols, PAIR * XL_BLOCK), all = g->points * groups;
	const int64_t work = (int64_t)g->rows * g->depth * PAIR * XL_BLOCK;
	const int64_t per_item = xl_div_up(ITEM, work);
	struct item it = {g, groups, per_item < all ? (int)per_item : all};

	xl_parallel(gemm_item, &it, xl_div_up(all, it.per_item));
}
