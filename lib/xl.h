/*
 * xl.h - the public interface of libxl: errors, tensors, records, streams.
 *
 * A record is one image on its way through a translation; a stream is records
 * one after another (xl-stream(5)). Everything here is plain C data in NCHW
 * order. Kernels, autograd and methods have headers of their own, which are
 * not installed.
 */
#ifndef XL_H
#define XL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XL_VERSION "0.1.0"

#if defined(__GNUC__)
#define XL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define XL_PRINTF(f, a)
#endif

/*
 * xl_err - set this thread's error message; always returns -1
 *
 * Errors   every function below that can fail returns -1 (or NULL) and leaves
 *          one line, without the tool's name, for xl_err_msg
 */
int xl_err(const char *fmt, ...) XL_PRINTF(1, 2);

/* xl_err_prefix - put "context: " in front of the current message; returns -1 */
int xl_err_prefix(const char *fmt, ...) XL_PRINTF(1, 2);

/* xl_err_msg - the current message of this thread, never NULL */
const char *xl_err_msg(void);

/* ---- tensors ---------------------------------------------------------- */

enum { XL_MAX_DIMS = 8 };

enum xl_dtype { XL_U1, XL_B1, XL_I4, XL_I8, XL_F2, XL_F4, XL_F8, XL_DTYPES };

/* A dense array in row-major order, little endian in memory as on the wire. */
struct xl_tensor {
	enum xl_dtype dtype;
	int ndim;
	int64_t shape[XL_MAX_DIMS];
	void *data;
	bool borrowed; /* data are another's, who keeps them as long as the tensor lives */
};

/* xl_dtype_size - bytes of one element; xl_dtype_name - numpy's name, "<f4" */
size_t xl_dtype_size(enum xl_dtype t);
const char *xl_dtype_name(enum xl_dtype t);

/*
 * xl_tensor_new - allocate a zeroed tensor
 *
 * Owns     the caller frees it with xl_tensor_free
 * Errors   NULL with xl_err set: a negative or overflowing shape, no memory
 */
struct xl_tensor *xl_tensor_new(enum xl_dtype t, int ndim, const int64_t *shape);
void xl_tensor_free(struct xl_tensor *t);
struct xl_tensor *xl_tensor_copy(const struct xl_tensor *t);

/* xl_tensor_count - number of elements; xl_tensor_bytes - their size in bytes */
int64_t xl_tensor_count(const struct xl_tensor *t);
size_t xl_tensor_bytes(const struct xl_tensor *t);

/*
 * xl_tensor_to - a copy of t converted to another dtype, value by value
 *
 * Units    plain numbers: no image scaling (see xl_image_to_f4). Floats to
 *          integers round half up and clamp.
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_tensor_to(const struct xl_tensor *t, enum xl_dtype to);

/* xl_tensor_is - true if t has exactly this many dimensions and shape; a shape
 * entry of -1 matches any size */
bool xl_tensor_is(const struct xl_tensor *t, int ndim, const int64_t *shape);

/* xl_tensor_show - "(3,128,128) <f4" into buf; returns buf */
const char *xl_tensor_show(const struct xl_tensor *t, char *buf, size_t size);

/*
 * xl_image_to_f4 - image values as <f4 in -1..1;  v = p / 127.5 - 1 for bytes
 * xl_image_to_u1 - image values as |u1;  p = clamp(floor((v + 1) * 127.5 + 0.5))
 *
 * Shapes   any; the result has the shape of t
 * Errors   NULL with xl_err set (neither |u1 nor a float type)
 */
struct xl_tensor *xl_image_to_f4(const struct xl_tensor *t);
struct xl_tensor *xl_image_to_u1(const struct xl_tensor *t);

/*
 * xl_image_check_range - whether the tensor `name` holds values of an image: |u1, or finite
 * floats in -1..1; outside by no more than one step of bytes, 1/127.5, is forgiven as rounding
 *
 * Errors   0, or -1 with xl_err set: "x holds 255, an image of floats lies in -1..1",
 *          "x holds values that are not finite"
 */
int xl_image_check_range(const struct xl_tensor *t, const char *name);

/* ---- records ---------------------------------------------------------- */

enum xl_kind { XL_IMAGE, XL_CODE, XL_MODEL, XL_FEATURES, XL_STATS, XL_KINDS };

enum xl_value_type { XL_STR, XL_INT, XL_FLOAT, XL_BOOL, XL_LIST };

/* One value of meta. Lists hold values that are not lists. */
struct xl_value {
	enum xl_value_type type;
	char *str;              /* XL_STR, NUL terminated UTF-8, owned */
	int64_t i;              /* XL_INT, XL_BOOL */
	double f;               /* XL_FLOAT */
	struct xl_value *items; /* XL_LIST, owned */
	int n;                  /* XL_LIST: number of items */
};

struct xl_meta {
	char *key;
	struct xl_value value;
};

struct xl_named {
	char *name;
	struct xl_tensor *tensor;
};

/* One record of a stream. Read the fields freely; change them through the
 * functions below, which keep the order of what is there. */
struct xl_record {
	enum xl_kind kind;
	char *id;
	struct xl_meta *meta;
	int n_meta;
	bool has_meta; /* meta was present, if only as an empty map */
	struct xl_named *tensors;
	int n_tensors;
};

const char *xl_kind_name(enum xl_kind k);

/* xl_record_pictured - 0 for records that may hold a picture; -1 with xl_err set: "a stats
 * record, neither image nor code" */
