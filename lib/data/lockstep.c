/*
 * lockstep.c - record against record. A measure over pairs means nothing when
 * one stream has lost a record, so different lengths are an error with counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "data/lockstep.h"

static void drop_records(struct xl_lockstep *s)
{
	for (int i = 0; i < s->n; i++) {
		xl_record_free(s->record[i]);
		s->record[i] = NULL;
	}
}

void xl_lockstep_open(struct xl_lockstep *s, const char *const *paths, int n)
{
	*s = (struct xl_lockstep){.n = n};
	for (int i = 0; i < n; i++) {
		xl_digest_init(&s->digest[i]);
		s->path[i] = paths[i];
		xl_inputs_init(&s->in[i], &s->path[i], 1);
	}
}

/* The rest of a stream, so that its length can be told. */
static int read_out(struct xl_inputs *in)
{
	struct xl_record *r;
	int got;

	while ((got = xl_inputs_next(in, &r)) > 0)
		xl_record_free(r);
	return got;
}

static int count_error(struct xl_lockstep *s)
{
	char text[512] = "", one[160];

	for (int i = 0; i < s->n; i++)
		if (read_out(&s->in[i]) < 0)
			return -1;
	for (int i = 0; i < s->n; i++) {
		const int64_t n = s->in[i].count;

		snprintf(one, sizeof one, "%.100s has %" PRId64 "%s", s->in[i].name, n,
			 i        ? ""
			 : n == 1 ? " record"
				  : " records");
		xl_list_add(text, sizeof text, one);
	}
	return xl_err("%s", text);
}

int xl_lockstep_next(struct xl_lockstep *s)
{
	int ended = 0;

	drop_records(s);
	for (int i = 0; i < s->n; i++) {
		const int got = xl_inputs_next(&s->in[i], &s->record[i]);

		if (got < 0)
			return -1;
		ended += got == 0;
	}
	if (ended == s->n && s->count > 0)
		return 0;
	if (ended > 0)
		return count_error(s);
	s->count++;
	return 1;
}

int xl_lockstep_err_at(const struct xl_lockstep *s, int i)
{
	return xl_err_prefix("%s", xl_inputs_where(&s->in[i]));
}

void xl_digest_tensor(struct xl_digest *d, const char *id, const struct xl_tensor *t)
{
	xl_digest_add(d, id, strlen(id) + 1);
	xl_digest_add(d, t->shape, (size_t)t->ndim * sizeof t->shape[0]);
	xl_digest_add(d, t->data, xl_tensor_bytes(t));
}

void xl_lockstep_used(struct xl_lockstep *s, int i, const struct xl_tensor *t)
{
	xl_digest_tensor(&s->digest[i], s->record[i]->id, t);
}

void xl_lockstep_digest(struct xl_lockstep *s, int i, char hex[65])
{
	xl_digest_hex(&s->digest[i], hex);
}

void xl_lockstep_json_names(const struct xl_lockstep *s, struct xl_json *j,
			    const char *const *roles)
{
	for (int i = 0; i < s->n; i++)
		xl_json_str(j, roles[i], s->in[i].name);
}

void xl_lockstep_json_digests(struct xl_lockstep *s, struct xl_json *j, const char *const *roles)
{
	char hex[65];

	xl_json_open(j, "digests", '{');
	for (int i = 0; i < s->n; i++) {
		xl_lockstep_digest(s, i, hex);
		xl_json_str(j, roles[i], hex);
	}
	xl_json_close(j, '}');
}

void xl_lockstep_done(struct xl_lockstep *s)
{
	drop_records(s);
	for (int i = 0; i < s->n; i++)
		xl_inputs_done(&s->in[i]);
	*s = (struct xl_lockstep){0};
}
