/*
 * exemplars.c - one exemplar for all inputs, or one each. Those are read in step
 * with the inputs, so that memory does not grow with their number.
 */
#include <string.h>
#include "data/exemplars.h"

/* 1 where a record came, 0 at the end, -1 with xl_err set */
static int read_one(struct xl_exemplars *e, struct xl_exemplar *out)
{
	int got = xl_inputs_next(&e->in, &out->r);

	out->from_picture = e->in.from_picture;
	if (got > 0)
		snprintf(out->where, sizeof out->where, "%s", xl_inputs_where(&e->in));
	return got;
}

int xl_exemplars_open(struct xl_exemplars *e, struct xl_engine *engine, const char *path)
{
	int got = 1;

	*e = (struct xl_exemplars){.engine = engine, .path = {path}};
	xl_inputs_init(&e->in, e->path, 1);
	while (got > 0 && e->n_ahead < 2) {
		got = read_one(e, &e->ahead[e->n_ahead]);
		e->n_ahead += got > 0;
	}
	if (got < 0)
		return -1;
	if (e->n_ahead == 0)
		return xl_err("%s: holds no exemplar", e->in.name);
	e->is_single = e->n_ahead == 1;
	return 0;
}

void xl_exemplars_done(struct xl_exemplars *e)
{
	while (e->n_ahead > 0)
		xl_record_free(e->ahead[--e->n_ahead].r);
	xl_inputs_done(&e->in);
}

static int encode(const struct xl_exemplars *e, struct xl_exemplar *x, const char *domain)
{
	struct xl_engine *g = e->engine;

	if ((x->from_picture && xl_engine_picture(g, &x->r, false)) ||
	    xl_engine_domain(g, x->r, domain) ||
	    (e->is_mixed ? xl_stage_encode : xl_stage_exemplar)(g->model, g->tape, x->r))
		return xl_engine_at(x->where, x->r);
	return 0;
}

/* A copy: a stage may add to it what holds for one pair only. */
static int give_the_one(struct xl_exemplars *e, const char *domain, struct xl_record **out)
{
	if (!e->is_encoded && encode(e, &e->ahead[0], domain)) {
		e->is_hopeless = true;
		return -1;
	}
	e->is_encoded = true;
	*out = xl_record_copy(e->ahead[0].r);
	return *out ? 1 : -1;
}

/* As read_one, of those that are not yet given. */
static int take_one(struct xl_exemplars *e, struct xl_exemplar *out)
{
	if (e->n_ahead == 0)
		return read_one(e, out);
	*out = e->ahead[0];
	e->ahead[0] = e->ahead[1];
	e->n_ahead--;
	return 1;
}

int xl_exemplars_next(struct xl_exemplars *e, const struct xl_record *input, struct xl_record **out)
{
	const char *domain = input ? xl_meta_str(input, "domain", "A") : "A";
	struct xl_exemplar x;
	int got;

	domain = strcmp(domain, "B") == 0 ? "A" : "B";
	*out = NULL;
	if (e->is_single)
		return give_the_one(e, domain, out);
	got = take_one(e, &x);
	e->is_hopeless = got < 0;
	if (got <= 0)
		return got;
	if (input && encode(e, &x, domain)) {
		xl_record_free(x.r);
		return -1;
	}
	*out = x.r;
	return 1;
}

static int64_t count_all(struct xl_inputs *in)
{
	struct xl_record *r;

	while (xl_inputs_next(in, &r) != 0)
		xl_record_free(r);
	return in->count;
}

int xl_exemplars_match(struct xl_exemplars *e, struct xl_inputs *in)
{
	int64_t n, inputs;

	if (e->is_single || in->damaged)
		return 0;
	n = count_all(&e->in);
	inputs = count_all(in);
	if (n == inputs || inputs == 0)
		return 0;
	return xl_err("%s: %lld exemplars for %lld input%s", e->in.name, (long long)n,
		      (long long)inputs, inputs == 1 ? "" : "s");
}

/* Codes that are maps stay with their image. */
static bool is_style(const char *name)
{
	static const char *const maps[] = {"m", "c", "h"};

	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
		if (strcmp(name, maps[i]) == 0)
			return false;
	return true;
}

/* a := (1 - t) a + t b, as floats */
static struct xl_tensor *mixed(const struct xl_tensor *a, const struct xl_tensor *b, double t)
{
	struct xl_tensor *to = xl_tensor_to(a, XL_F4), *from = xl_tensor_to(b, XL_F4);

	if (to && from) {
		const int64_t n = xl_tensor_count(to);
		const float *q = from->data;
		float *p = to->data;

		for (int64_t i = 0; i < n; i++)
			p[i] = (float)((1 - t) * (double)p[i] + t * (double)q[i]);
	} else {
		xl_tensor_free(to);
		to = NULL;
	}
	xl_tensor_free(from);
	return to;
}

static int mix_one(struct xl_record *a, const struct xl_record *b, const char *name, double t)
{
	const struct xl_tensor *p = xl_record_tensor(a, name), *q = xl_record_tensor(b, name);
	char shape[2][96];

	if (!p != !q)
		return xl_err("%s holds %s, %s does not", (p ? a : b)->id, name, (p ? b : a)->id);
	if (!xl_tensor_is(q, p->ndim, p->shape))
		return xl_err("%s is %s, that of %s is %s", name,
			      xl_tensor_show(p, shape[0], sizeof shape[0]), b->id,
			      xl_tensor_show(q, shape[1], sizeof shape[1]));
	return xl_record_put(a, name, mixed(p, q, t));
}

int xl_exemplar_mix(struct xl_record *first, const struct xl_record *second,
		    const char *const *codes, double t)
{
	const char *of[] = {xl_meta_str(first, "domain", ""), xl_meta_str(second, "domain", "")};
	int n = 0;

	if (strcmp(of[0], of[1]) != 0)
		return xl_err("%s is of domain %s, %s of %s", first->id, of[0], second->id, of[1]);
	for (; *codes; codes++) {
		if (!is_style(*codes) ||
		    (!xl_record_tensor(first, *codes) && !xl_record_tensor(second, *codes)))
			continue;
		if (mix_one(first, second, *codes, t))
			return -1;
		n++;
	}
	if (n == 0)
		return xl_err("%s: these codes hold no style to mix", first->id);
	return 0;
}
