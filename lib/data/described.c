/*
 * described.c - sets of features and statistics: how they grow, and whether two are alike.
 * What they are read from is in described_read.c.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/described.h"

/* Features are taken into the statistics in blocks of as many as there are numbers in
 * each, or of this many: a block costs as much as d of them. */
enum { BLOCK = 256 };

void xl_described_init(struct xl_described *s)
{
	*s = (struct xl_described){.n = 0};
	xl_digest_init(&s->seen);
}

void xl_described_done(struct xl_described *s)
{
	xl_gauss_done(&s->g);
	free(s->rows);
	free(s->p);
	free(s->inputs);
	*s = (struct xl_described){.n = 0};
}

/* ---- how it was made -------------------------------------------------- */

static const char *or_unknown(const char *word)
{
	return *word ? word : "unknown";
}

/* "vgg19 (1a2b3c4d..), 512 features, resize pt" */
static void show(char *buf, size_t size, const struct xl_described *s)
{
	snprintf(buf, size, "%s%s%.8s%s, %lld features, resize %s", or_unknown(s->network),
		 *s->digest ? " (" : "", s->digest, *s->digest ? "..)" : "", (long long)s->d,
		 or_unknown(s->resize));
}

int xl_described_made(struct xl_described *s, const char *network, const char *digest,
		      const char *resize, int64_t d)
{
	struct xl_described it = {.d = d};
	char was[240], is[240];

	snprintf(it.network, sizeof it.network, "%s", network);
	snprintf(it.digest, sizeof it.digest, "%s", digest);
	snprintf(it.resize, sizeof it.resize, "%s", resize);
	if (!s->is_known) {
		memcpy(s->network, it.network, sizeof s->network);
		memcpy(s->digest, it.digest, sizeof s->digest);
		memcpy(s->resize, it.resize, sizeof s->resize);
		s->d = d;
		s->is_known = true;
		return xl_gauss_init(&s->g, d);
	}
	if (s->d == d && strcmp(s->network, it.network) == 0 && strcmp(s->digest, it.digest) == 0 &&
	    strcmp(s->resize, it.resize) == 0)
		return 0;
	show(was, sizeof was, s);
	show(is, sizeof is, &it);
	return xl_err("made with %s; what came before, of %s, with %s", is, s->first, was);
}

/* Whether words may say the same; one that says nothing may. */
static bool may_agree(const char *a, const char *b)
{
	return !*a || !*b || strcmp(a, b) == 0;
}

static void take_word(char *to, const char *from, size_t size)
{
	if (!*to)
		snprintf(to, size, "%s", from);
}

static void take_words(struct xl_described *to, const struct xl_described *from)
{
	take_word(to->network, from->network, sizeof to->network);
	take_word(to->digest, from->digest, sizeof to->digest);
	take_word(to->resize, from->resize, sizeof to->resize);
}

/* Whether two were made in ways that may be the same; what one does not say is then taken
 * from the other. */
static bool reconcile(struct xl_described *a, struct xl_described *b)
{
	if (a->d != b->d || !may_agree(a->network, b->network) ||
	    !may_agree(a->digest, b->digest) || !may_agree(a->resize, b->resize))
		return false;
	take_words(a, b);
	take_words(b, a);
	return true;
}

int xl_described_agree(struct xl_described *a, const char *name_a, struct xl_described *b,
		       const char *name_b)
{
	char how_a[240], how_b[240];

	if (reconcile(a, b))
		return 0;
	show(how_a, sizeof how_a, a);
	show(how_b, sizeof how_b, b);
	return xl_err("%s: made with %s; %s: with %s", name_a, how_a, name_b, how_b);
}

int xl_described_load(const struct xl_described *s)
{
	const struct xl_described *b = s->beside;
	struct xl_features *f = s->with;
	const int rc = xl_features_load(f);
	char how[240];

	if (f->path || !b || !*b->digest ||
	    (rc ? xl_features_is_fid(b->network) : strcmp(b->digest, f->digest) == 0))
		return rc;
	show(how, sizeof how, b);
	return xl_err("what it is compared with was made with %s; --features names that network",
		      how);
}

