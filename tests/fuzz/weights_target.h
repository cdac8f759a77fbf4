/*
 * weights_target.h - what must hold for any bytes whatever that are read as
 * weights: no crash, a message that names the file, and what is accepted can be
 * written as safetensors and as .npz and read back the same. Shared by
 * test_weights.c and fuzz_weights.c.
 */
#ifndef XL_FUZZ_WEIGHTS_TARGET_H
#define XL_FUZZ_WEIGHTS_TARGET_H

#include <stdlib.h>
#include <string.h>
#include "tensor/weights.h"

/* Are these the same tensors, in whatever order? */
static int same_tensors(const struct xl_record *a, const struct xl_record *b)
{
	if (a->n_tensors != b->n_tensors)
		return 0;
	for (int i = 0; i < a->n_tensors; i++) {
		const struct xl_tensor *s = a->tensors[i].tensor;
		const struct xl_tensor *t = xl_record_tensor(b, a->tensors[i].name);

		if (!t || s->dtype != t->dtype || !xl_tensor_is(t, s->ndim, s->shape) ||
		    memcmp(s->data, t->data, xl_tensor_bytes(s)) != 0)
			return 0;
	}
	return 1;
}

/* 0, or -1 where weights do not survive; a format may refuse a name. */
static int survive(const struct xl_weights *w, enum xl_weights_format format)
{
	struct xl_weights again = {.n_outline = 0};
	char *data = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&data, &size);
	int rc = -1;

	if (!f)
		return -1;
	if (xl_weights_write_to(f, w, format)) {
		rc = strstr(xl_err_msg(), "called") || strstr(xl_err_msg(), "entry") ? 0 : -1;
		fclose(f);
	} else {
		fclose(f);
		rc = xl_weights_read_mem(&again, "again", data, size, NULL);
		if (rc == 0 &&
		    (!same_tensors(w->flat, again.flat) || w->n_outline != again.n_outline))
			rc = -1;
	}
	xl_weights_done(&again);
	free(data);
	return rc;
}

/* The number of tensors accepted, or -1 where something does not hold. */
static int try_weights(const uint8_t *data, size_t size)
{
	struct xl_weights w = {.n_outline = 0};
	int rc = 0;

	if (xl_weights_read_mem(&w, "fuzz", data, size, NULL))
		rc = strncmp(xl_err_msg(), "fuzz: ", 6) == 0 ? 0 : -1;
	else if (survive(&w, XL_W_SAFETENSORS) || survive(&w, XL_W_NPZ))
		rc = -1;
	else
		rc = w.flat->n_tensors;
	xl_weights_done(&w);
	return rc;
}

#endif
