/*
 * classifier.c - the network that tells labels, and its file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "nn/classifier.h"
#include "nn/netio.h"
#include "tensor/modelfile.h"

enum { MIN_SIZE = 8, MAX_SIZE = 1024, MAX_WIDTH = 256 };

static const char network_name[] = "classifier";
static const double last_std = 0.01; /* of the linear layer: verdicts begin undecided */

/* ---- layers ----------------------------------------------------------- */

static struct xl_layer conv(int ci, int co, int k, int stride, enum xl_act act)
{
	return (struct xl_layer){.ci = ci,
				 .co = co,
				 .k = k,
				 .stride = stride,
				 .pad = k / 2,
				 .mode = XL_PAD_ZERO,
				 .norm = XL_BN,
				 .act = act};
}

static int declare_stage(struct xl_classifier *c, int s, int ci, int co)
{
	char row[24];

	for (int b = 0; b < XL_CLASSIFIER_BLOCKS; b++) {
		struct xl_layer *l = c->conv[s][b];

		l[0] = conv(b == 0 ? ci : co, co, 3, b == 0 ? 2 : 1, XL_ACT_RELU);
		l[1] = conv(co, co, 3, 1, XL_ACT_NONE);
		for (int i = 0; i < 2; i++) {
			snprintf(row, sizeof row, "%d.%d.%c", s + 1, b + 1, 'a' + i);
			if (xl_net_layer(&c->net, row, &l[i]))
				return -1;
		}
	}
	c->shortcut[s] = conv(ci, co, 1, 2, XL_ACT_NONE);
	snprintf(row, sizeof row, "%d.1.s", s + 1);
	return xl_net_layer(&c->net, row, &c->shortcut[s]);
}

static int declare(struct xl_classifier *c)
{
	int ci = (c->width + 1) / 2, co = c->width;

	c->stem = conv(3, ci, 3, 2, XL_ACT_RELU);
	if (xl_net_layer(&c->net, "stem", &c->stem))
		return -1;
	for (int s = 0; s < XL_CLASSIFIER_STAGES; s++, ci = co, co *= 2)
		if (declare_stage(c, s, ci, co))
			return -1;
	c->last = (struct xl_layer){
		.ci = ci, .co = xl_classifier_outputs(c), .k = 1, .stride = 1, .std = last_std};
	return xl_net_layer(&c->net, "last", &c->last);
}

static int check_shape(const struct xl_classifier_shape *s)
{
	if (s->size < MIN_SIZE || s->size > MAX_SIZE)
		return xl_err("pictures of %d pixels; a classifier takes %d to %d", s->size,
			      MIN_SIZE, MAX_SIZE);
	if (s->width < 1 || s->width > MAX_WIDTH)
		return xl_err("a width of %d; a classifier has 1 to %d", s->width, MAX_WIDTH);
	if (s->n_labels < 1 || s->n_labels > XL_CLASSIFIER_OUTPUTS)
		return xl_err("%d labels; a classifier tells 1 to %d", s->n_labels,
			      XL_CLASSIFIER_OUTPUTS);
	if (s->classes &&
	    (s->n_labels != 1 || s->classes < 2 || s->classes > XL_CLASSIFIER_OUTPUTS))
		return xl_err("%d classes of %d labels; a classifier tells 2 to %d of one",
			      s->classes, s->n_labels, XL_CLASSIFIER_OUTPUTS);
	return 0;
}

/* A network with its layers declared, without numbers. */
static struct xl_classifier *describe(const struct xl_classifier_shape *s)
{
	struct xl_classifier *c = check_shape(s) == 0 ? xl_alloc(1, sizeof *c) : NULL;

	if (!c)
		return NULL;
	xl_net_init(&c->net, network_name, XL_GENERATOR);
	c->size = s->size;
	c->width = s->width;
	c->classes = s->classes;
	c->labels = xl_alloc((size_t)s->n_labels, sizeof *c->labels);
	for (int i = 0; c->labels && i < s->n_labels; i++, c->n_labels++)
		if (!(c->labels[i] = xl_strdup(s->labels[i])))
			break;
	if (c->labels && c->n_labels == s->n_labels && declare(c) == 0)
		return c;
	xl_classifier_free(c);
	return NULL;
}

struct xl_classifier *xl_classifier_new(const struct xl_classifier_shape *s, uint64_t seed,
					bool trained)
{
	struct xl_classifier *c = describe(s);

	if (!c)
		return NULL;
	if (xl_net_alloc(&c->net, trained)) {
		xl_classifier_free(c);
		return NULL;
	}
	c->seed = seed;
	xl_net_randomise(&c->net, seed, 0, sqrt(2), 0);
	return c;
}

void xl_classifier_free(struct xl_classifier *c)
{
	if (!c)
		return;
	xl_net_done(&c->net);
	for (int i = 0; i < c->n_labels; i++)
		free(c->labels[i]);
	free(c->labels);
	free(c);
}

