/*
 * node.h - what the tape remembers of one operator; private to grad.
 */
#ifndef XL_GRAD_NODE_H
#define XL_GRAD_NODE_H

#include "grad/tape.h"
#include "kernels/windows.h"

struct xl_node;

enum { XL_OP_INPUTS = 4 };

/* For xl_opdef.reads: the derivative with respect to input i is wanted, to any. */
#define XL_WANT(i) (1 << (i))
#define XL_WANT_ANY ((1 << XL_OP_INPUTS) - 1)

/*
 * One row per operator: its name, its vector-Jacobian product, and what becomes
 * of memory.
 *
 * vjp    sets gin[i] for inputs wanted (NULL is zero); 0, or -1 with xl_err set
 * reads  for each input, and last for the output: the wanted derivatives
 *        (XL_WANT) for which vjp reads its numbers
 * redo   compute the output's numbers again, from aux and the inputs: for
 *        operators so cheap that outputs are given up when they are dropped and
 *        come back on the way back; NULL for others
 */
struct xl_opdef {
	const char *name;
	int (*vjp)(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin);
	unsigned char reads[XL_OP_INPUTS + 1];
	void (*redo)(struct xl_tape *t, const struct xl_node *nd);
};

struct xl_node {
	const struct xl_opdef *op;
	struct xl_var *in[XL_OP_INPUTS];
	struct xl_var *out;
	float *aux; /* saved by forward, in the arena */
	size_t aux_bytes;
	union {
		struct xl_conv2d_dims conv;
		struct xl_norm_dims norm;
		struct {
			float p, q;
		} num;
		struct {
			int axis, start, len;
			struct xl_dims whole;
		} part;
		struct {
			struct xl_window w;
			struct xl_dims whole;
		} window;
	} u;
};

/* xl_tape_out - a fresh, uninitialised value; NULL with xl_err set */
struct xl_var *xl_tape_out(struct xl_tape *t, struct xl_dims d);

/* xl_tape_push - record nd (copied) if recording and an input needs it, else
 * free its aux; returns nd->out, or NULL with xl_err set */
struct xl_var *xl_tape_push(struct xl_tape *t, const struct xl_node *nd);

/* xl_tape_take - bytes of the arena, for aux or as scratch of one kernel call; NULL
 * with xl_err set. xl_tape_give - hand them back; p may be NULL */
void *xl_tape_take(struct xl_tape *t, size_t bytes);
void xl_tape_give(struct xl_tape *t, void *p, size_t bytes);

/* xl_op_leaky_bwd - g (x > 0 ? 1 : slope), recorded as linear in g and flat in x */
struct xl_var *xl_op_leaky_bwd(struct xl_tape *t, struct xl_var *g, struct xl_var *x, float slope);

#endif
