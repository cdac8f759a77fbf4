/*
 * stream.h - what the stream's reader and writer agree on: limits that keep a
 * hostile stream from costing more than its bytes.
 */
#ifndef XL_TENSOR_STREAM_H
#define XL_TENSOR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include "core/digest.h"
#include "xl.h"

enum {
	XL_FORMAT = 1,           /* the value of the key `xl` */
	XL_LIMIT_NAME = 255,     /* bytes of a key or a tensor's name: a file name's limit */
	XL_LIMIT_ID = 4096,      /* bytes of an id: a path's limit on Linux */
	XL_LIMIT_TEXT = 65536,   /* bytes of one string in meta */
	XL_LIMIT_META = 1024,    /* entries of meta; a model has about 50 */
	XL_LIMIT_ITEMS = 65536,  /* list items in all of meta, each 48 bytes here */
	XL_LIMIT_TENSORS = 4096, /* tensors of a record; Inception-v3 has 470 */
	XL_LIMIT_DEPTH = 32      /* nesting of what is skipped */
};

/* xl_reader_lend - from now on tensors of a reader over memory are borrowed parts of
 * it, at any address: for memcpy alone */
void xl_reader_lend(struct xl_reader *rd);

/* xl_is_utf8 - true if these bytes are UTF-8 without NUL: what Python accepts
 * as a string and C as one that ends where it should */
bool xl_is_utf8(const char *s, size_t n);

/* xl_record_digest - the bytes that xl_record_pack makes, into a digest; they are
 * never in memory at once. 0, or -1 with xl_err set */
int xl_record_digest(const struct xl_record *r, struct xl_digest *d);

#endif
