/*
 * npz.h - numpy's .npz: a zip archive of .npy files, one an array.
 */
#ifndef XL_TENSOR_NPZ_H
#define XL_TENSOR_NPZ_H

#include "tensor/ziparchive.h"
#include "xl.h"

/*
 * xl_npz_read - all arrays of an archive, put into r under their names without .npy
 *
 * Stored or deflated, rows or columns first; never arrays of objects, which are
 * pickles, nor text, structures or big-endian numbers.
 * *outline is the array `xl`, bytes, NULL where there is none.
 *
 * Source   the .npy format, versions 1.0 to 3.0
 * Owns     the caller frees *outline; r may have some arrays after a failure
 * Errors   0, or -1 with xl_err set, without the name of the file
 */
int xl_npz_read(struct xl_record *r, struct xl_tensor **outline, struct xl_zip *z);

/*
 * xl_npz_write - the tensors of r, in order, stored; rows first
 *
 * outline NULL for none
 * Errors   0, or -1 with xl_err set: a name that is no name of a file; a failed
 *          write is left for the caller to see
 */
int xl_npz_write(FILE *f, const struct xl_record *r, const struct xl_tensor *outline);

#endif
