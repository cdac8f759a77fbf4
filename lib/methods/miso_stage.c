/*
 * miso_stage.c - MISO on one record: encode, fuse, decode. There are no masks, and no
 * code of the content alone: what is fused is the picture itself and a style of the
 * other domain.
 */
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "methods/codes.h"
#include "methods/miso_net.h"

static const char *const letters[XL_MISO_DOMAINS] = {"A", "B"};

static int domain_of(const struct xl_record *r)
{
	return strcmp(xl_meta_str(r, "domain", "A"), "B") == 0 ? XL_MISO_B : XL_MISO_A;
}

static struct xl_var *vector(struct xl_tape *t, const struct xl_miso *h, const struct xl_record *r,
			     const char *name)
{
	return xl_codes_given(t, r, name, &h->nz, 1);
}

/* The mean of an image's style, as a code has it; that and the rest of its
 * distribution are added where the record lacks them. */
static struct xl_var *style_of(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	const struct xl_miso_nets *s = m->state;
	struct xl_miso_posterior q;
	struct xl_var *x;

	if (xl_record_tensor(r, "mu") && xl_record_tensor(r, "logvar"))
		return vector(t, m->hyper, r, "logvar") ? vector(t, m->hyper, r, "mu") : NULL;
	x = xl_codes_image(t, r, XL_MISO_STRIDE);
	if (!x || xl_miso_style(t, m->hyper, &s->style[domain_of(r)], x, &q) ||
	    xl_codes_put(t, r, "mu", q.mu, 1) || xl_codes_put(t, r, "logvar", q.logvar, 1))
		return NULL;
	xl_drop(t, x);
	return q.mu;
}

int xl_miso_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	return style_of(m, t, r) ? 0 : -1;
}

/* Draw number `sample` of this seed for the record of this name: z ~ N(0, I). */
static struct xl_var *drawn(struct xl_tape *t, const struct xl_miso *h, const struct xl_record *r)
{
	struct xl_rng rng;
	float z[XL_MISO_NZ];

	xl_rng_init(&rng, (uint64_t)xl_meta_int(r, "seed", 0), XL_RNG_STYLE, xl_codes_number(r->id),
		    (uint32_t)xl_meta_int(r, "sample", 0));
	for (int j = 0; j < h->nz; j++)
		z[j] = (float)xl_rng_normal(&rng);
	return xl_var_input(t, 1, (int)h->nz, 1, 1, z);
}

/* The style an exemplar stands for: that of its image, or, where it was itself
 * translated from the input's domain, the one that was used for that. */
static struct xl_var *style_from(struct xl_model *m, struct xl_tape *t, const struct xl_record *r,
				 struct xl_record *exemplar)
{
	if (domain_of(exemplar) != domain_of(r))
		return style_of(m, t, exemplar);
	if (xl_record_tensor(exemplar, "z"))
		return vector(t, m->hyper, exemplar, "z");
	xl_err("exemplar %s is of domain %s as well, not of the other", exemplar->id,
	       letters[domain_of(r)]);
	return NULL;
}

int xl_miso_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		       struct xl_record *exemplar)
{
	const struct xl_miso_nets *s = m->state;
	const bool sampled = xl_meta_get(r, "sample") != NULL;
	struct xl_var *z = sampled ? drawn(t, m->hyper, r) : style_from(m, t, r, exemplar);
	struct xl_var *x = z ? xl_codes_image(t, r, XL_MISO_STRIDE) : NULL;
	const int d = domain_of(r);

	if (!x || xl_codes_put(t, r, "z", z, 1))
		return -1;
	return xl_codes_put(t, r, "h", xl_miso_encode(t, m->hyper, &s->to[!d], x, z), 3) ||
			       xl_meta_set_str(r, "domain_out", letters[!d])
		       ? -1
		       : 0;
}

/* An image alone takes the route into its own domain, with its own style. */
int xl_miso_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	const struct xl_miso *h = m->hyper;
	const struct xl_miso_nets *s = m->state;
	const struct xl_tensor *x = xl_record_tensor(r, "x");
	const int64_t shape[3] = {4 * h->width, xl_round_up(x->shape[1], XL_MISO_STRIDE) / 4,
				  xl_round_up(x->shape[2], XL_MISO_STRIDE) / 4};
	struct xl_var *u, *z;

	if (xl_record_tensor(r, "h")) {
		u = xl_codes_given(t, r, "h", shape, 3);
		return u ? xl_codes_put_picture(t, r, xl_miso_generate(t, &s->to[!domain_of(r)], u))
			 : -1;
	}
	if (!(z = style_of(m, t, r)) || !(u = xl_codes_image(t, r, XL_MISO_STRIDE)))
		return -1;
	return xl_codes_put_picture(t, r, xl_miso_translate(t, h, &s->to[domain_of(r)], u, z));
}
