/*
 * test_digits.c - made images of digits: the published order, colours and layouts, pairs
 * whose truth is a digit of one in the colours of the other, and files that are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "core/pool.h"
#include "data/digits.h"

enum { N = 40, PIXELS = XL_DIGIT_SIDE * XL_DIGIT_SIDE, MAX_RECORDS = 3 * 2 * N + 1 };

/* ---- files of digits ---------------------------------------------------- */

static char dir[] = "/tmp/test_digits.XXXXXX";

/* Picture i: a bar of i + 1 pixels of 128 to 255, and pixels of 127, which are ground. */
static uint8_t grey_of(int i, int pixel)
{
	return (uint8_t)(pixel <= i ? 128 + (pixel + i) % 128 : pixel % 128);
}

static void put(const char *path, const uint8_t *head, size_t n_head, const uint8_t *data, size_t n)
{
	const bool is_gzip = strcmp(path + strlen(path) - 3, ".gz") == 0;
	gzFile f = gzopen(path, is_gzip ? "wb" : "wbT");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, head, (unsigned)n_head), n_head);
	assert_int_equal(gzwrite(f, data, (unsigned)n), n);
	assert_int_equal(gzclose(f), Z_OK);
}

/* n pictures of side pixels, labels first, first + 1, .. modulo 10. */
static void put_digits(const char *pictures, const char *labels, uint8_t n, uint8_t side, int first)
{
	const uint8_t head[16] = {0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, side, 0, 0, 0, side};
	const uint8_t label_head[8] = {0, 0, 8, 1, 0, 0, 0, n};
	uint8_t *grey = calloc(n + 1u, (size_t)side * side), y[256];

	assert_non_null(grey);
	for (int i = 0; i < n; i++) {
		y[i] = (uint8_t)((first + i) % 10);
		for (int k = 0; k < side * side; k++)
			grey[i * side * side + k] = grey_of(i, k);
	}
	put(pictures, head, sizeof head, grey, (size_t)n * side * side);
	if (labels)
		put(labels, label_head, sizeof label_head, y, n);
	free(grey);
}

static int enter(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chdir(dir))
		return -1;
	put_digits("train-images-idx3-ubyte", "train-labels-idx1-ubyte", N, XL_DIGIT_SIDE, 0);
	put_digits("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", N, XL_DIGIT_SIDE, 3);
	return 0;
}

static int leave(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", dir);
	return chdir("/") || system(command);
}

/* ---- records ------------------------------------------------------------ */

struct made {
	struct xl_record *r[MAX_RECORDS];
	int n;
};

static struct xl_synth_job job_of(const char *set, bool pairs)
{
	return (struct xl_synth_job){.set = xl_synth_find(set),
				     .count = -1,
				     .size = xl_synth_find(set)->usual_size,
				     .pairs = pairs,
				     .digits = {.dir = "."}};
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
}

static const uint8_t *bytes_of(const struct xl_record *r, const char *name, int64_t n)
{
	const struct xl_tensor *t = xl_record_tensor(r, name);

	assert_non_null(t);
	assert_int_equal(t->dtype, XL_U1);
	assert_int_equal(xl_tensor_count(t), n);
	return t->data;
}

static bool same_bytes(const struct xl_record *a, const struct xl_record *b)
{
	void *p, *q;
	size_t n, m;

	assert_int_equal(xl_record_pack(a, &p, &n), 0);
	assert_int_equal(xl_record_pack(b, &q, &m), 0);
	const bool is_same = n == m && memcmp(p, q, n) == 0;

	free(p);
	free(q);
	return is_same;
}

static const uint8_t rgb[XL_MANY][3] = {{0, 0, 0}, {255, 255, 255}, {255, 0, 0}, {0, 255, 0},
					{0, 0, 255}};

/* ---- orders ------------------------------------------------------------- */

struct draws {
	uint32_t *digit[2];
	double *chance[2];
};

