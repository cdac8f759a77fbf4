/*
 * classifier.h - a small network of our own that tells labels of a picture, and that
 * describes it by a vector on the way. Trained by lib/train/train_classifier.h.
 *
 *   3x3 convolution, stride 2; four stages of two residual blocks, the first of each
 *   with stride 2; mean over places: the features; a linear layer: the logits
 *
 * Batch norm throughout. Either every label is a yes or no by itself, or the one label
 * is a whole number below `classes`, of which the picture has one.
 * Source   He et al. 2016 (blocks of two 3x3 convolutions)
 */
#ifndef XL_NN_CLASSIFIER_H
#define XL_NN_CLASSIFIER_H

#include "core/digest.h"
#include "nn/net.h"
#include "xl.h"

enum { XL_CLASSIFIER_STAGES = 4, XL_CLASSIFIER_BLOCKS = 2, XL_CLASSIFIER_OUTPUTS = 256 };

struct xl_classifier {
	struct xl_net net;
	struct xl_layer stem, last;
	struct xl_layer conv[XL_CLASSIFIER_STAGES][XL_CLASSIFIER_BLOCKS][2];
	struct xl_layer shortcut[XL_CLASSIFIER_STAGES];
	int size;      /* side of the pictures, in pixels */
	int width;     /* channels of the first stage; each next has twice as many */
	char **labels; /* their names; "domain" is A or B where no label is called so */
	int n_labels;
	int classes; /* of the one label; 0: all are yes or no */

	/* how it was made, kept in the file */
	uint64_t seed;
	int64_t steps;
	char data[65];         /* digest of the pictures it was trained on */
	int64_t held_out;      /* pictures it was not trained on, */
	double held_out_right; /* and the share of them told right */

	char digest[65]; /* of the file it was read from or written to */
};

/* What a classifier is to be. */
struct xl_classifier_shape {
	int size, width;
	const char *const *labels;
	int n_labels, classes;
};

/*
 * xl_classifier_new - a network with initial weights from the seed; with gradients
 *                     and moments only where it is trained
 *
 * Owns     the caller frees it; labels are copied
 * Errors   NULL with xl_err set: a size, width or number of labels out of range
 */
struct xl_classifier *xl_classifier_new(const struct xl_classifier_shape *s, uint64_t seed,
					bool trained);
void xl_classifier_free(struct xl_classifier *c);

/* xl_classifier_outputs - numbers of a verdict: the classes, or else the labels
 * xl_classifier_features - numbers of a description
 * xl_classifier_name - "own_d256" into buf, for results that rest on it; returns buf */
int xl_classifier_outputs(const struct xl_classifier *c);
int xl_classifier_features(const struct xl_classifier *c);
const char *xl_classifier_name(const struct xl_classifier *c, char *buf, size_t size);

/*
 * xl_classifier_run - logits of a batch, and its features where that is not NULL; the
 *                     network is bound to the tape, and its batch norms set, by the caller
 *
 * Shapes   x: (N,3,size,size) -1..1   result: (N,outputs,1,1)   features: (N,D,1,1)
 * Errors   NULL with xl_err set
 */
struct xl_var *xl_classifier_run(struct xl_classifier *c, struct xl_tape *t, struct xl_var *x,
				 struct xl_var **features);

/* xl_classifier_loss - mean over the batch of the cross entropy, mean over labels; y:
 * (N,labels) plain, 0 or 1, or the number of the class. NULL with xl_err set */
struct xl_var *xl_classifier_loss(const struct xl_classifier *c, struct xl_tape *t,
				  struct xl_var *logits, const float *y);

/* xl_classifier_fit - a picture (3,H,W) |u1, resized to size x size where it is not, as
 * numbers x (3,size,size) -1..1; 0, or -1 with xl_err set */
int xl_classifier_fit(const struct xl_classifier *c, const struct xl_tensor *picture, float *x);

/*
 * xl_classifier_see - probabilities and features of pictures
 *
 * t is reset before. Of a picture, the numbers do not depend on those beside it.
 * Shapes   x: (n,3,size,size) -1..1   p: (n,outputs) 0..1, of yes where labels are yes
 *          or no; f: (n,features); either may be NULL
 * Errors   0, or -1 with xl_err set
 */
int xl_classifier_see(struct xl_classifier *c, struct xl_tape *t, int n, const float *x, float *p,
		      float *f);

/*
 * xl_classifier_load - a classifier from its model file
 * xl_classifier_save - the model file; sets c->digest. Equal runs give equal bytes
 *
 * Owns     the caller frees it
 * Errors   NULL or -1 with xl_err set: "a.msgpack: not a classifier (weights of
 *          'vgg19')"; shapes are held against what has arrived before memory is asked for
 */
struct xl_classifier *xl_classifier_load(const char *path);
int xl_classifier_save(struct xl_classifier *c, const char *path);

#endif
