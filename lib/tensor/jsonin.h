/*
 * jsonin.h - reads JSON from memory, piece by piece, as its caller expects it:
 * for the header of safetensors. Strict: no number but whole ones, strings in
 * UTF-8 without control characters.
 */
#ifndef XL_TENSOR_JSONIN_H
#define XL_TENSOR_JSONIN_H

#include "xl.h"

struct xl_jsonin {
	const char *start, *p, *end;
};

/* xl_jsonin_is - after white space, is this the next byte? Takes it if so */
bool xl_jsonin_is(struct xl_jsonin *in, char c);

/* xl_jsonin_want - the same, or -1 with xl_err set ("wants ':' at byte 12, has 'x'") */
int xl_jsonin_want(struct xl_jsonin *in, char c);

/* xl_jsonin_end - nothing but white space is left; 0, or -1 with xl_err set */
int xl_jsonin_end(struct xl_jsonin *in);

/* xl_jsonin_more - within an object or list that `close` ends: is there another
 * member? is_first before the first. 1, 0 at its end, -1 with xl_err set */
int xl_jsonin_more(struct xl_jsonin *in, char close, bool is_first);

/* xl_jsonin_string - a string, escapes decoded. Owns: the caller frees it. NULL
 * with xl_err set */
char *xl_jsonin_string(struct xl_jsonin *in);

/* xl_jsonin_whole - a whole number from 0 to 2^63 - 1; 0, or -1 with xl_err set */
int xl_jsonin_whole(struct xl_jsonin *in, int64_t *out);

#endif
