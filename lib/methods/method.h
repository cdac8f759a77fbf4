/*
 * method.h - the only interface between a method and everything else. A method
 * is NAME.c in this folder, which defines one descriptor, xl_method_NAME, and the
 * NAME_*.c it may be divided into; the registry (method.c) is generated from the
 * folder.
 *
 * Methods know nothing of files, option parsing or the terminal.
 */
#ifndef XL_METHODS_METHOD_H
#define XL_METHODS_METHOD_H

#include <stddef.h>
#include "core/opt.h"
#include "grad/tape.h"
#include "nn/net.h"
#include "xl.h"

enum { XL_MAX_LOSSES = 32, XL_MAX_NETS = 12, XL_MAX_ATTRIBUTES = 256 };

struct xl_model;

/* One step's images, plain NCHW -1..1, and labels, 0 or 1 or classes: two sets of n, for
 * methods on two domains the first of A and the second of B. */
struct xl_batch {
	int n;
	const float *x[2];  /* (n,3,S,S) */
	const float *y[2];  /* (n,attributes) */
	const float *alpha; /* (2n) draws for a gradient penalty; NULL: from the seed */
	const float *noise; /* normal draws of a method, in its order; NULL: from the seed */
};

/* What a step reports: unweighted losses under the paper's names, in the order
 * of the method's loss_names; not every step computes all of them. */
struct xl_losses {
	double value[XL_MAX_LOSSES];
	bool given[XL_MAX_LOSSES];
};

struct xl_method {
	const char *name;     /* "lomit" */
	const char *summary;  /* one clause */
	const char *citation; /* authors, year, title */

	/* Hyper-parameters: targets are offsets into a struct of hyper_size bytes
	 * (XL_HYPER); help names the source. Every table has size, width, batch and
	 * iters; enums, flags, whole numbers and numbers only. A number flip is the
	 * probability of mirroring an image [0], zoom that of a random crop, enlarged [0]; part
	 * says that images are kept at size/part, and squares of size cut from them at random
	 * [1: all of them]; a whole number fixed-pairs, if
	 * not 0, keeps pairs as they came; an enum crop, of square and squash, how pictures
	 * become squares [square]. What may_change are those
	 * that say how long and how fast a run goes on to learn, and for what. */
	const struct xl_opt *opts;
	size_t hyper_size;
	/* set what a preset (paper, small, tiny) changes; -1 for an unknown name */
	int (*preset)(void *hyper, const char *name);
	/* check combinations; 0, or -1 with xl_err set */
	int (*check)(const void *hyper, int n_attributes);

	const char *const *loss_names; /* NULL terminated: "D.adv", ..., "G.total" */
	/* attributes chosen where the stream has them and none were asked for,
	 * NULL terminated; NULL: all */
	const char *const *default_attributes;
	bool two_domains; /* batches pair domain A with domain B */
	bool both_ways;   /* of these, inputs of either are translated to the other */
	bool lockstep;    /* of these, both are shuffled anew when one runs out */
	int batch_of;     /* batches are multiples of it; 0: of any size */
	bool noisy;       /* a code has noise of its record's name and meta.noise_seed */
	int classes;      /* labels are taken, as whole numbers below it; 0: see batch_labels.h */
	int stride;       /* images are padded to a multiple of it */
	bool one_mask;    /* m has one channel: where the picture changes */

	/* build - declare networks and layers (xl_model_net, xl_net_layer) in
	 * m->state, allocated of state_size bytes */
	size_t state_size;
	int (*build)(struct xl_model *m);
	void (*randomise)(struct xl_model *m);

	/* What training may take from files; NULL: nothing.
	 * adopt - take networks of `from`, of the same method, into m, which is trained
	 * ready - whether m has all that it needs, and no more. 0, or -1 with xl_err set */
	bool perceives; /* a published network, for its perceptual loss: xl_model.backbone */
	int (*adopt)(struct xl_model *m, struct xl_model *from);
	int (*ready)(const struct xl_model *m);

	/* parts - into how many batches the images of a step are divided, each of `batch`
	 * images of each domain; NULL: one */
	int (*parts)(const void *hyper);

	/* step - iteration `iter` (from 0): losses, gradients, Adam. The tape is
	 * reset by the caller. 0, or -1 with xl_err set */
	int (*step)(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		    struct xl_losses *out);

	/* Stages, on one record each: add what they are named for and what it needs;
	 * keep what is there and still valid. 0, or -1 with xl_err set.
	 * encode  x -> all that depends on this image alone
	 * exemplar   -> of that, what fuse needs of an exemplar; NULL: as encode
	 * mask    -> m (of the pair where exemplar is not NULL and matters); NULL: the
	 *            method has none
	 * fuse    input and exemplar -> h; either may be a plain image
	 * decode  h, or a code alone (self-reconstruction) -> out */
	int (*encode)(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
	int (*exemplar)(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
	int (*mask)(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		    struct xl_record *exemplar);
	int (*fuse)(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		    struct xl_record *exemplar);
	int (*decode)(struct xl_model *m, struct xl_tape *t, struct xl_record *r);

	/* what fuse does without an exemplar, NULL terminated, NULL for nothing: "remove",
	 * "sample". Asked for by the key of that name in r's meta: true; the number of the
	 * draw, from 0, with meta seed. The exemplar is then a copy of r. */
	const char *const *fuse_modes;

	/* hyper-parameters that matter to the stages alone, and may be set for them (xl-encode,
	 * xl-decode --set), NULL terminated; NULL: none */
	const char *const *at_stages;

	/* the tensors a change of the mask makes stale, NULL terminated */
	const char *const *after_mask;
	/* the tensors of this method's codes, which no image has */
	const char *const *code_tensors;
};

#define XL_HYPER(type, field) ((void *)offsetof(type, field))

/* xl_method_list - "egsc-it, lomit, .." into buf; returns buf */
const char *xl_method_list(char *buf, size_t size);
/* xl_method_find - by name; NULL with xl_err set, naming what there is */
const struct xl_method *xl_method_find(const char *name);
/* xl_method_can - whether fuse knows this mode */
bool xl_method_can(const struct xl_method *m, const char *mode);
/* xl_method_sets - whether a hyper-parameter may be set for its stages (at_stages) */
bool xl_method_sets(const struct xl_method *m, const char *name);
/* xl_method_at - all of them, i from 0; NULL at the end */
const struct xl_method *xl_method_at(int i);

#endif
