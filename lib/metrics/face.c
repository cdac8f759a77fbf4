/*
 * face.c - descriptors of faces, by a published network or by a classifier.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "metrics/face.h"

/* The networks that describe faces: of how many numbers, and at which tap; before its ReLU
 * at which, -1 for none. */
static const struct face_network {
	const char *name, *before_relu;
	int count, tap, tap_before;
} networks[] = {
	{"resnet50-face", NULL, 2048, 0, -1},
	{"vgg16-face", "vgg16-face-pre", 4096, 1, 0},
};
enum { NETWORKS = sizeof networks / sizeof *networks, SIDE = 224 };

static int start(struct xl_face *f)
{
	f->tape = xl_tape_new();
	f->x = xl_alloc(3 * (size_t)f->size * (size_t)f->size, sizeof *f->x);
	return f->tape && f->x ? 0 : -1;
}

/* The network of a file; NULL with xl_err set. */
static const struct face_network *network_in(const char *path)
{
	char name[64];

	if (xl_backbone_named(path, name))
		return NULL;
	for (int i = 0; i < NETWORKS; i++)
		if (strcmp(networks[i].name, name) == 0)
			return &networks[i];
	xl_err("%s: not the weights of a network that describes faces (%s, %s)", path,
	       networks[0].name, networks[1].name);
	return NULL;
}

int xl_face_open(struct xl_face *f, const char *path, bool before_relu)
{
	const struct face_network *n = network_in(path);

	*f = (struct xl_face){.size = SIDE};
	if (!n)
		return -1;
	if (before_relu && !n->before_relu)
		return xl_err("%s: %s has no numbers before a ReLU", path, n->name);
	f->name = before_relu ? n->before_relu : n->name;
	f->count = n->count;
	f->tap = before_relu ? n->tap_before : n->tap;
	f->net = xl_backbone_load(path, xl_backbone_find(n->name));
	return f->net ? start(f) : -1;
}

int xl_face_open_own(struct xl_face *f, const char *path)
{
	*f = (struct xl_face){.own = xl_classifier_load(path)};
	if (!f->own)
		return -1;
	f->size = f->own->size;
	f->count = xl_classifier_features(f->own);
	return start(f);
}

void xl_face_close(struct xl_face *f)
{
	free(f->x);
	xl_tape_free(f->tape);
	xl_backbone_free(f->net);
	xl_classifier_free(f->own);
	*f = (struct xl_face){.net = NULL};
}

const char *xl_face_network(const struct xl_face *f, char *buf, size_t size)
{
	return f->own ? xl_classifier_name(f->own, buf, size) : f->name;
}

const char *xl_face_digest(const struct xl_face *f)
{
	return f->own ? f->own->digest : xl_backbone_digest(f->net);
}

bool xl_face_is_published(const struct xl_face *f)
{
	return !f->own && xl_backbone_is_published(f->net);
}

/* The square as numbers, into x. */
static int fit(struct xl_face *f, const struct xl_tensor *picture)
{
	const int64_t h = picture->shape[1], w = picture->shape[2], side = h < w ? h : w;
	const struct xl_box box = {(w - side) / 2, (h - side) / 2, side, side};
	struct xl_tensor *square = xl_image_resize(picture, box, f->size, f->size);
	struct xl_tensor *x = square ? xl_image_to_f4(square) : NULL;

	if (x)
		memcpy(f->x, x->data, xl_tensor_bytes(x));
	xl_tensor_free(square);
	xl_tensor_free(x);
	return x ? 0 : -1;
}

/* The mean over places of the tap, into to (count). */
static int run(struct xl_face *f, float *to)
{
	struct xl_var *taps[XL_BACKBONE_TAPS], *mean, *x;

	xl_tape_reset(f->tape);
	x = xl_var_input(f->tape, 1, 3, f->size, f->size, f->x);
	if (xl_backbone_run(f->net, f->tape, x, taps))
		return -1;
	mean = xl_op_mean_hw(f->tape, taps[f->tap]);
	if (!mean)
		return -1;
	xl_var_read(f->tape, mean, to);
	return 0;
}

int xl_face_describe(struct xl_face *f, const struct xl_tensor *picture, double *to)
{
	float *d = xl_alloc((size_t)f->count, sizeof *d);
	int rc = d ? fit(f, picture) : -1;

	if (rc == 0)
		rc = f->own ? xl_classifier_see(f->own, f->tape, 1, f->x, NULL, d) : run(f, d);
	for (int i = 0; rc == 0 && i < f->count; i++)
		to[i] = (double)d[i];
	free(d);
	return rc;
}

double xl_cosine(const double *a, const double *b, int64_t n, int64_t *zeros)
{
	double ab = 0, aa = 0, bb = 0;

	for (int64_t i = 0; i < n; i++) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	if (sqrt(aa) < 1e-12 || sqrt(bb) < 1e-12) {
		(*zeros)++;
		return 0;
	}
	return ab / (sqrt(aa) * sqrt(bb));
}