int xl_record_pictured(const struct xl_record *r);

/* xl_record_new - an empty record; NULL with xl_err set without memory */
struct xl_record *xl_record_new(enum xl_kind kind, const char *id);
void xl_record_free(struct xl_record *r);
struct xl_record *xl_record_copy(const struct xl_record *r);
int xl_record_set_id(struct xl_record *r, const char *id);

/* xl_record_tensor - the tensor of that name, owned by the record, or NULL */
struct xl_tensor *xl_record_tensor(const struct xl_record *r, const char *name);

/*
 * xl_record_put - add a tensor, or replace the one of that name in its place
 *
 * Owns     takes t, also on failure
 * Errors   0, or -1 with xl_err set; t == NULL is passed on as failure
 */
int xl_record_put(struct xl_record *r, const char *name, struct xl_tensor *t);

/* xl_record_drop - remove and free the tensor of that name, if there */
void xl_record_drop(struct xl_record *r, const char *name);

/* xl_meta_get - the value of that key, owned by the record, or NULL */
const struct xl_value *xl_meta_get(const struct xl_record *r, const char *key);

/* xl_meta_str, xl_meta_num, xl_meta_int, xl_meta_bool - the value, or the
 * fallback where the key is absent or of another type (numbers convert) */
const char *xl_meta_str(const struct xl_record *r, const char *key, const char *fallback);
double xl_meta_num(const struct xl_record *r, const char *key, double fallback);
int64_t xl_meta_int(const struct xl_record *r, const char *key, int64_t fallback);
bool xl_meta_bool(const struct xl_record *r, const char *key, bool fallback);

/* xl_meta_set_* - set or replace a value; 0, or -1 with xl_err set */
int xl_meta_set_str(struct xl_record *r, const char *key, const char *v);
int xl_meta_set_num(struct xl_record *r, const char *key, double v);
int xl_meta_set_int(struct xl_record *r, const char *key, int64_t v);
int xl_meta_set_bool(struct xl_record *r, const char *key, bool v);
int xl_meta_set_strs(struct xl_record *r, const char *key, const char *const *v, int n);
int xl_meta_set_value(struct xl_record *r, const char *key, const struct xl_value *v);
void xl_meta_drop(struct xl_record *r, const char *key);

/* ---- streams ---------------------------------------------------------- */

struct xl_reader;
struct xl_writer;

/*
 * xl_reader_open - read records from a file, or from stdin for "-" or NULL
 *
 * Memory grows only with bytes that have arrived, never with what a header
 * claims. FIFOs work. Messages carry the name and the record's number:
 * "b.msgpack: record 3 (0003.png): ends inside tensor 'c', 117 bytes missing".
 *
 * Owns     the caller closes it
 * Errors   NULL with xl_err set
 */
struct xl_reader *xl_reader_open(const char *path);

/* The same over bytes in memory, which must outlive the reader. */
struct xl_reader *xl_reader_open_mem(const char *name, const void *data, size_t size);

/*
 * xl_reader_next - read the next record
 *
 * Owns     *out is the caller's, to be freed with xl_record_free
 * Errors   1, 0 at the end of input, -1 with xl_err set
 */
int xl_reader_next(struct xl_reader *rd, struct xl_record **out);

/* xl_reader_count - records delivered so far; xl_reader_name - the input's name;
 * xl_reader_where - "stdin: record 17 (0017.png)", the record last delivered,
 * for messages about its content. Records are numbered from 0 everywhere. */
int64_t xl_reader_count(const struct xl_reader *rd);
const char *xl_reader_name(const struct xl_reader *rd);
const char *xl_reader_where(const struct xl_reader *rd);
void xl_reader_close(struct xl_reader *rd);

/*
 * xl_reader_peek - the first bytes of the input without consuming them
 *
 * Errors   number of bytes in buf (less than size only at the end of input),
 *          or -1 with xl_err set
 */
int xl_reader_peek(struct xl_reader *rd, void *buf, size_t size);

/* xl_reader_all - the whole input, from the current position, as bytes; for
 * inputs that peeking showed to be a picture. Of one that has more than most,
 * which may never end, most + 1. Owns: *data is the caller's. */
int xl_reader_all(struct xl_reader *rd, size_t most, void **data, size_t *size);

/* xl_is_stream - true if these first bytes may begin a record */
bool xl_is_stream(const void *bytes, size_t n);

/* xl_is_picture - true if these first 8 bytes or more begin a JPEG or a PNG */
bool xl_is_picture(const void *bytes, size_t n);

/*
 * xl_writer_open - write records to a file that appears, complete, when
 * xl_writer_close succeeds (temporary name, fsync, rename); "-" or NULL is
 * stdout, written as it comes.
 *
 * Errors   NULL with xl_err set
 */
struct xl_writer *xl_writer_open(const char *path);
int xl_writer_put(struct xl_writer *w, const struct xl_record *r);

/* xl_writer_flush - hand what was put to the system; 0, or -1 with xl_err set */
int xl_writer_flush(struct xl_writer *w);

/* xl_writer_close - finish; frees w also on failure. 0, or -1 with xl_err set */
int xl_writer_close(struct xl_writer *w);

/* xl_writer_abort - give up: nothing appears under the name; frees w */
void xl_writer_abort(struct xl_writer *w);

/*
 * xl_record_pack - the bytes of one record, as they go into a stream
 *
 * Owns     *data is the caller's, freed with free()
 * Errors   0, or -1 with xl_err set
 */
int xl_record_pack(const struct xl_record *r, void **data, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
