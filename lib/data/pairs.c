/*
 * pairs.c - which exemplar goes with which input.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/outname.h"
#include "data/pairs.h"

/* In meta of a mixed exemplar, and from there of what it is fused with. */
static const char name1[] = "exemplar", name2[] = "exemplar2", part[] = "mix";

int xl_pairs_open(struct xl_pairs *p, struct xl_engine *engine, const char *path, const char *path2,
		  double mix)
{
	struct xl_record *r = NULL;
	int rc;

	*p = (struct xl_pairs){.is_mixed = path2 != NULL, .mix = mix};
	if (xl_exemplars_open(&p->first, engine, path) ||
	    (path2 && xl_exemplars_open(&p->second, engine, path2)))
		return -1;
	p->first.is_mixed = p->second.is_mixed = p->is_mixed;
	if (!p->first.is_single || engine->model->method->two_domains)
		return 0;
	rc = xl_exemplars_next(&p->first, NULL, &r);
	xl_record_free(r);
	return rc < 0 ? -1 : 0;
}

void xl_pairs_done(struct xl_pairs *p)
{
	while (p->n_all > 0)
		xl_record_free(p->all[--p->n_all]);
	free(p->all);
	p->all = NULL;
	xl_exemplars_done(&p->first);
	xl_exemplars_done(&p->second);
}

bool xl_pairs_hopeless(const struct xl_pairs *p)
{
	return p->first.is_hopeless || p->second.is_hopeless;
}

/* Makes a and b one exemplar, which knows both names. */
static int mix_in(struct xl_record *a, const struct xl_record *b, const char *const *codes,
		  double mix)
{
	char *id = xl_id_fused(a->id, b->id);
	int rc = -1;

	if (id && !xl_exemplar_mix(a, b, codes, mix))
		rc = xl_meta_set_str(a, name1, a->id) || xl_meta_set_str(a, name2, b->id) ||
		     xl_meta_set_num(a, part, mix) || xl_record_set_id(a, id);
	free(id);
	return rc ? -1 : 0;
}

int xl_pairs_next(struct xl_pairs *p, const struct xl_record *input, struct xl_record **out)
{
	struct xl_record *other = NULL;
	int a = xl_exemplars_next(&p->first, input, out), b = 1;

	if (p->is_mixed && !p->first.is_hopeless)
		b = xl_exemplars_next(&p->second, input, &other);
	if (!p->first.is_single && !p->second.is_single && p->is_mixed && (a == 0) != (b == 0)) {
		p->first.is_hopeless = true;
		a = xl_err("%s and %s hold different numbers of exemplars", p->first.path[0],
			   p->second.path[0]);
	}
	if (a > 0 && b > 0 && other && input &&
	    mix_in(*out, other, p->first.engine->model->method->code_tensors, p->mix))
		a = -1;
	xl_record_free(other);
	if (a > 0 && b > 0) {
		if (!p->is_mixed) /* it may itself come of a mixed one */
			xl_meta_drop(*out, part);
		return 1;
	}
	xl_record_free(*out);
	*out = NULL;
	return a < 0 || b < 0 ? -1 : 0;
}

int xl_pairs_match(struct xl_pairs *p, struct xl_inputs *in)
{
	if (xl_exemplars_match(&p->first, in))
		return -1;
	return p->is_mixed ? xl_exemplars_match(&p->second, in) : 0;
}

int xl_pairs_all(struct xl_pairs *p, const struct xl_record *input)
{
	const bool is_one = p->first.is_single && (!p->is_mixed || p->second.is_single);
	struct xl_record *r, **all;
	int got;

	while (!(is_one && p->n_all == 1) && (got = xl_pairs_next(p, input, &r)) != 0) {
		if (got < 0)
			return xl_pairs_hopeless(p) ? -1 : 1;
		all = xl_realloc(p->all, (size_t)p->n_all + 1, sizeof *all);
		if (!all) {
			xl_record_free(r);
			return -1;
		}
		p->all = all;
		all[p->n_all++] = r;
	}
	return 0;
}

int xl_pair_mode(struct xl_record *r, const char *mode, int64_t k, int64_t seed)
{
	if (mode && strcmp(mode, "sample") == 0) {
		xl_meta_drop(r, "remove");
		return xl_meta_set_int(r, mode, k) || xl_meta_set_int(r, "seed", seed) ? -1 : 0;
	}
	xl_meta_drop(r, "sample");
	xl_meta_drop(r, "seed");
	if (mode)
		return xl_meta_set_bool(r, mode, true);
	xl_meta_drop(r, "remove");
	return 0;
}

int xl_pair_name(struct xl_record *r, const char *input, const struct xl_record *exemplar)
{
	const bool is_mixed = xl_meta_get(exemplar, part) != NULL;
	const char *one = is_mixed ? xl_meta_str(exemplar, name1, "") : exemplar->id;
	char *id = xl_id_fused(input, exemplar->id);
	int rc = !id || xl_meta_set_str(r, "input", input) || xl_meta_set_str(r, name1, one);

	xl_meta_drop(r, name2);
	xl_meta_drop(r, part);
	if (!rc && is_mixed)
		rc = xl_meta_set_str(r, name2, xl_meta_str(exemplar, name2, "")) ||
		     xl_meta_set_num(r, part, xl_meta_num(exemplar, part, 0));
	rc = rc || xl_record_set_id(r, id);
	free(id);
	return rc ? -1 : 0;
}

int xl_draw_name(struct xl_record *r, const char *input, int64_t k)
{
	char *id = xl_strf("%s#%lld", input, (long long)k);
	int rc = !id || xl_meta_set_str(r, "input", input) || xl_record_set_id(r, id);

	xl_meta_drop(r, name1);
	xl_meta_drop(r, name2);
	xl_meta_drop(r, part);
	free(id);
	return rc ? -1 : 0;
}
