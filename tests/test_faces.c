/*
 * test_faces.c - made faces: labels agree with masks and pixels, pairs differ
 * only where they say so, and nothing depends on threads or filters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "core/pool.h"
#include "data/synth.h"
#include "data/where.h"

enum { MAX_RECORDS = 600 };

/* Everything one job gives. */
struct made {
	struct xl_record *r[MAX_RECORDS];
	int n;
};

static struct xl_synth_job job_of(int64_t count, int64_t size, bool pairs, const char *attributes)
{
	return (struct xl_synth_job){.set = xl_synth_find("faces"),
				     .seed = 7,
				     .count = count,
				     .size = size,
				     .pairs = pairs,
				     .attributes = attributes};
}

static void make_all(struct made *m, const struct xl_synth_job *job)
{
	struct xl_synth *s = xl_synth_open(job);
	int got;

	m->n = 0;
	assert_non_null(s);
	assert_int_equal(xl_synth_begin(s), 0);
	while ((got = xl_synth_next(s, &m->r[m->n])) > 0)
		assert_true(++m->n < MAX_RECORDS);
	assert_int_equal(got, 0);
	assert_int_equal(m->n, xl_synth_total(s));
	xl_synth_close(s);
}

static void free_all(struct made *m)
{
	for (int i = 0; i < m->n; i++)
		xl_record_free(m->r[i]);
	m->n = 0;
}

static const uint8_t *bytes_of(const struct xl_record *r, const char *name, int64_t *n)
{
	const struct xl_tensor *t = xl_record_tensor(r, name);

	assert_non_null(t);
	assert_int_equal(t->dtype, XL_U1);
	*n = xl_tensor_count(t);
	return t->data;
}

