/*
 * lpips.c - LPIPS as a squared distance of vectors: norms, heads and the mean over
 * places go into the vector of each picture once, so that a pair costs one pass.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "metrics/lpips.h"

static const double eps = 1e-10; /* beside a norm, as the authors' program has it */

int xl_lpips_open(struct xl_lpips *l, const char *path, const struct xl_backbone_def *def,
		  bool is_flat)
{
	*l = (struct xl_lpips){.def = def, .is_flat = is_flat, .most_bytes = (int64_t)1 << 30};
	l->net = xl_backbone_load(path, def);
	if (!l->net || !(l->tape = xl_tape_new()))
		return -1;
	xl_tape_record(l->tape, false);
	return 0;
}

void xl_lpips_done(struct xl_lpips *l)
{
	xl_tape_free(l->tape);
	xl_backbone_free(l->net);
	*l = (struct xl_lpips){NULL};
}

void xl_lpips_unsee(struct xl_lpips_view *v)
{
	free(v->values);
	*v = (struct xl_lpips_view){0};
}

int xl_lpips_weigh(float *to, const float *f, int c, int64_t places, const float *head)
{
	double *norm = xl_alloc((size_t)places, sizeof *norm);

	if (!norm)
		return -1;
	for (int i = 0; i < c; i++)
		for (int64_t k = 0; k < places; k++)
			norm[k] += (double)f[i * places + k] * (double)f[i * places + k];
	for (int64_t k = 0; k < places; k++)
		norm[k] = 1 / (sqrt(norm[k]) + eps);
	for (int i = 0; i < c; i++) {
		const double w = sqrt((head ? (double)head[i] : 1) / (double)places);

		for (int64_t k = 0; k < places; k++)
			to[i * places + k] = (float)((double)f[i * places + k] * norm[k] * w);
	}
	free(norm);
	return 0;
}

static int check_head(const float *head, int k, int c)
{
	for (int i = 0; head && i < c; i++)
		if (!(head[i] >= 0))
			return xl_err("lin%d weighs channel %d by %g; LPIPS has no weights below 0",
				      k, i, (double)head[i]);
	return 0;
}

/* Tap k of a batch into the views, from `at` on. */
static int take_tap(const struct xl_lpips *l, int k, const struct xl_var *tap,
		    struct xl_lpips_view *views, int64_t at)
{
	const float *head = l->is_flat ? NULL : xl_backbone_head(l->net, k);
	const int64_t places = (int64_t)tap->d.h * tap->d.w;
	float *f = xl_alloc((size_t)xl_dims_count(&tap->d), sizeof *f);
	int rc = f ? check_head(head, k, tap->d.c) : -1;

	if (rc == 0)
		xl_var_read(l->tape, tap, f);
	for (int i = 0; rc == 0 && i < tap->d.n; i++)
		rc = xl_lpips_weigh(views[i].values + at, f + i * tap->d.c * places, tap->d.c,
				    places, head);
	free(f);
	return rc;
}

/* The pictures as one batch for the network. */
static struct xl_var *batch_of(struct xl_tape *t, const struct xl_tensor *const *images, int n)
{
	const int64_t *shape = images[0]->shape;
	const size_t each = (size_t)xl_tensor_count(images[0]);
	float *x = xl_alloc((size_t)n * each, sizeof *x);
	struct xl_var *v;

	for (int i = 0; x && i < n; i++) {
		struct xl_tensor *f = xl_image_to_f4(images[i]);

		assert(xl_tensor_is(images[i], 3, shape));
		if (!f) {
			free(x);
			return NULL;
		}
		memcpy(x + (size_t)i * each, f->data, each * sizeof *x);
		xl_tensor_free(f);
	}
	v = x ? xl_var_input(t, n, 3, (int)shape[1], (int)shape[2], x) : NULL;
	free(x);
	return v;
}

static int see(struct xl_lpips *l, struct xl_var *x, struct xl_lpips_view *views, int n)
{
	const int n_taps = l->def->n_taps;
	struct xl_var *taps[XL_BACKBONE_TAPS];
	int64_t count = 0, at = 0;

	if (xl_backbone_run(l->net, l->tape, x, taps))
		return -1;
	for (int k = 0; k < n_taps; k++)
		count += xl_dims_count(&taps[k]->d) / n;
	for (int i = 0; i < n; i++) {
		views[i].count = count;
		views[i].values = xl_alloc((size_t)count, sizeof *views[i].values);
		if (!views[i].values)
			return -1;
	}
	for (int k = 0; k < n_taps; k++) {
		if (take_tap(l, k, taps[k], views, at))
			return -1;
		at += xl_dims_count(&taps[k]->d) / n;
	}
	return 0;
}

int xl_lpips_see(struct xl_lpips *l, const struct xl_tensor *const *images, int n,
		 struct xl_lpips_view *views)
{
	int rc;

	for (int i = 0; i < n; i++)
		views[i] = (struct xl_lpips_view){0};
	xl_tape_reset(l->tape);
	rc = see(l, batch_of(l->tape, images, n), views, n);
	for (int i = 0; rc && i < n; i++)
		xl_lpips_unsee(&views[i]);
	return rc;
}

double xl_lpips_distance(const struct xl_lpips_view *a, const struct xl_lpips_view *b)
{
	double sum[4] = {0}; /* apart, so that an addition need not wait for the last */

	assert(a->count == b->count);
	for (int64_t i = 0; i < a->count; i++) {
		const double d = (double)a->values[i] - (double)b->values[i];

		sum[i & 3] += d * d;
	}
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
