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

#include "core/digest.h"
#include "xl.h"

/* xl_model_digest_add - a model's next record into a digest that xl_digest_init
 * began; is_first for the record with the meta. 0, or -1 with xl_err set */
int xl_model_digest_add(struct xl_digest *d, const struct xl_record *r, bool is_first);

/* xl_model_digest - the digest these records should have; 0, or -1 with xl_err set */
int xl_model_digest(const struct xl_record *const *records, int n, char hex[65]);

/*
 * xl_modelfile_read - all records of a model file; its digest is not checked,
 * so that starting a tool does not take a pass over the weights
 *
 * Owns     *records is the caller's, freed with xl_modelfile_free
 * Errors   0, or -1 with xl_err set: "b.msgpack: not a model (kind image)"
 */
int xl_modelfile_read(const char *path, struct xl_record ***records, int *n);
void xl_modelfile_free(struct xl_record **records, int n);

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
