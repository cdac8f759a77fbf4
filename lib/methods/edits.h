/*
 * edits.h - the edits of one command line, applied to a mask in their order. The
 * arithmetic of each is edit.h.
 */
#ifndef XL_METHODS_EDITS_H
#define XL_METHODS_EDITS_H

#include "methods/edit.h"

enum xl_edit_kind {
	XL_EDIT_SET,
	XL_EDIT_ERASE,
	XL_EDIT_KEEP,
	XL_EDIT_THRESHOLD,
	XL_EDIT_INVERT,
	XL_EDIT_SCALE,
	XL_EDIT_KINDS
};

struct xl_edit {
	enum xl_edit_kind kind;
	double value;
	struct xl_tensor *painted; /* of XL_EDIT_SET, owned */
	struct xl_rect *rects;     /* of XL_EDIT_ERASE and _KEEP, owned */
	int n_rects;
};

struct xl_edits {
	struct xl_edit *list;
	int n;
};

/*
 * xl_edits_add - one more edit, by the name of its option: "erase", "10,20,40,40".
 * Every "keep" is one more rectangle of the first: what they cover is added up.
 *
 * Errors   0, or -1 with xl_err set; a picture to set is read at once
 */
int xl_edits_add(struct xl_edits *e, const char *name, const char *value);
void xl_edits_done(struct xl_edits *e);

/* xl_edits_apply - all of them, to a mask of edit.h; 0, or -1 with xl_err set */
int xl_edits_apply(const struct xl_edits *e, struct xl_tensor *m, const struct xl_cells *g);

/* xl_edits_outside - how many rectangles have no pixel of the picture */
int xl_edits_outside(const struct xl_edits *e, const struct xl_cells *g);

#endif
