/*
 * miou.c - the confusion matrix of labels, and what is read from it.
 */
#include <math.h>
#include "metrics/miou.h"

static int check_shape(const char *what, const struct xl_tensor *t)
{
	const int64_t plane[3] = {1, -1, -1};
	char shape[96];

	if (t->dtype == XL_U1 && xl_tensor_is(t, 3, plane))
		return 0;
	return xl_err("%s is %s, labels are (1,H,W) |u1", what,
		      xl_tensor_show(t, shape, sizeof shape));
}

int xl_miou_check(const struct xl_miou *m, const struct xl_tensor *t)
{
	const uint8_t *g = t->data;

	if (check_shape("truth", t))
		return -1;
	for (int64_t i = 0, n = xl_tensor_count(t); i < n; i++)
		if (g[i] != XL_MIOU_IGNORED && g[i] >= m->classes)
			return xl_err("truth has label %d, of %d classes", g[i], m->classes);
	return 0;
}

int xl_miou_add(struct xl_miou *m, const struct xl_tensor *truth, const struct xl_tensor *pred)
{
	const uint8_t *g = truth->data, *p = pred->data;
	const int64_t n = xl_tensor_count(truth);

	if (check_shape("prediction", pred))
		return -1;
	if (!xl_tensor_is(pred, 3, truth->shape))
		return xl_err("prediction is %lldx%lld, truth %lldx%lld", (long long)pred->shape[2],
			      (long long)pred->shape[1], (long long)truth->shape[2],
			      (long long)truth->shape[1]);
	for (int64_t i = 0; i < n; i++)
		if (g[i] != XL_MIOU_IGNORED && p[i] >= m->classes)
			return xl_err("prediction has label %d, of %d classes", p[i], m->classes);
	for (int64_t i = 0; i < n; i++)
		if (g[i] == XL_MIOU_IGNORED)
			m->ignored++;
		else
			m->count[g[i]][p[i]]++;
	return 0;
}

/* Pixels of class k: in truth, in the prediction, in both. */
struct sums {
	int64_t truth, pred, both;
};

static struct sums sums_of(const struct xl_miou *m, int k)
{
	struct sums s = {.both = m->count[k][k]};

	for (int i = 0; i < m->classes; i++) {
		s.truth += m->count[k][i];
		s.pred += m->count[i][k];
	}
	return s;
}

void xl_miou_values(struct xl_values *v, const struct xl_miou *m)
{
	double iou[XL_MIOU_CLASSES], iou_sum = 0, accuracy_sum = 0;
	int64_t classes = 0, true_classes = 0, pixels = 0, right = 0;

	for (int k = 0; k < m->classes; k++) {
		const struct sums s = sums_of(m, k);
		const int64_t either = s.truth + s.pred - s.both;

		pixels += s.truth;
		right += s.both;
		iou[k] = either > 0 ? (double)s.both / (double)either : NAN;
		if (either > 0) {
			classes++;
			iou_sum += iou[k];
		}
		if (s.truth > 0) {
			true_classes++;
			accuracy_sum += (double)s.both / (double)s.truth;
		}
	}
	if (pixels == 0)
		return;
	xl_values_num(v, "miou", "", iou_sum / (double)classes);
	xl_values_num(v, "pixel_accuracy", "", (double)right / (double)pixels);
	xl_values_num(v, "class_accuracy", "", accuracy_sum / (double)true_classes);
	xl_values_int(v, "classes", "", classes);
	xl_values_int(v, "pixels", "", pixels);
	xl_values_int(v, "ignored", "", m->ignored);
	for (int k = 0; k < m->classes; k++) {
		char name[XL_VALUE_NAME];

		snprintf(name, sizeof name, "iou_class_%d", k);
		xl_values_num(v, name, "", iou[k]);
	}
}
