/*
 * lockstep.h - streams, or pictures, that are read side by side, record against record.
 */
#ifndef XL_DATA_LOCKSTEP_H
#define XL_DATA_LOCKSTEP_H

#include "core/digest.h"
#include "core/json.h"
#include "data/inputs.h"

enum { XL_LOCKSTEP_MAX = 4 };

struct xl_lockstep {
	int n;
	const char *path[XL_LOCKSTEP_MAX];
	struct xl_inputs in[XL_LOCKSTEP_MAX];
	struct xl_record *record[XL_LOCKSTEP_MAX]; /* the current ones, owned here */
	int64_t count;                             /* records delivered of each */
	struct xl_digest digest[XL_LOCKSTEP_MAX];  /* of what xl_lockstep_used noted */
};

/*
 * xl_lockstep_open - begin with n streams or picture files, n from 2 to XL_LOCKSTEP_MAX;
 *                    "-" is stdin. Nothing is read yet
 *
 * Owns     paths are borrowed; xl_lockstep_done releases the rest, also after a failure
 */
void xl_lockstep_open(struct xl_lockstep *s, const char *const *paths, int n);

/*
 * xl_lockstep_next - replace record[] by the next record of every stream
 *
 * Errors   1, 0 when all end together, -1 with xl_err set, also where a record is neither
 *          image nor code; where one ends before another, or none has a record, the
 *          message has all counts: "t.msgpack has 5 records, o.msgpack has 3"
 */
int xl_lockstep_next(struct xl_lockstep *s);

/* xl_lockstep_err_at - put "o.msgpack: record 3 (0003.png): " of the i-th stream in
 * front of the current message; returns -1 */
int xl_lockstep_err_at(const struct xl_lockstep *s, int i);

/* xl_digest_tensor - a tensor into a digest of what was measured: id, NUL, shape as 64-bit
 * numbers, data */
void xl_digest_tensor(struct xl_digest *d, const char *id, const struct xl_tensor *t);

/*
 * xl_lockstep_used - note that tensor t of the i-th stream's record went into the
 * result; xl_lockstep_digest - finish, and write the SHA-256 of all that was noted
 * of that stream, record after record
 *
 * Errors   none
 */
void xl_lockstep_used(struct xl_lockstep *s, int i, const struct xl_tensor *t);
void xl_lockstep_digest(struct xl_lockstep *s, int i, char hex[65]);

/* xl_lockstep_json_names - as members of the open object, the name of each stream
 * under its role; xl_lockstep_json_digests - "digests", an object of the same keys */
void xl_lockstep_json_names(const struct xl_lockstep *s, struct xl_json *j,
			    const char *const *roles);
void xl_lockstep_json_digests(struct xl_lockstep *s, struct xl_json *j, const char *const *roles);

/* xl_lockstep_done - close the streams and free the records */
void xl_lockstep_done(struct xl_lockstep *s);

#endif
