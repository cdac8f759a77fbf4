/*
 * outputs.h - outputs of translations, as many as there are of each input, read
 * together: what was made of one input, and that input.
 */
#ifndef XL_DATA_OUTPUTS_H
#define XL_DATA_OUTPUTS_H

#include "core/digest.h"
#include "data/inputs.h"

enum { XL_INPUT, XL_OUTPUT, XL_ROLES };

/* What was made of one input. Pictures are (3,H,W) |u1, all of one size. */
struct xl_made {
	char *name;              /* of the input, without extension */
	struct xl_tensor *input; /* NULL where there is none, or none that could be used */
	int64_t n, cap;
	struct xl_tensor **out;
	char **ids; /* of the outputs */
};

/* Set skip and, for an order other than by names, is_one or per; xl_outputs_open. */
struct xl_outputs {
	bool is_one;        /* all are of one input */
	int64_t per;        /* that many in a row are of one input; 0: by their names */
	void (*skip)(void); /* called with xl_err set for a picture that is left out */

	const char *path[XL_ROLES];
	struct xl_inputs in[XL_ROLES];
	struct xl_digest digest[XL_ROLES]; /* of the pictures that groups got */
	struct xl_record *ahead;           /* an output, read but not placed */
	int64_t groups;                    /* delivered */
	char size[48];                     /* of their pictures: "128x128", or "mixed" */
};

/*
 * xl_outputs_open - start reading; inputs may be NULL
 *
 * An output is of the input that its meta.input names; else of that whose id, without
 * extension, its own is, or begins with before a "+" or a "#". Without inputs, the name
 * is what is before the first "+", else the last "#". Outputs of one input stand one
 * after the other, in the order of the inputs. A picture file as `inputs` is the input
 * of all.
 * Owns     paths are borrowed; xl_outputs_done releases the rest
 */
void xl_outputs_open(struct xl_outputs *o, const char *inputs, const char *outputs);
void xl_outputs_done(struct xl_outputs *o);

/*
 * xl_outputs_next - the next group, which may have no outputs
 *
 * Owns     the caller frees it with xl_made_done, also after a failure
 * Errors   1, 0 at the end, -1 with xl_err set: a file that cannot be read on, an output
 *          without an input, fewer in a row than per, no outputs at all
 */
int xl_outputs_next(struct xl_outputs *o, struct xl_made *g);
void xl_made_done(struct xl_made *g);

#endif