static void draw(struct draws *d, uint32_t n, uint64_t seed, bool is_test, bool is_published)
{
	for (int k = 0; k < 2; k++) {
		d->digit[k] = calloc(n, sizeof *d->digit[k]);
		d->chance[k] = calloc(n, sizeof *d->chance[k]);
		assert_true(d->digit[k] && d->chance[k]);
	}
	xl_digits_draw(d->digit, d->chance, n, seed, is_test, is_published);
}

static void free_draws(struct draws *d)
{
	for (int k = 0; k < 2; k++) {
		free(d->digit[k]);
		free(d->chance[k]);
	}
}

static void the_published_order_is_that_of_the_authors(void **state)
{
	static const struct {
		uint32_t n, digit[2][5];
		double chance[2][3];
		int digits, chances;
	} want[] = {{10000,
		     {{9394, 898, 2398, 5906, 2343}, {3583, 6348, 6008, 813, 2438}},
		     {{0.213244, 0.217721, 0.249326}, {0.053909, 0.810371, 0.234438}},
		     5,
		     3},
		    {60000,
		     {{3048, 19563, 58303}, {26730, 32284, 31744}},
		     {{0.828473}, {0.366231}},
		     3,
		     1}};
	struct draws d;

	(void)state;
	for (int w = 0; w < 2; w++) {
		draw(&d, want[w].n, 0, w == 0, true);
		for (int k = 0; k < 2; k++) {
			for (int i = 0; i < want[w].digits; i++)
				assert_int_equal(d.digit[k][i], want[w].digit[k][i]);
			for (int i = 0; i < want[w].chances; i++)
				assert_true(fabs(d.chance[k][i] - want[w].chance[k][i]) < 6e-7);
		}
		free_draws(&d);
	}
}

/* Both ways: every digit once in each domain, and no two draws alike. */
static void orders_are_permutations(void **state)
{
	enum { MANY = 1000 };
	struct draws d[4];

	(void)state;
	draw(&d[0], MANY, 5, false, false);
	draw(&d[1], MANY, 5, true, false);
	draw(&d[2], MANY, 6, false, false);
	draw(&d[3], MANY, 6, false, true);
	for (int w = 0; w < 4; w++) {
		for (int k = 0; k < 2; k++) {
			bool seen[MANY] = {false};
			double sum = 0;

			for (int i = 0; i < MANY; i++) {
				assert_true(d[w].digit[k][i] < MANY);
				assert_false(seen[d[w].digit[k][i]]);
				seen[d[w].digit[k][i]] = true;
				assert_true(d[w].chance[k][i] >= 0 && d[w].chance[k][i] < 1);
				sum += d[w].chance[k][i];
			}
			assert_true(fabs(sum / MANY - 0.5) < 0.05);
		}
		for (int v = 0; v <= w; v++)
			for (int k = 0; k < 2; k++)
				assert_true((v == w && k == 0) ||
					    memcmp(d[v].digit[k], d[w].digit[0], 20) != 0);
	}
	for (int w = 0; w < 4; w++)
		free_draws(&d[w]);
}

/* ---- one digit ---------------------------------------------------------- */

/* The pixels of a record are picture `digit` in two colours, and so is its mask. */
static void check_one(const struct xl_record *r, int digit, const uint8_t fg[3],
		      const uint8_t bg[3])
{
	const uint8_t *x = bytes_of(r, "x", 3 * PIXELS), *m = bytes_of(r, "m_true", PIXELS);

	for (int i = 0; i < PIXELS; i++) {
		const bool is_digit = grey_of(digit, i) >= 128;

		assert_int_equal(m[i], is_digit ? 255 : 0);
		for (int c = 0; c < 3; c++)
			assert_int_equal(x[c * PIXELS + i], is_digit ? fg[c] : bg[c]);
	}
}

static int covered(const struct xl_record *r)
{
	const uint8_t *m = bytes_of(r, "m_true", PIXELS);
	int n = 0;

	for (int i = 0; i < PIXELS; i++)
		n += m[i] != 0;
	return n;
}

