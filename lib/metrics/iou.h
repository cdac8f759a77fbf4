/*
 * iou.h - how well a soft mask finds a true one: intersection over union at a
 * threshold, of one pair, over a stream, and swept over thresholds.
 */
#ifndef XL_METRICS_IOU_H
#define XL_METRICS_IOU_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/moments.h"
#include "metrics/values.h"

enum { XL_SWEEP = 19 }; /* thresholds 0.05, 0.10 ... 0.95 */

/* Pixels of one pair, or of many. */
struct xl_overlap {
	int64_t both, either, mask, truth, pixels;
};

/* Totals over a stream. Start from all zeroes. */
struct xl_iou {
	struct xl_moments iou, dice, mask_area, truth_area;
	struct xl_overlap pooled;
	int64_t empty; /* pairs where neither mask has a pixel */
};

/* Totals at each threshold, of pairs 0, 2 ... and of pairs 1, 3 .... */
struct xl_iou_sweep {
	struct xl_moments half[2][XL_SWEEP];
	int64_t n;
};

/*
 * xl_overlap_of - count pixels at which mask >= threshold and truth >= 0.5
 *
 * Shapes   mask, truth: (n) of coverage 0..1; 0.5 divides bytes at 128
 * Units    compared in single precision: 0.7f is at threshold 0.7
 * Errors   none
 */
void xl_overlap_of(struct xl_overlap *o, const float *mask, const float *truth, int64_t n,
		   double threshold);

/* xl_overlap_iou - both / either; xl_overlap_dice - 2 both / (mask + truth); each
 * is 1 where neither has a pixel */
double xl_overlap_iou(const struct xl_overlap *o);
double xl_overlap_dice(const struct xl_overlap *o);

/* xl_iou_add - count one pair */
void xl_iou_add(struct xl_iou *t, const struct xl_overlap *o);

/* xl_iou_values - append iou, iou_pooled, dice, mask_area, truth_area (shares of
 * the image); all: also standard deviation and counts. Nothing for no pairs. */
void xl_iou_values(struct xl_values *v, const struct xl_iou *t, bool all);

/* xl_sweep_threshold - the i-th threshold */
double xl_sweep_threshold(int i);

/* xl_iou_sweep_add - count one pair at every threshold */
void xl_iou_sweep_add(struct xl_iou_sweep *t, const float *mask, const float *truth, int64_t n);

/*
 * xl_iou_sweep_values - append iou_at_0.05 ... over all pairs, then the threshold
 * that is best on the first half (the lowest of equals), its mean IoU there, and
 * on the other half, which had no say in it
 *
 * Nothing for no pairs; without a second pair the last value is absent.
 */
void xl_iou_sweep_values(struct xl_values *v, const struct xl_iou_sweep *t);

#endif
