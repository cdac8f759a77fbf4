/*
 * engine.h - a model, and the tape its stages run on, loaded when they are first
 * needed: a tool that only passes records on starts without them.
 */
#ifndef XL_DATA_ENGINE_H
#define XL_DATA_ENGINE_H

#include "data/inputs.h"
#include "methods/model.h"

enum { XL_ENGINE_SETS = 8 };

struct xl_engine {
	const char *path;                /* of the model; NULL: looked up (xl_model_load) */
	const char *set[XL_ENGINE_SETS]; /* "key=value", of the model's hyper-parameters */
	int n_set;
	struct xl_model *model;
	struct xl_tape *tape;
};

/*
 * xl_engine_set - note a hyper-parameter of the stages, as the fn of an option (opt.h); ctx:
 *                 struct xl_engine, borrows the value
 *
 * Errors   0, or -1 with xl_err set: "--set: 'x' is nothing that can be set here
 *          (noise-test, stretch-out)"
 */
int xl_engine_set(void *ctx, const char *name, const char *value);

/*
 * xl_engine_start - load the model, with what was set of it, unless that is done
 * xl_engine_done  - free model and tape
 *
 * Errors   0; -1 with xl_err set; 1 with xl_err set where what was set is wrong usage: "--set:
 *          method lomit has no 'noise-test' to set here"
 */
int xl_engine_start(struct xl_engine *e);
void xl_engine_done(struct xl_engine *e);

/* xl_engine_picture - replace an image record that holds a whole picture file by
 * what the model's preprocessing makes of it; started engines only. 0, or -1 with
 * xl_err set */
int xl_engine_picture(struct xl_engine *e, struct xl_record **r, bool is_native);

/* xl_engine_domain - give a record its domain, "A" or "B", where the method works
 * on two and the record does not say; 0, or -1 with xl_err set */
int xl_engine_domain(struct xl_engine *e, struct xl_record *r, const char *domain);

/* xl_engine_seed - note --seed, where it was given, in a record without codes, if the method
 * draws noise for them; 0, or -1 with xl_err set */
int xl_engine_seed(struct xl_engine *e, struct xl_record *r);

/*
 * xl_engine_at - say in the current message where record r came from
 *
 * A stage's message begins with the record's id, which the place of a record in a
 * stream, or the name of a picture, holds already: it is not said twice.
 * Errors   always -1
 */
int xl_engine_at(const char *where, const struct xl_record *r);

/*
 * xl_engine_failed - the same of the record r that an input just gave; where it holds codes
 *                    of another model, the rest of its stream is left out as well
 *
 * Errors   always -1
 */
int xl_engine_failed(const struct xl_engine *e, struct xl_inputs *in, const struct xl_record *r);

#endif
