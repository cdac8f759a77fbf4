/*
 * net.h - networks as blocks of parameters, and the layers methods build them
 * from. A layer is: [up ->] pad -> conv -> norm -> activation, or the same with a
 * transposed convolution. A linear layer is a 1x1 convolution of a (N,C,1,1) vector, or
 * one with a kernel as large as its map.
 *
 * Parameters of a network lie in one block, in the order they were declared;
 * gradients and Adam's moments are blocks of the same layout.
 */
#ifndef XL_NN_NET_H
#define XL_NN_NET_H

#include "grad/ops.h"
#include "grad/tape.h"
#include "xl.h"

enum xl_act { XL_ACT_NONE, XL_ACT_RELU, XL_ACT_LEAKY, XL_ACT_TANH, XL_ACT_SIGMOID };

/* XL_BN_TRAIN uses the batch's statistics and updates the running ones; BATCH
 * uses them without updating; RUNNING is for inference. */
enum xl_bn { XL_BN_TRAIN, XL_BN_BATCH, XL_BN_RUNNING };

/* XL_IN_BARE is instance norm without scale and shift. */
enum xl_norm_choice { XL_NO_NORM, XL_IN_BARE, XL_IN, XL_LN, XL_BN };

/* Which optimiser a network belongs to. */
enum xl_group { XL_GENERATOR, XL_CRITIC, XL_GROUPS };

struct xl_param {
	char name[24];    /* "4a.weight" */
	struct xl_dims d; /* (O,I,kh,kw), transposed (I,O,kh,kw), or (1,C,1,1) */
	size_t at;        /* offset in the block, in floats */
	int fan_in;       /* weights: I*kh*kw, else 0 */
	float std;        /* weights: the layer's own initial std, or 0 */
	float fill;       /* biases and norms: initial value */
	bool buffer;      /* running statistics: kept, never trained */
};

struct xl_net {
	char id[16]; /* "E_c" */
	enum xl_group group;
	struct xl_param *params;
	int n_params, cap_params;
	size_t count;                   /* floats of a block */
	float *value;                   /* (count); NULL while the values are still in source */
	float *grad, *m, *v;            /* (count) each, only where the network is trained */
	struct xl_var **vars;           /* of the current step, by parameter */
	bool bound;                     /* they are */
	const struct xl_record *source; /* a tensor <f4 for each parameter, at any address;
					 * outlives the network */
	enum xl_bn bn;
	bool frozen;    /* not trained for now: no gradient, no update */
	bool scaffold;  /* only training needs it, whatever its optimiser */
	bool bn_halves; /* the two halves of a batch are batches of their own for batch norm */
};

struct xl_layer {
	int ci, co, k, stride, pad;
	int planes;            /* constant planes after the ci channels: xl_nn_layer_on */
	enum xl_pad_mode mode; /* zeros around, unless set */
	bool up;               /* the input is enlarged by two (nearest) first; stride 1 */
	bool transposed;       /* zeros around; the output has stride times the size */
	enum xl_norm_choice norm;
	enum xl_act act;
	double slope; /* of XL_ACT_LEAKY */
	double std;   /* of the initial weights; 0: as xl_net_randomise is told */
	int first;    /* parameter: weight, then bias, scale, shift, mean, var; or planes */
};

/* xl_net_init - an empty network (id is copied, 15 bytes of it); xl_net_done - release its memory
 */
void xl_net_init(struct xl_net *net, const char *id, enum xl_group group);
void xl_net_done(struct xl_net *net);

/*
 * xl_net_layer - declare the parameters of one layer, named row.weight, row.bias,
 * and, where normalised, row.scale, row.shift (and row.mean, row.var for BN); of a
 * layer with planes, which has no norm, row.planes (co,planes,k,k)
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_net_layer(struct xl_net *net, const char *row, struct xl_layer *l);

/* xl_net_alloc - allocate the blocks once all layers are declared; grad and
 * moments only if trained. 0, or -1 with xl_err set */
int xl_net_alloc(struct xl_net *net, bool trained);

/*
 * xl_net_fetch - values of its own, from the source; nothing where they are there. A
 *                network that is not used so costs nothing: binding does it
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_net_fetch(struct xl_net *net);

/* xl_net_count - trainable parameters (without running statistics) */
size_t xl_net_count(const struct xl_net *net);

/*
 * xl_net_randomise - initial values: weights N(0, std^2) with std = gain /
 * sqrt(fan_in), or a fixed std where gain is 0, or the layer's own; the rest as
 * declared
 *
 * Does nothing for a network without memory (a critic at inference).
 * Source   He et al. 2015 (gain sqrt 2); Radford et al. 2016 (std 0.02)
 */
