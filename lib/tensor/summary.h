/*
 * summary.h - tensors and records for people: extremes, values as text, a
 * listing, and the same as JSON.
 */
#ifndef XL_TENSOR_SUMMARY_H
#define XL_TENSOR_SUMMARY_H

#include "core/json.h"
#include "xl.h"

struct xl_summary {
	int64_t nonfinite;     /* values that are infinite or not a number */
	int64_t finite;        /* the others; where it is 0 the next three are 0 */
	double min, mean, max; /* over the finite values */
};

/* xl_tensor_summary - Units: the tensor's own. Errors: none */
void xl_tensor_summary(const struct xl_tensor *t, struct xl_summary *s);

/*
 * xl_tensor_print - all values as text on f: one row (last dimension) a line,
 * separated by spaces, an empty line between matrices
 *
 * Units    the shortest decimal that reads back as the same value; nan, inf
 * Errors   none; the caller looks at ferror(f)
 */
void xl_tensor_print(FILE *f, const struct xl_tensor *t);

/* xl_record_print - kind, id, meta and a line for each tensor, as text on f */
void xl_record_print(FILE *f, const struct xl_record *r);

/* xl_record_json - the same as the keys kind, id, meta and tensors of the object
 * that is open in j */
void xl_record_json(struct xl_json *j, const struct xl_record *r);

#endif