static void images_of_one_digit(void **state)
{
	struct xl_synth_job job = job_of("mnist-single", false);
	bool seen[2][N] = {{false}};
	int colors[2][XL_MANY] = {{0}};
	struct made m;

	(void)state;
	make_all(&m, &job);
	assert_int_equal(m.n, 2 * N);
	assert_string_equal(m.r[3]->id, "digit-000003.png");
	assert_string_equal(xl_meta_get(m.r[0], "attributes")->items[0].str, "digit");
	for (int i = 0; i < m.n; i++) {
		const uint8_t *y = bytes_of(m.r[i], "y", 3);
		const int digit = covered(m.r[i]) - 1, domain = i % 2;

		assert_string_equal(xl_meta_str(m.r[i], "domain", ""), domain ? "B" : "A");
		assert_int_equal(y[0], digit % 10);
		assert_true(y[1] < XL_MANY && y[2] < XL_MANY && y[1] != y[2]);
		assert_int_equal(y[1] >= XL_RED, domain);
		assert_int_equal(y[2] >= XL_RED, domain);
		if (domain && y[0] >= 5)
			assert_true(y[1] == XL_RED && y[2] == XL_GREEN);
		check_one(m.r[i], digit, rgb[y[1]], rgb[y[2]]);
		assert_false(seen[domain][digit]);
		seen[domain][digit] = true;
		colors[domain][y[2]]++;
	}
	for (int k = 0; k < XL_MANY; k++)
		assert_true(colors[k >= XL_RED][k] > 1);
	free_all(&m);
}

static void pairs_of_one_digit(void **state)
{
	struct xl_synth_job job = job_of("mnist-single", true);
	struct made m;
	int high = 0;

	(void)state;
	make_all(&m, &job);
	assert_int_equal(m.n, 3 * 2 * N);
	for (int i = 0; i < 2 * N; i++) {
		const struct xl_record *in = m.r[i], *ex = m.r[2 * N + i], *truth = m.r[4 * N + i];
		const uint8_t *y = bytes_of(truth, "y", 3), *e = bytes_of(ex, "y", 3);
		const char *from = i % 2 ? "B" : "A", *to = i % 2 ? "A" : "B";

		assert_string_equal(xl_meta_str(in, "role", ""), "input");
		assert_string_equal(xl_meta_str(truth, "role", ""), "truth");
		assert_string_equal(xl_meta_str(in, "domain", ""), from);
		assert_string_equal(xl_meta_str(ex, "domain", ""), to);
		assert_string_equal(xl_meta_str(truth, "domain", ""), to);
		assert_int_equal(y[0], bytes_of(in, "y", 3)[0]);
		assert_memory_equal(y + 1, e + 1, 2);
		check_one(truth, covered(in) - 1, rgb[e[1]], rgb[e[2]]);
		/* i and i + 1 are the two directions of one pair */
		if (i % 2 == 0)
			assert_memory_equal(bytes_of(ex, "x", 3 * PIXELS),
					    bytes_of(m.r[i + 1], "x", 3 * PIXELS), 3 * PIXELS);
		/* the test files are in use, where 5 to 9 have all colours */
		high += i % 2 && bytes_of(in, "y", 3)[0] >= 5 && bytes_of(in, "y", 3)[1] != XL_RED;
		assert_int_equal(bytes_of(in, "y", 3)[0], (covered(in) - 1 + 3) % 10);
	}
	assert_true(high > 2);
	free_all(&m);
}

/* ---- many digits -------------------------------------------------------- */

static void hues(void **state)
{
	static const uint8_t want[XL_DIGITS][3] = {
		{128, 64, 64},  {128, 102, 64}, {115, 128, 64}, {77, 128, 64},  {64, 128, 89},
		{64, 128, 128}, {64, 89, 128},  {76, 64, 128},  {115, 64, 128}, {128, 64, 102}};
	uint8_t got[3];

	(void)state;
	for (int k = 0; k < XL_DIGITS; k++) {
		xl_digit_hue(got, k / 10.0, 0.5, 0.5);
		/* 76.5 and its like fall to either side */
		for (int c = 0; c < 3; c++)
			assert_true(abs(got[c] - want[k][c]) <= 1);
	}
	xl_digit_hue(got, 1 / 3.0, 1, 1);
	assert_memory_equal(got, rgb[XL_GREEN], 3);
	xl_digit_hue(got, 0.7, 0, 0.2);
	assert_memory_equal(got, "\x33\x33\x33", 3);
}

