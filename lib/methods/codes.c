/*
 * codes.c - tensors of a record as values on the tape and back.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "methods/codes.h"

/* Mirror without repeating the border, again and again. */
static int64_t mirror(int64_t i, int64_t n)
{
	const int64_t period = 2 * (n - 1);

	i %= period;
	return i < n ? i : period - i;
}

/* Takes f, an image (3,h,w) <f4, or NULL. */
static struct xl_var *padded(struct xl_tape *t, struct xl_tensor *f, int stride)
{
	struct xl_var *v = NULL;
	float *p;

	if (!f)
		return NULL;
	const int64_t h = f->shape[1], w = f->shape[2], hp = xl_round_up(h, stride),
		      wp = xl_round_up(w, stride);
	if ((p = xl_alloc((size_t)(3 * hp * wp), sizeof *p))) {
		const float *x = f->data;
		for (int64_t c = 0; c < 3; c++)
			for (int64_t i = 0; i < hp; i++)
				for (int64_t j = 0; j < wp; j++)
					p[(c * hp + i) * wp + j] =
						x[(c * h + mirror(i, h)) * w + mirror(j, w)];
		v = xl_var_input(t, 1, 3, (int)hp, (int)wp, p);
	}
	free(p);
	xl_tensor_free(f);
	return v;
}

struct xl_var *xl_codes_image(struct xl_tape *t, const struct xl_record *r, int stride)
{
	return padded(t, xl_image_to_f4(xl_record_tensor(r, "x")), stride);
}

struct xl_var *xl_codes_image_like(struct xl_tape *t, const struct xl_record *r,
				   const struct xl_record *like, int stride)
{
	const struct xl_tensor *to = xl_record_tensor(like, "x");
	struct xl_tensor *x = xl_image_to_u1(xl_record_tensor(r, "x")), *y = NULL;
	struct xl_var *v = NULL;

	if (x)
		y = xl_image_resize(x, (struct xl_box){0, 0, x->shape[2], x->shape[1]},
				    to->shape[1], to->shape[2]);
	if (y)
		v = padded(t, xl_image_to_f4(y), stride);
	xl_tensor_free(x);
	xl_tensor_free(y);
	return v;
}

struct xl_var *xl_codes_given(struct xl_tape *t, const struct xl_record *r, const char *name,
			      const int64_t *shape, int ndim)
{
	const bool is_mask = strcmp(name, "m") == 0;
	/* rounding elsewhere is forgiven */
	const float lo = is_mask ? -1e-6f : -FLT_MAX, hi = is_mask ? 1 + 1e-6f : FLT_MAX;
	const struct xl_tensor *x = xl_record_tensor(r, name);
	char is[64], want[64];

	if (!xl_tensor_is(x, ndim, shape)) {
		struct xl_tensor w = {.dtype = XL_F4, .ndim = ndim};
		memcpy(w.shape, shape, (size_t)ndim * sizeof *shape);
		xl_err("%s is %s, not %s", name, xl_tensor_show(x, is, sizeof is),
		       xl_tensor_show(&w, want, sizeof want));
		return NULL;
	}
	struct xl_tensor *f = xl_tensor_to(x, XL_F4);
	for (int64_t i = 0; f && i < xl_tensor_count(f); i++) {
		const float value = ((const float *)f->data)[i];
		if (value >= lo && value <= hi)
			continue;
		xl_err("%s holds %g, %s", name, (double)value,
		       is_mask ? "a mask lies in 0..1" : "codes are finite");
		xl_tensor_free(f);
		return NULL;
	}
	struct xl_var *v = !f          ? NULL
			   : ndim == 3 ? xl_var_input(t, 1, (int)shape[0], (int)shape[1],
						      (int)shape[2], f->data)
				       : xl_var_input(t, 1, (int)shape[0], 1, 1, f->data);
	xl_tensor_free(f);
	return v;
}

/* Takes x. What stages start from is finite: the weights are what is left. */
static int put_finite(struct xl_record *r, const char *name, struct xl_tensor *x)
{
	const int64_t n = x ? xl_tensor_count(x) : 0;

	for (int64_t i = 0; i < n; i++) {
		if (isfinite(((const float *)x->data)[i]))
			continue;
		xl_tensor_free(x);
		return xl_err("%s is not finite: the model may be damaged, "
			      "which xl-cat --check tells",
			      name);
	}
	return xl_record_put(r, name, x);
}

int xl_codes_put(const struct xl_tape *t, struct xl_record *r, const char *name,
		 const struct xl_var *v, int ndim)
{
	if (!v)
		return -1;
	const int64_t shape[3] = {v->d.c, v->d.h, v->d.w};
	struct xl_tensor *x = xl_tensor_new(XL_F4, ndim, shape);
	if (x)
		xl_var_read(t, v, x->data);
	return put_finite(r, name, x);
}

uint32_t xl_codes_number(const char *id)
{
	uint32_t n = 2166136261u;

	for (; *id; id++)
		n = (n ^ (unsigned char)*id) * 16777619u;
	return n;
}

int xl_codes_put_picture(const struct xl_tape *t, struct xl_record *r, const struct xl_var *v)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x");
	const int64_t h = x->shape[1], w = x->shape[2], shape[3] = {3, h, w};
	struct xl_tensor *out;
	float *all;
	int rc = -1;

	if (!v || !(all = xl_alloc((size_t)xl_dims_count(&v->d), sizeof *all)))
		return -1;
	xl_var_read(t, v, all);
	if ((out = xl_tensor_new(XL_F4, 3, shape))) {
		float *y = out->data;
		for (int64_t c = 0; c < 3; c++)
			for (int64_t i = 0; i < h; i++)
				memcpy(y + (c * h + i) * w, all + (c * v->d.h + i) * v->d.w,
				       (size_t)w * sizeof *y);
		rc = put_finite(r, "out", out);
	}
	free(all);
	return rc;
}
