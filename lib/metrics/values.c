/*
 * values.c - lists of results, see values.h. The metrics fill them, the tools
 * choose the form and the file.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "metrics/values.h"

static struct xl_value_item *append(struct xl_values *v, const char *name, const char *suffix)
{
	struct xl_value_item *it;

	assert(v->n < XL_VALUES_MAX);
	it = &v->item[v->n++];
	memset(it, 0, sizeof *it);
	snprintf(it->name, sizeof it->name, "%s%s", name, suffix);
	return it;
}

void xl_values_num(struct xl_values *v, const char *name, const char *suffix, double number)
{
	append(v, name, suffix)->number = number;
}

void xl_values_int(struct xl_values *v, const char *name, const char *suffix, int64_t count)
{
	struct xl_value_item *it = append(v, name, suffix);

	it->is_count = true;
	it->count = count;
}

/* The sign of a nan differs between machines; nobody means it. */
static void print_number(FILE *f, double v)
{
	if (isnan(v))
		fputs("nan", f);
	else
		fprintf(f, "%.10g", v);
}

static void print_id(FILE *f, const char *id)
{
	putc(' ', f);
	for (; *id; id++) {
		const unsigned char c = (unsigned char)*id;

		putc(c < 0x20 || c == 0x7f ? '?' : c, f);
	}
}

void xl_values_text(const struct xl_values *v, FILE *f, const char *id)
{
	for (int i = 0; i < v->n; i++) {
		const struct xl_value_item *it = &v->item[i];

		fprintf(f, "%s ", it->name);
		if (it->is_count)
			fprintf(f, "%" PRId64, it->count);
		else
			print_number(f, it->number);
		if (id)
			print_id(f, id);
		putc('\n', f);
	}
}

void xl_values_json(const struct xl_values *v, struct xl_json *j)
{
	for (int i = 0; i < v->n; i++) {
		const struct xl_value_item *it = &v->item[i];

		if (it->is_count)
			xl_json_int(j, it->name, it->count);
		else
			xl_json_num(j, it->name, it->number);
	}
}

int xl_values_each(const struct xl_values *v, FILE *f, bool is_json, int64_t record, const char *id)
{
	struct xl_json j;

	if (!is_json) {
		xl_values_text(v, f, id);
		return ferror(f) ? -1 : 0;
	}
	xl_json_begin(&j);
	xl_json_int(&j, "record", record);
	xl_json_str(&j, "id", id);
	xl_values_json(v, &j);
	return xl_json_end(&j, f);
}
