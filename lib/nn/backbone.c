/*
 * backbone.c - published networks: their list, the check of their parameters, and
 * running them. What they are made of is in backbone_*.c.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "nn/backbone_params.h"
#include "nn/walk.h"

/* Pictures of ImageNet's mean and deviation, (0.485, 0.456, 0.406) and (0.229, 0.224,
 * 0.225) of 0..1, written for -1..1. */
#define IMAGENET .shift = {-0.030, -0.088, -0.188}, .scale = {0.458, 0.448, 0.450}
#define AS_IS .shift = {0, 0, 0}, .scale = {1, 1, 1}

static const struct xl_backbone_def defs[] = {
	{"alexnet", IMAGENET, .n_taps = 5, .unused = "classifier.", .walk = xl_walk_alexnet},
	{"inception", AS_IS, .n_taps = 5, .unused = "AuxLogits.", .walk = xl_walk_inception},
	{"inception-fid", AS_IS, .n_taps = 5, .walk = xl_walk_inception_fid},
	{"lpips-alex", IMAGENET, .n_taps = 5, .unused = "classifier.", .walk = xl_walk_lpips_alex},
	{"lpips-squeeze", IMAGENET, .n_taps = 7, .unused = "classifier.",
	 .walk = xl_walk_lpips_squeeze},
	{"lpips-vgg", IMAGENET, .n_taps = 5, .unused = "classifier.", .walk = xl_walk_lpips_vgg},
	{"resnet50-face",
	 .shift = {131.0912 / 127.5 - 1, 103.8827 / 127.5 - 1, 91.4953 / 127.5 - 1},
	 .scale = {1 / 127.5, 1 / 127.5, 1 / 127.5}, .n_taps = 1, .unused = "classifier.",
	 .walk = xl_walk_resnet50_face},
	{"squeezenet1_1", IMAGENET, .n_taps = 7, .unused = "classifier.",
	 .walk = xl_walk_squeezenet},
	{"vgg16", IMAGENET, .n_taps = 5, .unused = "classifier.", .walk = xl_walk_vgg16},
	{"vgg16-face",
	 .shift = {129.186279296875 / 127.5 - 1, 104.76238250732422 / 127.5 - 1,
		   93.59396362304688 / 127.5 - 1},
	 .scale = {1 / 127.5, 1 / 127.5, 1 / 127.5}, .n_taps = 2, .unused = "fc8.",
	 .walk = xl_walk_vgg16_face},
	{"vgg19", IMAGENET, .n_taps = 5, .unused = "classifier.", .walk = xl_walk_vgg19},
};
enum { DEFS = sizeof defs / sizeof *defs };

const struct xl_backbone_def *xl_backbone_at(int i)
{
	return i < DEFS ? &defs[i] : NULL;
}

const struct xl_backbone_def *xl_backbone_find(const char *name)
{
	for (int i = 0; i < DEFS; i++)
		if (strcmp(defs[i].name, name) == 0)
			return &defs[i];
	xl_err("'%.100s' is not a network (%s)", name, xl_backbone_names());
	return NULL;
}

const char *xl_backbone_names(void)
{
	static char names[256];
	size_t n = 0;

	for (int i = 0; i < DEFS; i++)
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? "|" : "",
				      defs[i].name);
	assert(n < sizeof names);
	return names;
}

/* ---- declaring -------------------------------------------------------- */

static int grow(void **array, int *cap, int n, size_t size)
{
	const int want = *cap ? 2 * *cap : 64;
	void *p;

	if (n < *cap)
		return 0;
	p = xl_realloc(*array, (size_t)want, size);
	if (!p)
		return -1;
	*array = p;
	*cap = want;
	return 0;
}

int xl_backbone_declare(struct xl_backbone *b, const char *name, const char *suffix,
			struct xl_dims d, int ndim)
{
	struct xl_backbone_param *p;

	if (grow((void **)&b->params, &b->cap_params, b->n_params, sizeof *b->params))
		return -1;
	p = &b->params[b->n_params++];
	*p = (struct xl_backbone_param){.ndim = ndim, .at = b->count};
	snprintf(p->name, sizeof p->name, "%s%s", name, suffix);
	if (ndim == 1) {
		p->shape[0] = d.c;
	} else {
		const int64_t shape[] = {d.n, d.c, d.h, d.w};

		memcpy(p->shape, shape, sizeof shape);
	}
	b->count += (size_t)xl_round_up(xl_dims_count(&d), XL_BLOCK); /* whole vectors */
	return 0;
}

