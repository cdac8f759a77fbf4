/*
 * train_sheet.h - the picture a run draws of itself at each checkpoint: for a
 * few fixed pairs of the data, both images with their masks, both translations
 * and the self-reconstruction.
 *
 * Source   as in figures of the LOMIT authors; made with the stages every method has
 */
#ifndef XL_TRAIN_TRAIN_SHEET_H
#define XL_TRAIN_TRAIN_SHEET_H

#include "data/batch_spool.h"
#include "methods/model.h"

enum { XL_SHEET_PAIRS = 4 };

struct xl_sheet {
	const struct xl_spool *spool;
	const char *dir;
	struct xl_tape *tape;
	uint32_t image[XL_SHEET_PAIRS][2];
	int n;
};

/*
 * xl_sheet_init - choose the pairs and make the folder
 *
 * Pairs are the first images of both domains; without domains, images from the
 * beginning of the data whose labels differ.
 * Owns     borrows spool and dir; the caller ends with xl_sheet_done
 * Errors   0, or -1 with xl_err set
 */
int xl_sheet_init(struct xl_sheet *s, const struct xl_spool *spool, const char *dir);
void xl_sheet_done(struct xl_sheet *s);

/* xl_sheet_write - DIR/00001000.png by the model as it is now; its batch norms
 * are left in training. 0, or -1 with xl_err set */
int xl_sheet_write(struct xl_sheet *s, struct xl_model *m);

#endif
