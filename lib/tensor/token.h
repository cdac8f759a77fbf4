/*
 * token.h - one level below records: the tokens of a stream, with the messages
 * that say where in it something is wrong. Used by stream_read.c alone.
 */
#ifndef XL_TENSOR_TOKEN_H
#define XL_TENSOR_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include "tensor/input.h"
#include "tensor/stream.h"
#include "xl.h"

struct xl_reader {
	struct xl_input in;
	int64_t count;                 /* records delivered */
	bool failed;                   /* nothing after a damaged record can be found again */
	const char *id;                /* of the record being read, once known */
	char part[XL_LIMIT_NAME + 32]; /* what is being read: "tensor 'c'" */
	char where[512];               /* the record last delivered */
};

enum xl_token_kind {
	XL_T_NIL,
	XL_T_BOOL,
	XL_T_INT,
	XL_T_FLOAT,
	XL_T_STR,
	XL_T_BIN,
	XL_T_ARRAY,
	XL_T_MAP,
	XL_T_EXT
};

struct xl_token {
	enum xl_token_kind kind;
	bool is_huge; /* INT above what int64_t holds */
	int64_t i;    /* BOOL, INT */
	double f;     /* FLOAT */
	uint64_t n;   /* STR, BIN, EXT: bytes; ARRAY, MAP: entries */
};

/* xl_token_kind_words - "a list", for messages */
const char *xl_token_kind_words(enum xl_token_kind kind);

/* xl_token_where - "stdin: record 3 (0003.png)" for the record being read */
void xl_token_where(const struct xl_reader *rd, const char *id, char *buf, size_t size);

/* xl_token_fail - a message that begins with where; returns -1.
 * xl_token_truncated - "ends inside tensor 'c', 117 bytes missing"; returns -1 */
int xl_token_fail(struct xl_reader *rd, const char *fmt, ...) XL_PRINTF(2, 3);
int xl_token_truncated(struct xl_reader *rd, uint64_t missing);

/* xl_token_next - the next token; the content of strings and bytes is left in
 * the input. xl_token_want - and it must be of that kind. 0, or -1 with xl_err set */
int xl_token_next(struct xl_reader *rd, struct xl_token *t);
int xl_token_want(struct xl_reader *rd, struct xl_token *t, enum xl_token_kind kind);

/* xl_token_text - the content of a string or bytes as UTF-8 without NUL into buf,
 * which holds limit + 1 bytes; 0, or -1 with xl_err set */
int xl_token_text(struct xl_reader *rd, const struct xl_token *t, char *buf, size_t limit);

/* xl_token_skip - read past one value of any kind; depth is bounded, memory
 * constant; 0, or -1 with xl_err set */
int xl_token_skip(struct xl_reader *rd);

#endif
