/*
 * eye.c - a classifier at work on records.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "metrics/compare.h"
#include "metrics/eye.h"

int xl_eye_open(struct xl_eye *e, const char *path)
{
	*e = (struct xl_eye){.c = xl_classifier_load(path)};
	if (!e->c)
		return -1;
	xl_digest_init(&e->seen);
	e->tape = xl_tape_new();
	e->x = xl_alloc(3 * (size_t)e->c->size * (size_t)e->c->size, sizeof *e->x);
	e->p = xl_alloc((size_t)xl_classifier_outputs(e->c), sizeof *e->p);
	e->f = xl_alloc((size_t)xl_classifier_features(e->c), sizeof *e->f);
	return e->tape && e->x && e->p && e->f ? 0 : -1;
}

void xl_eye_close(struct xl_eye *e)
{
	free(e->x);
	free(e->p);
	free(e->f);
	xl_tape_free(e->tape);
	xl_classifier_free(e->c);
	*e = (struct xl_eye){.c = NULL};
}

static int see(struct xl_eye *e, const struct xl_tensor *picture)
{
	if (picture->shape[1] != picture->shape[2])
		return xl_err("is %lld x %lld pixels, a classifier takes squares; xl-crop makes "
			      "them",
			      (long long)picture->shape[2], (long long)picture->shape[1]);
	return xl_classifier_fit(e->c, picture, e->x) ||
			       xl_classifier_see(e->c, e->tape, 1, e->x, e->p, e->f)
		       ? -1
		       : 0;
}

int xl_eye_see(struct xl_eye *e, const struct xl_record *r)
{
	struct xl_tensor *picture = xl_compare_image(r);
	int rc = picture ? see(e, picture) : -1;

	if (rc == 0) {
		xl_digest_add(&e->seen, r->id, strlen(r->id) + 1);
		xl_digest_add(&e->seen, picture->data, xl_tensor_bytes(picture));
	}
	xl_tensor_free(picture);
	return rc;
}

int xl_eye_describe(const struct xl_eye *e, struct xl_record *r)
{
	const int64_t shape[] = {xl_classifier_features(e->c)};
	struct xl_tensor *f = xl_tensor_new(XL_F4, 1, shape);
	char name[32];

	if (!f)
		return -1;
	memcpy(f->data, e->f, xl_tensor_bytes(f));
	for (int i = r->n_tensors; i-- > 0;)
		if (strcmp(r->tensors[i].name, "y") != 0)
			xl_record_drop(r, r->tensors[i].name);
	r->kind = XL_FEATURES;
	if (xl_record_put(r, "f", f))
		return -1;
	return xl_meta_set_str(r, "network", xl_classifier_name(e->c, name, sizeof name)) ||
			       xl_meta_set_str(r, "network_digest", e->c->digest)
		       ? -1
		       : 0;
}
