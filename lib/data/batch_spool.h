/*
 * batch_spool.h - a stream of images, read once and kept for many epochs: bytes
 * in an unlinked, memory mapped file; labels, domains and ids in memory.
 */
#ifndef XL_DATA_BATCH_SPOOL_H
#define XL_DATA_BATCH_SPOOL_H

#include "core/digest.h"
#include "data/batch_labels.h"
#include "xl.h"

struct xl_spool {
	int size;         /* images are (3,size,size), as large as a batch's or larger */
	uint32_t n;       /* images taken */
	uint32_t resized; /* of these, that came in another size */
	int64_t from;     /* the first such size */
	bool from_more;   /* there were other such sizes */
	uint32_t of[3];   /* images of domain A, of B, of none */
	struct xl_labels labels;
	bool paired;  /* batches pair domain A with domain B */
	char hex[65]; /* digest of images, labels and domains, once ended */

	const uint8_t *x; /* (n,3,size,size), mapped, once ended */
	uint8_t *y;       /* (n,labels.n) */
	uint8_t *domain;  /* (n): 0 A, 1 B, 2 none */
	char *ids;        /* (bytes), each ended by NUL */
	size_t *id_at;    /* (n) offsets in ids */

	/* another spool of the same size, which takes that share of the images in place of
	 * this one: a pure function of the seed and of an image's number among all; or NULL */
	struct xl_spool *held;
	double share;
	uint64_t seed;

	struct xl_labels_want want;
	struct xl_digest digest;
	int fd;
	const char *dir; /* where the file is, for messages */
	size_t n_ids, cap_ids, cap;
};

enum xl_take {
	XL_TAKEN,
	XL_SKIPPED, /* xl_err says why this record cannot be used */
	XL_REFUSED, /* xl_err says why the stream is not what was asked for */
	XL_FAILED   /* xl_err says what failed: disk, memory */
};

/*
 * xl_spool_init - an empty spool in $TMPDIR for square images of that size
 *
 * Owns     what want points to must outlive the spool; the caller ends with
 *          xl_spool_done
 * Errors   0, or -1 with xl_err set
 */
int xl_spool_init(struct xl_spool *s, int size, const struct xl_labels_want *want);
void xl_spool_done(struct xl_spool *s);

/* xl_spool_take - add one record; floats become bytes, another square size is
 * resized. Messages do not name the record. */
enum xl_take xl_spool_take(struct xl_spool *s, const struct xl_record *r);

/*
 * xl_spool_read - add all records of an input; skipped is called with a message
 * for each record that cannot be used, taken after each with the images so far
 *
 * Errors   XL_TAKEN at its end, else XL_REFUSED or XL_FAILED with xl_err set
 *          naming the input and the record
 */
enum xl_take xl_spool_read(struct xl_spool *s, const char *path, void (*skipped)(const char *text),
			   void (*taken)(size_t n));

/* xl_spool_end - all are in: map them, finish the digest. 0, or -1 with xl_err set */
int xl_spool_end(struct xl_spool *s);

/* xl_spool_image - the bytes of image i (3,size,size); xl_spool_id - its id */
const uint8_t *xl_spool_image(const struct xl_spool *s, uint32_t i);
const char *xl_spool_id(const struct xl_spool *s, uint32_t i);

/* xl_spool_picture - image i as a view: |u1, to be read only */
struct xl_tensor xl_spool_picture(const struct xl_spool *s, uint32_t i);

/* xl_spool_words - "300 images (A 150, B 150), 12 resized from 64 to 32 pixels;
 * attributes Male, Smiling" into buf; returns buf */
const char *xl_spool_words(const struct xl_spool *s, char *buf, size_t size);

/* xl_spool_bytes - what the images take on disk (and in memory, as it has room) */
size_t xl_spool_bytes(const struct xl_spool *s);

#endif
