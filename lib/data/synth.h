/*
 * synth.h - made data: image records with labels and true masks, drawn from
 * (seed, index). A set is one descriptor in one file (faces.c); another set is
 * another file, its name below and in the table of synth.c. Used by xl-synth.
 */
#ifndef XL_DATA_SYNTH_H
#define XL_DATA_SYNTH_H

#include <stdbool.h>
#include <stdint.h>
#include "xl.h"

/* What a record is for. A single one stands for itself; of a pair, the truth is
 * the input with what was chosen taken from the exemplar. */
enum xl_synth_role { XL_SYNTH_SINGLE, XL_SYNTH_INPUT, XL_SYNTH_EXEMPLAR, XL_SYNTH_TRUTH };

/* One image asked of a set. */
struct xl_synth_ask {
	uint64_t seed;
	uint32_t index;
	enum xl_synth_role role;
	int64_t size;
	const bool *chosen; /* for each label of the set: picked by --attributes */
};

struct xl_synth_set {
	const char *name, *summary;
	const char *const *labels; /* NULL terminated */
	int64_t min_size, max_size;

	/* is_exchanged - whether --pairs can exchange what label k says */
	bool (*is_exchanged)(int k);

	/*
	 * labels_of - the labels of an image, without making it
	 *
	 * Returns  false if this index makes no pair with what is chosen
	 */
	bool (*labels_of)(const struct xl_synth_ask *a, uint8_t *y);

	/*
	 * make - the image: id, x, masks; labels and meta are added by the caller
	 *
	 * Pixels of a truth outside its m_true equal the input's.
	 * Errors   NULL with xl_err set
	 * Threads  called from many at once
	 */
	struct xl_record *(*make)(const struct xl_synth_ask *a);
};

extern const struct xl_synth_set xl_synth_faces;

/* The sets there are, NULL terminated; xl_synth_find - by name, NULL with xl_err
 * set and naming those that exist */
extern const struct xl_synth_set *const xl_synth_sets[];
const struct xl_synth_set *xl_synth_find(const char *name);

/* What is wanted. attributes is a list with commas, NULL for all; where and
 * domain_by are conditions (where.h) or NULL. */
struct xl_synth_job {
	const struct xl_synth_set *set;
	uint64_t seed;
	int64_t count, size;
	bool pairs;
	const char *attributes, *where, *domain_by;
};

struct xl_synth;

/*
 * xl_synth_open - begin making records
 *
 * Owns     the caller closes it; the job's strings need not outlive the call
 * Errors   NULL with xl_err set: names that do not exist, nothing to exchange
 */
struct xl_synth *xl_synth_open(const struct xl_synth_job *job);

/*
 * xl_synth_next - the next record; pairs come as all inputs, all exemplars, all
 *                 truths
 *
 * Owns     *out is the caller's
 * Errors   1, 0 after the last, -1 with xl_err set (a condition that nothing
 *          satisfies)
 * Threads  images are made on all threads, in batches; the bytes do not depend
 *          on how many there are
 */
int xl_synth_next(struct xl_synth *s, struct xl_record **out);

/* xl_synth_total - how many records there will be */
int64_t xl_synth_total(const struct xl_synth *s);
void xl_synth_close(struct xl_synth *s);

#endif
