/*
 * sets_attrs.h - the labels of a set: CelebA's list_attr_celeba.txt (or .csv),
 * or the digits of an idx file; and its parts, CelebA's list_eval_partition.txt.
 */
#ifndef XL_DATA_SETS_ATTRS_H
#define XL_DATA_SETS_ATTRS_H

#include <stdbool.h>
#include <stdint.h>

/* Part of a set: ALL where nothing says which; OTHER is neither train nor test. */
enum xl_split { XL_SPLIT_ALL, XL_SPLIT_TRAIN, XL_SPLIT_TEST, XL_SPLIT_OTHER };

struct xl_attrs_row {
	const char *file;
	const uint8_t *y;
	bool is_present; /* a picture of that name was found */
	enum xl_split split;
};

struct xl_attrs {
	char *path;
	char **names; /* of the attributes, n_names */
	int n_names;
	int64_t n;
	struct xl_attrs_row *rows; /* by name, bytewise; NULL for digits */
	uint8_t *values;           /* n rows of n_names; -1 in the file is 0 */
	char *text;                /* the file, which names and rows point into */
};

/*
 * xl_attrs_read - parse an attribute file
 *
 * Line 1 is the number of pictures (and may be absent), line 2 the names of the
 * attributes, every further line a file name and -1, 0 or 1 for each. Blanks or
 * commas separate; with commas, line 2 begins with a name for the first column.
 *
 * Owns     the caller ends it with xl_attrs_done
 * Errors   0, or -1 with xl_err set: "list_attr_celeba.txt: line 17: ..."
 */
int xl_attrs_read(struct xl_attrs *l, const char *path);
void xl_attrs_done(struct xl_attrs *l);

/*
 * xl_attrs_read_split - parse list_eval_partition.txt (or .csv): on each line a file name and
 * 0 (train), 1 (validation: neither) or 2 (test); a first line of other words is a heading
 *
 * Files that l does not list are passed over; what is listed there alone keeps XL_SPLIT_ALL.
 * Errors   0, or -1 with xl_err set: "list_eval_partition.txt: line 17: ..."
 */
int xl_attrs_read_split(struct xl_attrs *l, const char *path);

/* xl_attrs_find - the row of a file name without directory, or -1 */
int64_t xl_attrs_find(const struct xl_attrs *l, const char *file);

#endif