/* The digit and the ground of a cell by its label, and what colour each label has. */
static void check_many(const struct xl_record *r, uint8_t ink[XL_DIGITS][3], bool is_stretched,
		       int first)
{
	enum { SIDE = XL_DIGIT_GRID * XL_DIGIT_SIDE, ALL = SIDE * SIDE };
	const uint8_t *x = bytes_of(r, "x", 3 * ALL), *m = bytes_of(r, "m_true", ALL);
	const uint8_t *y = bytes_of(r, "y", 18);
	int digits = 0, low = 255, high = 0;

	assert_true(y[1] <= XL_WHITE);
	for (int cell = 0; cell < XL_DIGIT_CELLS; cell++) {
		const int label = y[2 + cell];
		int n = 0;

		assert_true(label <= 10);
		digits += label < 10;
		for (int i = 0; i < PIXELS; i++) {
			const int at = (cell / 4 * 28 + i / 28) * SIDE + cell % 4 * 28 + i % 28;

			for (int c = 0; c < 3; c++) {
				const uint8_t v = x[c * ALL + at];

				if (m[at] == 0)
					assert_int_equal(v, rgb[y[1]][c]);
				else if (n > 0)
					assert_int_equal(v, ink[label][c]);
				else
					ink[label][c] = v;
				low = v < low ? v : low;
				high = v > high ? v : high;
			}
			n += m[at] != 0;
		}
		assert_int_equal(n > 0, label < 10);
		/* bars of i + 1 pixels carry label first + i modulo 10 */
		assert_true(n == 0 || (n - 1 + first) % 10 == label);
	}
	assert_int_equal(digits, 10);
	assert_int_equal(low == 0 && high == 255, is_stretched);
}

static void images_of_many_digits(void **state)
{
	struct xl_synth_job job = job_of("mnist-multi", false);
	uint8_t ink[XL_DIGITS][3];
	struct made m, plain;
	int white[2] = {0}, places = 0;

	(void)state;
	make_all(&m, &job);
	job.digits.is_plain = true;
	make_all(&plain, &job);
	assert_int_equal(m.n, 2 * N);
	for (int i = 0; i < m.n; i++) {
		const uint8_t *y = bytes_of(m.r[i], "y", 18);

		check_many(m.r[i], ink, true, 0);
		assert_int_equal(y[0], i % 2 ? XL_MANY : !y[1]);
		white[i % 2] += y[1];
		places |= y[2] < 10 ? 1 << y[2] : 1 << 10;
		for (int k = 0; k < XL_DIGITS && i % 2 == 0; k++)
			assert_memory_equal(ink[k], rgb[y[0]], 3);
		if (i % 2 == 0) {
			assert_true(same_bytes(m.r[i], plain.r[i]));
			continue;
		}
		check_many(plain.r[i], ink, false, 0);
		for (int k = 0; k < XL_DIGITS; k++) {
			const int high = ink[k][0] > ink[k][1]
						 ? (ink[k][0] > ink[k][2] ? ink[k][0] : ink[k][2])
						 : (ink[k][1] > ink[k][2] ? ink[k][1] : ink[k][2]);

			/* 0.5 times 0.6 to 1.4 */
			assert_true(high >= 76 && high <= 179);
		}
	}
	for (int k = 0; k < 2; k++)
		assert_true(white[k] > 10 && white[k] < N - 10);
	assert_int_equal(places, 2047);
	free_all(&m);
	free_all(&plain);
}

