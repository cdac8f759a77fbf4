/*
 * features.h - pictures as vectors: a published network, or a classifier of our own, and
 * what a distance between its features is called.
 */
#ifndef XL_METRICS_FEATURES_H
#define XL_METRICS_FEATURES_H

#include "metrics/squash.h"
#include "nn/backbone.h"
#include "nn/classifier.h"
#include "xl.h"

enum { XL_FEATURES_NAME = 64 };

struct xl_features {
	/* what is wanted */
	const char *path;      /* a model file; NULL: that of inception-fid, where data is kept */
	enum xl_squash squash; /* a classifier has a way of its own, */
	bool must_squash;      /* and is refused where this one is a must */
	int64_t dims;          /* features of a place to take; 0: of the last */

	/* what is loaded */
	struct xl_backbone *net;
	struct xl_classifier *own; /* of the two, one is there */
	struct xl_tape *tape;
	int tap, tap_logits;         /* -1: has none */
	int64_t size;                /* side of the pictures it works on */
	int64_t d;                   /* features */
	int64_t k;                   /* numbers of a verdict; 0: has none */
	bool is_yes_or_no;           /* see struct xl_probabilities */
	char name[XL_FEATURES_NAME]; /* "inception-fid", "vgg19"; "own_d256" where its weights
				      * are not those that were published */
	char digest[65];
	const char *resize; /* "pt" ..., or "own" */
};

/*
 * xl_features_load - load what is wanted, unless it is there; xl_features_done - release it
 *
 * Errors   0, or -1 with xl_err set: nothing there (and how to get it), not a network, a
 *          number of features or a way to resize that it does not have
 */
int xl_features_load(struct xl_features *f);
void xl_features_done(struct xl_features *f);

/*
 * xl_features_see - features of pictures, and verdicts where p is not NULL
 *
 * Features are the mean over places. What a picture gives does not depend on those beside
 * it.
 * Shapes   pictures: n of (3,H,W) |u1, of any sizes   rows: (n,d)   p: (n,k)
 * Errors   0, or -1 with xl_err set
 * Threads  splits over pictures, and within the network
 */
int xl_features_see(struct xl_features *f, const struct xl_tensor *const *pictures, int64_t n,
		    float *rows, double *p);

/* xl_features_is_fid - whether a name is that of FID's network */
bool xl_features_is_fid(const char *network);

/*
 * xl_features_metric - "fid" for features of FID's network, "fd" for those of any other
 * xl_features_suffix - what follows the name of a measure of d features: "" for FID's own
 *                      2048, else "_d768", "_vgg19_d512", "_own_d256"
 *
 * network: a name as above, or "" for one that is not known.
 */
const char *xl_features_metric(const char *network);
void xl_features_suffix(char *buf, size_t size, const char *network, int64_t d);

#endif
