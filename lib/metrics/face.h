/*
 * face.h - descriptors of faces, and the cosine between two: whether they show the same
 * person.
 */
#ifndef XL_METRICS_FACE_H
#define XL_METRICS_FACE_H

#include "grad/tape.h"
#include "nn/backbone.h"
#include "nn/classifier.h"
#include "xl.h"

/* A published network, or else a classifier of our own. */
struct xl_face {
	struct xl_backbone *net;
	const char *name; /* of the published one, static */
	int tap;
	struct xl_classifier *own;
	struct xl_tape *tape;
	int size;  /* side of the pictures it looks at */
	int count; /* numbers of a descriptor */
	float *x;  /* (3,size,size), the picture last described */
};

/*
 * xl_face_open - with the weights in a file, for pictures of 224 pixels: of resnet50-face,
 *                2048 numbers, the mean over places of the last block; or of vgg16-face,
 *                4096 numbers, fc7 after its ReLU, or before it
 * xl_face_open_own - with a classifier: its features
 *
 * Source   Cao et al. 2018 (VGGFace2); Parkhi et al. 2015 (VGG-Face)
 * Owns     xl_face_close releases all, also after a failure
 * Errors   0, or -1 with xl_err set
 */
int xl_face_open(struct xl_face *f, const char *path, bool before_relu);
int xl_face_open_own(struct xl_face *f, const char *path);
void xl_face_close(struct xl_face *f);

/* xl_face_network, xl_face_digest - the network's name, in buf if need be; the SHA-256 of
 * its parameters, or of the classifier's file */
const char *xl_face_network(const struct xl_face *f, char *buf, size_t size);
const char *xl_face_digest(const struct xl_face *f);

/* xl_face_is_published - whether its weights are known to be the published ones */
bool xl_face_is_published(const struct xl_face *f);

/*
 * xl_face_describe - the descriptor of a picture: its largest centred square, antialiased
 *                    bilinear to size
 *
 * Shapes   picture: (3,H,W) |u1   to: (count)
 * Errors   0, or -1 with xl_err set
 * Threads  bits do not depend on them
 */
int xl_face_describe(struct xl_face *f, const struct xl_tensor *picture, double *to);

/* xl_cosine - a . b / (|a| |b|), -1..1, of n numbers each; 0, and one more in *zeros, where
 * a norm is below 1e-12 */
double xl_cosine(const double *a, const double *b, int64_t n, int64_t *zeros);

#endif
