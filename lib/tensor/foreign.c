/*
 * foreign.c - element types of other programs' files.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/dtype.h"
#include "tensor/foreign.h"
#include "tensor/stream.h"

static const struct {
	const char *name[XL_DIALECTS];
	size_t size;
	enum xl_dtype as;
} types[XL_X_TYPES] = {
	[XL_X_BOOL] = {{"BOOL", "|b1", "BoolStorage"}, 1, XL_B1},
	[XL_X_U8] = {{"U8", "|u1", "ByteStorage"}, 1, XL_U1},
	[XL_X_I8] = {{"I8", "|i1", "CharStorage"}, 1, XL_I4},
	[XL_X_I16] = {{"I16", "<i2", "ShortStorage"}, 2, XL_I4},
	[XL_X_U16] = {{"U16", "<u2", NULL}, 2, XL_I4},
	[XL_X_I32] = {{"I32", "<i4", "IntStorage"}, 4, XL_I4},
	[XL_X_U32] = {{"U32", "<u4", NULL}, 4, XL_I8},
	[XL_X_I64] = {{"I64", "<i8", "LongStorage"}, 8, XL_I8},
	[XL_X_F16] = {{"F16", "<f2", "HalfStorage"}, 2, XL_F2},
	[XL_X_BF16] = {{"BF16", NULL, "BFloat16Storage"}, 2, XL_F4},
	[XL_X_F32] = {{"F32", "<f4", "FloatStorage"}, 4, XL_F4},
	[XL_X_F64] = {{"F64", "<f8", "DoubleStorage"}, 8, XL_F8},
};

int xl_foreign_find(enum xl_dialect how, const char *name, size_t n, enum xl_foreign *out)
{
	for (int t = 0; t < XL_X_TYPES; t++) {
		const char *s = types[t].name[how];

		if (s && strlen(s) == n && memcmp(s, name, n) == 0) {
			*out = (enum xl_foreign)t;
			return 0;
		}
	}
	return xl_err("its type is '%.*s', which is not read", n > 40 ? 40 : (int)n, name);
}

const char *xl_foreign_name(enum xl_dialect how, enum xl_dtype t)
{
	int i = 0;

	while (types[i].as != t || types[i].size != xl_dtype_size(t))
		i++;
	return types[i].name[how];
}

size_t xl_foreign_size(enum xl_foreign t)
{
	return types[t].size;
}

int xl_foreign_bytes(enum xl_foreign t, int ndim, const int64_t *shape, size_t *bytes)
{
	if (xl_shape_bytes(XL_U1, ndim, shape, bytes))
		return -1;
	return xl_mul(*bytes, types[t].size, bytes);
}

/* ---- tensors ---------------------------------------------------------- */

static int32_t as_i4(enum xl_foreign t, const uint8_t *p)
{
	int16_t i;
	uint16_t u;

	if (t == XL_X_I8)
		return (int8_t)*p;
	memcpy(&i, p, sizeof i);
	memcpy(&u, p, sizeof u);
	return t == XL_X_I16 ? i : u;
}

/* count elements one after the other, to where the tensor wants them */
static void widen(void *to, int64_t at, const uint8_t *p, enum xl_foreign t, int64_t count)
{
	const size_t size = types[t].size;
	uint32_t u = 0;

	if (xl_dtype_size(types[t].as) == size && t != XL_X_BOOL) {
		memcpy((uint8_t *)to + (size_t)at * size, p, (size_t)count * size);
		return;
	}
	for (int64_t i = at; i < at + count; i++, p += size) {
		switch (t) {
		case XL_X_BOOL:
			((uint8_t *)to)[i] = *p != 0;
			break;
		case XL_X_U32:
			memcpy(&u, p, sizeof u);
			((int64_t *)to)[i] = u;
			break;
		case XL_X_BF16: /* the upper half of a float */
			memcpy((uint8_t *)&u + 2, p, 2);
			memcpy((float *)to + i, &u, sizeof u);
			break;
		default:
			((int32_t *)to)[i] = as_i4(t, p);
		}
	}
}

/* Element after element, the last index fastest. */
static void gather(struct xl_tensor *out, const uint8_t *bytes, enum xl_foreign t,
		   const int64_t *strides)
{
	const int64_t count = xl_tensor_count(out);
	int64_t index[XL_MAX_DIMS] = {0}, from = 0;

	for (int64_t i = 0; i < count; i++) {
		widen(out->data, i, bytes + (size_t)from * types[t].size, t, 1);
		for (int k = out->ndim - 1; k >= 0; k--) {
			from += strides[k];
			if (++index[k] < out->shape[k])
				break;
			from -= strides[k] * out->shape[k];
			index[k] = 0;
		}
	}
}

static bool is_packed(int ndim, const int64_t *shape, const int64_t *strides)
{
	int64_t step = 1;

	for (int i = ndim - 1; i >= 0; step *= shape[i--])
		if (shape[i] != 1 && strides[i] != step)
			return false;
	return true;
}

struct xl_tensor *xl_foreign_tensor(enum xl_foreign t, int ndim, const int64_t *shape,
				    const int64_t *strides, const uint8_t *bytes)
{
	struct xl_tensor *out = xl_tensor_new(types[t].as, ndim, shape);

	if (!out || xl_tensor_count(out) == 0)
		return out;
	if (!strides || is_packed(ndim, shape, strides))
		widen(out->data, 0, bytes, t, xl_tensor_count(out));
	else
		gather(out, bytes, t, strides);
	return out;
}

/* ---- names ------------------------------------------------------------ */

static int check_name(const struct xl_record *r, const char *name, size_t n)
{
	if (n == 0)
		return xl_err("a tensor has no name");
	if (n > XL_LIMIT_NAME)
		return xl_err("the name of a tensor has %zu bytes, the limit is %d", n,
			      XL_LIMIT_NAME);
	if (!xl_is_utf8(name, n))
		return xl_err("the name of a tensor is not UTF-8");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return xl_err("the name of a tensor has control characters");
	for (int i = 0; i < r->n_tensors; i++)
		if (strlen(r->tensors[i].name) == n && memcmp(r->tensors[i].name, name, n) == 0)
			return xl_err("two tensors are called '%.*s'", (int)n, name);
	if (r->n_tensors == XL_LIMIT_TENSORS)
		return xl_err("more than %d tensors", XL_LIMIT_TENSORS);
	return 0;
}

int xl_foreign_put(struct xl_record *r, const char *name, size_t n, struct xl_tensor *t)
{
	char own[XL_LIMIT_NAME + 1];

	if (!t || check_name(r, name, n)) {
		xl_tensor_free(t);
		return -1;
	}
	memcpy(own, name, n);
	own[n] = '\0';
	return xl_record_put(r, own, t);
}
