/*
 * kid.c - the kernel distance and the subsets it is estimated from; see kid.h.
 */
#include <math.h>
#include <stdlib.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/dense.h"
#include "metrics/kid.h"
#include "metrics/moments.h"

/* As the common implementations have it. */
enum { SUBSETS = 100, SUBSET = 1000 };

/* ---- the distance ----------------------------------------------------- */

/* Sums of the kernel over each row of products, with and without the diagonal. */
struct rows {
	const double *products;
	double *sums;
	int64_t n;
	double gamma;
	bool leave_diagonal; /* of a set with itself */
};

static void sum_row(void *ctx, int64_t i)
{
	const struct rows *r = ctx;
	const double *p = r->products + i * r->n;
	double sum = 0;

	for (int64_t j = 0; j < r->n; j++) {
		const double k = r->gamma * p[j] + 1;

		if (j != i || !r->leave_diagonal)
			sum += k * k * k;
	}
	r->sums[i] = sum;
}

/* The mean of the kernel between rows of a (n,d) and b (m,d), in *out. */
static int mean_kernel(double *out, const double *a, int64_t n, const double *b, int64_t m,
		       int64_t d, double gamma, bool is_biased)
{
	const bool is_one = a == b && n == m, leave = is_one && !is_biased;
	double *products = xl_alloc((size_t)n, (size_t)m * sizeof *products);
	double *sums = xl_alloc((size_t)n, sizeof *sums), sum = 0;
	struct rows r = {products, sums, m, gamma, leave};
	const int rc = products && sums ? 0 : -1;

	if (rc == 0) {
		xl_dense_times(products,
			       &(struct xl_product){a, b, n, m, d, .is_symmetric = is_one});
		xl_parallel(sum_row, &r, n);
		for (int64_t i = 0; i < n; i++)
			sum += sums[i];
		*out = sum / ((double)n * (double)(leave ? m - 1 : m));
	}
	free(products);
	free(sums);
	return rc;
}

int xl_kid_once(double *out, const double *a, int64_t n, const double *b, int64_t m, int64_t d,
		double gamma, bool is_biased)
{
	double aa, bb, ab;

	if (mean_kernel(&aa, a, n, a, n, d, gamma, is_biased) ||
	    mean_kernel(&bb, b, m, b, m, d, gamma, is_biased) ||
	    mean_kernel(&ab, a, n, b, m, d, gamma, is_biased))
		return -1;
	*out = aa + bb - 2 * ab;
	return 0;
}

/* ---- subsets ---------------------------------------------------------- */

/* 0..1, of a linear congruential generator */
static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) * 0x1p-53;
}

/* A set, the order its vectors are drawn in, and those drawn. */
struct drawn {
	const float *rows;
	int64_t n, d, *order;
	double *taken; /* (size,d) */
};

static int drawn_init(struct drawn *s, const float *rows, int64_t n, int64_t d, int64_t size)
{
	*s = (struct drawn){.rows = rows, .n = n, .d = d};
	s->order = xl_alloc((size_t)n, sizeof *s->order);
	s->taken = xl_alloc((size_t)size, (size_t)d * sizeof *s->taken);
	return s->order && s->taken ? 0 : -1;
}

static void drawn_done(struct drawn *s)
{
	free(s->order);
	free(s->taken);
}

/* size vectors, none twice */
static void draw(struct drawn *s, int64_t size, uint64_t *state)
{
	for (int64_t i = 0; i < s->n; i++)
		s->order[i] = i;
	for (int64_t i = 0; i < size; i++) {
		const int64_t r = i + (int64_t)(uniform(state) * (double)(s->n - i));
		const int64_t row = s->order[r];

		s->order[r] = s->order[i];
		s->order[i] = row;
		for (int64_t j = 0; j < s->d; j++)
			s->taken[i * s->d + j] = (double)s->rows[row * s->d + j];
	}
}

/* How many, and of what size, where that is open; and whether there are such. */
static int choose_subsets(struct xl_kid *k, int64_t n, int64_t m)
{
	const int64_t least = n < m ? n : m;

	if (k->size > least)
		return xl_err("the smaller set has %lld pictures, too few for subsets of %lld",
			      (long long)least, (long long)k->size);
	if (k->size == 0)
		k->size = least < SUBSET ? least : SUBSET;
	const bool is_whole = k->size == n && k->size == m;

	if (is_whole && k->subsets > 1)
		return xl_err("subsets of %lld are the whole sets: there is 1, not %lld",
			      (long long)k->size, (long long)k->subsets);
	if (k->subsets == 0)
		k->subsets = is_whole ? 1 : SUBSETS;
	return 0;
}

int xl_kid_of(struct xl_kid *k, const float *a, int64_t n, const float *b, int64_t m, int64_t d)
{
	struct drawn x = {.rows = NULL}, y = {.rows = NULL};
	struct xl_moments found = {.n = 0};
	uint64_t state = k->seed;
	int rc = -1;

	if (choose_subsets(k, n, m))
		return -1;
	if (!(k->gamma > 0))
		k->gamma = 1 / (double)d;
	if (drawn_init(&x, a, n, d, k->size) || drawn_init(&y, b, m, d, k->size))
		goto out;
	for (int64_t i = 0; i < k->subsets; i++) {
		double v;

		draw(&x, k->size, &state);
		draw(&y, k->size, &state);
		if (xl_kid_once(&v, x.taken, k->size, y.taken, k->size, d, k->gamma, k->is_biased))
			goto out;
		xl_moments_add(&found, v);
	}
	k->mean = found.mean;
	k->sd = xl_moments_sd(&found);
	rc = 0;
out:
	drawn_done(&x);
	drawn_done(&y);
	return rc;
}

void xl_kid_values(struct xl_values *v, const struct xl_kid *k, const char *suffix)
{
	xl_values_num(v, "kid", suffix, k->mean);
	if (k->subsets > 1)
		xl_values_num(v, "kid_sd", suffix, k->sd);
}

void xl_kid_text(FILE *f, const struct xl_kid *k)
{
	fprintf(f, "kid_gamma %.10g\nkid_subsets %lld\nkid_subset_size %lld\n", k->gamma,
		(long long)k->subsets, (long long)k->size);
}

void xl_kid_json(struct xl_json *j, const struct xl_kid *k)
{
	xl_json_num(j, "gamma", k->gamma);
	xl_json_int(j, "subsets", k->subsets);
	xl_json_int(j, "subset_size", k->size);
	xl_json_bool(j, "biased", k->is_biased);
	xl_json_int(j, "seed", (int64_t)k->seed);
}
