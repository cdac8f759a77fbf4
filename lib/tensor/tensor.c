/*
 * tensor.c - dense arrays: making, copying, converting. Nothing here computes
 * on images beyond the one mapping between bytes and -1..1.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/dtype.h"
#include "xl.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are little endian in memory as on the wire"
#endif

static const struct {
	const char *name;
	size_t size;
} dtypes[XL_DTYPES] = {
	[XL_U1] = {"|u1", 1}, [XL_B1] = {"|b1", 1}, [XL_I4] = {"<i4", 4}, [XL_I8] = {"<i8", 8},
	[XL_F2] = {"<f2", 2}, [XL_F4] = {"<f4", 4}, [XL_F8] = {"<f8", 8},
};

size_t xl_dtype_size(enum xl_dtype t)
{
	return dtypes[t].size;
}

const char *xl_dtype_name(enum xl_dtype t)
{
	return dtypes[t].name;
}

int xl_dtype_find(const char *name, enum xl_dtype *out)
{
	for (int t = 0; t < XL_DTYPES; t++) {
		if (strcmp(dtypes[t].name, name) == 0) {
			*out = (enum xl_dtype)t;
			return 0;
		}
	}
	return -1;
}

int xl_shape_bytes(enum xl_dtype t, int ndim, const int64_t *shape, size_t *bytes)
{
	size_t n = 1;
	bool is_empty = false;

	if (ndim < 0 || ndim > XL_MAX_DIMS)
		return xl_err("%d dimensions, at most %d are allowed", ndim, XL_MAX_DIMS);
	for (int i = 0; i < ndim; i++) {
		if (shape[i] < 0)
			return xl_err("dimension %d is %lld", i, (long long)shape[i]);
		is_empty = is_empty || shape[i] == 0;
	}
	for (int i = 0; i < ndim && !is_empty; i++)
		if (xl_mul(n, (size_t)shape[i], &n))
			return -1;
	if (is_empty)
		n = 0;
	if (xl_mul(n, xl_dtype_size(t), bytes))
		return -1;
	if (*bytes > PTRDIFF_MAX)
		return xl_err("%zu bytes are more than memory can hold", *bytes);
	return 0;
}

struct xl_tensor *xl_tensor_new(enum xl_dtype t, int ndim, const int64_t *shape)
{
	struct xl_tensor *out;
	size_t bytes;

	if (xl_shape_bytes(t, ndim, shape, &bytes))
		return NULL;
	out = xl_alloc(1, sizeof(*out));
	if (!out)
		return NULL;
	out->dtype = t;
	out->ndim = ndim;
	for (int i = 0; i < ndim; i++)
		out->shape[i] = shape[i];
	out->data = xl_alloc(bytes, 1);
	if (!out->data) {
		free(out);
		return NULL;
	}
	return out;
}

void xl_tensor_free(struct xl_tensor *t)
{
	if (!t)
		return;
	if (!t->borrowed)
		free(t->data);
	free(t);
}

int64_t xl_tensor_count(const struct xl_tensor *t)
{
	int64_t n = 1;

	for (int i = 0; i < t->ndim; i++)
		if (t->shape[i] == 0)
			return 0;
	for (int i = 0; i < t->ndim; i++)
		n *= t->shape[i];
	return n;
}

size_t xl_tensor_bytes(const struct xl_tensor *t)
{
	return (size_t)xl_tensor_count(t) * xl_dtype_size(t->dtype);
}

struct xl_tensor *xl_tensor_copy(const struct xl_tensor *t)
{
	struct xl_tensor *out = xl_tensor_new(t->dtype, t->ndim, t->shape);

	if (out)
		memcpy(out->data, t->data, xl_tensor_bytes(t));
	return out;
}

bool xl_tensor_is(const struct xl_tensor *t, int ndim, const int64_t *shape)
{
	if (t->ndim != ndim)
		return false;
	for (int i = 0; i < ndim; i++)
		if (shape[i] != -1 && t->shape[i] != shape[i])
			return false;
	return true;
}

const char *xl_tensor_show(const struct xl_tensor *t, char *buf, size_t size)
{
	size_t n = 0;

	for (int i = 0; i <= t->ndim && n < size; i++) {
		int k;

		if (i == t->ndim)
			k = snprintf(buf + n, size - n, "%s) %s", i ? "" : "(",
				     xl_dtype_name(t->dtype));
		else
			k = snprintf(buf + n, size - n, "%c%lld", i ? ',' : '(',
				     (long long)t->shape[i]);
		n += k > 0 ? (size_t)k : 0;
	}
	return buf;
}

/* ---- conversion ------------------------------------------------------- */

