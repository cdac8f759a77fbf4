/*
 * synth.c - what all made sets share: which images are wanted, in which order,
 * made in parallel; labels, roles and domains. What an image shows is the set's.
 */
#include "data/synth.h"

#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "data/where.h"

const struct xl_synth_set *const xl_synth_sets[] = {&xl_synth_faces, &xl_synth_mnist_single,
						    &xl_synth_mnist_multi, NULL};

enum { BATCH = 64, MAX_LABELS = 64, MAX_TRIES = 200000 };

struct xl_synth {
	struct xl_synth_job job;
	void *source;  /* what the set opened */
	int64_t limit; /* indices there are */
	int n_labels;
	bool chosen[MAX_LABELS];
	const char *names[MAX_LABELS]; /* of what is chosen, in the order asked for */
	int column[MAX_LABELS];        /* their labels */
	int n_chosen;
	struct xl_where *where, *domain;
	char *where_text;
	int phase;        /* index into the roles */
	uint32_t cursor;  /* the next index to try in this phase */
	int64_t in_phase; /* accepted in this phase */
	struct xl_synth_ask asks[BATCH];
	struct xl_record *batch[BATCH];
	char *failed[BATCH]; /* why an entry could not be made */
	int n_batch, given;
};

const struct xl_synth_set *xl_synth_find(const char *name)
{
	char list[256] = "";

	for (int i = 0; xl_synth_sets[i] != NULL; i++) {
		if (strcmp(xl_synth_sets[i]->name, name) == 0)
			return xl_synth_sets[i];
		xl_list_add(list, sizeof list, xl_synth_sets[i]->name);
	}
	xl_err("there is no set '%s'; there are %s", name, list);
	return NULL;
}

/* The columns of y, from the list of names or all. */
static int choose(struct xl_synth *s, const char *list)
{
	const char *const *labels = s->job.set->labels;

	for (int i = 0; list == NULL && i < s->n_labels; i++) {
		s->column[s->n_chosen++] = i;
		s->chosen[i] = true;
	}
	for (const char *p = list; p != NULL; p++) {
		size_t len = strcspn(p, ",");
		int k = len > 256 ? -1
				  : xl_where_name("--attributes", p, (int)len, labels, s->n_labels);

		if (len > 256)
			xl_err("--attributes: a name is longer than 256 characters");
		if (k < 0)
			return -1;
		if (s->chosen[k])
			return xl_err("--attributes: '%s' is there twice", labels[k]);
		s->chosen[k] = true;
		s->column[s->n_chosen++] = k;
		p += len;
		if (*p == '\0')
			break;
	}
	for (int i = 0; i < s->n_chosen; i++)
		s->names[i] = labels[s->column[i]];
	return 0;
}

/* Pairs need something to exchange. */
static int check_pairs(const struct xl_synth *s)
{
	const struct xl_synth_set *set = s->job.set;
	char list[1024] = "";

	if (!set->is_exchanged)
		return 0;
	for (int i = 0; i < s->n_chosen; i++)
		if (set->is_exchanged(s->column[i]))
			return 0;
	for (int i = 0; i < s->n_labels; i++)
		if (set->is_exchanged(i))
			xl_list_add(list, sizeof list, set->labels[i]);
	return xl_err("--pairs: none of --attributes can be exchanged; those that can are %s",
		      list);
}

/* What is said of digits fits the set. */
static int check_digits(const struct xl_synth_job *job)
{
	const struct xl_synth_digits *d = &job->digits;

	if (job->set->open == NULL && (d->dir || d->split || d->is_published || d->is_plain))
		return xl_err(
			"the set %s is not made of digits; --mnist, --split, --published-order "
			"and --no-stretch are for those that are",
			job->set->name);
	if (job->set->open != NULL && d->dir == NULL)
		return xl_err("the set %s needs --mnist, the folder of MNIST's files",
			      job->set->name);
	if (d->is_published && !job->set->has_published_order)
		return xl_err("--published-order: that of the set %s is not known", job->set->name);
	if (d->is_published && job->seed > UINT32_MAX)
		return xl_err("--published-order: takes seeds from 0 to %u", UINT32_MAX);
	return 0;
}

