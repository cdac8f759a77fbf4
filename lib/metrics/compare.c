/*
 * compare.c - pixel differences of image pairs and their totals over a stream.
 * xl-ssim calls it; the similarity itself is in ssim.c.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "metrics/compare.h"

const enum xl_ssim_window xl_compare_windows[XL_COMPARE_WINDOWS] = {XL_SSIM_UNIFORM7,
								    XL_SSIM_GAUSS11};

static int check_finite(const struct xl_tensor *t, const char *name)
{
	struct xl_tensor *wide = xl_tensor_to(t, XL_F8);
	const int64_t n = xl_tensor_count(t);
	int ret = 0;

	if (!wide)
		return -1;
	for (int64_t i = 0; i < n && ret == 0; i++)
		if (!isfinite(((const double *)wide->data)[i]))
			ret = xl_err("%s holds values that are not finite", name);
	xl_tensor_free(wide);
	return ret;
}

/* The tensor that is a record's image, or NULL with xl_err set; *name is its name. */
static const struct xl_tensor *image_of(const struct xl_record *r, const char **name)
{
	const struct xl_tensor *t = xl_record_tensor(r, "out");
	const int64_t want[3] = {3, -1, -1};
	char shape[64];

	*name = t ? "out" : "x";
	t = xl_record_tensor(r, *name);
	if (!t) {
		xl_err("no image: a %s record with neither out nor x", xl_kind_name(r->kind));
		return NULL;
	}
	xl_tensor_show(t, shape, sizeof shape);
	if (!xl_tensor_is(t, 3, want)) {
		xl_err("%s is %s, an image has 3 channels", *name, shape);
		return NULL;
	}
	if (xl_tensor_count(t) == 0) {
		xl_err("%s is %s, without a pixel", *name, shape);
		return NULL;
	}
	return t->dtype == XL_U1 || check_finite(t, *name) == 0 ? t : NULL;
}

struct xl_tensor *xl_compare_image(const struct xl_record *r)
{
	const char *name;
	const struct xl_tensor *t = image_of(r, &name);
	struct xl_tensor *image = t ? xl_image_to_u1(t) : NULL;

	if (t && !image)
		xl_err_prefix("%s", name);
	return image;
}

struct xl_tensor *xl_compare_stretched(const struct xl_record *r)
{
	struct xl_tensor *image = xl_compare_image(r), *wide;
	const char *name;
	const int64_t n = image ? xl_tensor_count(image) : 0;
	double low = INFINITY, high = -INFINITY;

	wide = image ? xl_tensor_to(image_of(r, &name), XL_F8) : NULL;
	if (!wide) {
		xl_tensor_free(image);
		return NULL;
	}
	const double *v = wide->data;

	for (int64_t i = 0; i < n; i++) {
		low = fmin(low, v[i]);
		high = fmax(high, v[i]);
	}
	for (int64_t i = 0; high > low && i < n; i++)
		((uint8_t *)image->data)[i] =
			(uint8_t)floor((v[i] - low) * 255 / (high - low) + 0.5);
	xl_tensor_free(wide);
	return image;
}

void xl_errors_of(struct xl_errors *e, const struct xl_tensor *a, const struct xl_tensor *b,
		  const float *mask)
{
	const int64_t c = a->shape[0], plane = a->shape[1] * a->shape[2];
	const uint8_t *pa = a->data, *pb = b->data;
	int64_t sum = 0, squares = 0, n_close = 0;

	assert(a->ndim == 3 && a->dtype == XL_U1 && b->dtype == XL_U1 && c * plane > 0);
	assert(xl_tensor_is(b, 3, a->shape));
	*e = (struct xl_errors){.has_mask = mask != NULL};
	for (int64_t i = 0; i < plane; i++) {
		int64_t here = 0;

		for (int64_t k = i; k < c * plane; k += plane) {
			const int d = abs(pa[k] - pb[k]);

			here += d;
			squares += d * d;
		}
		sum += here;
		n_close += here <= XL_CLOSE;
		if (mask) {
			const double error = (double)here / (255.0 * (double)c), m = mask[i];

			e->inside_sum += m * error;
			e->inside_weight += m;
			e->outside_sum += (1 - m) * error;
			e->outside_weight += 1 - m;
		}
	}
	e->mse = (double)squares / (double)(c * plane);
	e->mae = (double)sum / (255.0 * (double)(c * plane));
	e->close = (double)n_close / (double)plane;
	e->psnr = squares ? 10 * log10(255.0 * 255.0 / e->mse) : INFINITY;
}

static double ratio(double sum, double weight)
{
	return weight > 0 ? sum / weight : NAN;
}

double xl_errors_inside(const struct xl_errors *e)
{
	return ratio(e->inside_sum, e->inside_weight);
}

double xl_errors_outside(const struct xl_errors *e)
{
	return ratio(e->outside_sum, e->outside_weight);
}

void xl_compare_add(struct xl_compare *t, const double *ssim, const struct xl_errors *e)
{
	for (int i = 0; ssim && i < XL_COMPARE_WINDOWS; i++)
		xl_moments_add(&t->ssim[i], ssim[i]);
	xl_moments_add(&t->mae, e->mae);
	xl_moments_add(&t->close, e->close);
	if (isfinite(e->psnr))
		xl_moments_add(&t->psnr, e->psnr);
	else
		t->identical++;
	if (!e->has_mask)
		return;
	t->masked++;
	t->inside_sum += e->inside_sum;
	t->inside_weight += e->inside_weight;
	t->outside_sum += e->outside_sum;
	t->outside_weight += e->outside_weight;
}

void xl_compare_values(struct xl_values *v, const struct xl_compare *t, const char *suffix,
		       bool all)
{
	char name[XL_VALUE_NAME];

	if (t->mae.n == 0)
		return;
	for (int i = 0; i < XL_COMPARE_WINDOWS; i++) {
		snprintf(name, sizeof name, "ssim_%s", xl_ssim_name(xl_compare_windows[i]));
		xl_values_num(v, name, suffix, t->ssim[i].mean);
		snprintf(name, sizeof name, "ssim_%s_sd", xl_ssim_name(xl_compare_windows[i]));
		if (all)
			xl_values_num(v, name, suffix, xl_moments_sd(&t->ssim[i]));
	}
	xl_values_num(v, "psnr", suffix, t->psnr.n ? t->psnr.mean : INFINITY);
	if (all)
		xl_values_int(v, "identical", suffix, t->identical);
	xl_values_num(v, "mae", suffix, t->mae.mean);
	xl_values_num(v, "close", suffix, t->close.mean);
	if (t->masked == 0)
		return;
	xl_values_num(v, "mae_inside", suffix, ratio(t->inside_sum, t->inside_weight));
	xl_values_num(v, "mae_outside", suffix, ratio(t->outside_sum, t->outside_weight));
}

void xl_change_values(struct xl_values *v, const struct xl_compare *t)
{
	if (t->mae.n == 0)
		return;
	xl_values_num(v, "change", "", t->mae.mean);
	if (t->masked == 0)
		return;
	xl_values_num(v, "change_inside", "", ratio(t->inside_sum, t->inside_weight));
	xl_values_num(v, "change_outside", "", ratio(t->outside_sum, t->outside_weight));
}