float xl_half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h >> 10 & 31u, m = h & 1023u, bits;
	float f;

	if (e == 0) { /* zero and subnormal: m * 2^-24 is exact */
		f = (float)m * 0x1p-24f;
		return sign ? -f : f;
	}
	bits = sign | (e == 31 ? 0x7f800000u : (e + 112) << 23) | m << 13;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Round to nearest, ties to even, straight from double: no double rounding. */
uint16_t xl_half_from_double(double v)
{
	uint16_t sign = signbit(v) ? 0x8000 : 0;
	double a = fabs(v), scaled;
	int e;

	if (isnan(v))
		return sign | 0x7e00;
	if (a >= 65520.0) /* the midpoint above the largest half rounds to infinity */
		return sign | 0x7c00;
	frexp(a, &e);
	if (a == 0 || e < -13)
		e = -13; /* subnormals share the exponent of the smallest normal */
	scaled = nearbyint(ldexp(a, 11 - e)); /* whole units in the last place */
	return (uint16_t)(sign | ((uint32_t)(e + 13) * 1024u + (uint32_t)scaled));
}

enum { CHUNK = 512 }; /* elements converted at a time; fits the first cache */

/* At most CHUNK elements; borrowed data may lie at any address. */
static void load(double *out, const struct xl_tensor *t, int64_t at, int64_t n)
{
	const size_t size = xl_dtype_size(t->dtype);
	union {
		uint8_t u1[CHUNK];
		int32_t i4[CHUNK];
		int64_t i8[CHUNK];
		uint16_t f2[CHUNK];
		float f4[CHUNK];
		double f8[CHUNK];
	} in;
	int64_t i;

	memcpy(&in, (const char *)t->data + (size_t)at * size, (size_t)n * size);
	switch (t->dtype) {
	case XL_U1:
		for (i = 0; i < n; i++)
			out[i] = in.u1[i];
		break;
	case XL_B1:
		for (i = 0; i < n; i++)
			out[i] = in.u1[i] != 0;
		break;
	case XL_I4:
		for (i = 0; i < n; i++)
			out[i] = in.i4[i];
		break;
	case XL_I8:
		for (i = 0; i < n; i++)
			out[i] = (double)in.i8[i];
		break;
	case XL_F2:
		for (i = 0; i < n; i++)
			out[i] = xl_half_to_float(in.f2[i]);
		break;
	case XL_F4:
		for (i = 0; i < n; i++)
			out[i] = in.f4[i];
		break;
	default:
		memcpy(out, in.f8, (size_t)n * size);
	}
}

/* Half up, clamped; what is not a number becomes 0. */
static double whole(double v, double min, double max)
{
	if (isnan(v))
		return 0;
	v = floor(v + 0.5);
	return v < min ? min : v > max ? max : v;
}

