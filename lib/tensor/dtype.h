/*
 * dtype.h - what the layers above need to know of element types beyond xl.h:
 * names, sizes of shapes from outside, half precision, single elements.
 */
#ifndef XL_TENSOR_DTYPE_H
#define XL_TENSOR_DTYPE_H

#include "xl.h"

/* xl_dtype_find - the type of that numpy name; 0, or -1 without a message */
int xl_dtype_find(const char *name, enum xl_dtype *out);

/*
 * xl_shape_bytes - the bytes an array of that shape takes
 *
 * Errors   0, or -1 with xl_err set: too many dimensions, a negative one, a
 *          product that overflows
 */
int xl_shape_bytes(enum xl_dtype t, int ndim, const int64_t *shape, size_t *bytes);

/* xl_half_to_float, xl_half_from_double - IEEE 754 binary16, as bits; from
 * double rounds once, to nearest, ties to even */
float xl_half_to_float(uint16_t h);
uint16_t xl_half_from_double(double v);

/* xl_tensor_value - element i in row-major order as a double */
double xl_tensor_value(const struct xl_tensor *t, int64_t i);

#endif