int xl_classifier_outputs(const struct xl_classifier *c)
{
	return c->classes ? c->classes : c->n_labels;
}

int xl_classifier_features(const struct xl_classifier *c)
{
	return c->width << (XL_CLASSIFIER_STAGES - 1);
}

const char *xl_classifier_name(const struct xl_classifier *c, char *buf, size_t size)
{
	snprintf(buf, size, "own_d%d", xl_classifier_features(c));
	return buf;
}

/* ---- running ---------------------------------------------------------- */

/* relu(b(a(x)) + x); the first block of a stage has a shortcut in place of x, which is
 * given up. */
static struct xl_var *block(struct xl_classifier *c, struct xl_tape *t, int s, int b,
			    struct xl_var *x)
{
	const struct xl_layer *l = c->conv[s][b];
	struct xl_var *u, *v = NULL, *beside = NULL, *y;

	if (b == 0) {
		u = xl_nn_layer(t, &c->net, &l[0], x);
		v = xl_nn_layer(t, &c->net, &l[1], u);
		xl_drop(t, u);
		beside = xl_nn_layer(t, &c->net, &c->shortcut[s], x);
		u = xl_op_add(t, v, beside);
		xl_drop(t, v);
		xl_drop(t, beside);
	} else {
		u = xl_nn_resblock(t, &c->net, &l[0], &l[1], x);
	}
	xl_drop(t, x);
	y = xl_op_leaky(t, u, 0);
	xl_drop(t, u);
	return y;
}

struct xl_var *xl_classifier_run(struct xl_classifier *c, struct xl_tape *t, struct xl_var *x,
				 struct xl_var **features)
{
	struct xl_var *u = xl_nn_layer(t, &c->net, &c->stem, x), *f, *logits;

	for (int s = 0; s < XL_CLASSIFIER_STAGES; s++)
		for (int b = 0; b < XL_CLASSIFIER_BLOCKS; b++)
			u = block(c, t, s, b, u);
	f = xl_op_mean_hw(t, u);
	xl_drop(t, u);
	logits = xl_nn_layer(t, &c->net, &c->last, f);
	if (features)
		*features = f;
	else
		xl_drop(t, f);
	return logits;
}

struct xl_var *xl_classifier_loss(const struct xl_classifier *c, struct xl_tape *t,
				  struct xl_var *logits, const float *y)
{
	if (!logits)
		return NULL;
	if (c->classes)
		return xl_op_cross_entropy(t, logits, y, c->classes);
	return xl_op_affine(
		t, xl_nn_bce(t, logits, xl_var_input(t, logits->d.n, c->n_labels, 1, 1, y)),
		1.0 / c->n_labels, 0);
}

int xl_classifier_fit(const struct xl_classifier *c, const struct xl_tensor *picture, float *x)
{
	const struct xl_box all = {0, 0, picture->shape[2], picture->shape[1]};
	struct xl_tensor *small = NULL, *f4;

	if (picture->shape[1] != c->size || picture->shape[2] != c->size) {
		small = xl_image_resize(picture, all, c->size, c->size);
		if (!small)
			return -1;
	}
	f4 = xl_image_to_f4(small ? small : picture);
	xl_tensor_free(small);
	if (!f4)
		return -1;
	memcpy(x, f4->data, xl_tensor_bytes(f4));
	xl_tensor_free(f4);
	return 0;
}

static void to_probabilities(const struct xl_classifier *c, float *p)
{
	const int n = xl_classifier_outputs(c);
	double top = (double)p[0], sum = 0;

	for (int i = 0; i < n && !c->classes; i++)
		p[i] = (float)(1 / (1 + exp(-(double)p[i])));
	if (!c->classes)
		return;
	for (int i = 1; i < n; i++)
		top = fmax(top, (double)p[i]);
	for (int i = 0; i < n; i++)
		sum += exp((double)p[i] - top);
	for (int i = 0; i < n; i++)
		p[i] = (float)(exp((double)p[i] - top) / sum);
}

int xl_classifier_see(struct xl_classifier *c, struct xl_tape *t, int n, const float *x, float *p,
		      float *f)
{
	struct xl_var *features, *logits;

	xl_tape_reset(t);
	c->net.bn = XL_BN_RUNNING;
	if (xl_net_bind(&c->net, t, false))
		return -1;
	logits = xl_classifier_run(c, t, xl_var_input(t, n, 3, c->size, c->size, x), &features);
	if (!logits)
		return -1;
	if (f)
		xl_var_read(t, features, f);
	if (!p)
		return 0;
	xl_var_read(t, logits, p);
	for (int i = 0; i < n; i++)
		to_probabilities(c, p + (ptrdiff_t)i * xl_classifier_outputs(c));
	return 0;
}

/* ---- files ------------------------------------------------------------ */

