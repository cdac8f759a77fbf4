/*
 * lpips_group.c - LPIPS between an input and its outputs, and among the outputs, with
 * as many views kept as memory allows.
 */
#include <stdlib.h>
#include "core/mem.h"
#include "metrics/lpips.h"

struct views {
	struct xl_lpips *l;
	struct xl_tensor *const *images;
	struct xl_lpips_view *view; /* (n), those not held without values */
	int64_t n, held, bytes;     /* bytes: of each */
	int64_t next;               /* where to look for one to let go */
};

/* Another will fit: the earliest but `keep` goes where there are too many. */
static void make_room(struct views *v, int64_t keep)
{
	while (v->held >= 2 && (v->held + 1) * v->bytes > v->l->most_bytes) {
		const int64_t i = v->next;

		v->next = (i + 1) % v->n;
		if (i == keep || !v->view[i].values)
			continue;
		xl_lpips_unsee(&v->view[i]);
		v->held--;
	}
}

/* The view of picture i, while that of `keep` stays. */
static const struct xl_lpips_view *view_of(struct views *v, int64_t i, int64_t keep)
{
	const struct xl_tensor *image = v->images[i];

	if (v->view[i].values)
		return &v->view[i];
	make_room(v, keep);
	if (xl_lpips_see(v->l, &image, 1, &v->view[i]))
		return NULL;
	v->held++;
	v->bytes = v->view[i].count * (int64_t)sizeof(float);
	return &v->view[i];
}

static int from_input(struct views *v, const struct xl_tensor *input, double *io)
{
	struct xl_lpips_view in = {0};
	const struct xl_lpips_view *out;
	int rc = xl_lpips_see(v->l, &input, 1, &in);

	for (int64_t i = 0; rc == 0 && i < v->n; i++) {
		out = view_of(v, i, i ? i - 1 : 0);
		if (out)
			io[i] = xl_lpips_distance(&in, out);
		else
			rc = -1;
	}
	xl_lpips_unsee(&in);
	return rc;
}

static int within(struct views *v, struct xl_sample *pairs, struct xl_moments *among)
{
	for (int64_t i = 0; i < v->n; i++)
		for (int64_t j = i + 1; j < v->n; j++) {
			const struct xl_lpips_view *a, *b;

			if (!xl_sample_take(pairs))
				continue;
			a = view_of(v, i, i);
			b = a ? view_of(v, j, i) : NULL;
			if (!b)
				return -1;
			xl_moments_add(among, xl_lpips_distance(a, b));
		}
	return 0;
}

int xl_lpips_group(struct xl_lpips *l, const struct xl_tensor *input,
		   struct xl_tensor *const *images, int64_t n, struct xl_sample *pairs, double *io,
		   struct xl_moments *among)
{
	struct views v = {.l = l, .images = images, .n = n};
	int rc = 0;

	if (n == 0)
		return 0;
	v.view = xl_alloc((size_t)n, sizeof *v.view);
	if (!v.view)
		return -1;
	if (input)
		rc = from_input(&v, input, io);
	if (rc == 0)
		rc = within(&v, pairs, among);
	for (int64_t i = 0; i < n; i++)
		xl_lpips_unsee(&v.view[i]);
	free(v.view);
	return rc;
}
