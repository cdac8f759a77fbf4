/*
 * weights.h - weights and statistics in files of any format we know: read into
 * one list of named tensors, and written from it.
 *
 * A stream of several records becomes one list too (a tensor's name is then
 * ID.NAME), together with an outline: the same records, their tensors empty. The
 * outline travels along, in the metadata of safetensors or as the array `xl` of
 * .npz, and from it the stream is put together again, bit for bit.
 */
#ifndef XL_TENSOR_WEIGHTS_H
#define XL_TENSOR_WEIGHTS_H

#include "xl.h"

enum xl_weights_format { XL_W_STREAM, XL_W_SAFETENSORS, XL_W_NPZ };

struct xl_weights {
	struct xl_record *flat;     /* all tensors, under names of their own */
	struct xl_record **outline; /* NULL: not from a stream */
	int n_outline;
	char (*sources)[65]; /* SHA-256 of each file read, in hex */
	int n_sources;
};

/*
 * xl_weights_read - add all tensors of a file: a stream, safetensors, .pth or .npz,
 *                   by its first bytes; "-" is stdin. _mem: of bytes in memory
 *
 * key: see torchfile.h; NULL for none. w is zeroed before the first file.
 * Owns     xl_weights_done frees, also after a failure
 * Errors   0, or -1 with xl_err set: "a.pth: tensor 'w': ends at element 9 of a storage
 *          of 8"; nothing the file says makes it take more memory than 16 times the
 *          file, deflated arrays apart (ziparchive.h)
 */
int xl_weights_read(struct xl_weights *w, const char *path, const char *key);
int xl_weights_read_mem(struct xl_weights *w, const char *name, const void *data, size_t size,
			const char *key);
void xl_weights_done(struct xl_weights *w);

/* xl_weights_are_statistics - whether they are `mu` and `sigma` alone, not from a stream */
bool xl_weights_are_statistics(const struct xl_weights *w);

/* xl_weights_forget - the outline: the list is no longer of the stream it came from */
void xl_weights_forget(struct xl_weights *w);

/*
 * xl_weights_write - write a file that appears whole or not at all; "-" is stdout
 *
 * A stream gets the records of the outline, and where there is none: `mu` and
 * `sigma` alone become a stats record; all else a model of one network, whose
 * record has the id `network`.
 * Owns     the tensors leave w->flat for the outline when a stream is written
 * Errors   0, or -1 with xl_err set; of stdout, see xl_finish
 */
int xl_weights_write(struct xl_weights *w, const char *path, enum xl_weights_format format,
		     const char *network);

/* xl_weights_write_to - write safetensors or .npz as it comes; 0, or -1 with xl_err
 * set; a failed write is left for the caller to see */
int xl_weights_write_to(FILE *f, const struct xl_weights *w, enum xl_weights_format format);

/* xl_weights_format_of - what a file's name asks for: .safetensors, .npz, else a
 * stream; 0, or -1 with xl_err set for .pth and .pt, which are not written */
int xl_weights_format_of(const char *path, enum xl_weights_format *out);

#endif
