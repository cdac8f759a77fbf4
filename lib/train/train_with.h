/*
 * train_with.h - what training takes from files beside images: the network of a
 * perceptual loss, or networks of a model that was trained before. Called by xl-train.
 */
#ifndef XL_TRAIN_TRAIN_WITH_H
#define XL_TRAIN_TRAIN_WITH_H

#include "methods/model.h"

enum { XL_WITH = 4 }; /* files at most */

struct xl_with {
	const char *path[XL_WITH];
	int n;
};

/* xl_with_add - note a file, as the fn of an option (opt.h); ctx: struct xl_with, borrows
 * the value. 0, or -1 with xl_err set */
int xl_with_add(void *ctx, const char *name, const char *value);

/*
 * xl_with_take - give m, built and trained, what the files hold, and see that nothing it
 *                needs is missing: weights of a published network as xl-convert writes
 *                them, or a model of the same method
 *
 * A run that is resumed needs its network again, and no other.
 * Errors   0, or -1 with xl_err set: "vgg16.msgpack: 'vgg16', but run.ckpt was trained
 *          with 'vgg19'"; a method that takes nothing of the kind
 */
int xl_with_take(const struct xl_with *w, struct xl_model *m);

#endif
