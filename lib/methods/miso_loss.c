/*
 * miso_loss.c - MISO's losses.
 */
#include <math.h>
#include "methods/miso_net.h"

/* Sum over the numbers of a style, mean over the batch. */
static struct xl_var *mean_of_sums(struct xl_tape *t, struct xl_var *v)
{
	return v ? xl_op_affine(t, xl_op_sum(t, v), 1.0 / v->d.n, 0) : NULL;
}

struct xl_var *xl_miso_milo(struct xl_tape *t, struct xl_var *z, const struct xl_miso_posterior *q)
{
	const double pi = acos(-1);
	struct xl_var *d = xl_op_sub(t, z, q->mu);
	struct xl_var *precision = xl_op_exp(t, xl_op_affine(t, q->logvar, -1, 0));
	struct xl_var *far = xl_op_mul(t, xl_op_mul(t, d, d), precision);
	struct xl_var *sum = xl_op_add(t, far, q->logvar);

	return mean_of_sums(t, xl_op_affine(t, sum, 0.5, 0.5 * log(2 * pi)));
}

struct xl_var *xl_miso_kl(struct xl_tape *t, const struct xl_miso_posterior *q)
{
	struct xl_var *mean = xl_op_mul(t, q->mu, q->mu);
	struct xl_var *spread = xl_op_sub(t, xl_op_exp(t, q->logvar), q->logvar);

	return mean_of_sums(t, xl_op_affine(t, xl_op_add(t, mean, spread), 0.5, -0.5));
}

/* mean (s - target)^2 */
static struct xl_var *squares(struct xl_tape *t, struct xl_var *s, double target)
{
	struct xl_var *d = xl_op_affine(t, s, 1, -target);

	return xl_op_mean(t, xl_op_mul(t, d, d));
}

/* mean ln(1 + e^(sign s)) */
static struct xl_var *logistic(struct xl_tape *t, struct xl_var *s, double sign)
{
	return xl_op_mean(t, xl_op_softplus(t, xl_op_affine(t, s, sign, 0)));
}

struct xl_var *xl_miso_judge(struct xl_tape *t, const char *gan, struct xl_var *logits,
			     bool is_real)
{
	if (xl_miso_is(gan, "ls"))
		return squares(t, logits, is_real ? 1 : 0);
	return logistic(t, logits, is_real ? -1 : 1);
}

struct xl_var *xl_miso_fool(struct xl_tape *t, const char *gan, struct xl_var *logits)
{
	if (xl_miso_is(gan, "ls"))
		return squares(t, logits, 1);
	if (xl_miso_is(gan, "minimax"))
		return xl_op_affine(t, logistic(t, logits, 1), -1, 0);
	return logistic(t, logits, -1);
}
