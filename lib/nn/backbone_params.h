/*
 * backbone_params.h - the parameters of a published network, as walk.c declares and
 * reads them. Used by backbone.c, walk.c and tests alone.
 */
#ifndef XL_NN_BACKBONE_PARAMS_H
#define XL_NN_BACKBONE_PARAMS_H

#include "nn/backbone.h"

struct xl_backbone_param {
	char name[64];
	int ndim;
	int64_t shape[4];
	size_t at; /* its numbers, in floats */
};

/* A batch norm to fold: the parameters before, from and after this one. */
struct xl_backbone_fold {
	int weights; /* of the convolution; scale, shift, mean and variance follow */
	double eps;
};

struct xl_backbone {
	const struct xl_backbone_def *def;
	struct xl_backbone_param *params;
	struct xl_backbone_fold *folds;
	int n_params, cap_params, n_folds, cap_folds;
	int heads[XL_BACKBONE_TAPS]; /* parameters; -1: none */
	size_t count;
	float *values; /* NULL: declared only */
	char digest[65];
	bool is_published;
	bool is_ceil; /* xl_backbone_ceil */
};

/* xl_backbone_describe - a network with its parameters declared, without numbers; NULL
 * with xl_err set */
struct xl_backbone *xl_backbone_describe(const struct xl_backbone_def *def);

/* xl_backbone_declare - the next parameter, called name and suffix; xl_backbone_fold_here -
 * four to come fold into the last. 0, or -1 with xl_err set */
int xl_backbone_declare(struct xl_backbone *b, const char *name, const char *suffix,
			struct xl_dims d, int ndim);
int xl_backbone_fold_here(struct xl_backbone *b, double eps);

/* xl_backbone_values - the numbers of parameter i */
const float *xl_backbone_values(const struct xl_backbone *b, int i);

#endif
