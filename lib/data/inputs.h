/*
 * inputs.h - what a stage works on: pictures and streams, named on the command
 * line or on stdin, as one sequence of records. Which is which is told by the
 * first bytes. Knows nothing of models: a picture comes as it is.
 */
#ifndef XL_DATA_INPUTS_H
#define XL_DATA_INPUTS_H

#include "xl.h"

struct xl_inputs {
	const char *const *paths; /* borrowed; "-" is stdin */
	int n, next;
	struct xl_reader *reader; /* of the stream being read, else NULL */
	const char *name;         /* of the input last tried, for messages */
	bool from_picture;        /* the last record is a whole picture file */
	bool damaged;             /* a stream broke off: nobody knows what it held */
	int64_t count;            /* records delivered, and pictures that failed */
	char where[512];
};

/* xl_inputs_init - these operands, or stdin where n is 0; nothing is opened yet.
 * xl_inputs_done - close what is open */
void xl_inputs_init(struct xl_inputs *in, const char *const *paths, int n);
void xl_inputs_done(struct xl_inputs *in);

/* xl_inputs_stdin - how many of the operands are stdin */
int xl_inputs_stdin(const struct xl_inputs *in);

/*
 * xl_inputs_next - the next record; a picture becomes an image record with x in
 * its own size (3,H,W) |u1, named by its file without the directory, or "stdin"
 *
 * After a failure, which a record is that is neither image nor code, the next call goes
 * on with the next operand. An empty stream has no records; an empty file with the name
 * of a picture is a failure.
 * Owns     *out is the caller's
 * Errors   1, 0 at the end, -1 with xl_err set, which names the input
 */
int xl_inputs_next(struct xl_inputs *in, struct xl_record **out);

/* xl_inputs_leave - go on with the next operand; whether there was more of this one */
bool xl_inputs_leave(struct xl_inputs *in);

/* xl_inputs_where - "a.png" or "stdin: record 17 (0017.png)": the record last
 * delivered, for messages about its content */
const char *xl_inputs_where(const struct xl_inputs *in);

/* xl_id_of_path - the file's name without directory; bytes that are not UTF-8
 * are %-escaped. The caller frees it; NULL with xl_err set */
char *xl_id_of_path(const char *path);

#endif
