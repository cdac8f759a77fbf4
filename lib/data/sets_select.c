/*
 * sets_select.c - what is kept of a set: split, conditions on labels, domains,
 * order, limit.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "data/sets.h"
#include "data/where.h"

/* Keeps the items marked, in their order. */
static void keep(struct xl_set *s, const bool *is_kept)
{
	int64_t n = 0;

	for (int64_t i = 0; i < s->n; i++) {
		if (is_kept[i])
			s->items[n++] = s->items[i];
		else if (s->items[i].idx < 0)
			free(s->items[i].path);
	}
	s->n = n;
}

const uint8_t *xl_set_labels_of(const struct xl_set *s, const struct xl_item *it)
{
	if (it->labels < 0 || it->row < 0)
		return NULL;
	const struct xl_attrs *l = &s->labels[it->labels].list;
	return l->rows ? l->rows[it->row].y : l->values + it->row * l->n_names;
}

/* ---- split ------------------------------------------------------------ */

struct hashed {
	uint64_t hash;
	int64_t item;
	char *id;
};

/* FNV-1a, and the finaliser of MurmurHash3, because FNV mixes short names badly */
static uint64_t hash_name(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;
	int d = strcmp(x->id, y->id);

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return d ? d : (x->item > y->item) - (x->item < y->item);
}

/* The pictures whose names have the lowest hashes are the test set. */
static int split_by_name(struct xl_set *s, int64_t test_count)
{
	struct hashed *h = xl_alloc((size_t)s->n, sizeof *h);
	int64_t n = 0;
	int rc = h ? 0 : -1;

	for (int64_t i = 0; !rc && i < s->n; i++) {
		if (s->items[i].split != XL_SPLIT_ALL)
			continue;
		h[n].item = i;
		h[n].id = xl_set_id(&s->items[i]);
		if (h[n].id)
			h[n].hash = hash_name(h[n].id);
		rc = h[n++].id ? 0 : -1;
	}
	if (!rc) {
		qsort(h, (size_t)n, sizeof *h, by_hash);
		if (test_count < 0)
			test_count = n / 10 < 2000 ? n / 10 : 2000;
		for (int64_t i = 0; i < n; i++)
			s->items[h[i].item].split = i < test_count ? XL_SPLIT_TEST : XL_SPLIT_TRAIN;
	}
	for (int64_t i = 0; i < n; i++)
		free(h[i].id);
	free(h);
	return rc;
}

static int choose_split(struct xl_set *s, const struct xl_select *want, bool *is_kept)
{
	if (want->split == XL_SPLIT_ALL)
		return 0;
	if (split_by_name(s, want->test_count))
		return -1;
	for (int64_t i = 0; i < s->n; i++)
		is_kept[i] = s->items[i].split == want->split;
	keep(s, is_kept);
	return 0;
}

/* ---- labels ----------------------------------------------------------- */

/* A list may lie beside pictures that it does not name: it then plays no part. */
static bool is_used(const struct xl_set *s, int k)
{
	for (int64_t i = 0; i < s->n; i++)
		if (s->items[i].labels == k && s->items[i].row >= 0)
			return true;
	return false;
}

/* Evaluates a condition for the items that list k labels. */
static int evaluate_list(const struct xl_set *s, int k, const char *what, const char *expr,
			 bool *holds)
{
	const struct xl_attrs *l = &s->labels[k].list;
	struct xl_where *w = xl_where_new(what, expr, (const char *const *)l->names, l->n_names);

	if (!w)
		return -1;
	for (int64_t i = 0; i < s->n; i++) {
		const uint8_t *y =
			s->items[i].labels == k ? xl_set_labels_of(s, &s->items[i]) : NULL;
		if (y)
			holds[i] = xl_where_holds(w, y);
	}
	xl_where_free(w);
	return 0;
}

/* Evaluates a condition for every item; those without labels do not hold. */
static int evaluate(const struct xl_set *s, const char *what, const char *expr, bool *holds)
{
	int used = 0;

	memset(holds, 0, (size_t)s->n);
	for (int k = 0; k < s->n_labels; k++) {
		if (!is_used(s, k))
			continue;
		used++;
		if (evaluate_list(s, k, what, expr, holds))
			return -1;
	}
	if (!used && s->n)
		return xl_err("%s: these pictures have no labels", what);
	return 0;
}

/* Where labels go into the stream, a picture without is left out, and counted. */
static int drop_unlabelled(struct xl_set *s, bool *is_kept)
{
	int64_t n = 0;

	for (int64_t i = 0; i < s->n; i++) {
		is_kept[i] = xl_set_labels_of(s, &s->items[i]);
		n += !is_kept[i];
	}
	keep(s, is_kept);
	return n ? xl_set_note(&s->notes, &s->n_notes,
			       xl_strf("pictures without labels, left out: %lld", (long long)n))
		 : 0;
}