static void store(struct xl_tensor *t, int64_t at, const double *in, int64_t n)
{
	int64_t i;

	switch (t->dtype) {
	case XL_U1:
		for (i = 0; i < n; i++)
			((uint8_t *)t->data)[at + i] = (uint8_t)whole(in[i], 0, 255);
		break;
	case XL_B1:
		for (i = 0; i < n; i++)
			((uint8_t *)t->data)[at + i] = in[i] != 0;
		break;
	case XL_I4:
		for (i = 0; i < n; i++)
			((int32_t *)t->data)[at + i] = (int32_t)whole(in[i], INT32_MIN, INT32_MAX);
		break;
	case XL_I8:
		for (i = 0; i < n; i++) {
			double v = whole(in[i], -0x1p63, 0x1p63);

			((int64_t *)t->data)[at + i] = v >= 0x1p63 ? INT64_MAX : (int64_t)v;
		}
		break;
	case XL_F2:
		for (i = 0; i < n; i++)
			((uint16_t *)t->data)[at + i] = xl_half_from_double(in[i]);
		break;
	case XL_F4:
		for (i = 0; i < n; i++)
			((float *)t->data)[at + i] = (float)in[i];
		break;
	default:
		memcpy((double *)t->data + at, in, (size_t)n * sizeof(*in));
	}
}

struct xl_tensor *xl_tensor_to(const struct xl_tensor *t, enum xl_dtype to)
{
	struct xl_tensor *out;
	int64_t n = xl_tensor_count(t);
	double buf[CHUNK];

	if (t->dtype == to)
		return xl_tensor_copy(t);
	out = xl_tensor_new(to, t->ndim, t->shape);
	if (!out)
		return NULL;
	for (int64_t at = 0; at < n; at += CHUNK) {
		int64_t k = n - at < CHUNK ? n - at : CHUNK;

		load(buf, t, at, k);
		store(out, at, buf, k);
	}
	return out;
}

double xl_tensor_value(const struct xl_tensor *t, int64_t i)
{
	double v;

	load(&v, t, i, 1);
	return v;
}

static int want_image(const struct xl_tensor *t)
{
	if (t->dtype == XL_U1 || t->dtype == XL_F2 || t->dtype == XL_F4 || t->dtype == XL_F8)
		return 0;
	return xl_err("image values are |u1 or floats, not %s", xl_dtype_name(t->dtype));
}

int xl_image_check_range(const struct xl_tensor *t, const char *name)
{
	const double far = 1 + 1 / 127.5;
	const int64_t n = xl_tensor_count(t);

	if (want_image(t))
		return xl_err_prefix("%s", name);
	for (int64_t i = 0; t->dtype != XL_U1 && i < n; i++) {
		const double v = xl_tensor_value(t, i);
		if (!isfinite(v))
			return xl_err("%s holds values that are not finite", name);
		if (fabs(v) > far)
			return xl_err("%s holds %g, an image of floats lies in -1..1", name, v);
	}
	return 0;
}

struct xl_tensor *xl_image_to_f4(const struct xl_tensor *t)
{
	struct xl_tensor *out;
	int64_t n = xl_tensor_count(t);
	float values[256];

	if (want_image(t))
		return NULL;
	if (t->dtype != XL_U1)
		return xl_tensor_to(t, XL_F4);
	out = xl_tensor_new(XL_F4, t->ndim, t->shape);
	if (!out)
		return NULL;
	for (int i = 0; i < 256; i++)
		values[i] = (float)i / 127.5f - 1.0f;
	for (int64_t i = 0; i < n; i++)
		((float *)out->data)[i] = values[((const uint8_t *)t->data)[i]];
	return out;
}

struct xl_tensor *xl_image_to_u1(const struct xl_tensor *t)
{
	struct xl_tensor *f, *out = NULL;
	int64_t n = xl_tensor_count(t);

	if (want_image(t))
		return NULL;
	if (t->dtype == XL_U1)
		return xl_tensor_copy(t);
	f = t->dtype == XL_F4 ? NULL : xl_tensor_to(t, XL_F4);
	if (t->dtype == XL_F4 || f)
		out = xl_tensor_new(XL_U1, t->ndim, t->shape);
	for (int64_t i = 0; out && i < n; i++) {
		float v = floorf((((const float *)(f ? f : t)->data)[i] + 1.0f) * 127.5f + 0.5f);

		/* written so that what is not a number becomes 0 */
		((uint8_t *)out->data)[i] = v > 0.0f ? (uint8_t)(v < 255.0f ? v : 255.0f) : 0;
	}
	xl_tensor_free(f);
	return out;
}
