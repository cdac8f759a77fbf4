/*
 * method_losses.h - how the steps of methods report losses and add them up.
 */
#ifndef XL_METHODS_METHOD_LOSSES_H
#define XL_METHODS_METHOD_LOSSES_H

#include "methods/method.h"

/*
 * xl_losses_note   - loss i of the method's loss_names is value
 * xl_losses_report - loss i is the number v; nothing where v is NULL
 * xl_losses_zero   - what a total begins with
 * xl_losses_add    - total + weight * term, and the term reported as it is. What weighs
 *                    nothing is reported, and not learnt from
 *
 * Errors   NULL with xl_err set, also where total or term is NULL: what failed once
 *          must not end as the sum of the rest
 */
void xl_losses_note(struct xl_losses *l, int i, double value);
void xl_losses_report(struct xl_losses *l, int i, const struct xl_tape *t, const struct xl_var *v);
struct xl_var *xl_losses_zero(struct xl_tape *t);
struct xl_var *xl_losses_add(struct xl_losses *l, int i, struct xl_tape *t, struct xl_var *total,
			     double weight, struct xl_var *term);

/* xl_losses_weigh - 0 where weights, the sum of those that the networks which translate
 * learn by, is above 0; else -1 with xl_err set */
int xl_losses_weigh(double weights);

#endif