static bool is_empty(const struct xl_record *r, const char *name)
{
	int64_t n;
	const uint8_t *p = bytes_of(r, name, &n);

	for (int64_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static int label(const struct xl_record *r, const char *name)
{
	const struct xl_value *names = xl_meta_get(r, "attributes");
	int64_t n;
	const uint8_t *y = bytes_of(r, "y", &n);

	assert_non_null(names);
	assert_int_equal(names->n, n);
	for (int i = 0; i < names->n; i++)
		if (strcmp(names->items[i].str, name) == 0)
			return y[i];
	fail_msg("no label %s", name);
	return -1;
}

static bool same_bytes(const struct xl_record *a, const struct xl_record *b)
{
	void *p, *q;
	size_t n, m;

	assert_int_equal(xl_record_pack(a, &p, &n), 0);
	assert_int_equal(xl_record_pack(b, &q, &m), 0);
	bool same = n == m && memcmp(p, q, n) == 0;

	free(p);
	free(q);
	return same;
}

/* ---- conditions ------------------------------------------------------- */

static const char *const abc[] = {"A", "B", "C"};

static bool holds(const char *expr, uint8_t a, uint8_t b, uint8_t c)
{
	uint8_t y[3] = {a, b, c};
	struct xl_where *w = xl_where_new("--where", expr, abc, 3);

	assert_non_null(w);
	bool h = xl_where_holds(w, y);

	xl_where_free(w);
	return h;
}

static void test_where(void **state)
{
	(void)state;
	assert_true(holds("A=1", 1, 0, 0));
	assert_false(holds("A=0", 1, 0, 0));
	assert_true(holds("A", 7, 0, 0));
	assert_true(holds("A=7", 7, 0, 0));
	assert_false(holds("A=1,B=1", 1, 0, 0));
	assert_true(holds("A=1|B=1", 1, 0, 0));
	/* OR binds tighter: (A or B) and C */
	assert_false(holds("A=1|B=1,C=1", 1, 0, 0));
	assert_true(holds("C=1,A=1|B=1", 0, 1, 1));
	assert_false(holds("C=1,A=1|B=1", 0, 0, 1));
}

static void test_where_errors(void **state)
{
	static const char *const bad[] = {"",
					  "A,",
					  "A=1,,B",
					  "|A",
					  "D=1",
					  "A=",
					  "A=x",
					  "A=-1",
					  "A=1x",
					  "A=256",
					  "A==1",
					  " A=1",
					  "A=99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_null(xl_where_new("--where", bad[i], abc, 3));
	assert_null(xl_where_new("--where", "D=1", abc, 3));
	assert_string_equal(xl_err_msg(), "--where: there is no attribute 'D'; there are A, B, C");
	assert_null(xl_where_new("--where", "B=x", abc, 3));
	assert_string_equal(xl_err_msg(), "--where: 'B=x' is not NAME=0 or NAME=1");
}

/* ---- single faces ----------------------------------------------------- */

static void test_labels_and_masks(void **state)
{
	struct xl_synth_job job = job_of(300, 32, false, NULL);
	struct made m;

	(void)state;
	make_all(&m, &job);
	for (int i = 0; i < m.n; i++) {
		const struct xl_record *r = m.r[i];
		int colors = label(r, "Black_Hair") + label(r, "Brown_Hair") +
			     label(r, "Blond_Hair") + label(r, "Gray_Hair");
		int64_t n, k;
		const uint8_t *all = bytes_of(r, "m_true", &n), *hair = bytes_of(r, "m_hair", &k);

		assert_int_equal(colors, 1 - label(r, "Bald"));
		assert_int_equal(is_empty(r, "m_hair"), label(r, "Bald"));
		assert_int_equal(is_empty(r, "m_glasses"), !label(r, "Eyeglasses"));
		assert_int_equal(is_empty(r, "m_beard"), label(r, "No_Beard"));
		assert_false(is_empty(r, "m_mouth"));
		assert_true(label(r, "Male") || label(r, "No_Beard"));
		assert_int_equal(n, 32 * 32);
		for (int64_t j = 0; j < n; j++)
			assert_true(all[j] >= hair[j]);
	}
	free_all(&m);
}

/* Mean luma, 0..255, over the pixels that are all hair; -1 for too few. */
static double hair_luma(const struct xl_record *r)
{
	int64_t n, k, used = 0;
	const uint8_t *m = bytes_of(r, "m_hair", &n), *x = bytes_of(r, "x", &k);
	double sum = 0;

	assert_int_equal(k, 3 * n);
	for (int64_t i = 0; i < n; i++) {
		if (m[i] < 250)
			continue;
		sum += 0.299 * x[i] + 0.587 * x[n + i] + 0.114 * x[2 * n + i];
		used++;
	}
	return used >= 20 ? sum / (double)used : -1;
}

static void test_shades_keep_apart(void **state)
{
	struct xl_synth_job job = job_of(500, 32, false, NULL);
	struct made m;
	int seen[3] = {0};

	(void)state;
	make_all(&m, &job);
	for (int i = 0; i < m.n; i++) {
		double luma = hair_luma(m.r[i]);

		if (luma < 0)
			continue;
		if (label(m.r[i], "Black_Hair")) {
			assert_true(luma < 36);
			seen[0]++;
		} else if (label(m.r[i], "Brown_Hair")) {
			assert_true(luma > 36 && luma < 108);
			seen[1]++;
		} else if (label(m.r[i], "Blond_Hair")) {
			assert_true(luma > 108);
			seen[2]++;
		}
	}
	assert_true(seen[0] > 80 && seen[1] > 80 && seen[2] > 80);
	free_all(&m);
}

/* Nothing may tell about hair colour, a smile or glasses but the part itself. */
static void test_attributes_are_independent(void **state)
{
	static const char *const own[] = {"Black_Hair", "Blond_Hair", "Smiling", "Eyeglasses"};
	static const char *const other[] = {"Male",         "Young",     "Bangs",
					    "Wavy_Hair",    "Pale_Skin", "Mustache",
					    "Heavy_Makeup", "Smiling",   "Eyeglasses"};
	const struct xl_synth_set *set = xl_synth_find("faces");
	bool chosen[64] = {false};
	enum { N = 6000 };

	(void)state;
	for (size_t a = 0; a < sizeof own / sizeof *own; a++) {
		for (size_t b = 0; b < sizeof other / sizeof *other; b++) {
			int ka = xl_where_name("own", own[a], (int)strlen(own[a]), set->labels, 40);
			int kb = xl_where_name("other", other[b], (int)strlen(other[b]),
					       set->labels, 40);
			int bald = xl_where_name("bald", "Bald", 4, set->labels, 40);
			double n[2] = {0}, hit[2] = {0};

			for (uint32_t i = 0; ka != kb && i < N / 4; i++) {
				uint8_t y[64] = {0};
				struct xl_synth_ask ask = {1, i, XL_SYNTH_SINGLE, 64, chosen,
							   NULL};

				assert_true(set->labels_of(&ask, y));
				if (y[bald])
					continue;
				n[y[ka]]++;
				hit[y[ka]] += y[kb];
			}
			if (ka == kb)
				continue;
			double p = hit[0] / n[0], q = hit[1] / n[1];

			if (p - q > 0.09 || q - p > 0.09)
				fail_msg("%s goes with %s: %.3f, %.3f", own[a], other[b], p, q);
		}
	}
}

static void test_threads_and_filters_change_nothing(void **state)
{
	struct xl_synth_job job = job_of(80, 33, false, NULL);
	struct made one, many, some;

	(void)state;
	xl_threads_set(1);
	make_all(&one, &job);
	xl_threads_set(5);
	make_all(&many, &job);
	job.count = 9;
	job.where = "Eyeglasses=1,Smiling=1|Bangs=1";
	make_all(&some, &job);
	xl_threads_set(0);
	for (int i = 0; i < one.n; i++)
		assert_true(same_bytes(one.r[i], many.r[i]));
	int k = 0;

	for (int i = 0; i < one.n && k < some.n; i++) {
		bool wanted = label(one.r[i], "Eyeglasses") &&
			      (label(one.r[i], "Smiling") || label(one.r[i], "Bangs"));

		if (!wanted)
			continue;
		assert_string_equal(one.r[i]->id, some.r[k]->id);
		assert_true(same_bytes(one.r[i], some.r[k]));
		k++;
	}
	assert_true(k >= 5);
	free_all(&one);
	free_all(&many);
	free_all(&some);
}

static void test_seed_and_size(void **state)
{
	struct xl_synth_job job = job_of(3, 16, false, "Smiling,Bald");
	struct made a, b;
	int64_t n, k;

	(void)state;
	make_all(&a, &job);
	job.seed++;
	make_all(&b, &job);
	for (int i = 0; i < 3; i++) {
		const uint8_t *x = bytes_of(a.r[i], "x", &n), *y = bytes_of(b.r[i], "x", &k);

		assert_int_equal(n, 3 * 16 * 16);
		assert_int_not_equal(memcmp(x, y, (size_t)n), 0);
		bytes_of(a.r[i], "y", &k);
		assert_int_equal(k, 2);
		assert_string_equal(xl_meta_get(a.r[i], "attributes")->items[1].str, "Bald");
	}
	assert_string_equal(a.r[2]->id, "face-000002.png");
	free_all(&a);
	free_all(&b);
}

/* What a seed stands for must not drift: mean colours of the first faces. They
 * are rounded, for another CPU may differ in the last place. */
static void test_a_seed_keeps_its_faces(void **state)
{
	static const double want[8][3] = {{106.4, 96.3, 99.0},   {92.7, 79.8, 69.1},
					  {169.0, 141.1, 154.7}, {104.4, 96.3, 89.9},
					  {122.5, 124.4, 113.7}, {149.6, 130.0, 133.8},
					  {177.8, 135.0, 129.0}, {118.6, 100.4, 87.6}};
	struct xl_synth_job job = job_of(8, 32, false, NULL);
	struct made m;

	(void)state;
	make_all(&m, &job);
	for (int i = 0; i < 8; i++) {
		int64_t n;
		const uint8_t *x = bytes_of(m.r[i], "x", &n);

		for (int c = 0; c < 3; c++) {
			double sum = 0;

			for (int j = 0; j < 32 * 32; j++)
				sum += x[c * 32 * 32 + j];
			if (sum / (32 * 32) > want[i][c] + 0.2 ||
			    sum / (32 * 32) < want[i][c] - 0.2)
				fail_msg("face %d channel %d: %.1f, was %.1f", i, c,
					 sum / (32 * 32), want[i][c]);
		}
	}
	free_all(&m);
}

/* ---- pairs ------------------------------------------------------------ */

/* Input and truth: equal outside m_true; returns how many pixels differ. */
static int compare_pair(const struct xl_record *in, const struct xl_record *truth)
{
	int64_t n, k;
	const uint8_t *m = bytes_of(truth, "m_true", &n);
	const uint8_t *a = bytes_of(in, "x", &k), *b = bytes_of(truth, "x", &k);
	int differ = 0;

	for (int64_t i = 0; i < n; i++) {
		bool same = a[i] == b[i] && a[n + i] == b[n + i] && a[2 * n + i] == b[2 * n + i];

		if (!same && m[i] == 0)
			fail_msg("%s: pixel %d changes outside m_true", truth->id, (int)i);
		differ += !same;
	}
	return differ;
}

static void test_pairs_of_every_attribute(void **state)
{
	const struct xl_synth_set *set = xl_synth_find("faces");
	int tried = 0;

	(void)state;
	for (int k = 0; set->labels[k] != NULL; k++) {
		struct xl_synth_job job = job_of(16, 48, true, set->labels[k]);
		struct made m;

		if (!set->is_exchanged(k))
			continue;
		make_all(&m, &job);
		for (int i = 0; i < 16; i++) {
			const struct xl_record *in = m.r[i], *ex = m.r[16 + i],
					       *truth = m.r[32 + i];

			assert_string_equal(xl_meta_str(in, "role", ""), "input");
			assert_string_equal(xl_meta_str(ex, "role", ""), "exemplar");
			assert_string_equal(xl_meta_str(truth, "role", ""), "truth");
			assert_int_equal(strncmp(in->id, truth->id, 11), 0);
			assert_true(compare_pair(in, truth) > 0);
			assert_int_not_equal(label(in, set->labels[k]), label(ex, set->labels[k]));
			assert_int_equal(label(truth, set->labels[k]), label(ex, set->labels[k]));
		}
		free_all(&m);
		tried++;
	}
	assert_int_equal(tried, 11);
}

static void test_pairs_keep_the_rest(void **state)
{
	static const char *const hair = "Black_Hair,Brown_Hair,Blond_Hair,Male,Bald,Smiling";
	struct xl_synth_job job = job_of(40, 40, true, hair);
	struct made m;
	int64_t n;

	(void)state;
	make_all(&m, &job);
	for (int i = 0; i < 40; i++) {
		const struct xl_record *in = m.r[i], *ex = m.r[40 + i], *truth = m.r[80 + i];

		compare_pair(in, truth);
		assert_int_equal(label(in, "Bald") + label(ex, "Bald"), 0);
		assert_int_equal(label(in, "Male"), label(truth, "Male"));
		assert_int_equal(label(ex, "Black_Hair"), label(truth, "Black_Hair"));
		assert_int_equal(label(ex, "Smiling"), label(truth, "Smiling"));
		assert_int_equal(label(ex, "Black_Hair") + label(ex, "Brown_Hair") +
					 label(ex, "Blond_Hair"),
				 1);
		/* another colour in the same hair */
		const uint8_t *a = bytes_of(in, "m_hair", &n), *b = bytes_of(truth, "m_hair", &n);

		assert_memory_equal(a, b, (size_t)n);
	}
	free_all(&m);
}

static void test_pairs_of_all_and_singles_are_disjoint(void **state)
{
	struct xl_synth_job job = job_of(24, 32, true, NULL), alone = job_of(100, 32, false, NULL);
	struct made m, singles;
	int64_t n;

	(void)state;
	make_all(&m, &job);
	make_all(&singles, &alone);
	for (int i = 0; i < 24; i++)
		assert_true(compare_pair(m.r[i], m.r[48 + i]) > 0);
	for (int i = 0; i < m.n; i++) {
		const uint8_t *x = bytes_of(m.r[i], "x", &n);

		for (int j = 0; j < singles.n; j++)
			assert_int_not_equal(
				memcmp(x, bytes_of(singles.r[j], "x", &n), 3 * 32 * 32), 0);
	}
	free_all(&m);
	free_all(&singles);
}

static void test_domain(void **state)
{
	struct xl_synth_job job = job_of(60, 16, false, "Smiling,Eyeglasses");
	struct made m;
	int b = 0;

	(void)state;
	job.domain_by = "Eyeglasses|Smiling";
	make_all(&m, &job);
	for (int i = 0; i < m.n; i++) {
		bool is_b = label(m.r[i], "Smiling") || label(m.r[i], "Eyeglasses");

		assert_string_equal(xl_meta_str(m.r[i], "domain", ""), is_b ? "B" : "A");
		b += is_b;
	}
	assert_true(b > 10 && b < 50);
	free_all(&m);
}

/* Several labels of one part: the exemplar is of the other domain, and so is the truth. */
static void test_domains_of_pairs(void **state)
{
	struct xl_synth_job job = job_of(40, 16, true, "Mustache,Goatee");
	struct made m;
	int b = 0;

	(void)state;
	job.domain_by = "Mustache|Goatee";
	make_all(&m, &job);
	for (int i = 0; i < 40; i++) {
		const char *in = xl_meta_str(m.r[i], "domain", "");
		const char *ex = xl_meta_str(m.r[40 + i], "domain", "");

		assert_true((*in == 'A' && *ex == 'B') || (*in == 'B' && *ex == 'A'));
		assert_string_equal(xl_meta_str(m.r[80 + i], "domain", ""), ex);
		b += *in == 'B';
	}
	assert_true(b > 5 && b < 35);
	free_all(&m);
}

/* ---- what cannot be --------------------------------------------------- */

static void assert_refused(const struct xl_synth_job *job, const char *message)
{
	assert_null(xl_synth_open(job));
	assert_non_null(strstr(xl_err_msg(), message));
}

static void test_refusals(void **state)
{
	struct xl_synth_job job = job_of(1, 16, true, "Male,Young");
	struct xl_record *r;

	(void)state;
	assert_refused(
		&job,
		"--pairs: none of --attributes can be exchanged; those that can are 5_o_Clock");
	job.attributes = "Smiling,Hat";
	assert_refused(&job,
		       "--attributes: there is no attribute 'Hat'; there are 5_o_Clock_Shadow, ");
	job.attributes = "Smiling,Smiling";
	assert_refused(&job, "--attributes: 'Smiling' is there twice");
	job.attributes = NULL;
	job.where = "Smiling=2x";
	assert_refused(&job, "--where: 'Smiling=2x'");
	job.where = NULL;
	job.domain_by = "Smile";
	assert_refused(&job, "--domain-by: there is no attribute 'Smile'");
	assert_null(xl_synth_find("cats"));
	assert_string_equal(xl_err_msg(), "there is no set 'cats'; there are faces, mnist-single, mnist-multi");

	job = job_of(1, 16, false, NULL);
	job.where = "Bald=1,Bangs=1";
	struct xl_synth *s = xl_synth_open(&job);

	assert_non_null(s);
	assert_int_equal(xl_synth_begin(s), 0);
	assert_int_equal(xl_synth_next(s, &r), -1);
	assert_non_null(strstr(xl_err_msg(), "'Bald=1,Bangs=1' does not hold for any of"));
	xl_synth_close(s);
}

static void test_none(void **state)
{
	struct xl_synth_job job = job_of(0, 16, true, NULL);
	struct made m;

	(void)state;
	make_all(&m, &job);
	assert_int_equal(m.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_where_errors),
		cmocka_unit_test(test_labels_and_masks),
		cmocka_unit_test(test_shades_keep_apart),
		cmocka_unit_test(test_attributes_are_independent),
		cmocka_unit_test(test_threads_and_filters_change_nothing),
		cmocka_unit_test(test_seed_and_size),
		cmocka_unit_test(test_a_seed_keeps_its_faces),
		cmocka_unit_test(test_pairs_of_every_attribute),
		cmocka_unit_test(test_pairs_keep_the_rest),
		cmocka_unit_test(test_pairs_of_all_and_singles_are_disjoint),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_domains_of_pairs),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