int xl_described_hold(struct xl_described *s, const char *name)
{
	struct xl_features *f = s->with;
	struct xl_described asked = {.d = f->dims ? f->dims : s->d};
	char is[240], want[240];

	if (f->path && xl_features_load(f))
		return -1;
	if (f->path) {
		asked.d = f->d;
		snprintf(asked.network, sizeof asked.network, "%s", f->name);
		snprintf(asked.digest, sizeof asked.digest, "%s", f->digest);
	}
	if (f->must_squash)
		snprintf(asked.resize, sizeof asked.resize, "%s", xl_squash_name(f->squash));
	if (reconcile(s, &asked))
		return 0;
	take_words(&asked, s); /* what was not asked for is as it is */
	show(is, sizeof is, s);
	show(want, sizeof want, &asked);
	return xl_err("%s: made with %s; asked for is %s", name, is, want);
}

void xl_described_text(FILE *f, const struct xl_described *s)
{
	fprintf(f, "network %s\nnetwork_digest %s\nresize %s\n", or_unknown(s->network),
		or_unknown(s->digest), or_unknown(s->resize));
}

void xl_described_json(struct xl_json *j, const struct xl_described *s)
{
	xl_json_str(j, "network", or_unknown(s->network));
	xl_json_str(j, "network_digest", or_unknown(s->digest));
	xl_json_str(j, "resize", or_unknown(s->resize));
	xl_json_int(j, "features", s->d);
}

/* ---- features --------------------------------------------------------- */

static int grow(void **p, int64_t *cap, int64_t want, size_t each)
{
	const int64_t more = want > 2 * *cap ? want : 2 * *cap;
	void *q;

	if (want <= *cap)
		return 0;
	if (!(q = xl_realloc(*p, (size_t)more, each)))
		return -1;
	*p = q;
	*cap = more;
	return 0;
}

float *xl_described_room(struct xl_described *s, int64_t n, double **p)
{
	if (s->n < 0) {
		xl_err("what came before does not say of how many pictures it is");
		return NULL;
	}
	if (grow((void **)&s->rows, &s->cap_rows, s->n_rows + n, (size_t)s->d * sizeof *s->rows))
		return NULL;
	*p = NULL;
	if (s->judge && s->k > 0) {
		if (grow((void **)&s->p, &s->cap_p, s->n_p + n, (size_t)s->k * sizeof *s->p))
			return NULL;
		*p = s->p + s->n_p * s->k;
	}
	return s->rows + s->n_rows * s->d;
}

/* The first n rows that were not taken into the statistics yet. */
static int take_in(struct xl_described *s, int64_t n)
{
	float *first = s->rows + s->n_taken * s->d;

	if (xl_gauss_add(&s->g, first, n))
		return -1;
	if (s->keep) {
		s->n_taken += n;
	} else {
		s->n_rows -= n;
		memmove(first, first + n * s->d, (size_t)(s->n_rows * s->d) * sizeof *first);
	}
	return 0;
}

int xl_described_more(struct xl_described *s, int64_t n, int64_t n_judged)
{
	const int64_t block = s->d > BLOCK ? s->d : BLOCK;

	s->n_rows += n;
	s->n += n;
	s->has_features = true;
	s->n_p += n_judged;
	while (s->n_rows - s->n_taken > block)
		if (take_in(s, block))
			return -1;
	return 0;
}

/* ---- statistics ------------------------------------------------------- */

static int note_input(struct xl_described *s, const char *digest)
{
	for (int i = 0; i < s->n_inputs; i++)
		if (strcmp(s->inputs[i], digest) == 0)
			return xl_err("part %.8s.. would count twice", digest);
	snprintf(s->inputs[s->n_inputs++], sizeof *s->inputs, "%s", digest);
	return 0;
}

static int note_inputs(struct xl_described *s, const struct xl_value *v)
{
	const int n = v && v->type == XL_LIST ? v->n : 0;
	void *more = xl_realloc(s->inputs, (size_t)(s->n_inputs + n + 1), sizeof *s->inputs);
	int rc = more ? 0 : -1;

	if (more)
		s->inputs = more;
	for (int i = 0; rc == 0 && i < n; i++)
		if (v->items[i].type == XL_STR)
			rc = note_input(s, v->items[i].str);
	return rc;
}

