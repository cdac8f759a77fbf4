/*
 * modelfile.h - model files: a stream whose first record has kind and id
 * "model" and whose meta says how it was made, followed by one record of kind
 * model per network.
 *
 * meta key "digest" of the first record identifies the model: it is the SHA-256
 * of the packed bytes of the first record without that key, then of each record
 * that follows, in order.
 */
#ifndef XL_TENSOR_MODELFILE_H
#define XL_TENSOR_MODELFILE_H

#include <sys/stat.h>
#include "core/digest.h"
#include "xl.h"

/* xl_model_digest_add - a model's next record into a digest that xl_digest_init
 * began; is_first for the record with the meta. 0, or -1 with xl_err set */
int xl_model_digest_add(struct xl_digest *d, const struct xl_record *r, bool is_first);

/* xl_model_digest - the digest these records should have; 0, or -1 with xl_err set */
int xl_model_digest(const struct xl_record *const *records, int n, char hex[65]);

/* All records of a model file. */
struct xl_modelfile {
	struct xl_record **records;
	int n;
	void *map; /* the file, where the tensors' data lie; NULL where they are their own */
	size_t map_size;
	char *path;
	int fd;             /* the same, open */
	struct stat before; /* as it was when it was mapped */
};

/*
 * xl_modelfile_read - the records of a model file; its digest is not checked,
 * so that starting a tool does not take a pass over the weights
 *
 * A file is mapped: what of its tensors is never looked at is never read, and their data
 * are at any address, for memcpy alone. A pipe is read.
 * Owns     the caller frees what f holds with xl_modelfile_free
 * Errors   0, or -1 with xl_err set: "b.msgpack: not a model (kind image)"
 */
int xl_modelfile_read(const char *path, struct xl_modelfile *f);
void xl_modelfile_free(struct xl_modelfile *f);

/* xl_modelfile_sniff - before the first record: 0, or -1 with xl_err set for a picture, of
 * which a reader would say that records can be made of it */
int xl_modelfile_sniff(struct xl_reader *rd);

/* xl_modelfile_same - 0 if nobody has written to the mapped file, else -1 with xl_err
 * set. What replaces a file by another of its name does no harm */
int xl_modelfile_same(const struct xl_modelfile *f);

/* xl_records_free - n records and the list of them; NULL for none */
void xl_records_free(struct xl_record **records, int n);

/* xl_modelfile_check - 0 if these records are a model with the digest it says,
 * else -1 with xl_err set */
int xl_modelfile_check(const struct xl_record *const *records, int n);

/*
 * xl_modelfile_write - set the digest of records[0] and write all of them to a
 * file that appears whole or not at all; "-" is stdout
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_modelfile_write(const char *path, struct xl_record **records, int n);

#endif