int xl_backbone_fold_here(struct xl_backbone *b, double eps)
{
	if (grow((void **)&b->folds, &b->cap_folds, b->n_folds, sizeof *b->folds))
		return -1;
	b->folds[b->n_folds++] = (struct xl_backbone_fold){b->n_params - 1, eps};
	return 0;
}

const float *xl_backbone_values(const struct xl_backbone *b, int i)
{
	return b->values + b->params[i].at;
}

struct xl_backbone *xl_backbone_describe(const struct xl_backbone_def *def)
{
	struct xl_backbone *b = xl_alloc(1, sizeof *b);
	struct xl_walk w = {.to = b};

	if (!b)
		return NULL;
	b->def = def;
	for (int i = 0; i < XL_BACKBONE_TAPS; i++)
		b->heads[i] = -1;
	def->walk(&w, NULL);
	assert(w.n_taps == def->n_taps);
	if (!w.failed)
		return b;
	xl_backbone_free(b);
	return NULL;
}

void xl_backbone_free(struct xl_backbone *b)
{
	if (!b)
		return;
	free(b->params);
	free(b->folds);
	free(b->values);
	free(b);
}

/* ---- the check -------------------------------------------------------- */

/* What is wrong, of one kind: the first, and how many more. */
struct fault {
	char first[256];
	int n;
};

static void add_fault(struct fault *f, const char *what)
{
	if (f->n++ == 0)
		snprintf(f->first, sizeof f->first, "%s", what);
}

/* "; lacks 'a' (and 3 more)" */
static void say_fault(char *text, size_t size, const struct fault *f, const char *before,
		      const char *after)
{
	const size_t n = strlen(text);
	char more[32] = "";

	if (f->n > 1)
		snprintf(more, sizeof more, " (and %d more)", f->n - 1);
	if (f->n > 0)
		snprintf(text + n, size - n, "%s%s%s%s%s", n ? "; " : "", before, f->first, after,
			 more);
}

static bool is_unused(const struct xl_backbone_def *def, const char *name)
{
	static const char counter[] = ".num_batches_tracked";
	const size_t n = strlen(name), k = strlen(counter);

	return (def->unused && strncmp(name, def->unused, strlen(def->unused)) == 0) ||
	       (n > k && strcmp(name + n - k, counter) == 0);
}

static bool is_param(const struct xl_backbone *b, const char *name)
{
	for (int i = 0; i < b->n_params; i++)
		if (strcmp(b->params[i].name, name) == 0)
			return true;
	return false;
}

static void check_param(const struct xl_backbone_param *p, const struct xl_tensor *t,
			struct fault *missing, struct fault *wrong)
{
	char text[256], shape[128];
	struct xl_tensor want = {.dtype = XL_F4, .ndim = p->ndim};

	memcpy(want.shape, p->shape, sizeof p->shape);
	if (!t) {
		snprintf(text, sizeof text, "'%s'", p->name);
		add_fault(missing, text);
	} else if (!xl_tensor_is(t, p->ndim, p->shape) ||
		   (t->dtype != XL_F4 && t->dtype != XL_F2 && t->dtype != XL_F8)) {
		xl_tensor_show(t, shape, sizeof shape);
		snprintf(text, sizeof text, "'%s' is %s, not ", p->name, shape);
		xl_tensor_show(&want, shape, sizeof shape);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s", shape);
		add_fault(wrong, text);
	}
}

static int check(const struct xl_backbone *b, const struct xl_record *r)
{
	struct fault missing = {.n = 0}, extra = {.n = 0}, wrong = {.n = 0};
	char text[800] = "";

	for (int i = 0; i < b->n_params; i++)
		check_param(&b->params[i], xl_record_tensor(r, b->params[i].name), &missing,
			    &wrong);
	for (int i = 0; i < r->n_tensors; i++) {
		const char *name = r->tensors[i].name;
		char quoted[256];

		if (is_param(b, name) || is_unused(b->def, name))
			continue;
		snprintf(quoted, sizeof quoted, "'%.200s'", name);
		add_fault(&extra, quoted);
	}
	say_fault(text, sizeof text, &missing, "lacks ", "");
	say_fault(text, sizeof text, &extra, "", " is no parameter of it");
	say_fault(text, sizeof text, &wrong, "", "");
	return *text ? xl_err("not %s: %s", b->def->name, text) : 0;
}

/* Parameter after parameter, moved from r, or converted. */
static struct xl_record *in_order(const struct xl_backbone *b, struct xl_record *r)
{
	struct xl_record *out = xl_record_new(r->kind, r->id);

