/*
 * miou.h - how well labels of pixels agree with true ones: intersection over union of
 * each class, over all pixels of all images.
 */
#ifndef XL_METRICS_MIOU_H
#define XL_METRICS_MIOU_H

#include "metrics/values.h"
#include "xl.h"

enum { XL_MIOU_CLASSES = 48, XL_MIOU_IGNORED = 255 };

/* Pixels of all images. Set classes, 2 to XL_MIOU_CLASSES, and start from zeroes. */
struct xl_miou {
	int classes;
	int64_t count[XL_MIOU_CLASSES][XL_MIOU_CLASSES]; /* truth, prediction */
	int64_t ignored;
};

/*
 * xl_miou_check - whether t can be truth: (1,H,W) |u1, each label a class or XL_MIOU_IGNORED
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_miou_check(const struct xl_miou *m, const struct xl_tensor *t);

/*
 * xl_miou_add - count the pixels of one image, but those whose truth is XL_MIOU_IGNORED
 *
 * Shapes   truth: as xl_miou_check wants it; pred: (1,H,W) |u1 of its size, labels from 0
 * Errors   0, or -1 with xl_err set and nothing counted: what pred has is another shape, or a
 *          label that is no class
 */
int xl_miou_add(struct xl_miou *m, const struct xl_tensor *truth, const struct xl_tensor *pred);

/*
 * xl_miou_values - append miou, pixel_accuracy, class_accuracy, classes, pixels, ignored,
 *                  and iou_class_0 ...
 *
 *   iou_k = c_kk / (sum over p of c_kp + sum over g of c_gk - c_kk)
 *
 * miou is the mean over the classes that truth or prediction has, whose number is
 * `classes`; the iou of others is nan. class_accuracy is the mean over the classes that
 * truth has of c_kk / sum over p of c_kp. Nothing is appended for no pixels.
 */
void xl_miou_values(struct xl_values *v, const struct xl_miou *m);

#endif
