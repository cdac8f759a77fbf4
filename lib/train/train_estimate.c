/*
 * train_estimate.c - what a run will cost.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/arena.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/rng.h"
#include "grad/ops.h"
#include "train/train_estimate.h"

enum {
	STEPS = 60,  /* counted at each point: whole periods of 1 to 6, 10, 12 .. iterations */
	POINTS = 20, /* of the run, evenly spread: its stages may differ */
	KINDS = 8,   /* of iterations, by their work */
	RUNS = 50    /* of one kind and batch, at most */
};

static const double MEASURE = 0.1; /* seconds for each kind and batch, and one run */

/* Iterations of equal work: their share, and one of them. */
struct kind {
	int64_t macs, at;
	int count;
};

struct kinds {
	struct kind kind[KINDS];
	int n;
};

static void note_kind(struct kinds *k, int64_t macs, int64_t at)
{
	for (int i = 0; i < k->n; i++)
		if (k->kind[i].macs == macs || i == KINDS - 1) {
			k->kind[i].count++;
			return;
		}
	k->kind[k->n++] = (struct kind){macs, at, 1};
}

static int count_steps(struct xl_estimate *e, struct kinds *k, struct xl_model *m,
		       const struct xl_batch *b)
{
	const int64_t iters = xl_model_int(m, "iters");
	struct xl_tape *t = xl_tape_new();
	struct xl_losses losses;
	int rc = t ? 0 : -1;

	if (t) {
		t->dry = true;
		xl_arena_sparse(t->arena);
	}
	for (int i = 0; i < POINTS * STEPS && rc == 0; i++) {
		const int64_t before = t->macs, at = iters * (i / STEPS) / POINTS + i % STEPS;
		xl_tape_reset(t);
		rc = m->method->step(m, t, b, at, &losses);
		note_kind(k, t->macs - before, at);
	}
	if (rc == 0) {
		e->activations = xl_arena_peak(t->arena);
		e->gmac = 1e-9 * (double)t->macs / (POINTS * STEPS);
	}
	xl_tape_free(t);
	return rc;
}

/* The least time of one iteration, after one that touches memory; -1 with xl_err
 * set. */
static double time_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t at)
{
	struct xl_losses losses;
	double least = INFINITY, sum = 0;

	for (int i = 0; i < RUNS && (i < 2 || sum < MEASURE); i++) {
		const double start = xl_clock();
		xl_tape_reset(t);
		if (m->method->step(m, t, b, at, &losses))
			return -1;
		const double took = xl_clock() - start;
		sum += i ? took : 0;
		least = i ? fmin(least, took) : least;
	}
	return least;
}

/* The time of an iteration of b, from the least batch and, where b is larger, from two of
 * these: a straight line through both. -1 with xl_err set. */
static double time_batch(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b,
			 int64_t at)
{
	const int least = xl_model_parts(m) * (m->method->batch_of > 0 ? m->method->batch_of : 1);
	struct xl_batch few = *b;
	double more = 0, one;

	few.n = 2 * least;
	if (b->n > least && (more = time_step(m, t, &few, at)) < 0)
		return -1;
	few.n = least;
	if ((one = time_step(m, t, &few, at)) < 0)
		return -1;
	return one + (b->n / least - 1) * fmax(more - one, 0);
}

static int time_steps(struct xl_estimate *e, const struct kinds *k, struct xl_model *m,
		      const struct xl_batch *b)
{
	struct xl_tape *t = xl_tape_new();
	int rc = t ? 0 : -1;

	for (int i = 0; i < k->n && rc == 0; i++) {
		const double took = time_batch(m, t, b, k->kind[i].at);
		e->seconds += took * k->kind[i].count / (POINTS * STEPS);
		rc = took < 0 ? -1 : 0;
	}
	xl_tape_free(t);
	return rc;
}

/* Bytes of memory this process has now. */
static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

int xl_estimate(struct xl_estimate *e, struct xl_model *m, const struct xl_spool *s)
{
	const int n = xl_model_images(m);
	const size_t side = (size_t)xl_model_int(m, "size"), x = (size_t)n * 3 * side * side;
	const size_t now = resident();
	float *noise = xl_alloc(2 * (x + (size_t)n * (size_t)m->n_attributes), sizeof *noise);
	struct kinds kinds = {.n = 0};
	size_t values = 0;
	struct xl_rng rng;
	int rc = -1;

	memset(e, 0, sizeof *e);
	for (int i = 0; i < m->n_nets; i++) {
		values += sizeof(float) * m->nets[i]->count;
		e->blocks += 4 * sizeof(float) * m->nets[i]->count;
	}
	e->program = now > values ? now - values : now;
	e->images = xl_spool_bytes(s) + 2 * x * sizeof(float);
	if (!noise)
		return -1;
	xl_rng_init(&rng, 0, XL_RNG_INIT, 0, 0);
	for (size_t i = 0; i < 2 * x; i++) /* labels are zeros */
		noise[i] = 2 * (float)xl_rng_uniform(&rng) - 1;
	const struct xl_batch b = {.n = n,
				   .x = {noise, noise + x},
				   .y = {noise + 2 * x, noise + 2 * x + n * m->n_attributes}};
	if (count_steps(e, &kinds, m, &b) == 0 && time_steps(e, &kinds, m, &b) == 0)
		rc = 0;
	free(noise);
	return rc;
}

int xl_estimate_print(const struct xl_estimate *e, const struct xl_model *m,
		      const struct xl_spool *s, FILE *f)
{
	const double mib = 0x1p20, iters = (double)xl_model_int(m, "iters");

	fprintf(f, "images %lu\nattributes %d\n", (unsigned long)s->n, m->n_attributes);
	for (int i = 0; i < m->n_nets; i++)
		fprintf(f, "parameters_%s %zu\n", m->nets[i]->id, xl_net_count(m->nets[i]));
	fprintf(f, "parameters_generator %zu\n", xl_model_params(m, XL_GENERATOR));
	fprintf(f, "parameters_critic %zu\n", xl_model_params(m, XL_CRITIC));
	fprintf(f, "memory_program_mib %.1f\n", (double)e->program / mib);
	fprintf(f, "memory_activations_mib %.1f\n", (double)e->activations / mib);
	fprintf(f, "memory_parameters_mib %.1f\n", (double)e->blocks / mib);
	fprintf(f, "memory_images_mib %.1f\n", (double)e->images / mib);
	fprintf(f, "memory_mib %.1f\n",
		(double)(e->program + e->activations + e->blocks + e->images) / mib);
	fprintf(f, "gmac_per_iteration %.6g\n", e->gmac);
	fprintf(f, "gmac_per_second %.4g\n", e->gmac / e->seconds);
	fprintf(f, "iterations %.0f\n", iters);
	fprintf(f, "seconds_per_iteration %.3g\n", e->seconds);
	fprintf(f, "hours %.3g\n", e->seconds * (iters - (double)m->step) / 3600);
	return ferror(f) ? -1 : 0;
}
