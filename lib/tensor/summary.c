/*
 * summary.c - a tensor for people.
 */
#include <math.h>
#include <stdlib.h>
#include "tensor/dtype.h"
#include "tensor/summary.h"

void xl_tensor_summary(const struct xl_tensor *t, struct xl_summary *s)
{
	int64_t n = xl_tensor_count(t);
	double sum = 0;

	*s = (struct xl_summary){0};
	for (int64_t i = 0; i < n; i++) {
		double v = xl_tensor_value(t, i);

		if (!isfinite(v)) {
			s->nonfinite++;
			continue;
		}
		if (s->finite == 0 || v < s->min)
			s->min = v;
		if (s->finite == 0 || v > s->max)
			s->max = v;
		sum += v;
		s->finite++;
	}
	if (s->finite > 0)
		s->mean = sum / (double)s->finite;
}

/* Digits that some value of the type needs, and that none needs more than. */
static void digits_of(enum xl_dtype t, int *least, int *most)
{
	*least = t == XL_F8 ? 15 : t == XL_F4 ? 6 : 3;
	*most = t == XL_F8 ? 17 : t == XL_F4 ? 9 : 5;
}

static bool reads_back(const char *s, enum xl_dtype t, double v)
{
	if (t == XL_F8)
		return strtod(s, NULL) == v;
	if (t == XL_F4)
		return (double)strtof(s, NULL) == v;
	return (double)xl_half_to_float(xl_half_from_double(strtod(s, NULL))) == v;
}

static void print_value(FILE *f, const struct xl_tensor *t, int64_t i)
{
	double v = xl_tensor_value(t, i);
	char s[40];
	int least, most;

	if (t->dtype == XL_I8) { /* a double does not hold all of them */
		fprintf(f, "%lld", (long long)((const int64_t *)t->data)[i]);
		return;
	}
	if (t->dtype == XL_U1 || t->dtype == XL_B1 || t->dtype == XL_I4) {
		fprintf(f, "%d", (int)v);
		return;
	}
	if (isnan(v)) { /* without the sign that printf would show */
		fputs("nan", f);
		return;
	}
	digits_of(t->dtype, &least, &most);
	for (int d = least; d <= most; d++) {
		snprintf(s, sizeof(s), "%.*g", d, v);
		if (reads_back(s, t->dtype, v))
			break;
	}
	fputs(s, f);
}

void xl_tensor_print(FILE *f, const struct xl_tensor *t)
{
	int64_t n = xl_tensor_count(t);
	int64_t row = t->ndim > 0 ? t->shape[t->ndim - 1] : 1;
	int64_t rows = t->ndim > 1 ? t->shape[t->ndim - 2] : n;

	for (int64_t i = 0; i < n && !ferror(f); i++) {
		if (i > 0 && i % row == 0 && i / row % rows == 0)
			fputc('\n', f);
		print_value(f, t, i);
		fputc((i + 1) % row == 0 ? '\n' : ' ', f);
	}
}