int xl_described_add_statistics(struct xl_described *s, struct xl_gauss *g, int64_t n,
				const struct xl_value *inputs)
{
	if (s->n != 0 && (n < 1 || s->n < 0))
		return xl_err("does not say of how many pictures it is, and cannot be merged");
	if (note_inputs(s, inputs))
		return -1;
	xl_digest_add(&s->seen, g->mean, (size_t)s->d * sizeof *g->mean);
	xl_digest_add(&s->seen, g->cov, (size_t)(s->d * s->d) * sizeof *g->cov);
	g->n = n < 1 ? 1 : n; /* merged with nothing, it stays as it is */
	xl_gauss_merge(&s->g, g);
	s->n = n < 1 ? -1 : s->n + n;
	s->has_statistics = true;
	return 0;
}

/* The last rows stay where they are, for xl_fid_few. */
int xl_described_end(struct xl_described *s)
{
	const int64_t left = s->n_rows - s->n_taken;

	if (xl_gauss_add(&s->g, s->rows + s->n_taken * s->d, left))
		return -1;
	s->n_taken += left;
	return 0;
}

/* Singular values of few vectors take less than eigenvalues of what they span. */
static bool are_few(const struct xl_described *s)
{
	return !s->has_statistics && s->n_rows == s->n && 2 * s->n <= s->d;
}

int xl_described_fid(struct xl_fid *f, const struct xl_described *a, const char *name_a,
		     const struct xl_described *b, const char *name_b, double eps)
{
	if (eps == 0 && are_few(a) && are_few(b))
		return xl_fid_few(f, a->rows, a->n, b->rows, b->n, a->d);
	if (xl_fid_of(f, &a->g, &b->g, eps) == 0)
		return 0;
	return f->at_fault ? xl_err_prefix("%s", f->at_fault == &a->g ? name_a : name_b) : -1;
}

int xl_described_score(struct xl_inception_score *score, const struct xl_described *s)
{
	const struct xl_probabilities p = {s->p, s->is_yes_or_no, s->n, s->k};

	if (s->n_p != s->n || s->n < 1)
		return xl_err("--is takes pictures and a network that has verdicts on them");
	return xl_inception_score(score, &p);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int put_matrix(struct xl_record *r, const char *name, int ndim, int64_t d, const double *v)
{
	struct xl_tensor *t = xl_tensor_new(XL_F8, ndim, (const int64_t[]){d, d});

	if (t)
		memcpy(t->data, v, xl_tensor_bytes(t));
	return xl_record_put(r, name, t);
}

/* What was measured here is one of the inputs; they are sorted, so that the order of
 * merging does not show. */
static int put_inputs(struct xl_record *r, struct xl_described *s)
{
	const char **list;
	int rc;

	if (s->has_features) {
		if (note_inputs(s, NULL))
			return -1;
		xl_described_digest(s, s->inputs[s->n_inputs++]);
	}
	qsort(s->inputs, (size_t)s->n_inputs, sizeof *s->inputs, by_text);
	if (!(list = xl_alloc((size_t)s->n_inputs + 1, sizeof *list)))
		return -1;
	for (int i = 0; i < s->n_inputs; i++)
		list[i] = s->inputs[i];
	rc = xl_meta_set_strs(r, "inputs", list, s->n_inputs);
	free(list);
	return rc;
}

struct xl_record *xl_described_statistics(struct xl_described *s)
{
	struct xl_record *r = xl_record_new(XL_STATS, "stats");

	if (!r)
		return NULL;
	if (xl_meta_set_int(r, "n", s->n) || xl_meta_set_str(r, "network", s->network) ||
	    xl_meta_set_str(r, "network_digest", s->digest) ||
	    xl_meta_set_str(r, "resize", s->resize) || put_inputs(r, s) ||
	    xl_meta_set_str(r, "version", XL_VERSION) || put_matrix(r, "mu", 1, s->d, s->g.mean) ||
	    put_matrix(r, "sigma", 2, s->d, s->g.cov)) {
		xl_record_free(r);
		return NULL;
	}
	return r;
}

void xl_described_digest(struct xl_described *s, char hex[65])
{
	xl_digest_hex(&s->seen, hex);
}
