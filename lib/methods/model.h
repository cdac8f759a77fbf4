/*
 * model.h - a method with its hyper-parameters and networks: built new, or read
 * from a model file; and the stages every tool calls on it.
 */
#ifndef XL_METHODS_MODEL_H
#define XL_METHODS_MODEL_H

#include "methods/method.h"
#include "nn/backbone.h"
#include "tensor/modelfile.h"

struct xl_model {
	const struct xl_method *method;
	void *hyper;         /* the method's struct */
	struct xl_opt *opts; /* its table, targets pointing into hyper */
	void *state;         /* the method's layers */
	char **words;        /* values given as strings, owned */
	int n_words;
	struct xl_net *nets[XL_MAX_NETS];
	int n_nets;
	char **attributes; /* names of the labels, in the order of y */
	int n_attributes;
	uint64_t seed;
	int64_t step;                 /* iterations done */
	char digest[65];              /* of the file it was read from or last saved to */
	char data[65];                /* digest of the training data, "" if none */
	int64_t adam_t[XL_GROUPS];    /* updates done by each optimiser */
	struct xl_backbone *backbone; /* of perceptual losses, where one was given; owned */
	char percept[96];             /* its name and the digest of its file, "" if none */
	char adopted[65];             /* digest of the model networks were taken from, or "" */
	bool trained;                 /* networks have gradients and moments */
	struct xl_modelfile file;     /* it was loaded from, for inference: the networks' source */
};

/*
 * xl_model_new        - hyper-parameters at their defaults, nothing built yet
 * xl_model_preset     - all that a preset (paper, small, tiny) sets
 * xl_model_set        - one hyper-parameter by name, from its text
 * xl_model_attributes - the names of the labels, once, XL_MAX_ATTRIBUTES at most
 * xl_model_build      - networks with initial weights from the seed; those of the
 *                       critic, gradients and moments only where trained
 *
 * In this order; nothing is set after xl_model_build.
 * Owns     the caller frees it with xl_model_free; names and values are copied
 * Errors   NULL or -1 with xl_err set
 */
struct xl_model *xl_model_new(const struct xl_method *method);
int xl_model_preset(struct xl_model *m, const char *preset);
int xl_model_set(struct xl_model *m, const char *name, const char *value);
int xl_model_attributes(struct xl_model *m, const char *const *names, int n);
int xl_model_build(struct xl_model *m, uint64_t seed, bool trained);
void xl_model_free(struct xl_model *m);

/* xl_model_int - a whole-number hyper-parameter that every method has (method.h):
 * size, width, batch, iters
 * xl_model_num - a number; `none` where the method has none of that name */
int64_t xl_model_int(const struct xl_model *m, const char *name);
double xl_model_num(const struct xl_model *m, const char *name, double none);

/* xl_model_loads - the side in pixels at which training keeps images, of which it cuts
 * squares of `size`: size / part (method.h), rounded */
int xl_model_loads(const struct xl_model *m);

/* xl_model_parts - into how many batches the images of a step are divided (method.h);
 * xl_model_images - the images of each domain that a step takes */
int xl_model_parts(const struct xl_model *m);
int xl_model_images(const struct xl_model *m);

/* xl_model_squashes - whether pictures become squares by scaling their sides apart
 * (crop=squash, method.h), else by cutting the largest centred square */
bool xl_model_squashes(const struct xl_model *m);

/* xl_model_params - trainable parameters of a group */
size_t xl_model_params(const struct xl_model *m, enum xl_group group);

/*
 * xl_model_load - read a model for inference (networks of the generator group)
 *
 * path NULL looks it up: $XL_MODEL, else default.msgpack, see xl_data_file.
 *
 * Hyper-parameters are held against their ranges, and shapes against what has
 * arrived, before memory is asked for. A network's values stay in the mapped file until
 * it is first used (xl_net_fetch, net.h).
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: "b.msgpack: not a model (kind image)",
 *          "b.msgpack: 'x' is not a method (lomit)", sizes that do not fit
 */
struct xl_model *xl_model_load(const char *path);

/* xl_model_save - the networks for inference; sets m->digest. Equal runs give
 * equal bytes. 0, or -1 with xl_err set */
int xl_model_save(struct xl_model *m, const char *path);

/* xl_model_save_checkpoint - everything a resumed run needs, in one file: all
 * networks, moments, counts. 0, or -1 with xl_err set. xl_model_load_checkpoint -
 * the model as it was, trained, its digest checked; NULL with xl_err set */
int xl_model_save_checkpoint(struct xl_model *m, const char *path);
struct xl_model *xl_model_load_checkpoint(const char *path);

/*
 * For methods.
 *
 * xl_model_net  - a new network of the model, which owns it; NULL with xl_err set
 * xl_model_bind - all networks of a group into the tape, as leaves with gradients
 *                 where trained; 0, or -1 with xl_err set
 * xl_model_unbind - a step is over: inference binds a network where it first uses it
 * xl_model_bn   - what batch norms use (net.h), in every network
 * xl_model_zero - zero the gradients of a group; trained models only
 * xl_model_clip - where the norm of all gradients of a group together is above max
 *                 - 1e-6, scale them by max / (norm + 1e-6); the norm as it was
 * xl_model_adam - one update of a group by its gradients (xl_kernels.adam); a->t is
 *                 not read, the model counts
 */
struct xl_net *xl_model_net(struct xl_model *m, const char *id, enum xl_group group);
int xl_model_bind(struct xl_model *m, struct xl_tape *t, enum xl_group group, bool trained);
void xl_model_unbind(struct xl_model *m);
void xl_model_bn(struct xl_model *m, enum xl_bn mode);
void xl_model_zero(struct xl_model *m, enum xl_group group);
double xl_model_clip(struct xl_model *m, const struct xl_kernels *k, enum xl_group group,
		     double max);
void xl_model_adam(struct xl_model *m, const struct xl_kernels *k, enum xl_group group,
		   const struct xl_adam *a);

/*
 * The stages, as tools call them. They check that codes in the records come
 * from this model ("codes of model 3fa9.., this is 77c0.. (lomit, 128)"), reset
 * the tape, run the method, and set kind and meta.model.
 *
 * xl_stage_decode leaves the picture in `out`: (3,H,W) <f4 -1..1 at the size of x.
 * xl_stage_mask_changed drops what an edit of m makes stale and marks it.
 * xl_stage_is_foreign tells whether they refuse a record for that.
 * Errors   0, or -1 with xl_err set
 */
bool xl_stage_is_foreign(const struct xl_model *m, const struct xl_record *r);
int xl_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_stage_exemplar(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		  struct xl_record *exemplar);
int xl_stage_mask_changed(struct xl_model *m, struct xl_record *r);
int xl_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		  struct xl_record *exemplar);
int xl_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);

/* xl_model_prepare - a decoded picture (3,H,W) |u1 with the model's own
 * preprocessing (the largest centred square, or all of it, resized to the model's
 * size), or, for native, as it is; an image record. NULL with xl_err set */
struct xl_record *xl_model_prepare(const struct xl_model *m, const struct xl_tensor *picture,
				   const char *id, bool native);

#endif