static int choose_columns(struct xl_set_labels *l, const char *names)
{
	const char *const *has = (const char *const *)l->list.names;
	size_t most = 1;

	for (const char *p = names; *p; p++)
		most += *p == ',';
	l->columns = xl_alloc(most, sizeof *l->columns);
	if (!l->columns)
		return -1;
	l->n_columns = 0;
	for (const char *p = names;; p++) {
		int len = (int)strcspn(p, ",");
		int k = xl_where_name("--attributes", p, len, has, l->list.n_names);
		if (k < 0)
			return -1;
		l->columns[l->n_columns++] = k;
		p += len;
		if (!*p)
			return 0;
	}
}

static int choose_attributes(struct xl_set *s, const char *names)
{
	int used = 0;

	for (int k = 0; k < s->n_labels; k++) {
		if (!is_used(s, k))
			continue;
		used++;
		if (choose_columns(&s->labels[k], names))
			return -1;
	}
	if (!used && s->n)
		return xl_err("--attributes: these pictures have no labels");
	return 0;
}

static int choose_by_labels(struct xl_set *s, const struct xl_select *want, bool *mark)
{
	if (want->attributes && choose_attributes(s, want->attributes))
		return -1;
	if (want->where) {
		if (evaluate(s, "--where", want->where, mark))
			return -1;
		keep(s, mark);
	}
	if (want->domain_by) {
		if (evaluate(s, "--domain-by", want->domain_by, mark))
			return -1;
		for (int64_t i = 0; i < s->n; i++)
			s->items[i].domain = mark[i] ? 'B' : 'A';
	}
	return want->attributes || want->domain_by ? drop_unlabelled(s, mark) : 0;
}

/* ---- domain, order, the whole ----------------------------------------- */

/* Where both sides are known the domain is chosen, elsewhere it is given. */
static void choose_domain(struct xl_set *s, char domain, bool is_known, bool *mark)
{
	for (int64_t i = 0; i < s->n; i++) {
		mark[i] = !(is_known || s->items[i].is_pair) || s->items[i].domain == domain;
		s->items[i].domain = domain;
	}
	keep(s, mark);
}

static int shuffle(struct xl_set *s, uint64_t seed)
{
	struct xl_item *to = xl_alloc((size_t)s->n, sizeof *to);
	uint32_t *order = xl_alloc((size_t)s->n, sizeof *order);
	struct xl_rng r;
	int rc = -1;

	if (!to || !order)
		goto out;
	if (s->n > UINT32_MAX) {
		xl_err("--shuffle: more than %lu pictures", (unsigned long)UINT32_MAX);
		goto out;
	}
	for (int64_t i = 0; i < s->n; i++)
		order[i] = (uint32_t)i;
	xl_rng_init(&r, seed, XL_RNG_SPLIT, 0, 0);
	xl_rng_permute(&r, order, (uint32_t)s->n);
	for (int64_t i = 0; i < s->n; i++)
		to[i] = s->items[order[i]];
	memcpy(s->items, to, (size_t)s->n * sizeof *to);
	rc = 0;
out:
	free(to);
	free(order);
	return rc;
}

/* Files that a list names and nobody found, and pictures that it does not name */
static int note_gaps(struct xl_set *s)
{
	for (int k = 0; k < s->n_labels; k++) {
		const struct xl_attrs *l = &s->labels[k].list;
		int64_t absent = 0, unlisted = 0;
		for (int64_t i = 0; l->rows && i < l->n; i++)
			absent += !l->rows[i].is_present;
		for (int64_t i = 0; i < s->n; i++)
			unlisted += s->items[i].labels == k && s->items[i].row < 0;
		if (absent == l->n) /* a list of something else */
			continue;
		if (absent && s->labels[k].is_walked &&
		    xl_set_note(&s->notes, &s->n_notes,
				xl_strf("%s: %lld of %lld listed files are absent", l->path,
					(long long)absent, (long long)l->n)))
			return -1;
		if (unlisted && xl_set_note(&s->notes, &s->n_notes,
					    xl_strf("%s: pictures not listed, so without "
						    "labels: %lld",
						    l->path, (long long)unlisted)))
			return -1;
	}
	return 0;
}

/* Items beyond the first n are dropped. */
static void limit(struct xl_set *s, int64_t n)
{
	for (; n >= 0 && s->n > n; s->n--)
		if (s->items[s->n - 1].idx < 0)
			free(s->items[s->n - 1].path);
}

int xl_set_select(struct xl_set *s, const struct xl_select *want)
{
	bool *mark = xl_alloc((size_t)s->n, sizeof *mark);
	int rc = -1;

	if (mark && !note_gaps(s) && !choose_split(s, want, mark) &&
	    !choose_by_labels(s, want, mark))
		rc = 0;
	if (!rc && want->domain && !want->pairs)
		choose_domain(s, want->domain, want->domain_by, mark);
	if (!rc && (want->shuffle || want->pairs))
		rc = shuffle(s, want->seed);
	if (!rc && want->pairs)
		rc = xl_set_pair(s, want);
	else if (!rc)
		limit(s, want->limit);
	free(mark);
	return rc;
}