	for (int i = 0; out && i < b->n_params; i++) {
		const char *name = b->params[i].name;

		if (xl_record_put(out, name, xl_tensor_to(xl_record_tensor(r, name), XL_F4))) {
			xl_record_free(out);
			return NULL;
		}
		xl_record_drop(r, name);
	}
	return out;
}

int xl_backbone_select(const struct xl_backbone_def *def, struct xl_record *r)
{
	struct xl_backbone *b = xl_backbone_describe(def);
	struct xl_record *out = b && check(b, r) == 0 ? in_order(b, r) : NULL;
	int left = -1;

	if (out) {
		struct xl_named *tensors = r->tensors;

		left = r->n_tensors;
		r->tensors = out->tensors;
		r->n_tensors = out->n_tensors;
		out->tensors = tensors;
		out->n_tensors = left;
	}
	xl_record_free(out);
	xl_backbone_free(b);
	return left;
}

/* ---- making ----------------------------------------------------------- */

/* w a and shift - mean a, a = scale / sqrt(var + eps), into the places of w and shift */
static void fold(struct xl_backbone *b, const struct xl_backbone_fold *f)
{
	const struct xl_backbone_param *p = &b->params[f->weights];
	const int64_t co = p->shape[0], each = p->shape[1] * p->shape[2] * p->shape[3];
	float *w = b->values + p[0].at, *scale = b->values + p[1].at;
	float *shift = b->values + p[2].at;
	const float *mean = b->values + p[3].at, *var = b->values + p[4].at;

	for (int64_t o = 0; o < co; o++) {
		const double a = (double)scale[o] / sqrt((double)var[o] + f->eps);

		for (int64_t i = 0; i < each; i++)
			w[o * each + i] = (float)((double)w[o * each + i] * a);
		shift[o] = (float)((double)shift[o] - (double)mean[o] * a);
	}
}

static int take_values(struct xl_backbone *b, const struct xl_record *r)
{
	if (check(b, r))
		return -1;
	b->values = xl_alloc(b->count, sizeof *b->values);
	if (!b->values)
		return -1;
	for (int i = 0; i < b->n_params; i++) {
		const struct xl_tensor *t = xl_record_tensor(r, b->params[i].name);
		struct xl_tensor *f4 = xl_tensor_to(t, XL_F4);

		if (!f4)
			return -1;
		memcpy(b->values + b->params[i].at, f4->data, xl_tensor_bytes(f4));
		xl_tensor_free(f4);
	}
	for (int i = 0; i < b->n_folds; i++)
		fold(b, &b->folds[i]);
	return 0;
}

struct xl_backbone *xl_backbone_new(const struct xl_backbone_def *def, const struct xl_record *r)
{
	struct xl_backbone *b = xl_backbone_describe(def);

	if (b && take_values(b, r)) {
		xl_backbone_free(b);
		return NULL;
	}
	return b;
}

/* ---- running ---------------------------------------------------------- */

/* (x - shift) / scale, channel by channel */
static struct xl_var *prepare(const struct xl_backbone_def *def, struct xl_tape *t,
			      struct xl_var *x)
{
	const struct xl_dims d = xl_dims_map(1, 3, 1, 1);
	struct xl_var *a = xl_var_const(t, d, 0), *b = xl_var_const(t, d, 0), *xa, *y;

	for (int i = 0; a && b && !t->dry && i < 3; i++) {
		a->data[i] = (float)(1 / def->scale[i]);
		b->data[i] = (float)(-def->shift[i] / def->scale[i]);
	}
	xa = xl_op_mul(t, x, a);
	y = xl_op_add(t, xa, b);
	xl_drop(t, xa);
	return y;
}

int xl_backbone_run(const struct xl_backbone *b, struct xl_tape *t, struct xl_var *x,
		    struct xl_var *taps[XL_BACKBONE_TAPS])
{
	struct xl_walk w = {.t = t, .b = b, .taps = taps};

	if (!x)
		return -1;
	if (x->d.c != 3)
		return xl_err("%s: pictures have 3 channels, not %d", b->def->name, x->d.c);
	b->def->walk(&w, prepare(b->def, t, x));
	for (int i = 0; i < b->def->n_taps; i++)
		if (!taps[i])
			return xl_err_prefix("%s", b->def->name);
	return 0;
}

void xl_backbone_ceil(struct xl_backbone *b)
{
	b->is_ceil = true;
}

int xl_backbone_taps(const struct xl_backbone *b)
{
	return b->def->n_taps;
}

const float *xl_backbone_head(const struct xl_backbone *b, int k)
{
	return b->heads[k] < 0 ? NULL : xl_backbone_values(b, b->heads[k]);
}
