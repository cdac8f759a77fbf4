/*
 * where.c - conditions on labels: a list of terms, each with the mark whether
 * the next one is another alternative of the same clause.
 */
#include "data/where.h"

#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "xl.h"

struct term {
	int label;
	int value;    /* -1: anything but 0 */
	bool is_last; /* of its clause */
};

struct xl_where {
	struct term *terms;
	int n;
};

int xl_where_name(const char *what, const char *s, int len, const char *const *names, int n)
{
	char list[1024] = "";

	for (int i = 0; i < n; i++)
		if (strlen(names[i]) == (size_t)len && memcmp(names[i], s, (size_t)len) == 0)
			return i;
	for (int i = 0; i < n; i++)
		xl_list_add(list, sizeof list, names[i]);
	if (len == 0)
		xl_err("%s: an attribute's name is missing; there are %s", what, list);
	else
		xl_err("%s: there is no attribute '%.*s'; there are %s", what, len, s, list);
	return -1;
}

/* One NAME or NAME=VALUE of len bytes. */
static int read_term(struct term *t, const char *what, const char *s, int len,
		     const char *const *names, int n)
{
	const char *eq = memchr(s, '=', (size_t)len);
	int name_len = eq != NULL ? (int)(eq - s) : len, digits = len - name_len - 1;

	t->label = xl_where_name(what, s, name_len, names, n);
	if (t->label < 0)
		return -1;
	t->value = -1;
	if (eq == NULL)
		return 0;
	t->value = 0;
	for (int i = 1; i <= digits && t->value >= 0; i++)
		t->value = eq[i] < '0' || eq[i] > '9' || t->value > 255
				   ? -1
				   : 10 * t->value + eq[i] - '0';
	if (digits < 1 || t->value < 0 || t->value > 255)
		return xl_err("%s: '%.*s' is not NAME=0 or NAME=1", what, len, s);
	return 0;
}

struct xl_where *xl_where_new(const char *what, const char *expr, const char *const *names, int n)
{
	struct xl_where *w = xl_alloc(1, sizeof *w);
	size_t terms = 1;

	if (w == NULL)
		return NULL;
	if (strlen(expr) > 65536) {
		xl_err("%s: longer than 65536 characters", what);
		goto fail;
	}
	for (const char *p = expr; *p != '\0'; p++)
		terms += *p == ',' || *p == '|';
	w->terms = xl_alloc(terms, sizeof *w->terms);
	if (w->terms == NULL)
		goto fail;
	for (const char *p = expr;; p++) {
		size_t len = strcspn(p, ",|");
		struct term *t = &w->terms[w->n++];

		if (read_term(t, what, p, (int)len, names, n) < 0)
			goto fail;
		p += len;
		t->is_last = *p != '|';
		if (*p == '\0')
			break;
	}
	return w;
fail:
	xl_where_free(w);
	return NULL;
}

void xl_where_free(struct xl_where *w)
{
	if (w == NULL)
		return;
	free(w->terms);
	free(w);
}

bool xl_where_holds(const struct xl_where *w, const uint8_t *y)
{
	bool clause = false;

	for (int i = 0; i < w->n; i++) {
		const struct term *t = &w->terms[i];

		clause = clause || (t->value < 0 ? y[t->label] != 0 : y[t->label] == t->value);
		if (!t->is_last)
			continue;
		if (!clause)
			return false;
		clause = false;
	}
	return true;
}