struct xl_synth *xl_synth_open(const struct xl_synth_job *job)
{
	struct xl_synth *s = xl_alloc(1, sizeof *s);
	const char *const *labels = job->set->labels;

	if (s == NULL)
		return NULL;
	s->job = *job;
	s->job.attributes = s->job.where = s->job.domain_by = NULL;
	while (s->n_labels < MAX_LABELS && labels[s->n_labels] != NULL)
		s->n_labels++;
	if (check_digits(job) < 0 || choose(s, job->attributes) < 0 ||
	    (job->pairs && check_pairs(s) < 0))
		goto fail;
	if (job->where != NULL) {
		s->where = xl_where_new("--where", job->where, labels, s->n_labels);
		s->where_text = xl_strdup(job->where);
		if (s->where == NULL || s->where_text == NULL)
			goto fail;
	}
	if (job->domain_by != NULL) {
		s->domain = xl_where_new("--domain-by", job->domain_by, labels, s->n_labels);
		if (s->domain == NULL)
			goto fail;
	}
	return s;
fail:
	xl_synth_close(s);
	return NULL;
}

void xl_synth_close(struct xl_synth *s)
{
	if (s == NULL)
		return;
	for (int i = s->given; i < s->n_batch; i++) {
		xl_record_free(s->batch[i]);
		free(s->failed[i]);
	}
	if (s->source != NULL)
		s->job.set->close(s->source);
	xl_where_free(s->where);
	xl_where_free(s->domain);
	free(s->where_text);
	free(s);
}

int64_t xl_synth_total(const struct xl_synth *s)
{
	return s->job.pairs ? 3 * s->job.count : s->job.count;
}

static enum xl_synth_role role_of(const struct xl_synth *s)
{
	return s->job.pairs ? (enum xl_synth_role)(XL_SYNTH_INPUT + s->phase) : XL_SYNTH_SINGLE;
}

/* Whether an index is wanted: of a pair, the condition is on the input, and the exemplar
 * is of the other domain. */
static bool is_wanted(const struct xl_synth *s, uint32_t index)
{
	const struct xl_synth_set *set = s->job.set;
	uint8_t y[MAX_LABELS] = {0}, other[MAX_LABELS] = {0};
	struct xl_synth_ask a = {
		s->job.seed, index,     s->job.pairs ? XL_SYNTH_INPUT : XL_SYNTH_SINGLE,
		s->job.size, s->chosen, s->source};

	if (!set->labels_of(&a, y) || (s->where != NULL && !xl_where_holds(s->where, y)))
		return false;
	if (!s->job.pairs || s->domain == NULL)
		return true;
	a.role = XL_SYNTH_EXEMPLAR;
	set->labels_of(&a, other);
	return xl_where_holds(s->domain, y) != xl_where_holds(s->domain, other);
}

/* Labels, their names, role and domain. */
static int describe(const struct xl_synth *s, const struct xl_synth_ask *a, struct xl_record *r)
{
	static const char *const roles[] = {NULL, "input", "exemplar", "truth"};
	uint8_t all[MAX_LABELS] = {0};
	char domain[2] = "";
	int64_t shape[1] = {s->n_chosen};
	struct xl_tensor *y = xl_tensor_new(XL_U1, 1, shape);

	if (y == NULL)
		return -1;
	s->job.set->labels_of(a, all);
	for (int i = 0; i < s->n_chosen; i++)
		((uint8_t *)y->data)[i] = all[s->column[i]];
	if (xl_record_put(r, "y", y) < 0 ||
	    xl_meta_set_strs(r, "attributes", s->names, s->n_chosen) < 0)
		return -1;
	if (roles[a->role] != NULL && xl_meta_set_str(r, "role", roles[a->role]) < 0)
		return -1;
	if (s->domain != NULL)
		domain[0] = xl_where_holds(s->domain, all) ? 'B' : 'A';
	else if (s->job.set->domain_of != NULL)
		domain[0] = s->job.set->domain_of(a);
	return domain[0] != '\0' ? xl_meta_set_str(r, "domain", domain) : 0;
}

