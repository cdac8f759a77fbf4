/*
 * input.h - bytes in, for the stream reader: a file, a pipe or memory behind
 * one window. Knows nothing of records.
 */
#ifndef XL_TENSOR_INPUT_H
#define XL_TENSOR_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XL_INPUT_WINDOW = 65536 }; /* the capacity of a pipe on Linux */

struct xl_input {
	char *name; /* for messages */
	int fd;     /* -1: memory */
	bool owned, eof;
	bool lends;       /* blocks are parts of the memory, which outlives them */
	const uint8_t *p; /* the window: bytes that have arrived and were not taken */
	size_t n;
	uint8_t *buf;
	uint64_t ahead; /* bytes a regular file still has beyond the window */
};

int xl_input_open(struct xl_input *in, const char *path);
int xl_input_open_mem(struct xl_input *in, const char *name, const void *data, size_t size);
void xl_input_close(struct xl_input *in);

/* xl_input_fill - wait until the window holds `want` bytes (at most
 * XL_INPUT_WINDOW) or the input ends; 0, or -1 with xl_err set */
int xl_input_fill(struct xl_input *in, size_t want);

/* xl_input_take - copy n bytes to dst, or drop them where dst is NULL; the
 * number done, less than n only at the end of input, or -1 with xl_err set */
int64_t xl_input_take(struct xl_input *in, void *dst, size_t n);

/*
 * xl_input_block - n bytes in memory of their own, which grows with what
 * arrives: never more than one step beyond it is asked for
 *
 * Owns     the caller frees *out, unless the input lends
 * Errors   0, or -1 with xl_err set; *missing is how many bytes did not come,
 *          and where it is not 0 there is no block
 */
int xl_input_block(struct xl_input *in, uint64_t n, void **out, uint64_t *missing);

/* xl_input_rest - all that is left, as a block, or its first most + 1 bytes where
 * it is more than most; 0, or -1 with xl_err set */
int xl_input_rest(struct xl_input *in, size_t most, void **out, size_t *size);

#endif
