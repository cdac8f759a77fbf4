/*
 * described.h - a set of pictures as a network describes it: its features, or what is left
 * of them in statistics. Read from folders, streams and files of statistics, in any
 * mixture that was made alike.
 */
#ifndef XL_DATA_DESCRIBED_H
#define XL_DATA_DESCRIBED_H

#include "core/digest.h"
#include "core/json.h"
#include "metrics/features.h"
#include "metrics/fid.h"
#include "metrics/inception_score.h"
#include "xl.h"

enum { XL_DESCRIBED_NAME = 64 };

struct xl_described {
	/* what is wanted */
	struct xl_features *with;            /* loaded when the first picture comes; NULL:
					      * pictures are refused */
	const struct xl_described *beside;   /* what it is to be compared with, or NULL */
	bool keep;                           /* all features, not only statistics */
	bool judge;                          /* verdicts on pictures as well */
	void (*failed)(const char *message); /* a picture, or the rest of a stream, is lost */

	/* how it was made: "" where that is not known */
	char network[XL_DESCRIBED_NAME], digest[65], resize[16];
	const char *first; /* the path that it is known from; borrowed */
	bool is_known;     /* the three above, and d */
	int64_t d;         /* features */

	int64_t n;         /* pictures; -1 where statistics do not say it */
	struct xl_gauss g; /* of those that were taken in */
	float *rows;       /* (n_rows,d): all features with keep, else the last */
	int64_t n_rows, cap_rows, n_taken;
	bool has_features, has_statistics; /* what was read; both, where it was mixed */
	double *p;                         /* (n_p,k) */
	int64_t n_p, cap_p, k;
	bool is_yes_or_no;
	struct xl_digest seen; /* ids and pictures, features or statistics, in order */
	char (*inputs)[65];    /* such digests of parts that were measured elsewhere */
	int n_inputs;
};

/* xl_described_init - nothing yet; the fields that say what is wanted are set after it.
 * xl_described_done - release it */
void xl_described_init(struct xl_described *s);
void xl_described_done(struct xl_described *s);

/*
 * xl_described_read - add what is in a folder, a picture, a stream (images, features,
 *                     statistics), or a .npz or safetensors of statistics (`mu`, `sigma`) or
 *                     of features (`feats`); "-" is stdin
 *
 * A picture that cannot be read or described goes to failed, and the rest is read; so does
 * the rest of a stream that breaks off.
 * Errors   0, or -1 with xl_err set: nothing there, no network, made in another way than
 *          what is there already
 */
int xl_described_read(struct xl_described *s, const char *path);

/* xl_described_exist - whether there is something to read under each of n paths, before long
 * work on the first; 0, or -1 with xl_err set */
int xl_described_exist(const char *const *paths, int n);

/* xl_described_end - take in what is left; more may be read after it. 0, or -1 with xl_err
 * set */
int xl_described_end(struct xl_described *s);

/*
 * xl_described_agree - whether a and b can be measured against each other; what one does
 *                      not know of itself is taken from the other
 *
 * Errors   0, or -1 with xl_err set, which names both by the names given
 */
int xl_described_agree(struct xl_described *a, const char *name_a, struct xl_described *b,
		       const char *name_b);

/*
 * xl_described_hold - whether a set was made as `with` asks, also one that held nothing to
 *                     describe; what it does not say of itself is then taken from there
 *
 * Asked are the network of with->path, which is loaded, with->dims, and with->squash where
 * it is a must.
 * Errors   0, or -1 with xl_err set, which names the set by name: "s.msgpack: made with
 *          vgg19 (1a2b3c4d..), 512 features, resize pt; asked for is .."
 */
int xl_described_hold(struct xl_described *s, const char *name);

/* xl_described_fid - the distance between two sets that agree, by their vectors where both
 * are few; 0, or -1 with xl_err set, which names the set at fault by the name given */
int xl_described_fid(struct xl_fid *f, const struct xl_described *a, const char *name_a,
		     const struct xl_described *b, const char *name_b, double eps);

/* xl_described_score - of the verdicts on a set that was judged, score's splits and group
 * set; 0, or -1 with xl_err set: statistics, or a network without verdicts */
int xl_described_score(struct xl_inception_score *score, const struct xl_described *s);

/* xl_described_text - how it was made, as lines "network vgg19"; xl_described_json - as
 * members of the open object */
void xl_described_text(FILE *f, const struct xl_described *s);
void xl_described_json(struct xl_json *j, const struct xl_described *s);

/*
 * xl_described_statistics - a stats record: mu (d), sigma (d,d) <f8, and in meta n, network,
 *                           network_digest, resize, inputs, version
 *
 * The set is ended, and knows its n.
 * Owns     the caller frees it
 * Errors   NULL with xl_err set
 */
struct xl_record *xl_described_statistics(struct xl_described *s);

/* xl_described_digest - of all that was added, in hex; once, at the end */
void xl_described_digest(struct xl_described *s, char hex[65]);

/* ---- of described.c and described_read.c, for each other ---- */

/* xl_described_made - note how what comes next was made; 0, or -1 with xl_err set where
 * something else is there */
int xl_described_made(struct xl_described *s, const char *network, const char *digest,
		      const char *resize, int64_t d);

/* xl_described_load - the network of `with`; 0, or -1 with xl_err set, also where that of
 * `beside` is another, and none was asked for */
int xl_described_load(const struct xl_described *s);

/* xl_described_room - where n more rows are to be written, and in *p where verdicts are,
 * NULL for nowhere; xl_described_more - n were, and as many verdicts. NULL, or -1, with xl_err
 * set */
float *xl_described_room(struct xl_described *s, int64_t n, double **p);
int xl_described_more(struct xl_described *s, int64_t n, int64_t n_judged);

/* xl_described_add_statistics - of n pictures (-1: not known); inputs as in meta, or NULL.
 * g's numbers are used up. 0, or -1 with xl_err set, also for what is there already */
int xl_described_add_statistics(struct xl_described *s, struct xl_gauss *g, int64_t n,
				const struct xl_value *inputs);

#endif
