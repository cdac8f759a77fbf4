/*
 * stage.c - the stages as tools call them, around the method's own: codes of
 * another model are refused, and what a stage leaves is marked with this one.
 */
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "methods/model.h"

static bool has_codes(const struct xl_model *m, const struct xl_record *r)
{
	for (const char *const *n = m->method->code_tensors; *n; n++)
		if (xl_record_tensor(r, *n))
			return true;
	return false;
}

/* A code is its model's, whatever its tensors are called; an image that a model made is only
 * an image. */
bool xl_stage_is_foreign(const struct xl_model *m, const struct xl_record *r)
{
	const char *of = xl_meta_str(r, "model", NULL);

	if (!has_codes(m, r) && (r->kind != XL_CODE || !of))
		return false;
	return !of || strcmp(of, m->digest) != 0;
}

static int check_model(const struct xl_model *m, const struct xl_record *r)
{
	const char *of = xl_meta_str(r, "model", NULL);

	if (!xl_stage_is_foreign(m, r))
		return 0;
	if (!of)
		return xl_err("%s: codes of an unknown model, this is %.4s.. (%s, %d)", r->id,
			      m->digest, m->method->name, (int)xl_model_int(m, "size"));
	return xl_err("%s: codes of model %.4s.., this is %.4s.. (%s, %d)", r->id, of, m->digest,
		      m->method->name, (int)xl_model_int(m, "size"));
}

/* What a method on two domains would take for A. */
static int check_domain(const struct xl_model *m, const struct xl_record *r)
{
	const struct xl_value *v = xl_meta_get(r, "domain");

	if (!v || !m->method->two_domains)
		return 0;
	if (v->type != XL_STR)
		return xl_err("%s: domain is no string, A or B", r->id);
	return strcmp(v->str, "A") == 0 || strcmp(v->str, "B") == 0
		       ? 0
		       : xl_err("%s: domain is '%.40s', neither A nor B", r->id, v->str);
}

/* What carries the name of a translation is not drawn as the input alone. */
static int check_fused(const struct xl_record *r)
{
	if (r->kind != XL_CODE || !xl_meta_get(r, "input") || xl_record_tensor(r, "h"))
		return 0;
	return xl_err("%s: its mask changed after it was fused: xl-hadain has to be applied again",
		      r->id);
}

static int check_image(const struct xl_record *r)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x");
	const int64_t rgb[3] = {3, -1, -1};
	char shape[64];

	if (r->kind != XL_IMAGE && r->kind != XL_CODE)
		return xl_err("%s: a record of kind %s has no picture", r->id,
			      xl_kind_name(r->kind));
	if (!x)
		return xl_err("%s: has no image x", r->id);
	if (!xl_tensor_is(x, 3, rgb) || x->shape[1] < 2 || x->shape[2] < 2)
		return xl_err("%s: x is %s, an image is (3,H,W) from 2x2 pixels", r->id,
			      xl_tensor_show(x, shape, sizeof shape));
	if (x->dtype != XL_U1 && x->dtype != XL_F4 && x->dtype != XL_F2 && x->dtype != XL_F8)
		return xl_err("%s: x is %s, an image is |u1 or <f4", r->id,
			      xl_tensor_show(x, shape, sizeof shape));
	if (x->shape[1] > 16384 || x->shape[2] > 16384)
		return xl_err("%s: x is %s, more than 16384 pixels on a side", r->id,
			      xl_tensor_show(x, shape, sizeof shape));
	return xl_image_check_range(x, "x") ? xl_err_prefix("%s", r->id) : 0;
}

static int check(const struct xl_model *m, const struct xl_record *r)
{
	return check_image(r) || check_model(m, r) || check_domain(m, r) ? -1 : 0;
}

static int begin(struct xl_model *m, struct xl_tape *t, const struct xl_record *r)
{
	if (check(m, r) || xl_modelfile_same(&m->file))
		return -1;
	xl_tape_reset(t);
	xl_model_bn(m, XL_BN_RUNNING);
	xl_model_unbind(m);
	return 0;
}

static int end(struct xl_model *m, struct xl_record *r, int rc)
{
	if (rc || (rc = xl_modelfile_same(&m->file)))
		return xl_err_prefix("%s", r->id);
	r->kind = XL_CODE;
	if (m->method->one_mask && xl_record_tensor(r, "m") &&
	    xl_meta_set_int(r, "mask_stride", m->method->stride))
		return -1;
	return xl_meta_set_str(r, "model", m->digest);
}

int xl_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	if (begin(m, t, r))
		return -1;
	return end(m, r, m->method->encode(m, t, r));
}

int xl_stage_exemplar(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	if (!m->method->exemplar)
		return xl_stage_encode(m, t, r);
	if (begin(m, t, r))
		return -1;
	return end(m, r, m->method->exemplar(m, t, r));
}

int xl_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		  struct xl_record *exemplar)
{
	if (!m->method->mask)
		return xl_err("%s: method %s has no masks", r->id, m->method->name);
	if ((exemplar && check(m, exemplar)) || begin(m, t, r))
		return -1;
	const int rc = m->method->mask(m, t, r, exemplar);
	if (rc == 0 && exemplar && end(m, exemplar, 0))
		return -1;
	return end(m, r, rc);
}

int xl_stage_mask_changed(struct xl_model *m, struct xl_record *r)
{
	for (const char *const *n = m->method->after_mask; *n; n++)
		xl_record_drop(r, *n);
	if (!xl_record_tensor(r, "h"))
		xl_meta_drop(r, "domain_out");
	return xl_meta_set_bool(r, "mask_edited", true);
}

int xl_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		  struct xl_record *exemplar)
{
	if (check(m, exemplar) || begin(m, t, r))
		return -1;
	if (m->method->fuse(m, t, r, exemplar))
		return xl_err_prefix("%s", r->id);
	if (end(m, exemplar, 0))
		return -1;
	xl_record_drop(r, "out");
	return end(m, r, 0);
}

int xl_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct xl_tensor *x = xl_record_tensor(r, "x");

	if (check_image(r))
		return -1;
	if (xl_record_tensor(r, "out"))
		return 0;
	if (check_model(m, r) || check_fused(r))
		return -1;
	if (!has_codes(m, r)) /* an image shows itself */
		return xl_record_put(r, "out", xl_image_to_f4(x));
	if (begin(m, t, r))
		return -1;
	return end(m, r, m->method->decode(m, t, r));
}

struct xl_record *xl_model_prepare(const struct xl_model *m, const struct xl_tensor *picture,
				   const char *id, bool native)
{
	const int64_t size = xl_model_int(m, "size"), h = picture->shape[1], w = picture->shape[2];
	const int64_t side = h < w ? h : w;
	const struct xl_box square = {(w - side) / 2, (h - side) / 2, side, side};
	const struct xl_box whole = {0, 0, w, h};
	struct xl_record *r = xl_record_new(XL_IMAGE, id);

	if (!r)
		return NULL;
	if (xl_record_put(r, "x",
			  native ? xl_tensor_copy(picture)
				 : xl_image_resize(picture, xl_model_squashes(m) ? whole : square,
						   size, size))) {
		xl_record_free(r);
		return NULL;
	}
	return r;
}
