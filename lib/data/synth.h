/*
 * synth.h - made data: image records with labels and true masks, drawn from
 * (seed, index). A set is one descriptor (faces.c, digits.c); another set is
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
	const void *source; /* what the set has opened, or NULL */
};

/* For sets that are made of the digits of MNIST. */
struct xl_synth_digits {
	const char *dir;   /* folder of the idx files, NULL for none */
	const char *split; /* "train" or "test", NULL for train, and test of pairs */
	bool is_published; /* drawn in the order of the authors, which is theirs for seed 0 */
	bool is_plain;     /* colours as drawn, not stretched to 0..255 */
};

struct xl_synth_job;

struct xl_synth_set {
	const char *name, *summary;
	const char *const *labels; /* NULL terminated */
	int64_t usual_size, min_size, max_size;
	bool has_published_order; /* takes digits.is_published */

	/*
	 * open - what images are made of; NULL for a set that is made of nothing, and has
	 *        no end. close - end it; count_of - how many images it makes, or pairs
	 *
	 * Errors   NULL with xl_err set: files that are not there, or broken
	 */
	void *(*open)(const struct xl_synth_job *job);
	void (*close)(void *source);
	int64_t (*count_of)(const void *source);

	/* is_exchanged - whether --pairs can exchange what label k says; NULL where pairs
	 * exchange the same whatever is chosen */
	bool (*is_exchanged)(int k);

	/* domain_of - 'A' or 'B'; NULL for a set without domains of its own */
	char (*domain_of)(const struct xl_synth_ask *a);

	/*
	 * labels_of - the labels of an image, without making it
	 *
	 * Returns  false if this index makes no pair with what is chosen
	 */
	bool (*labels_of)(const struct xl_synth_ask *a, uint8_t *y);

	/*
	 * make - the image: id, x, masks; labels and meta are added by the caller
	 *
	 * Errors   NULL with xl_err set
	 * Threads  called from many at once
	 */
	struct xl_record *(*make)(const struct xl_synth_ask *a);
};

extern const struct xl_synth_set xl_synth_faces, xl_synth_mnist_single, xl_synth_mnist_multi;

/* The sets there are, NULL terminated; xl_synth_find - by name, NULL with xl_err
 * set and naming those that exist */
extern const struct xl_synth_set *const xl_synth_sets[];
const struct xl_synth_set *xl_synth_find(const char *name);

enum { XL_SYNTH_USUAL = 1000 }; /* images of a set without an end */

/* What is wanted. count is -1 for all images that the set can make, or the usual number;
 * attributes is a list with commas, NULL for all; where and domain_by are conditions
 * (where.h) or NULL. */
struct xl_synth_job {
	const struct xl_synth_set *set;
	uint64_t seed;
	int64_t count, size;
	bool pairs;
	const char *attributes, *where, *domain_by;
	struct xl_synth_digits digits;
};

struct xl_synth;

/*
 * xl_synth_open - take a job
 *
 * Owns     the caller closes it; digits.dir must outlive xl_synth_begin, the other
 *          strings need not outlive the call
 * Errors   NULL with xl_err set: names that do not exist, nothing to exchange, what the
 *          set does not take
 */
struct xl_synth *xl_synth_open(const struct xl_synth_job *job);

/*
 * xl_synth_begin - open what the records are made of, and count them
 *
 * Errors   0, or -1 with xl_err set: files that are not there or broken, fewer images
 *          than were asked for
 */
int xl_synth_begin(struct xl_synth *s);

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
