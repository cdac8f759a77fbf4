/*
 * train_estimate.c - what a run will cost.
 */
#include <stdlib.h>
#include <string.h>
#include "core/arena.h"
#include "core/clock.h"
#include "core/mem.h"
#include "grad/ops.h"
#include "train/train_estimate.h"

enum { STEPS = 60 }; /* counted: whole periods of 1 to 6, 10, 12 .. iterations */

static const double MEASURE = 0.3; /* seconds */

static int count_steps(struct xl_estimate *e, struct xl_model *m, const struct xl_batch *b)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_losses losses;
	int rc = t ? 0 : -1;

	if (t)
		t->dry = true;
	for (int i = 0; i < STEPS && rc == 0; i++) {
		xl_tape_reset(t);
		rc = m->method->step(m, t, b, i, &losses);
	}
	if (rc == 0) {
		e->activations = xl_arena_peak(t->arena);
		e->gmac = 1e-9 * (double)t->macs / STEPS;
	}
	xl_tape_free(t);
	return rc;
}

/* What is timed: the layers an image is encoded with, which have both large
 * maps of few channels and small ones of many. */
static const struct stage {
	int ci, co, k, stride; /* channels in units of the width; ci 0: the image's 3 */
} stages[] = {{0, 1, 7, 1}, {1, 2, 4, 2}, {2, 4, 4, 2}, {4, 4, 3, 1}, {4, 4, 3, 1}};

enum { STAGES = sizeof stages / sizeof *stages, IMAGES = 4 };

struct probe {
	int n, width, side;
	float *x, *w, *gw;
};

/* Forward and backward once; its multiply-adds. */
static int64_t work(struct xl_tape *t, const struct probe *p)
{
	const int64_t before = t->macs;
	struct xl_var *u;

	xl_tape_reset(t);
	u = xl_var_input(t, p->n, 3, p->side, p->side, p->x);
	xl_tape_record(t, true);
	for (int i = 0; i < STAGES; i++) {
		const struct stage *s = &stages[i];
		const int ci = s->ci ? s->ci * p->width : 3;
		struct xl_dims d = xl_dims_plain(s->co * p->width, ci, s->k, s->k);

		u = xl_op_conv2d(t, u, xl_var_leaf(t, d, p->w, p->gw), NULL, s->stride,
				 (s->k - 1) / 2, XL_PAD_REFLECT);
		u = xl_op_norm(t, u, NULL, NULL, XL_NORM_INSTANCE, 1e-5, NULL);
		u = xl_op_leaky(t, u, 0);
	}
	return xl_backward(t, xl_op_mean(t, u), 0) ? -1 : t->macs - before;
}

static int measure_rate(struct xl_estimate *e, const struct xl_model *m)
{
	const int images = 2 * (int)xl_model_int(m, "batch");
	struct probe p = {.n = images < IMAGES ? images : IMAGES,
			  .width = (int)xl_model_int(m, "width"),
			  .side = (int)xl_model_int(m, "size")};
	const size_t weights = 147 * (size_t)p.width * (size_t)p.width; /* 144 in a 3x3 */
	struct xl_tape *t = xl_tape_new();
	int64_t macs, sum = 0;
	double start = 0;
	int rc = -1;

	p.w = xl_alloc(weights, sizeof *p.w);
	p.gw = xl_alloc(weights, sizeof *p.gw);
	p.x = xl_alloc((size_t)p.n * 3 * (size_t)p.side * (size_t)p.side, sizeof *p.x);
	if (!t || !p.w || !p.gw || !p.x)
		goto out;
	for (int i = 0; i < 2 || xl_clock() - start < MEASURE; i++) {
		if ((macs = work(t, &p)) < 0)
			goto out;
		if (i == 0) /* the first only touches memory and wakes the threads */
			start = xl_clock();
		else
			sum += macs;
	}
	e->rate = 1e-9 * (double)sum / (xl_clock() - start);
	rc = 0;
out:
	free(p.x);
	free(p.gw);
	free(p.w);
	xl_tape_free(t);
	return rc;
}

int xl_estimate(struct xl_estimate *e, struct xl_model *m, const struct xl_spool *s)
{
	const int n = (int)xl_model_int(m, "batch");
	const size_t x = (size_t)n * 3 * (size_t)s->size * (size_t)s->size;
	float *zero = xl_alloc(x + (size_t)n * (size_t)m->n_attributes, sizeof *zero);
	const struct xl_batch b = {.n = n, .x = {zero, zero}, .y = {zero, zero}};
	int rc = -1;

	memset(e, 0, sizeof *e);
	for (int i = 0; i < m->n_nets; i++)
		e->blocks += 4 * sizeof(float) * m->nets[i]->count;
	e->images = xl_spool_bytes(s) + 2 * x * sizeof(float);
	if (!zero || count_steps(e, m, &b) || measure_rate(e, m))
		goto out;
	e->seconds = e->gmac / e->rate;
	rc = 0;
out:
	free(zero);
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
	fprintf(f, "memory_activations_mib %.1f\n", (double)e->activations / mib);
	fprintf(f, "memory_parameters_mib %.1f\n", (double)e->blocks / mib);
	fprintf(f, "memory_images_mib %.1f\n", (double)e->images / mib);
	fprintf(f, "memory_mib %.1f\n", (double)(e->activations + e->blocks + e->images) / mib);
	fprintf(f, "gmac_per_iteration %.6g\n", e->gmac);
	fprintf(f, "gmac_per_second %.4g\n", e->rate);
	fprintf(f, "iterations %.0f\n", iters);
	fprintf(f, "seconds_per_iteration %.3g\n", e->seconds);
	fprintf(f, "hours %.3g\n", e->seconds * (iters - (double)m->step) / 3600);
	return ferror(f) ? -1 : 0;
}
