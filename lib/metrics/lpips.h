/*
 * lpips.h - LPIPS, the distance of pictures as a network sees them.
 */
#ifndef XL_METRICS_LPIPS_H
#define XL_METRICS_LPIPS_H

#include "core/sample.h"
#include "grad/tape.h"
#include "metrics/moments.h"
#include "nn/backbone.h"
#include "xl.h"

struct xl_lpips {
	const struct xl_backbone_def *def;
	struct xl_backbone *net;
	struct xl_tape *tape;
	bool is_flat;       /* every channel weighs 1 */
	int64_t most_bytes; /* of views that xl_lpips_group keeps [1 GiB] */
};

/* What a picture looks like to the network. */
struct xl_lpips_view {
	int64_t count;
	float *values;
};

/*
 * xl_lpips_open - the network from a model file; is_flat: without its heads
 *
 * Owns     xl_lpips_done releases all, also after a failure
 * Errors   0, or -1 with xl_err set, also for a head with a negative weight
 */
int xl_lpips_open(struct xl_lpips *l, const char *path, const struct xl_backbone_def *def,
		  bool is_flat);
void xl_lpips_done(struct xl_lpips *l);

/*
 * xl_lpips_weigh - the part of a view that one tap makes
 *
 *   to = f / (sqrt(sum over c of f^2) + 1e-10) sqrt(head / places)
 *
 * Source   Zhang et al. 2018, eq. 1, whose squared differences then need only be added
 * Shapes   to, f: (c,places)   head: (c), 0 or more, or NULL for ones
 * Errors   0, or -1 with xl_err set
 */
int xl_lpips_weigh(float *to, const float *f, int c, int64_t places, const float *head);

/*
 * xl_lpips_see - the views of n pictures of one size: all taps, one after the other
 *
 * Shapes   images: n of (3,H,W) |u1, equal   views: n, of the same count
 * Owns     xl_lpips_unsee frees a view
 * Errors   0, or -1 with xl_err set: too small for the network, no memory
 * Threads  bits depend neither on them nor on the other pictures
 */
int xl_lpips_see(struct xl_lpips *l, const struct xl_tensor *const *images, int n,
		 struct xl_lpips_view *views);
void xl_lpips_unsee(struct xl_lpips_view *v);

/* xl_lpips_distance - the sum of (a - b)^2, which is LPIPS: 0 for equal pictures; of views
 * of equal count */
double xl_lpips_distance(const struct xl_lpips_view *a, const struct xl_lpips_view *b);

/*
 * xl_lpips_group - what was made of one input: the distance of each from the input, and
 *                  distances among them
 *
 * Every picture is seen once, as long as the views take no more than most_bytes together;
 * then the earliest goes, and is made again when it is needed.
 * Shapes   images: n of (3,H,W) |u1, equal; io: (n), not touched where input is NULL
 * pairs    chooses among all i < j in order, n (n - 1) / 2; among gets the distances
 * Errors   0, or -1 with xl_err set
 */
int xl_lpips_group(struct xl_lpips *l, const struct xl_tensor *input,
		   struct xl_tensor *const *images, int64_t n, struct xl_sample *pairs, double *io,
		   struct xl_moments *among);

#endif