/* The number of indices that are wanted. */
static int64_t count_wanted(const struct xl_synth *s)
{
	int64_t n = 0;

	if (s->where == NULL && (!s->job.pairs || s->domain == NULL))
		return s->limit;
	for (int64_t i = 0; i < s->limit; i++)
		n += is_wanted(s, (uint32_t)i);
	return n;
}

int xl_synth_begin(struct xl_synth *s)
{
	const char *what = s->job.pairs ? "pairs" : "images";
	int64_t wanted;

	s->limit = UINT32_MAX;
	if (s->job.set->open == NULL) {
		if (s->job.count < 0)
			s->job.count = XL_SYNTH_USUAL;
		return 0;
	}
	s->source = s->job.set->open(&s->job);
	if (s->source == NULL)
		return -1;
	s->limit = s->job.set->count_of(s->source);
	wanted = count_wanted(s);
	if (wanted == 0)
		return xl_err("none of the %lld %s of %s is as --where or --domain-by asks",
			      (long long)s->limit, what, s->job.set->name);
	if (s->job.count > wanted)
		return xl_err("--count: the set %s has %lld %s%s%s", s->job.set->name,
			      (long long)wanted, what, s->where_text ? " where " : "",
			      s->where_text ? s->where_text : "");
	if (s->job.count < 0)
		s->job.count = wanted;
	return 0;
}

static void make_one(void *ctx, int64_t i)
{
	struct xl_synth *s = ctx;
	struct xl_record *r = s->job.set->make(&s->asks[i]);

	if (r != NULL && describe(s, &s->asks[i], r) < 0) {
		xl_record_free(r);
		r = NULL;
	}
	/* messages belong to a thread; carry this one to the caller's */
	s->failed[i] = r == NULL ? xl_strdup(xl_err_msg()) : NULL;
	s->batch[i] = r;
}

static int no_more(const struct xl_synth *s)
{
	if (s->where_text != NULL)
		return xl_err(
			"--where: '%s' does not hold for any of %d%s in a row; it may never hold",
			s->where_text, MAX_TRIES, s->job.pairs ? " pairs" : " images");
	return xl_err("no pair among %d differs in what is chosen, or in its domains", MAX_TRIES);
}

/* Collects the next indices of this phase and makes their images. */
static int fill(struct xl_synth *s)
{
	int tries = 0;

	s->n_batch = s->given = 0;
	while (s->n_batch < BATCH && s->in_phase < s->job.count) {
		uint32_t index = s->cursor;

		if ((s->source == NULL && ++tries > MAX_TRIES) || index == s->limit)
			return no_more(s);
		s->cursor++;
		if (!is_wanted(s, index))
			continue;
		tries = 0;
		s->asks[s->n_batch++] = (struct xl_synth_ask){s->job.seed, index,     role_of(s),
							      s->job.size, s->chosen, s->source};
		s->in_phase++;
	}
	xl_parallel(make_one, s, s->n_batch);
	return 0;
}

int xl_synth_next(struct xl_synth *s, struct xl_record **out)
{
	if (s->given == s->n_batch && s->in_phase == s->job.count) {
		if (!s->job.pairs || s->phase == 2)
			return 0;
		s->phase++;
		s->cursor = 0;
		s->in_phase = 0;
	}
	if (s->given == s->n_batch && s->job.count == 0)
		return 0;
	if (s->given == s->n_batch && fill(s) < 0)
		return -1;
	int i = s->given++;

	if (s->batch[i] == NULL) {
		xl_err("%s", s->failed[i] != NULL ? s->failed[i] : "out of memory");
		free(s->failed[i]);
		return -1;
	}
	*out = s->batch[i];
	return 1;
}
