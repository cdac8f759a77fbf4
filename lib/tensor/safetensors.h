/*
 * safetensors.h - the safetensors format: a JSON header and packed tensors.
 */
#ifndef XL_TENSOR_SAFETENSORS_H
#define XL_TENSOR_SAFETENSORS_H

#include "xl.h"

/* xl_is_safetensors - may a file that begins with these bytes be one? */
bool xl_is_safetensors(const void *bytes, size_t n);

/*
 * xl_safetensors_read - all tensors of a file in memory, put into r
 *
 * Strict: no holes, overlaps, bytes after the end, unknown keys or repeated names.
 * *outline is the value of `xl` in its metadata, NULL where there is none; the
 * rest of the metadata is not kept.
 *
 * Source   the format's own description, and what its published reader refuses
 * Owns     the caller frees *outline; r may have some tensors after a failure
 * Errors   0, or -1 with xl_err set, without the name of the file
 */
int xl_safetensors_read(struct xl_record *r, char **outline, const uint8_t *data, size_t size);

/*
 * xl_safetensors_write - the tensors of r, by size of element, then by name
 *
 * outline NULL for none
 * Errors   0, or -1 with xl_err set; a failed write is left for the caller to see
 */
int xl_safetensors_write(FILE *f, const struct xl_record *r, const char *outline);

#endif
