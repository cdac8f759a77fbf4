/*
 * sheet.h - records to one picture for people: which tensors are shown, in how
 * many columns, under which labels. The drawing itself is xl_image_montage.
 */
#ifndef XL_IMAGE_SHEET_H
#define XL_IMAGE_SHEET_H

#include <stdbool.h>
#include "xl.h"

enum { XL_SHEET_SHOWN = 8 };

struct xl_sheet {
	char *names;                       /* what is shown, cut into shown */
	const char *shown[XL_SHEET_SHOWN]; /* n_shown tensors of a record, side by side */
	int n_shown;
	struct xl_tensor **tiles; /* n * n_shown, |u1, NULL for an empty cell */
	char **ids;               /* n */
	char **exemplars;         /* n; the end of the id that is the exemplar, or NULL */
	int n, cap;
	int64_t pixels; /* of all tiles */
};

/*
 * xl_sheet_init - an empty sheet that shows these tensors, separated by commas;
 * NULL: `out` where a record has it, else `x`
 *
 * Owns     the caller ends it with xl_sheet_done
 * Errors   0, or -1 with xl_err set: "--show: ..."
 */
int xl_sheet_init(struct xl_sheet *s, const char *show);
void xl_sheet_done(struct xl_sheet *s);

/*
 * xl_sheet_add - take the pictures of one record; keeps bytes, not the record
 *
 * `m` and `m_true` become heat maps over `x`, or grey where there is no `x`.
 * Errors   1 if a tensor is missing or no picture: its cell stays empty, and
 *          where none is left the record is not taken; xl_err says which. -1
 *          with xl_err set for a sheet that cannot be: no memory, too large
 */
int xl_sheet_add(struct xl_sheet *s, const struct xl_record *r);

/*
 * xl_sheet_columns - records in a row: the number of exemplars where the records
 * are inputs times exemplars (ids INPUT+EXEMPLAR, exemplar fastest), else what
 * makes the sheet about square
 */
int xl_sheet_columns(const struct xl_sheet *s);

/*
 * xl_sheet_draw - the sheet, (3,H,W) |u1
 *
 * columns  records in a row, 0 for xl_sheet_columns
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_sheet_draw(const struct xl_sheet *s, int columns, bool has_labels);

#endif