static struct xl_record *head_record(const struct xl_classifier *c)
{
	struct xl_record *r = xl_record_new(XL_MODEL, "model");

	if (!r)
		return NULL;
	if (xl_meta_set_str(r, "network", network_name) ||
	    xl_meta_set_str(r, "version", XL_VERSION) ||
	    xl_meta_set_str(r, "preprocess",
			    "whole picture, antialiased bilinear to size, v = p / 127.5 - 1") ||
	    xl_meta_set_int(r, "size", c->size) || xl_meta_set_int(r, "width", c->width) ||
	    xl_meta_set_strs(r, "labels", (const char *const *)c->labels, c->n_labels) ||
	    xl_meta_set_int(r, "classes", c->classes) ||
	    xl_meta_set_int(r, "seed", (int64_t)c->seed) || xl_meta_set_str(r, "data", c->data) ||
	    xl_meta_set_int(r, "steps", c->steps) || xl_meta_set_int(r, "held_out", c->held_out) ||
	    xl_meta_set_num(r, "held_out.right", c->held_out_right)) {
		xl_record_free(r);
		return NULL;
	}
	return r;
}

int xl_classifier_save(struct xl_classifier *c, const char *path)
{
	struct xl_record *r[2] = {head_record(c), NULL};
	struct xl_net_view v = {.id = ""};
	int rc = r[0] ? xl_net_view(&v, &c->net, "", c->net.value) : -1;

	r[1] = &v.r;
	if (rc == 0)
		rc = xl_modelfile_write(path, r, 2);
	if (rc == 0)
		snprintf(c->digest, sizeof c->digest, "%s", xl_meta_str(r[0], "digest", ""));
	xl_net_view_done(&v);
	xl_record_free(r[0]);
	return rc;
}

static int small_int(const struct xl_record *r, const char *key)
{
	const int64_t v = xl_meta_int(r, key, -1);

	return v < 0 || v > MAX_SIZE ? -1 : (int)v;
}

/* The labels as words in place; the number of them, or -1. */
static int labels_of(const struct xl_record *r, const char *words[XL_CLASSIFIER_OUTPUTS])
{
	const struct xl_value *v = xl_meta_get(r, "labels");

	if (!v || v->type != XL_LIST || v->n > XL_CLASSIFIER_OUTPUTS)
		return xl_err("has no list of labels");
	for (int i = 0; i < v->n; i++) {
		if (v->items[i].type != XL_STR)
			return xl_err("a label is not a name");
		words[i] = v->items[i].str;
	}
	return v->n;
}

static int copy_digest(char to[65], const struct xl_record *r, const char *key)
{
	const char *from = xl_meta_str(r, key, "");

	if (strlen(from) > 64)
		return xl_err("%s is longer than 64 digits", key);
	snprintf(to, 65, "%s", from);
	return 0;
}

static int take_numbers(struct xl_classifier *c, const struct xl_record *head,
			const struct xl_record *weights)
{
	if (copy_digest(c->digest, head, "digest") || copy_digest(c->data, head, "data") ||
	    xl_net_check(&c->net, weights) || xl_net_alloc(&c->net, false))
		return -1;
	xl_net_take(&c->net, weights, c->net.value);
	c->seed = (uint64_t)xl_meta_int(head, "seed", 0);
	c->steps = xl_meta_int(head, "steps", 0);
	c->held_out = xl_meta_int(head, "held_out", 0);
	c->held_out_right = xl_meta_num(head, "held_out.right", 0);
	return 0;
}

static struct xl_classifier *from_records(struct xl_record *const *r, int n)
{
	const char *network = xl_meta_str(r[0], "network", NULL), *words[XL_CLASSIFIER_OUTPUTS];
	const char *method = xl_meta_str(r[0], "method", NULL);
	struct xl_classifier_shape s = {.labels = words};
	struct xl_classifier *c;

	if (!network || strcmp(network, network_name) != 0 || n != 2) {
		if (network)
			xl_err("not a classifier (weights of '%.100s')", network);
		else if (method)
			xl_err("not a classifier (a model of %.100s)", method);
		else
			xl_err("not a classifier");
		return NULL;
	}
	s.size = small_int(r[0], "size");
	s.width = small_int(r[0], "width");
	s.classes = small_int(r[0], "classes");
	s.n_labels = labels_of(r[0], words);
	c = s.n_labels < 0 ? NULL : describe(&s);
	if (c && take_numbers(c, r[0], r[1])) {
		xl_classifier_free(c);
		return NULL;
	}
	return c;
}

struct xl_classifier *xl_classifier_load(const char *path)
{
	struct xl_modelfile f;
	struct xl_classifier *c;

	if (xl_modelfile_read(path, &f))
		return NULL;
	c = from_records(f.records, f.n);
	if (!c)
		xl_err_prefix("%s", path);
	xl_modelfile_free(&f);
	return c;
}
