/*
 * iou.c - overlap of masks. xl-iou calls it; how a mask tensor becomes a plane
 * of coverage is in coverage.c.
 */
#include <stdio.h>

#include "metrics/iou.h"

void xl_overlap_of(struct xl_overlap *o, const float *mask, const float *truth, int64_t n,
		   double threshold)
{
	const float at = (float)threshold;

	*o = (struct xl_overlap){.pixels = n};
	for (int64_t i = 0; i < n; i++) {
		const int m = mask[i] >= at, t = truth[i] >= 0.5f;

		o->mask += m;
		o->truth += t;
		o->both += m & t;
		o->either += m | t;
	}
}

double xl_overlap_iou(const struct xl_overlap *o)
{
	return o->either ? (double)o->both / (double)o->either : 1;
}

double xl_overlap_dice(const struct xl_overlap *o)
{
	return o->either ? 2 * (double)o->both / (double)(o->mask + o->truth) : 1;
}

void xl_iou_add(struct xl_iou *t, const struct xl_overlap *o)
{
	xl_moments_add(&t->iou, xl_overlap_iou(o));
	xl_moments_add(&t->dice, xl_overlap_dice(o));
	xl_moments_add(&t->mask_area, (double)o->mask / (double)o->pixels);
	xl_moments_add(&t->truth_area, (double)o->truth / (double)o->pixels);
	t->pooled.both += o->both;
	t->pooled.either += o->either;
	t->pooled.mask += o->mask;
	t->pooled.truth += o->truth;
	t->pooled.pixels += o->pixels;
	t->empty += o->either == 0;
}

void xl_iou_values(struct xl_values *v, const struct xl_iou *t, bool all)
{
	if (t->iou.n == 0)
		return;
	xl_values_num(v, "iou", "", t->iou.mean);
	if (all) {
		xl_values_num(v, "iou_sd", "", xl_moments_sd(&t->iou));
		xl_values_num(v, "iou_pooled", "", xl_overlap_iou(&t->pooled));
		xl_values_int(v, "empty", "", t->empty);
	}
	xl_values_num(v, "dice", "", t->dice.mean);
	xl_values_num(v, "mask_area", "", t->mask_area.mean);
	xl_values_num(v, "truth_area", "", t->truth_area.mean);
}

double xl_sweep_threshold(int i)
{
	return (i + 1) / 20.0;
}

void xl_iou_sweep_add(struct xl_iou_sweep *t, const float *mask, const float *truth, int64_t n)
{
	for (int i = 0; i < XL_SWEEP; i++) {
		struct xl_overlap o;

		xl_overlap_of(&o, mask, truth, n, xl_sweep_threshold(i));
		xl_moments_add(&t->half[t->n % 2][i], xl_overlap_iou(&o));
	}
	t->n++;
}

void xl_iou_sweep_values(struct xl_values *v, const struct xl_iou_sweep *t)
{
	int best = 0;

	if (t->n == 0)
		return;
	for (int i = 0; i < XL_SWEEP; i++) {
		const struct xl_moments *a = &t->half[0][i], *b = &t->half[1][i];
		const double sum = a->mean * (double)a->n + b->mean * (double)b->n;
		char name[XL_VALUE_NAME];

		snprintf(name, sizeof name, "iou_at_%.2f", xl_sweep_threshold(i));
		xl_values_num(v, name, "", sum / (double)t->n);
		if (a->mean > t->half[0][best].mean)
			best = i;
	}
	xl_values_num(v, "best_threshold", "", xl_sweep_threshold(best));
	xl_values_num(v, "iou_chosen", "", t->half[0][best].mean);
	if (t->half[1][best].n)
		xl_values_num(v, "iou_tested", "", t->half[1][best].mean);
}
