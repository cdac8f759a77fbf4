/*
 * backbone.h - published networks whose weights come from elsewhere: features for
 * LPIPS, perceptual losses and FID.
 *
 * A network is described once, by the function that runs it: run without a picture,
 * it declares names and shapes of its parameters; with one, it computes. Batch norms
 * are folded into the convolutions before them.
 */
#ifndef XL_NN_BACKBONE_H
#define XL_NN_BACKBONE_H

#include "grad/ops.h"
#include "grad/tape.h"
#include "xl.h"

enum { XL_BACKBONE_TAPS = 7 };

struct xl_walk;

/* One network. Pictures are in -1..1, and become (x - shift) / scale first. */
struct xl_backbone_def {
	const char *name;
	double shift[3], scale[3];
	int n_taps;
	const char *unused; /* what names of parameters it does without begin with, or NULL */
	void (*walk)(struct xl_walk *w, struct xl_var *x);
};

/* xl_backbone_find - by name; NULL with xl_err set. xl_backbone_at - all, i from 0;
 * NULL at the end. xl_backbone_names - all, joined by '|'; static */
const struct xl_backbone_def *xl_backbone_find(const char *name);
const struct xl_backbone_def *xl_backbone_at(int i);
const char *xl_backbone_names(void);

/*
 * xl_backbone_select - make a record of tensors just the parameters of a network: in
 *                      order, <f4 (rounded once from <f8), without what it is known to
 *                      do without (unused, num_batches_tracked)
 *
 * Errors   the number left out, or -1 with xl_err set: "not vgg19: lacks
 *          'features.0.bias' (and 3 more); 'a' is no parameter of it; 'features.0.weight'
 *          is (64,1,3,3) <f4, not (64,3,3,3)"
 */
int xl_backbone_select(const struct xl_backbone_def *def, struct xl_record *r);

/*
 * xl_backbone_new - a network with the parameters of r, as xl_backbone_select leaves it
 * xl_backbone_load - a network from a model file that xl-convert --as wrote
 *
 * Owns     the caller frees it with xl_backbone_free; the numbers are copied
 * Errors   NULL with xl_err set: "a.msgpack: weights of 'vgg16', not 'vgg19'"
 */
struct xl_backbone *xl_backbone_new(const struct xl_backbone_def *def, const struct xl_record *r);
struct xl_backbone *xl_backbone_load(const char *path, const struct xl_backbone_def *def);
void xl_backbone_free(struct xl_backbone *b);

/* xl_backbone_named - the name of the network in a model file, "" for none, in name (64); 0,
 * or -1 with xl_err set */
int xl_backbone_named(const char *path, char name[64]);

/* xl_backbone_path - where the weights of a network are that was not named: NETWORK.msgpack,
 * see xl_data_file. The caller frees it; NULL with xl_err set, which says how to get them */
char *xl_backbone_path(const struct xl_backbone_def *def);

/* xl_backbone_digest - SHA-256 of the parameters of a loaded network, "" of one that was
 * not. xl_backbone_is_published - whether its weights are those it is known by, as far as
 * digests tell; what is measured with others needs a name of its own */
const char *xl_backbone_digest(const struct xl_backbone *b);
bool xl_backbone_is_published(const struct xl_backbone *b);

/*
 * xl_backbone_run - the values at the taps for a batch of pictures
 *
 *   vgg19             relu1_1 relu2_1 relu3_1 relu4_1 relu5_1
 *   vgg16, lpips-vgg  relu1_2 relu2_2 relu3_3 relu4_3 relu5_3
 *   alexnet, squeezenet1_1, lpips-alex, lpips-squeeze   as LPIPS takes them (5, 5, 7)
 *   inception-fid, inception   after the first and the second pool of the stem, Mixed_6e,
 *                     Mixed_7c, and the logits (N,classes,1,1), of inception-fid without
 *                     bias; for pictures of 299x299
 *   resnet50-face     the last block, whose mean over places describes a face of 224x224
 *   vgg16-face        fc7 of a face of 224x224, before its ReLU and after it
 *
 * The weights are constants: gradients go to x alone. Of a tape that does not record, what
 * is no tap is freed on the way.
 * Shapes   x: (N,3,H,W) in -1..1   taps: def->n_taps of (N,C,h,w)
 * Errors   0, or -1 with xl_err set
 */
int xl_backbone_run(const struct xl_backbone *b, struct xl_tape *t, struct xl_var *x,
		    struct xl_var *taps[XL_BACKBONE_TAPS]);

/* xl_backbone_ceil - let pools of VGG and AlexNet have one more window where pixels are left
 * over, as in TensorFlow (SAME): for pictures smaller than the network was made for */
void xl_backbone_ceil(struct xl_backbone *b);

/* xl_backbone_taps - how many taps it has */
int xl_backbone_taps(const struct xl_backbone *b);

/* xl_backbone_head - LPIPS networks: the weight of each channel of tap k, (C); NULL for
 * others */
const float *xl_backbone_head(const struct xl_backbone *b, int k);

#endif
