/*
 * points.h - one tensor of each record of a stream as a row of numbers, and the group
 * each belongs to.
 */
#ifndef XL_DATA_POINTS_H
#define XL_DATA_POINTS_H

#include "core/digest.h"
#include "data/batch_labels.h"
#include "image/scatter.h"

struct xl_points {
	double *rows; /* (n,d) */
	char **ids;   /* (n) */
	int *group;   /* (n) the value it is grouped by; once ended, numbers from 0 */
	int64_t n, d, cap;
	char *names[XL_SCATTER_GROUPS]; /* of groups, once ended */
	int groups;
	struct xl_digest digest; /* of ids and rows */

	const char *tensor, *by; /* as asked for, or NULL */
	const char *const *files;
	int n_files;
	bool by_file;
	struct xl_labels labels;
	struct xl_labels_want want;
};

/*
 * xl_points_init - no rows yet
 *
 * tensor NULL: `f` where a record has it, else `out`, else `x`. by: `file`, `domain` or
 * the name of a label; NULL: the file where there are several, else the domain, else the
 * label where there is but one, by the first record; else one group.
 * Owns     the strings must outlive it; xl_points_done releases the rest
 */
void xl_points_init(struct xl_points *p, const char *tensor, const char *by,
		    const char *const *files, int n_files);
void xl_points_done(struct xl_points *p);

/* What becomes of a record; xl_err is set by all but the first. */
enum xl_points_answer {
	XL_POINTS_TAKEN,
	XL_POINTS_SKIPPED,   /* no such tensor, another size than the first, values that are not
			      * finite, no label */
	XL_POINTS_NO_GROUP,  /* of the first: it has not what `by` says */
	XL_POINTS_NO_TENSOR, /* of the first: nothing has it, then */
	XL_POINTS_FAILED     /* no memory */
};

/*
 * xl_points_add - take one record of file number `file`
 *
 * Units    `x` and `out` as bytes of a picture / 255; other tensors as they are
 */
enum xl_points_answer xl_points_add(struct xl_points *p, const struct xl_record *r, int file);

/* xl_points_end - number and name the groups, in the order of files or of values; 0, or
 * -1 with xl_err set: more than XL_SCATTER_GROUPS */
int xl_points_end(struct xl_points *p);

#endif
