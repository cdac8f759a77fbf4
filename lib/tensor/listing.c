/*
 * listing.c - records for people: the listing of xl-cat, and the same as JSON.
 */
#include <stdlib.h>
#include <string.h>
#include "core/file.h"
#include "core/mem.h"
#include "tensor/summary.h"

/* Text from outside; where there is no memory it is left out. */
static void put_text(FILE *f, const char *s)
{
	char *copy = xl_strdup(s);

	if (copy)
		fputs(xl_disarm(copy), f);
	free(copy);
}

static void print_scalar(FILE *f, const struct xl_value *v)
{
	if (v->type == XL_STR)
		put_text(f, v->str);
	else if (v->type == XL_INT)
		fprintf(f, "%lld", (long long)v->i);
	else if (v->type == XL_FLOAT)
		fprintf(f, "%.10g", v->f);
	else if (v->type == XL_BOOL)
		fputs(v->i ? "true" : "false", f);
}

static void print_meta(FILE *f, const struct xl_meta *m)
{
	fputs("  ", f);
	put_text(f, m->key);
	fputs(": ", f);
	for (int i = 0; i < m->value.n; i++) {
		fputs(i ? ", " : "", f);
		print_scalar(f, &m->value.items[i]);
	}
	print_scalar(f, &m->value); /* prints nothing for a list */
	fputc('\n', f);
}

static void print_tensor(FILE *f, const struct xl_named *n, int width)
{
	struct xl_summary s;
	char shape[160];

	xl_tensor_summary(n->tensor, &s);
	fputs("  ", f);
	put_text(f, n->name);
	fprintf(f, "%*s  %-17s", width - (int)strlen(n->name), "",
		xl_tensor_show(n->tensor, shape, sizeof(shape)));
	if (s.finite > 0)
		fprintf(f, "  min %.6g  mean %.6g  max %.6g", s.min, s.mean, s.max);
	if (s.nonfinite > 0)
		fprintf(f, "  %lld not finite", (long long)s.nonfinite);
	if (s.finite + s.nonfinite == 0)
		fputs("  empty", f);
	fputc('\n', f);
}

void xl_record_print(FILE *f, const struct xl_record *r)
{
	int width = 0;

	fprintf(f, "%s%s", xl_kind_name(r->kind), r->id[0] ? " " : "");
	put_text(f, r->id);
	fputc('\n', f);
	for (int i = 0; i < r->n_meta; i++)
		print_meta(f, &r->meta[i]);
	for (int i = 0; i < r->n_tensors; i++)
		if ((int)strlen(r->tensors[i].name) > width)
			width = (int)strlen(r->tensors[i].name);
	for (int i = 0; i < r->n_tensors; i++)
		print_tensor(f, &r->tensors[i], width);
}

static void json_value(struct xl_json *j, const char *key, const struct xl_value *v)
{
	if (v->type == XL_STR)
		xl_json_str(j, key, v->str);
	else if (v->type == XL_INT)
		xl_json_int(j, key, v->i);
	else if (v->type == XL_FLOAT)
		xl_json_num(j, key, v->f);
	else if (v->type == XL_BOOL)
		xl_json_bool(j, key, v->i != 0);
}

static void json_meta(struct xl_json *j, const struct xl_meta *m)
{
	if (m->value.type != XL_LIST) {
		json_value(j, m->key, &m->value);
		return;
	}
	xl_json_open(j, m->key, '[');
	for (int i = 0; i < m->value.n; i++)
		json_value(j, NULL, &m->value.items[i]);
	xl_json_close(j, ']');
}

static void json_tensor(struct xl_json *j, const struct xl_named *n)
{
	struct xl_summary s;

	xl_tensor_summary(n->tensor, &s);
	xl_json_open(j, n->name, '{');
	xl_json_str(j, "type", xl_dtype_name(n->tensor->dtype));
	xl_json_open(j, "shape", '[');
	for (int i = 0; i < n->tensor->ndim; i++)
		xl_json_int(j, NULL, n->tensor->shape[i]);
	xl_json_close(j, ']');
	if (s.finite > 0) {
		xl_json_num(j, "min", s.min);
		xl_json_num(j, "mean", s.mean);
		xl_json_num(j, "max", s.max);
	}
	xl_json_int(j, "not_finite", s.nonfinite);
	xl_json_close(j, '}');
}

void xl_record_json(struct xl_json *j, const struct xl_record *r)
{
	xl_json_str(j, "kind", xl_kind_name(r->kind));
	xl_json_str(j, "id", r->id);
	xl_json_open(j, "meta", '{');
	for (int i = 0; i < r->n_meta; i++)
		json_meta(j, &r->meta[i]);
	xl_json_close(j, '}');
	xl_json_open(j, "tensors", '{');
	for (int i = 0; i < r->n_tensors; i++)
		json_tensor(j, &r->tensors[i]);
	xl_json_close(j, '}');
}
