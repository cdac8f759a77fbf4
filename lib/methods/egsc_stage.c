/*
 * egsc_stage.c - EGSC-IT on one record: encode, mask, fuse, decode. What a record already
 * holds is used as it is; what is missing is computed and added.
 *
 * c is the content's code; m the mask over it, and s the statistics, mean and variance of
 * each channel, that the features of the same image give; h is c, masked, with the s of the
 * exemplar. A code is drawn in the domain of the exemplar.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "methods/codes.h"
#include "methods/egsc_net.h"

/* What the stages need of one record, computed at most once. */
struct stage {
	struct xl_tape *t;
	const struct xl_egsc *h;
	const struct xl_egsc_nets *s;
	struct xl_record *r;
	struct xl_var *x, *f, *c, *m, *stats;
	int64_t shape[3]; /* of codes */
	int domain;
};

static int domain_of(const struct xl_record *r, const char *key)
{
	return xl_egsc_is(xl_meta_str(r, key, "A"), "B") ? XL_EGSC_B : XL_EGSC_A;
}

/* What images are padded to multiples of: a residual block needs two places each way. */
static int stride_of(const struct xl_egsc *h, const struct xl_tensor *x)
{
	const bool tiny = x->shape[1] <= XL_EGSC_STRIDE || x->shape[2] <= XL_EGSC_STRIDE;

	return tiny && h->n1 == XL_EGSC_N1 ? 2 * XL_EGSC_STRIDE : XL_EGSC_STRIDE;
}

static void begin(struct stage *g, struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x");
	const struct xl_egsc *h = m->hyper;
	const int by = 1 << (h->n1 - 1);

	*g = (struct stage){
		.t = t, .h = h, .s = m->state, .r = r, .domain = domain_of(r, "domain")};
	g->shape[0] = h->width * by;
	for (int i = 1; i < 3; i++)
		g->shape[i] = xl_round_up(x->shape[i], stride_of(h, x)) / by;
}

static int need_image(struct stage *g)
{
	const int stride = stride_of(g->h, xl_record_tensor(g->r, "x"));

	return g->x || (g->x = xl_codes_image(g->t, g->r, stride)) ? 0 : -1;
}

/* The noise that codes were trained with, of the record's name and meta.noise_seed. */
static struct xl_var *with_noise(struct stage *g, struct xl_var *mu)
{
	if (!mu || !g->h->noise_test || g->h->noise == 0)
		return mu;
	const int64_t n = xl_dims_count(&mu->d);
	float *to = xl_alloc((size_t)n, sizeof *to);
	struct xl_var *v = NULL;
	struct xl_rng rng;
	xl_rng_init(&rng, (uint64_t)xl_meta_int(g->r, "noise_seed", 0), XL_RNG_CODE,
		    xl_codes_number(g->r->id), 0);
	if (to) {
		xl_rng_normals(&rng, to, n);
		v = xl_var_input(g->t, 1, mu->d.c, mu->d.h, mu->d.w, to);
	}
	free(to);
	return xl_op_add(g->t, mu, g->h->noise == 1 ? v : xl_op_affine(g->t, v, g->h->noise, 0));
}

static int need_content(struct stage *g)
{
	const struct xl_egsc_middle *s = &g->s->shared;
	const bool shared = g->h->shared;

	if (g->c)
		return 0;
	if (xl_record_tensor(g->r, "c"))
		return (g->c = xl_codes_given(g->t, g->r, "c", g->shape, 3)) ? 0 : -1;
	if (need_image(g))
		return -1;
	struct xl_var *c = xl_egsc_encode(g->t, g->s, &g->s->e[g->domain], g->x);
	c = with_noise(g, shared ? xl_egsc_block(g->t, s->net, &s->e, c) : c);
	g->c = shared ? xl_egsc_block(g->t, s->net, &s->g, c) : c;
	return xl_codes_put(g->t, g->r, "c", g->c, 3);
}

static int need_features(struct stage *g)
{
	if (g->f)
		return 0;
	if (need_image(g))
		return -1;
	g->f = xl_egsc_encode(g->t, g->s, &g->s->f[g->domain], g->x);
	return g->f ? 0 : -1;
}

static int need_mask(struct stage *g)
{
	const int64_t *d = g->shape;

	if (g->m)
		return 0;
	if (xl_record_tensor(g->r, "m"))
		return (g->m = xl_codes_given(g->t, g->r, "m", d, 3)) ? 0 : -1;
	if (g->h->mask && need_features(g))
		return -1;
	g->m = g->h->mask ? xl_egsc_mask(g->t, g->h, g->f)
			  : xl_var_const(g->t, xl_dims_map(1, (int)d[0], (int)d[1], (int)d[2]), 1);
	return xl_codes_put(g->t, g->r, "m", g->m, 3);
}

/* Where there are any. */
static int need_statistics(struct stage *g)
{
	const int64_t n = 2 * g->shape[0];

	if (g->stats || xl_egsc_is(g->h->adain, "none"))
		return 0;
	if (xl_record_tensor(g->r, "s"))
		return (g->stats = xl_codes_given(g->t, g->r, "s", &n, 1)) ? 0 : -1;
	if (need_features(g))
		return -1;
	g->stats = xl_egsc_statistics(g->t, g->f);
	return xl_codes_put(g->t, g->r, "s", g->stats, 1);
}

/* What is drawn: the content of g in the look of e, which may be the same. */
static struct xl_var *fused(struct stage *g, struct stage *e)
{
	if (need_content(g) || need_mask(g) || need_statistics(e))
		return NULL;
	struct xl_var *c = xl_op_mul(g->t, g->c, g->m);
	return xl_egsc_restyle(g->t, g->h, xl_egsc_normalise(g->t, g->h, c), e->stats);
}

int xl_egsc_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct stage g;

	begin(&g, m, t, r);
	return need_content(&g) || need_mask(&g) || need_statistics(&g) ? -1 : 0;
}

int xl_egsc_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		       struct xl_record *exemplar)
{
	struct stage g;

	(void)exemplar; /* the mask is the content's alone */
	begin(&g, m, t, r);
	return need_mask(&g);
}

int xl_egsc_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		       struct xl_record *exemplar)
{
	struct stage g, e;

	begin(&g, m, t, r);
	begin(&e, m, t, exemplar);
	if (xl_codes_put(t, r, "h", fused(&g, &e), 3))
		return -1;
	return xl_meta_set_str(r, "domain_out", e.domain == XL_EGSC_B ? "B" : "A");
}

/* The least value becomes -1, the greatest 1. */
static void stretch(struct xl_tensor *x)
{
	float *p = x->data, lo = p[0], hi = p[0];
	const int64_t n = xl_tensor_count(x);

	for (int64_t i = 0; i < n; i++) {
		lo = p[i] < lo ? p[i] : lo;
		hi = p[i] > hi ? p[i] : hi;
	}
	for (int64_t i = 0; hi > lo && i < n; i++)
		p[i] = 2 * (p[i] - lo) / (hi - lo) - 1;
}

int xl_egsc_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	const bool has_h = xl_record_tensor(r, "h");
	struct stage g;

	begin(&g, m, t, r);
	const int d = has_h ? domain_of(r, "domain_out") : g.domain;
	struct xl_var *h = has_h ? xl_codes_given(t, r, "h", g.shape, 3) : fused(&g, &g);
	if (xl_codes_put_picture(t, r, xl_egsc_generate(t, g.s, &g.s->g[d], h)))
		return -1;
	if (g.h->stretch_out)
		stretch(xl_record_tensor(r, "out"));
	return 0;
}
