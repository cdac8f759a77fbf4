/*
 * eye.h - a classifier at work on records: the picture of one becomes probabilities
 * and features.
 */
#ifndef XL_METRICS_EYE_H
#define XL_METRICS_EYE_H

#include "core/digest.h"
#include "nn/classifier.h"

struct xl_eye {
	struct xl_classifier *c;
	struct xl_tape *tape;
	float *x;              /* (3,size,size), the picture last seen */
	float *p;              /* (outputs), as of xl_classifier_see */
	float *f;              /* (features) */
	struct xl_digest seen; /* ids and pictures, in order */
};

/* xl_eye_open - with the classifier in a file; 0, or -1 with xl_err set. xl_eye_close -
 * release everything, also after a failure */
int xl_eye_open(struct xl_eye *e, const char *path);
void xl_eye_close(struct xl_eye *e);

/*
 * xl_eye_see - fill p and f from the picture `out` of a record, else `x`; its id and
 *              picture go into the digest
 *
 * Errors   0, or -1 with xl_err set: no picture (xl_compare_image), not square
 */
int xl_eye_see(struct xl_eye *e, const struct xl_record *r);

/* xl_eye_describe - make an image or code record, just seen, a features record: f (D)
 * <f4, and its labels y; meta says which network. 0, or -1 with xl_err set */
int xl_eye_describe(const struct xl_eye *e, struct xl_record *r);

#endif
