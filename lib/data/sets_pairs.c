/*
 * sets_pairs.c - inputs, each with an exemplar that differs from it: pictures in classes, of a
 * domain or of the same labels, and for each class a walk through the pictures of others.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "data/sets.h"

/* ---- classes ---------------------------------------------------------- */

struct keyed {
	char *key; /* what those of a class have in common */
	int64_t item;
};

/* A domain, else the labels that go into y, else nothing shared by two */
static char *key_of(const struct xl_set *s, int64_t i)
{
	const struct xl_item *it = &s->items[i];
	const uint8_t *y = xl_set_labels_of(s, it);

	if (it->domain)
		return xl_strf("%c", it->domain);
	if (!y)
		return xl_strf("%lld", (long long)i);
	const struct xl_set_labels *l = &s->labels[it->labels];
	int n = l->columns ? l->n_columns : l->list.n_names;
	char *key = xl_alloc(2 * (size_t)n + 1, 1);
	for (int k = 0; key && k < n; k++) {
		unsigned v = y[l->columns ? l->columns[k] : k];
		key[2 * k] = (char)('a' + v / 16);
		key[2 * k + 1] = (char)('a' + v % 16);
	}
	return key;
}

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int d = strcmp(x->key, y->key);
	return d ? d : (x->item > y->item) - (x->item < y->item);
}

/* Numbers from 0 for what items have in common; how many there are, or -1 with xl_err set */
static int64_t classify(const struct xl_set *s, int64_t *class)
{
	struct keyed *k = xl_alloc((size_t)s->n, sizeof *k);
	int64_t n = 0, count = k ? 0 : -1;

	for (; k && count == 0 && n < s->n; n++) {
		k[n].item = n;
		k[n].key = key_of(s, n);
		if (!k[n].key)
			count = -1;
	}
	if (count == 0)
		qsort(k, (size_t)n, sizeof *k, by_key);
	for (int64_t i = 0; count >= 0 && i < n; i++) {
		count += i == 0 || strcmp(k[i].key, k[i - 1].key) != 0;
		class[k[i].item] = count - 1;
	}
	for (int64_t i = 0; i < n; i++)
		free(k[i].key);
	free(k);
	return count;
}

/* ---- exemplars -------------------------------------------------------- */

struct walks {
	const int64_t *class; /* of each item */
	uint32_t *order;      /* of items, as they are walked through */
	int64_t *at;          /* where in it each class is */
	int64_t n;
};

/* The next item of another class; there is one */
static int64_t next_other(struct walks *w, int64_t class)
{
	int64_t item;

	do {
		item = w->order[w->at[class]];
		w->at[class] = (w->at[class] + 1) % w->n;
	} while (w->class[item] == class);
	return item;
}

/* Walks begin apart, so that few pictures are exemplars of inputs of several classes. */
static int begin_walks(struct walks *w, int64_t classes, uint64_t seed)
{
	struct xl_rng r;

	w->order = xl_alloc((size_t)w->n, sizeof *w->order);
	w->at = xl_alloc((size_t)classes, sizeof *w->at);
	if (!w->order || !w->at)
		return -1;
	for (int64_t i = 0; i < w->n; i++)
		w->order[i] = (uint32_t)i;
	xl_rng_init(&r, seed, XL_RNG_SPLIT, 2, 0);
	xl_rng_permute(&r, w->order, (uint32_t)w->n);
	for (int64_t c = 0; c < classes; c++)
		w->at[c] = c * w->n / classes;
	return 0;
}

static void free_items(struct xl_item *items, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (items[i].idx < 0)
			free(items[i].path);
	free(items);
}

/* A copy, which owns its path as the item does */
static int copy(struct xl_item *to, const struct xl_item *it)
{
	*to = *it;
	if (it->idx < 0)
		to->path = xl_strdup(it->path);
	return to->path ? 0 : -1;
}

/* The places of the inputs, and how many */
static int64_t choose_inputs(const struct xl_set *s, const struct xl_select *want, int64_t *inputs)
{
	int64_t n = 0;

	for (int64_t i = 0; i < s->n && (want->limit < 0 || n < want->limit); i++)
		if (!want->domain || s->items[i].domain == want->domain)
			inputs[n++] = i;
	return n;
}

/* Puts n inputs and their exemplars into the place of all items. */
static int take(struct xl_set *s, const int64_t *inputs, int64_t n, struct walks *w)
{
	struct xl_item *to = xl_alloc(2 * (size_t)n, sizeof *to);
	int rc = to ? 0 : -1;

	for (int64_t i = 0; to && i < 2 * n; i++)
		to[i].idx = -1;
	for (int64_t i = 0; !rc && i < n; i++) {
		int64_t exemplar = next_other(w, w->class[inputs[i]]);
		if (copy(&to[i], &s->items[inputs[i]]) || copy(&to[n + i], &s->items[exemplar]))
			rc = -1;
	}
	if (rc) {
		free_items(to, to ? 2 * n : 0);
		return -1;
	}
	free_items(s->items, s->n);
	s->items = to;
	s->n = s->cap = 2 * n;
	return 0;
}

int xl_set_pair(struct xl_set *s, const struct xl_select *want)
{
	int64_t *class = xl_alloc((size_t)s->n, sizeof *class);
	int64_t *inputs = xl_alloc((size_t)s->n, sizeof *inputs);
	struct walks w = {.class = class, .n = s->n};
	int64_t classes = class && inputs ? classify(s, class) : -1;
	int rc = classes < 0 ? -1 : 0;

	if (classes == 1)
		rc = xl_err("--pairs: %s", s->n == 1 ? "one picture alone makes no pair"
					   : s->items[0].domain
						   ? "all pictures are of one domain"
						   : "all pictures have the same labels");
	if (!rc)
		rc = begin_walks(&w, classes, want->seed);
	if (!rc)
		rc = take(s, inputs, choose_inputs(s, want, inputs), &w);
	free(class);
	free(inputs);
	free(w.order);
	free(w.at);
	return rc;
}
