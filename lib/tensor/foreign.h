/*
 * foreign.h - element types of other programs' files, each kept as the narrowest
 * of ours that holds every one of its values; and tensors from their bytes.
 */
#ifndef XL_TENSOR_FOREIGN_H
#define XL_TENSOR_FOREIGN_H

#include "xl.h"

enum xl_foreign {
	XL_X_BOOL,
	XL_X_U8,
	XL_X_I8,
	XL_X_I16,
	XL_X_U16,
	XL_X_I32,
	XL_X_U32,
	XL_X_I64,
	XL_X_F16,
	XL_X_BF16,
	XL_X_F32,
	XL_X_F64,
	XL_X_TYPES
};

enum xl_dialect { XL_SAFETENSORS, XL_NUMPY, XL_TORCH, XL_DIALECTS };

/* xl_foreign_find - the type of that name (F32, <f4, FloatStorage); 0, or -1 with
 * xl_err set. xl_foreign_name - what a dialect calls one of our types */
int xl_foreign_find(enum xl_dialect how, const char *name, size_t n, enum xl_foreign *out);
const char *xl_foreign_name(enum xl_dialect how, enum xl_dtype t);

/* xl_foreign_size - bytes of one element in the file */
size_t xl_foreign_size(enum xl_foreign t);

/*
 * xl_foreign_bytes - bytes that elements of that shape take, packed
 *
 * Errors   0, or -1 with xl_err set: more dimensions than XL_MAX_DIMS, overflow
 */
int xl_foreign_bytes(enum xl_foreign t, int ndim, const int64_t *shape, size_t *bytes);

/*
 * xl_foreign_tensor - a tensor from packed little-endian bytes, which need not be
 *                     aligned; int8 and int16 become <i4, bfloat16 <f4, uint32 <i8
 *
 * strides, in elements, of those in the file; NULL for row-major. The caller has
 * checked that all of them lie within the bytes.
 * Owns     the caller frees it
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_foreign_tensor(enum xl_foreign t, int ndim, const int64_t *shape,
				    const int64_t *strides, const uint8_t *bytes);

/*
 * xl_foreign_put - give a tensor from a file its name in r
 *
 * Owns     takes t, also on failure
 * Errors   0, or -1 with xl_err set: a name that is empty, too long, not UTF-8,
 *          has control characters, or is there already; t == NULL is passed on;
 *          too many
 */
int xl_foreign_put(struct xl_record *r, const char *name, size_t n, struct xl_tensor *t);

#endif
