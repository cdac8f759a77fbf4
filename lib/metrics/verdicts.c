/*
 * verdicts.c - counting what a classifier says.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/file.h"
#include "core/mem.h"
#include "metrics/values.h"
#include "metrics/verdicts.h"
#include "tensor/stream.h"

int xl_verdicts_init(struct xl_verdicts *v, const struct xl_classifier *c)
{
	const size_t labels = (size_t)c->n_labels;

	*v = (struct xl_verdicts){.c = c, .values = c->classes ? c->classes : 2};
	v->label = xl_alloc(labels, sizeof *v->label);
	v->value = xl_alloc(labels * (size_t)v->values, sizeof *v->value);
	if (v->label && v->value)
		return 0;
	xl_verdicts_done(v);
	return -1;
}

void xl_verdicts_done(struct xl_verdicts *v)
{
	free(v->label);
	free(v->value);
	*v = (struct xl_verdicts){.c = NULL};
}

/* What is said of a label, and the probability of what is wanted. */
static int told(const struct xl_classifier *c, const float *p, int label, int want, double *of_want)
{
	int best = 0;

	if (!c->classes) {
		const double yes = (double)p[label];

		*of_want = want ? yes : 1 - yes;
		return yes >= 0.5;
	}
	for (int i = 1; i < c->classes; i++)
		if (p[i] > p[best])
			best = i;
	*of_want = (double)p[want];
	return best;
}

static void count(struct xl_verdict_count *n, bool is_right, double p)
{
	n->n++;
	n->right += is_right;
	n->p += p;
}

void xl_verdicts_add(struct xl_verdicts *v, const float *p, const int *want)
{
	double sum = 0, of_want;
	bool is_right = true;
	int asked = 0;

	for (int i = 0; i < v->c->n_labels; i++) {
		if (want[i] == XL_VERDICT_ANY)
			continue;
		const bool is_hit = told(v->c, p, i, want[i], &of_want) == want[i];

		count(&v->label[i], is_hit, of_want);
		count(&v->value[i * v->values + want[i]], is_hit, of_want);
		is_right &= is_hit;
		sum += of_want;
		asked++;
	}
	count(&v->all, is_right, sum / asked);
}

double xl_verdicts_accuracy(const struct xl_verdict_count *n)
{
	return n->n ? (double)n->right / (double)n->n : NAN;
}

double xl_verdicts_likelihood(const struct xl_verdict_count *n)
{
	return n->n ? n->p / (double)n->n : NAN;
}

const char *xl_verdict_name(const struct xl_classifier *c, int label, int value, char *buf,
			    size_t size)
{
	const char *name = c->labels[label];

	if (strcmp(name, "domain") == 0 && !c->classes)
		snprintf(buf, size, "%s=%c", name, 'A' + value);
	else
		snprintf(buf, size, "%s=%d", name, value);
	return buf;
}

/* ---- printing --------------------------------------------------------- */

static void values_of(struct xl_values *v, const struct xl_verdict_count *n)
{
	*v = (struct xl_values){.n = 0};
	xl_values_int(v, "images", "", n->n);
	if (!n->n)
		return;
	xl_values_num(v, "accuracy", "", xl_verdicts_accuracy(n));
	xl_values_num(v, "likelihood", "", xl_verdicts_likelihood(n));
}

void xl_verdicts_text(const struct xl_verdicts *v, FILE *f)
{
	struct xl_values one;
	char name[320];

	if (!v->all.n)
		return;
	values_of(&one, &v->all);
	xl_values_text(&one, f, NULL);
	for (int i = 0; i < v->c->n_labels && v->c->n_labels > 1; i++) {
		if (!v->label[i].n)
			continue;
		values_of(&one, &v->label[i]);
		xl_values_text(&one, f, v->c->labels[i]);
	}
	for (int i = 0; i < v->c->n_labels * v->values; i++) {
		if (!v->value[i].n)
			continue;
		values_of(&one, &v->value[i]);
		xl_values_text(
			&one, f,
			xl_verdict_name(v->c, i / v->values, i % v->values, name, sizeof name));
	}
}

static void json_of(struct xl_json *j, const char *name, const struct xl_verdict_count *n)
{
	struct xl_values one;

	if (!n->n)
		return;
	values_of(&one, n);
	xl_json_open(j, name, '{');
	xl_values_json(&one, j);
	xl_json_close(j, '}');
}

void xl_classifier_json(const struct xl_classifier *c, struct xl_json *j, const char *metric)
{
	char name[32];

	xl_json_begin(j);
	xl_json_str(j, "metric", metric);
	xl_json_str(j, "version", XL_VERSION);
	xl_json_str(j, "network", xl_classifier_name(c, name, sizeof name));
	xl_json_str(j, "network_digest", c->digest);
}

void xl_verdicts_json(const struct xl_verdicts *v, struct xl_json *j)
{
	struct xl_values all;
	char name[320];

	values_of(&all, &v->all);
	xl_values_json(&all, j);
	xl_json_open(j, "labels", '{');
	for (int i = 0; i < v->c->n_labels; i++)
		json_of(j, v->c->labels[i], &v->label[i]);
	xl_json_close(j, '}');
	xl_json_open(j, "values", '{');
	for (int i = 0; i < v->c->n_labels * v->values; i++)
		json_of(j, xl_verdict_name(v->c, i / v->values, i % v->values, name, sizeof name),
			&v->value[i]);
	xl_json_close(j, '}');
}

int xl_verdicts_each(const struct xl_classifier *c, const float *p, FILE *f, bool is_json,
		     int64_t record, const char *id)
{
	char name[320], shown[XL_LIMIT_ID + 1];
	struct xl_json j;
	double sure;

	snprintf(shown, sizeof shown, "%s", id);
	if (is_json) {
		xl_json_begin(&j);
		xl_json_int(&j, "record", record);
		xl_json_str(&j, "id", id);
	}
	for (int i = 0; i < c->n_labels; i++) {
		const int value = told(c, p, i, 0, &sure);

		told(c, p, i, value, &sure);
		xl_verdict_name(c, i, value, name, sizeof name);
		if (is_json)
			xl_json_num(&j, name, sure);
		else
			fprintf(f, "%s %.10g %s\n", name, sure, xl_disarm(shown));
	}
	return is_json ? xl_json_end(&j, f) : ferror(f) ? -1 : 0;
}
