/*
 * sets.h - data sets as lists of pictures with labels: single files, folders,
 * CelebA's and CycleGAN's layout, idx files. First add what the user names, then
 * select, then take records one by one.
 *
 * Only names and labels are held in memory, pictures never.
 */
#ifndef XL_DATA_SETS_H
#define XL_DATA_SETS_H

#include "data/sets_crop.h"
#include "data/sets_idx.h"
#include "data/sets_attrs.h"
#include "xl.h"

struct xl_item {
	char *path;          /* owned, unless it is the path of an idx file */
	int labels;          /* which of set->labels, or -1 */
	int idx;             /* which of set->idx, or -1 */
	int64_t row;         /* of the labels, or -1; the picture in an idx file */
	char domain;         /* 'A', 'B', or 0 */
	enum xl_split split; /* that its folder or a list decides, or XL_SPLIT_ALL */
	bool is_pair;        /* found in a folder that has trainA, trainB ... */
};

/* A list of labels as a set uses it. */
struct xl_set_labels {
	struct xl_attrs list;
	uint64_t dev, ino; /* so that a list is read once */
	bool is_walked;    /* a folder it belongs to was read: absent files count */
	int *columns;      /* what goes into y, n_columns; NULL for all */
	int n_columns;
};

struct xl_set {
	struct xl_item *items;
	int64_t n, cap;
	struct xl_set_labels *labels;
	int n_labels;
	struct xl_idx *idx;
	int n_idx;
	char *looked_in;  /* the folder whose list was looked for last, and what */
	int looked_found; /* was found: kept because many files share a folder */
	char **notes;     /* what xl_set_select has to say */
	int n_notes;
	char **failures; /* what could not be read inside of folders */
	int n_failures;
};

struct xl_set *xl_set_new(void);
void xl_set_free(struct xl_set *s);

/*
 * xl_set_add - add a picture, an idx file, or all pictures of a folder and the
 * folders in it, bytewise by path
 *
 * A folder that has trainA, trainB, testA or testB gives only those, and they
 * decide domain and split. A list of attributes (list_attr_celeba.txt or .csv)
 * counts for the folder it lies in or in whose "Anno" it lies, and for those
 * below; above what is named it is looked for in two folders. A list of parts
 * (list_eval_partition.txt or .csv) is looked for beside it, and in "Eval" there
 * or beside its folder.
 *
 * A folder inside that cannot be read, and a broken idx file inside, go into
 * s->failures, and the rest is added.
 *
 * Errors   0, or -1 with xl_err set and nothing added (nothing there, no
 *          pictures, a broken list of attributes)
 */
int xl_set_add(struct xl_set *s, const char *path);

struct xl_select {
	enum xl_split split;
	int64_t test_count;     /* -1: a tenth, at most 2000 */
	const char *where;      /* condition (where.h), or NULL */
	const char *domain_by;  /* condition that makes domain B, or NULL */
	const char *attributes; /* names separated by commas, or NULL for all */
	char domain;            /* 'A', 'B', or 0 */
	bool shuffle;
	bool pairs; /* inputs, then as many exemplars */
	uint64_t seed;
	int64_t limit; /* -1: none */
};

/*
 * xl_set_select - keep what was asked for: split, conditions, domain, order,
 * limit, in this order
 *
 * The split is decided by CycleGAN's folders, the names of MNIST's files and
 * CelebA's list of parts, else by a hash of the file name. What was left out is
 * said in s->notes. With pairs, domain chooses inputs only, and limit counts pairs.
 *
 * Errors   0, or -1 with xl_err set: a request that does not fit the labels
 */
int xl_set_select(struct xl_set *s, const struct xl_select *want);

/*
 * xl_set_record - picture i of the selection as an image record: x, y where it
 * has labels, meta.attributes, meta.domain
 *
 * Owns     the caller frees it
 * Errors   NULL with xl_err set, naming the file
 * Threads  may be called from several at once
 */
struct xl_record *xl_set_record(const struct xl_set *s, int64_t i, const struct xl_crop *crop);

/* ---- of sets.c, sets_walk.c, sets_select.c and sets_pairs.c, for each other ---- */

/* What its place says of a file, as in struct xl_item. */
struct xl_set_place {
	int labels;
	char domain;
	enum xl_split split;
	bool is_pair;
};

/*
 * xl_set_add_folder  - xl_set_add of a folder
 * xl_set_add_file    - one picture, not looked at yet
 * xl_set_add_idx     - all pictures of an idx file, with its labels
 * xl_set_note        - add to notes or failures; takes note, also on failure, and
 *                      NULL is passed on as failure
 * xl_set_id          - the id of an item's record, which the caller frees
 * xl_set_labels_of   - the labels of an item, in the order of its list; NULL where
 *                      it has none
 * xl_set_pair        - the items of want->domain, or all, at most want->limit of
 *                      them, as inputs, and then an exemplar for each: of the other
 *                      domain, or where there are no domains with other labels of
 *                      those chosen, or where there are none any other picture
 * xl_set_place_of    - what the name of a folder says (trainA ..); no labels
 * xl_set_find_labels - the list for a folder, there or up to two above
 * xl_set_labels_in   - the list that lies in a folder or in its Anno
 *
 * Errors   0, or -1 with xl_err set; NULL with xl_err set; of a list its number,
 *          -1 for none, -2 with xl_err set
 */
int xl_set_add_folder(struct xl_set *s, const char *path);
int xl_set_add_file(struct xl_set *s, const char *path, struct xl_set_place place);
int xl_set_add_idx(struct xl_set *s, const char *path);
int xl_set_find_labels(struct xl_set *s, const char *folder);
int xl_set_labels_in(struct xl_set *s, const char *folder);
struct xl_set_place xl_set_place_of(const char *folder);
int xl_set_note(char ***list, int *n, char *note);
char *xl_set_id(const struct xl_item *it);
const uint8_t *xl_set_labels_of(const struct xl_set *s, const struct xl_item *it);
int xl_set_pair(struct xl_set *s, const struct xl_select *want);

#endif
