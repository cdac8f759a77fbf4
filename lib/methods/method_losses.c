/*
 * method_losses.c - how the steps of methods report losses and add them up.
 */
#include "grad/ops.h"
#include "methods/method_losses.h"

void xl_losses_note(struct xl_losses *l, int i, double value)
{
	l->value[i] = value;
	l->given[i] = true;
}

void xl_losses_report(struct xl_losses *l, int i, const struct xl_tape *t, const struct xl_var *v)
{
	if (v)
		xl_losses_note(l, i, xl_var_scalar(t, v));
}

struct xl_var *xl_losses_zero(struct xl_tape *t)
{
	return xl_var_const(t, xl_dims_plain(1, 1, 1, 1), 0);
}

struct xl_var *xl_losses_add(struct xl_losses *l, int i, struct xl_tape *t, struct xl_var *total,
			     double weight, struct xl_var *term)
{
	xl_losses_report(l, i, t, term);
	if (!total || !term)
		return NULL;
	return weight == 0 ? total : xl_op_add(t, total, xl_op_affine(t, term, weight, 0));
}

int xl_losses_weigh(double weights)
{
	return weights > 0 ? 0 : xl_err("every weight is 0: there is nothing to learn");
}