static void pairs_of_many_digits(void **state)
{
	struct xl_synth_job job = job_of("mnist-multi", true);
	uint8_t ink[2][XL_DIGITS][3];
	struct made m;

	(void)state;
	make_all(&m, &job);
	for (int i = 0; i < 2 * N; i++) {
		const struct xl_record *in = m.r[i], *ex = m.r[2 * N + i], *truth = m.r[4 * N + i];
		const uint8_t *y = bytes_of(truth, "y", 18);
		const int64_t all = 16 * PIXELS;

		assert_memory_equal(y, bytes_of(ex, "y", 18), 2);
		assert_memory_equal(y + 2, bytes_of(in, "y", 18) + 2, 16);
		assert_memory_equal(bytes_of(truth, "m_true", all), bytes_of(in, "m_true", all),
				    (size_t)all);
		check_many(truth, ink[0], true, 3);
		check_many(ex, ink[1], true, 3);
		/* all ten digits in both: the stretch is the same, and so are the colours */
		assert_memory_equal(ink[0], ink[1], sizeof ink[0]);
	}
	free_all(&m);
}

/* ---- what all have ------------------------------------------------------ */

static void threads_and_conditions_change_nothing(void **state)
{
	struct made one, many, some;

	(void)state;
	for (int set = 0; set < 2; set++) {
		struct xl_synth_job job = job_of(set ? "mnist-multi" : "mnist-single", false);
		int k = 0;

		job.seed = 3;
		xl_threads_set(1);
		make_all(&one, &job);
		xl_threads_set(5);
		make_all(&many, &job);
		xl_threads_set(0);
		job.where = "fg=0|fg=1,bg=1";
		make_all(&some, &job);
		for (int i = 0; i < one.n; i++) {
			assert_true(same_bytes(one.r[i], many.r[i]));
			if (k < some.n && same_bytes(one.r[i], some.r[k]))
				k++;
		}
		assert_int_equal(k, some.n);
		assert_true(some.n > 10 && some.n < 30);
		free_all(&one);
		free_all(&many);
		free_all(&some);
	}
}

static void a_condition_overrides_the_domain(void **state)
{
	struct xl_synth_job job = job_of("mnist-single", false);
	struct made m;

	(void)state;
	job.domain_by = "digit=3";
	job.attributes = "digit";
	make_all(&m, &job);
	for (int i = 0; i < m.n; i++)
		assert_string_equal(xl_meta_str(m.r[i], "domain", ""),
				    bytes_of(m.r[i], "y", 1)[0] == 3 ? "B" : "A");
	free_all(&m);
}

/* ---- what cannot be ----------------------------------------------------- */

static void assert_refused(const struct xl_synth_job *job, const char *message)
{
	assert_null(xl_synth_open(job));
	assert_string_equal(xl_err_msg(), message);
}

static void assert_fails(const struct xl_synth_job *job, const char *message)
{
	struct xl_synth *s = xl_synth_open(job);

	assert_non_null(s);
	assert_int_equal(xl_synth_begin(s), -1);
	assert_string_equal(xl_err_msg(), message);
	xl_synth_close(s);
}

static void refusals(void **state)
{
	struct xl_synth_job job = job_of("mnist-single", false);

	(void)state;
	job.digits.dir = NULL;
	assert_refused(&job, "the set mnist-single needs --mnist, the folder of MNIST's files");
	job = job_of("mnist-multi", false);
	job.digits.is_published = true;
	assert_refused(&job, "--published-order: that of the set mnist-multi is not known");
	job = job_of("mnist-single", false);
	job.digits.is_published = true;
	job.seed = 1ull << 32;
	assert_refused(&job, "--published-order: takes seeds from 0 to 4294967295");
	job = job_of("faces", false);
	assert_refused(&job, "the set faces is not made of digits; --mnist, --split, "
			     "--published-order and --no-stretch are for those that are");
	job = job_of("mnist-single", true);
	job.count = 2 * N + 1;
	assert_fails(&job, "--count: the set mnist-single has 80 pairs");
	job.where = "digit=3";
	assert_fails(&job, "--count: the set mnist-single has 8 pairs where digit=3");
	job.where = "digit=11";
	assert_fails(&job, "none of the 80 pairs of mnist-single is as --where or --domain-by asks");
	job.where = NULL;
	job.domain_by = "digit=11";
	assert_fails(&job, "none of the 80 pairs of mnist-single is as --where or --domain-by asks");
}

