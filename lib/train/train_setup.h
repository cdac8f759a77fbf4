/*
 * train_setup.h - from what was asked for on the command line to a new model that
 * can be trained.
 */
#ifndef XL_TRAIN_TRAIN_SETUP_H
#define XL_TRAIN_TRAIN_SETUP_H

#include "core/opt.h"
#include "data/batch_spool.h"
#include "methods/model.h"

/* Hyper-parameters given explicitly, in command-line order. */
struct xl_settings {
	const struct xl_method *method; /* NULL until known */
	struct xl_setting {
		char *name, *value;
	} * items;
	int n;
	const char *preset; /* NULL: not given */
};

void xl_settings_done(struct xl_settings *s);

/* xl_settings_add - note one; value NULL is a flag. An option's fn: ctx is the
 * settings. xl_settings_pair - the same for name "set" and value "key=value".
 * 0, or -1 with xl_err set */
int xl_settings_add(void *ctx, const char *name, const char *value);
int xl_settings_pair(void *ctx, const char *name, const char *value);

/*
 * xl_settings_table - a tool's own options, then those of the method, which
 * are noted in s
 *
 * Owns     the caller frees the result with free()
 * Errors   NULL with xl_err set
 */
struct xl_opt *xl_settings_table(struct xl_settings *s, const struct xl_opt *own);

/*
 * xl_settings_find - the method among the words of a command line, which must
 * be known before its options are: the first word that is the name of one and
 * not the value of an option in `own`; NULL where there is none
 */
const struct xl_method *xl_settings_find(const struct xl_opt *own, int argc, char **argv);

/*
 * xl_settings_words - that the words of a command line without a method are no
 *                     hyper-parameters, which would be called unknown
 * xl_settings_first - that the first operand, NULL for none, names the method of s
 *
 * Errors   0, or -1 with xl_err set, which lists the methods
 */
int xl_settings_words(const struct xl_settings *s, int argc, char **argv);
int xl_settings_first(const struct xl_settings *s, const char *first);

/* xl_settings_summary - "train lomit: local masks ..", or a list of all methods
 * for NULL; the caller frees it; NULL with xl_err set */
char *xl_settings_summary(const struct xl_method *method);

/*
 * xl_settings_model - the method with preset and settings applied, not built
 *
 * Owns     the caller frees it
 * Errors   NULL with xl_err set; all of them are wrong usage
 */
struct xl_model *xl_settings_model(const struct xl_settings *s);

/* xl_settings_asked - the same, its combinations unchecked */
struct xl_model *xl_settings_asked(const struct xl_settings *s);

/* xl_settings_show - a hyper-parameter's value as one would give it, into buf */
void xl_settings_show(const struct xl_opt *o, char *buf, size_t size);

/* xl_setup_build - make a new model trainable on this data: its attributes, digest, initial
 * weights; 0, or -1 with xl_err set */
int xl_setup_build(struct xl_model *m, const struct xl_spool *s, uint64_t seed);

#endif
