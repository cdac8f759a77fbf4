/*
 * inception_score.c - the Inception Score and its relatives; see inception_score.h.
 */
#include <math.h>
#include <stdlib.h>
#include "core/mem.h"
#include "metrics/inception_score.h"
#include "metrics/moments.h"

void xl_softmax(double *p, const double *z, int64_t k)
{
	double most = z[0], sum = 0;

	for (int64_t i = 1; i < k; i++)
		most = z[i] > most ? z[i] : most;
	for (int64_t i = 0; i < k; i++)
		sum += p[i] = exp(z[i] - most);
	for (int64_t i = 0; i < k; i++)
		p[i] /= sum;
}

static double term(double p, double q)
{
	return p > 0 ? p * log(p / q) : 0;
}

static double divergence(const double *p, const double *q, int64_t k, bool is_yes_or_no)
{
	double sum = 0;

	for (int64_t i = 0; i < k; i++) {
		sum += term(p[i], q[i]);
		if (is_yes_or_no)
			sum += term(1 - p[i], 1 - q[i]);
	}
	return sum;
}

/* Divergences of pictures first .. first + n - 1 from their mean q, (k) to write on. */
static struct xl_moments part(const struct xl_probabilities *v, int64_t first, int64_t n, double *q)
{
	struct xl_moments m = {.n = 0};

	for (int64_t j = 0; j < v->k; j++)
		q[j] = 0;
	for (int64_t i = first; i < first + n; i++)
		for (int64_t j = 0; j < v->k; j++)
			q[j] += v->p[i * v->k + j] / (double)n;
	for (int64_t i = first; i < first + n; i++)
		xl_moments_add(&m, divergence(v->p + i * v->k, q, v->k, v->is_yes_or_no));
	return m;
}

static void score_splits(struct xl_inception_score *s, const struct xl_probabilities *v, double *q)
{
	struct xl_moments scores = {.n = 0};

	for (int64_t i = 0; i < s->splits; i++) {
		const int64_t first = i * v->n / s->splits, end = (i + 1) * v->n / s->splits;

		xl_moments_add(&scores, exp(part(v, first, end - first, q).mean));
	}
	s->mean = scores.mean;
	s->sd = xl_moments_sd(&scores);
}

/* Mean and deviation over all pictures, of the moments of equal groups. */
static void score_groups(struct xl_inception_score *s, const struct xl_probabilities *v, double *q)
{
	struct xl_moments all = {.n = 0};

	for (int64_t i = 0; i < v->n; i += s->group) {
		const struct xl_moments m = part(v, i, s->group, q);
		const double d = m.mean - all.mean, n = (double)all.n, k = (double)m.n;

		all.mean += d * k / (n + k);
		all.m2 += m.m2 + d * d * n * k / (n + k);
		all.n += m.n;
	}
	s->cis = exp(all.mean);
	s->cis_kl = all.mean;
	s->cis_kl_sd = xl_moments_sd(&all);
}

int xl_inception_score(struct xl_inception_score *s, const struct xl_probabilities *v)
{
	struct xl_moments all;
	double *q;

	if (s->group > 0 && v->n % s->group != 0)
		return xl_err("%lld pictures are no whole number of groups of %lld",
			      (long long)v->n, (long long)s->group);
	if (v->n / 2 < s->splits)
		return xl_err("%lld pictures do not fill %lld parts with 2 or more each; --splits "
			      "makes fewer",
			      (long long)v->n, (long long)s->splits);
	if (!(q = xl_alloc((size_t)v->k, sizeof *q)))
		return -1;
	score_splits(s, v, q);
	all = part(v, 0, v->n, q);
	s->all = exp(all.mean);
	s->kl = all.mean;
	s->kl_sd = xl_moments_sd(&all);
	if (s->group > 0)
		score_groups(s, v, q);
	free(q);
	return 0;
}

void xl_inception_score_values(struct xl_values *v, const struct xl_inception_score *s,
			       const char *suffix)
{
	xl_values_num(v, "is", suffix, s->mean);
	xl_values_num(v, "is_sd", suffix, s->sd);
	xl_values_num(v, "is_all", suffix, s->all);
	xl_values_num(v, "is_kl", suffix, s->kl);
	xl_values_num(v, "is_kl_sd", suffix, s->kl_sd);
	if (s->group == 0)
		return;
	xl_values_num(v, "cis", suffix, s->cis);
	xl_values_num(v, "cis_kl", suffix, s->cis_kl);
	xl_values_num(v, "cis_kl_sd", suffix, s->cis_kl_sd);
}

void xl_inception_score_json(struct xl_json *j, const struct xl_inception_score *s)
{
	xl_json_int(j, "splits", s->splits);
	if (s->group > 0)
		xl_json_int(j, "outputs", s->group);
}