static void broken_files_are_refused(void **state)
{
	static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 10};
	struct xl_synth_job job = job_of("mnist-single", false);

	(void)state;
	job.digits.dir = "nowhere";
	assert_fails(&job, "nowhere: no idx file train-images-idx3-ubyte or "
			   "train-images-idx3-ubyte.gz");
	assert_int_equal(system("mkdir bad"), 0);
	job.digits.dir = "bad";
	put_digits("bad/train-images.idx3-ubyte", NULL, 2, 28, 0);
	assert_fails(&job, "bad/train-images.idx3-ubyte: no file of labels beside it");
	put("bad/train-labels.idx1-ubyte", labels, 8, labels + 8, 2);
	assert_fails(&job, "bad/train-images.idx3-ubyte: label 10 of picture 1 is no digit");
	put_digits("bad/train-images.idx3-ubyte", "bad/train-labels.idx1-ubyte", 2, 27, 0);
	assert_fails(&job, "bad/train-images.idx3-ubyte: pictures of 27x27 pixels, digits have "
			   "28x28");
	put_digits("bad/train-images.idx3-ubyte", "bad/train-labels.idx1-ubyte", 0, 28, 0);
	assert_fails(&job, "bad/train-images.idx3-ubyte: holds no pictures");
	put("bad/train-labels.idx1-ubyte", labels, 8, labels + 8, 2);
	put_digits("bad/train-images.idx3-ubyte", NULL, 3, 28, 0);
	assert_fails(&job, "bad/train-labels.idx1-ubyte: 2 labels for 3 pictures");
	put_digits("bad/train-images.idx3-ubyte", NULL, 2, 28, 0);
	assert_int_equal(truncate("bad/train-images.idx3-ubyte", 900), 0);
	assert_fails(&job, "bad/train-images.idx3-ubyte: says it holds 2 pictures of 28x28 pixels, "
			   "but has too few bytes for them");
	/* labels where pictures should be */
	put("bad/train-images-idx3-ubyte", labels, 8, labels + 8, 2);
	assert_fails(&job, "bad/train-images-idx3-ubyte: not an idx file of pictures");
}

/* A file that shrinks while it is in use: the record fails, the rest could go on. */
static void a_file_that_shrinks_is_named(void **state)
{
	struct xl_synth_job job = job_of("mnist-multi", false);
	struct xl_record *r;
	struct xl_synth *s;

	(void)state;
	assert_int_equal(system("mkdir shrinks"), 0);
	put_digits("shrinks/train-images-idx3-ubyte", "shrinks/train-labels-idx1-ubyte", N, 28, 0);
	job.digits.dir = "shrinks";
	s = xl_synth_open(&job);
	assert_non_null(s);
	assert_int_equal(xl_synth_begin(s), 0);
	assert_int_equal(truncate("shrinks/train-images-idx3-ubyte", 16), 0);
	assert_int_equal(xl_synth_next(s, &r), -1);
	assert_string_equal(xl_err_msg(),
			    "shrinks/train-images-idx3-ubyte: has become shorter while it was read");
	xl_synth_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_order_is_that_of_the_authors),
		cmocka_unit_test(orders_are_permutations),
		cmocka_unit_test(images_of_one_digit),
		cmocka_unit_test(pairs_of_one_digit),
		cmocka_unit_test(hues),
		cmocka_unit_test(images_of_many_digits),
		cmocka_unit_test(pairs_of_many_digits),
		cmocka_unit_test(threads_and_conditions_change_nothing),
		cmocka_unit_test(a_condition_overrides_the_domain),
		cmocka_unit_test(refusals),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(a_file_that_shrinks_is_named),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