void xl_net_randomise(struct xl_net *net, uint64_t seed, uint32_t index, double gain, double std);

/*
 * xl_net_randomise_uniform - initial values: weights and the biases after them
 * U(-a, a) with a = 1 / sqrt(fan); the rest as declared
 *
 * The fan is I*kh*kw. Of transposed convolutions it is so in PyTorch 0.4 (old), later
 * O*kh*kw; and 0.4 draws the scales of norms from U(0, 1).
 * Does nothing for a network without memory.
 */
void xl_net_randomise_uniform(struct xl_net *net, uint64_t seed, uint32_t index, bool old);

/* xl_net_randomise_truncated - initial values: weights N(0, std^2), drawn again beyond
 * 2 std; the rest as declared. Source: TensorFlow's truncated normal */
void xl_net_randomise_truncated(struct xl_net *net, uint64_t seed, uint32_t index, double std);

/* xl_net_randomise_glorot - initial values: weights of convolutions U(-a, a) with a =
 * sqrt(6 / (I*kh*kw + O*kh*kw)); the rest as declared. Source: Glorot and Bengio 2010,
 * eq. 16 */
void xl_net_randomise_glorot(struct xl_net *net, uint64_t seed, uint32_t index);

/* xl_net_needed - whether a model of this use has the network in memory: all where it is
 * trained, else what inference takes */
bool xl_net_needed(const struct xl_net *net, bool trained);

/* xl_net_bind - make the parameters leaves of this step's tape, trained (unless frozen)
 * or constant. 0, or -1 with xl_err set. xl_net_unbind - forget a step that is over: the
 * first layer of the next binds them, constant, where nobody did */
int xl_net_bind(struct xl_net *net, struct xl_tape *t, bool trained);
void xl_net_unbind(struct xl_net *net);

/*
 * xl_net_zero - zero the gradients
 * xl_net_adam - one update by the gradients (xl_kernels.adam), number a->t
 *
 * Of trained networks only. Running statistics are not Adam's: neither their gradient,
 * which there is none, nor the decay of weights moves them.
 */
void xl_net_zero(struct xl_net *net);
void xl_net_adam(struct xl_net *net, const struct xl_kernels *k, const struct xl_adam *a);

/* xl_nn_layer - apply a layer; xl_nn_resblock - a then b, plus x, no activation
 * after the sum. NULL with xl_err set */
struct xl_var *xl_nn_layer(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			   struct xl_var *x);
struct xl_var *xl_nn_resblock(struct xl_tape *t, struct xl_net *net, const struct xl_layer *a,
			      const struct xl_layer *b, struct xl_var *x);

/* xl_nn_layers - n layers one after another. x is the caller's, what lies between is
 * not. NULL with xl_err set */
struct xl_var *xl_nn_layers(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l, int n,
			    struct xl_var *x);

/*
 * xl_nn_layer_on - apply a layer to x followed by constant planes, one for each number
 * of z
 *
 * Padded by reflection, a constant plane stays constant: what it adds is a number for
 * each sample and output channel, the sum of its taps times z.
 * Shapes   x: (N,ci,H,W)   z: (N,planes,1,1)
 * Errors   NULL with xl_err set
 */
struct xl_var *xl_nn_layer_on(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			      struct xl_var *x, struct xl_var *z);

/* xl_nn_adain - instance norm of x (N,C,H,W), times gamma, plus beta, of p (N,2C,1,1) =
 * beta, gamma. Source: Huang and Belongie 2017, eq. 8. NULL with xl_err set */
struct xl_var *xl_nn_adain(struct xl_tape *t, struct xl_var *x, struct xl_var *p);

/* xl_nn_l1 - mean of the absolute difference over every element; a number. NULL with
 * xl_err set */
struct xl_var *xl_nn_l1(struct xl_tape *t, struct xl_var *a, struct xl_var *b);

/* xl_nn_mse - mean of the squared difference over every element; a number. NULL with
 * xl_err set */
struct xl_var *xl_nn_mse(struct xl_tape *t, struct xl_var *a, struct xl_var *b);

/* xl_nn_blend - m a + (1 - m) b, where m is 0 or 1 exactly b or a; m (N,1,H,W), 0..1,
 * a and b alike. NULL with xl_err set */
struct xl_var *xl_nn_blend(struct xl_tape *t, struct xl_var *m, struct xl_var *a, struct xl_var *b);

/* xl_nn_bce - sum over attributes, mean over the batch, of BCE(sigmoid(z), y); z, y: (N,A,1,1) */
struct xl_var *xl_nn_bce(struct xl_tape *t, struct xl_var *z, struct xl_var *y);

#endif
