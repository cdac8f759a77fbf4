/*
 * tape.h - eager, tape-based automatic differentiation. Operators (ops.h) run at
 * once and, while the tape records, leave a node behind; xl_backward walks the
 * nodes back. The vector-Jacobian product of every operator is written with
 * operators, so a gradient can itself be recorded and differentiated (xl_grad).
 *
 * Errors stick: an operator given NULL returns NULL, so a whole step is written
 * as equations and checked once, at its end.
 *
 * Memory: values live in the tape's arena until their node's backward has run,
 * or xl_tape_reset; an xl_var is valid until xl_tape_reset. Of what the caller
 * has dropped (xl_drop) only those numbers stay that the way back reads and
 * cannot cheaply compute again.
 */
#ifndef XL_GRAD_TAPE_H
#define XL_GRAD_TAPE_H

#include "kernels/kernels.h"
#include "xl.h"

/* A value. Read d; leave the rest to grad. */
struct xl_var {
	struct xl_dims d;
	float *data;      /* in the layout of kernels.h */
	bool owned;       /* data is the arena's, else borrowed */
	bool needs;       /* a gradient may be asked for */
	float *leaf_grad; /* leaves: where xl_backward adds the gradient */
	struct xl_var *grad;
	int uses;      /* gradients only: how many variables share it */
	int reach;     /* the xl_grad call that found it on a path */
	int node;      /* 1 + the node that made it, 0 for none */
	bool recorded; /* made by, or input of, a node */
	bool read;     /* some node's way back reads data */
};

struct xl_tape {
	struct xl_arena *arena;
	const struct xl_kernels *k;
	struct xl_node *nodes;
	int n_nodes, cap_nodes;
	struct xl_chunk *chunks; /* of variables */
	bool recording;
	bool dry;     /* count memory and multiply-adds, compute nothing */
	int64_t macs; /* of convolutions, since xl_tape_new */
	int grads;    /* calls of xl_grad */
	bool keep;    /* a gradient is being recorded: vjps must be differentiable */
};

/* xl_tape_new - an empty tape on the backend of this CPU; the caller frees it. NULL
 * with xl_err set */
struct xl_tape *xl_tape_new(void);
void xl_tape_free(struct xl_tape *t);

/* xl_tape_reset - all values and nodes are gone; recording is off */
void xl_tape_reset(struct xl_tape *t);

/* xl_tape_record - switch recording; returns what it was */
bool xl_tape_record(struct xl_tape *t, bool on);

/* xl_tape_mark - the present end of the tape, for xl_backward */
int xl_tape_mark(const struct xl_tape *t);

/*
 * xl_var_leaf - parameters: data and grad in plain OIHW or (1,C,1,1) order
 *
 * Owns     borrows both until xl_tape_reset; grad NULL for a constant
 */
struct xl_var *xl_var_leaf(struct xl_tape *t, struct xl_dims d, const float *data, float *grad);

/* xl_var_input - a constant map (n,c,h,w) copied from plain NCHW; NULL with xl_err
 * set. plain is not read on a dry tape */
struct xl_var *xl_var_input(struct xl_tape *t, int n, int c, int h, int w, const float *plain);

/* xl_var_const - a map filled with one number; NULL with xl_err set */
struct xl_var *xl_var_const(struct xl_tape *t, struct xl_dims d, float value);

/* xl_var_read - the value as plain NCHW; xl_var_scalar - of a single number.
 * Both give zeros on a dry tape. */
void xl_var_read(const struct xl_tape *t, const struct xl_var *v, float *plain);
double xl_var_scalar(const struct xl_tape *t, const struct xl_var *v);

/* xl_drop - the caller is done with v: it may not be used in an equation again */
void xl_drop(struct xl_tape *t, struct xl_var *v);

/*
 * xl_backward - add d loss / d leaf to every leaf's gradient, then forget all
 * nodes from mark on (their values go as soon as they are no longer needed)
 *
 * Shapes   loss: a single number
 * Errors   0, or -1 with xl_err set
 */
int xl_backward(struct xl_tape *t, struct xl_var *loss, int mark);

/*
 * xl_grad - d (sum of y) / d x as a recorded value that can be differentiated
 *
 * x must have been marked by xl_var_watch before y was computed from it.
 * Errors   NULL with xl_err set: an operator on the way has no second
 *          derivative (named), y does not depend on x
 */
struct xl_var *xl_grad(struct xl_tape *t, struct xl_var *y, struct xl_var *x);
void xl_var_watch(struct xl_var *x, bool on);

#endif
