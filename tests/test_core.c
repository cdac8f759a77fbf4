/*
 * test_core.c - errors, checked arithmetic, the pool, random numbers, digests,
 * option tables, JSON lines and files that appear whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/digest.h"
#include "core/file.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/mersenne.h"
#include "core/opt.h"
#include "core/pool.h"
#include "core/rng.h"

/* ---- errors and memory ------------------------------------------------ */

static void test_err(void **state)
{
	char longest[3000];

	(void)state;
	assert_int_equal(xl_err("%s: not an image", "a.jpg"), -1);
	assert_int_equal(xl_err_prefix("record %d", 3), -1);
	assert_string_equal(xl_err_msg(), "record 3: a.jpg: not an image");
	xl_err("again: %s", xl_err_msg());
	assert_string_equal(xl_err_msg(), "again: record 3: a.jpg: not an image");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	xl_err("%s", longest);
	xl_err_prefix("%s", longest);
	assert_true(strlen(xl_err_msg()) < sizeof(longest));
	assert_string_equal(xl_strerror(ENOSPC), "no space left on device");
}

static void *other_thread(void *arg)
{
	xl_err("of the other thread");
	return arg;
}

static void test_err_is_of_one_thread(void **state)
{
	pthread_t t;

	(void)state;
	xl_err("of this thread");
	assert_int_equal(pthread_create(&t, NULL, other_thread, NULL), 0);
	pthread_join(t, NULL);
	assert_string_equal(xl_err_msg(), "of this thread");
}

static void test_arithmetic(void **state)
{
	size_t v;

	(void)state;
	assert_int_equal(xl_mul(1u << 20, 1u << 20, &v), 0);
	assert_int_equal(v, (size_t)1 << 40);
	assert_int_equal(xl_mul(SIZE_MAX / 2, 3, &v), -1);
	assert_int_equal(xl_add(SIZE_MAX, 1, &v), -1);
	assert_int_equal(xl_add(SIZE_MAX, 0, &v), 0);
	assert_null(xl_realloc(NULL, SIZE_MAX / 2, 3));
}

static void test_alloc(void **state)
{
	char *p = xl_alloc(0, 8), *s = xl_strf("%s-%d", "a", 7);

	(void)state;
	assert_non_null(p);
	assert_string_equal(s, "a-7");
	free(p);
	free(s);
}

/* Also what was used before and freed is all zeros. */
static void test_alloc_large(void **state)
{
	static const size_t sizes[] = {3, 2 << 20, (5 << 20) + 1};

	(void)state;
	xl_keep_memory();
	for (int i = 0; i < 6; i++) {
		const size_t n = sizes[i % 3];
		unsigned char *p = xl_alloc_large(n, 1), any = 0;
		assert_non_null(p);
		for (size_t k = 0; k < n; k++)
			any |= p[k];
		assert_int_equal(any, 0);
		memset(p, 0xff, n);
		free(p);
	}
	assert_null(xl_alloc_large(SIZE_MAX / 2, 3));
	assert_null(xl_alloc_large(SIZE_MAX, 1));
}

/* ---- pool ------------------------------------------------------------- */

enum { ITEMS = 1000 };

struct job {
	atomic_int hits[ITEMS];
	int64_t nested;
};

static void nested_item(void *ctx, int64_t i)
{
	*(int64_t *)ctx += i; /* no other thread may run this: see pool.h */
}

static void hit_item(void *ctx, int64_t i)
{
	struct job *j = ctx;

	atomic_fetch_add(&j->hits[i], 1);
	if (i == 17)
		xl_parallel(nested_item, &j->nested, 100);
}

static void test_pool_runs_each_item_once(void **state)
{
	static const int threads[] = {1, 2, 5, 3};

	(void)state;
	for (int k = 0; k < 4; k++) {
		struct job j = {.nested = 0};

		xl_threads_set(threads[k]);
		assert_int_equal(xl_threads(), threads[k]);
		for (int round = 0; round < 20; round++)
			xl_parallel(hit_item, &j, ITEMS);
		for (int i = 0; i < ITEMS; i++)
			assert_int_equal(atomic_load(&j.hits[i]), 20);
		assert_int_equal(j.nested, 20 * 4950);
	}
	xl_parallel(hit_item, NULL, 0);
	xl_threads_set(0);
	assert_true(xl_threads() >= 1);
}

static void *parallel_caller(void *arg)
{
	for (int round = 0; round < 50; round++)
		xl_parallel(hit_item, arg, ITEMS);
	return NULL;
}

static void test_pool_serves_two_callers(void **state)
{
	static struct job a, b;
	pthread_t t;

	(void)state;
	xl_threads_set(3);
	assert_int_equal(pthread_create(&t, NULL, parallel_caller, &a), 0);
	parallel_caller(&b);
	pthread_join(t, NULL);
	for (int i = 0; i < ITEMS; i++) {
		assert_int_equal(atomic_load(&a.hits[i]), 50);
		assert_int_equal(atomic_load(&b.hits[i]), 50);
	}
}

static void test_threads_from_environment(void **state)
{
	(void)state;
	setenv("XL_THREADS", "7", 1);
	xl_threads_set(0);
	assert_int_equal(xl_threads(), 7);
	unsetenv("XL_THREADS");
	xl_threads_set(0);
}

/* ---- random numbers --------------------------------------------------- */

/* Known answers: kat_vectors of Random123 (Salmon et al.), philox4x32 10. */
static void test_philox_known_answers(void **state)
{
	static const uint32_t cases[3][10] = {
		{0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
		{~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
		 0x94fdcceb, 0x5001e420, 0x24126ea1}};

	(void)state;
	for (int k = 0; k < 3; k++) {
		struct xl_rng r = {.used = 4};

		memcpy(r.counter, cases[k], sizeof(r.counter));
		memcpy(r.key, cases[k] + 4, sizeof(r.key));
		for (int i = 0; i < 4; i++)
			assert_int_equal(xl_rng_u32(&r), cases[k][6 + i]);
	}
}

static void test_rng_streams_differ(void **state)
{
	struct xl_rng r;
	uint32_t first[5];

	(void)state;
	xl_rng_init(&r, 1, XL_RNG_TEST, 2, 3);
	first[0] = xl_rng_u32(&r);
	xl_rng_init(&r, 1ull << 32 | 1, XL_RNG_TEST, 2, 3);
	first[1] = xl_rng_u32(&r);
	xl_rng_init(&r, 1, XL_RNG_NOISE, 2, 3);
	first[2] = xl_rng_u32(&r);
	xl_rng_init(&r, 1, XL_RNG_TEST, 3, 3);
	first[3] = xl_rng_u32(&r);
	xl_rng_init(&r, 1, XL_RNG_TEST, 2, 4);
	first[4] = xl_rng_u32(&r);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < i; k++)
			assert_int_not_equal(first[i], first[k]);
	xl_rng_init(&r, 1, XL_RNG_TEST, 2, 3);
	assert_int_equal(xl_rng_u32(&r), first[0]);
}

/* The 1st and 10000th word of the usual seed; seed 0 as numpy's RandomState(0), whose
 * permutation(10) this is. */
static void test_mersenne_known_answers(void **state)
{
	static const uint32_t want[10] = {2, 8, 4, 9, 1, 6, 7, 3, 0, 5};
	struct xl_mersenne m;
	uint32_t last = 0, idx[10];

	(void)state;
	xl_mersenne_init(&m, 5489);
	assert_int_equal(xl_mersenne_u32(&m), 3499211612u);
	for (int i = 1; i < 10000; i++)
		last = xl_mersenne_u32(&m);
	assert_int_equal(last, 4123659995u);
	xl_mersenne_init(&m, 0);
	assert_true(fabs(xl_mersenne_uniform(&m) - 0.5488135039273248) < 1e-15);
	xl_mersenne_init(&m, 0);
	for (uint32_t i = 0; i < 10; i++)
		idx[i] = i;
	xl_mersenne_permute(&m, idx, 10);
	assert_memory_equal(idx, want, sizeof want);
}

static void test_rng_moments(void **state)
{
	enum { N = 100000 };
	double u = 0, u2 = 0, z = 0, z2 = 0, z4 = 0;
	struct xl_rng r;

	(void)state;
	xl_rng_init(&r, 5, XL_RNG_TEST, 0, 0);
	for (int i = 0; i < N; i++) {
		double v = xl_rng_uniform(&r), n = xl_rng_normal(&r);

		assert_true(v >= 0 && v < 1);
		u += v / N;
		u2 += v * v / N;
		z += n / N;
		z2 += n * n / N;
		z4 += n * n * n * n / N;
	}
	/* five standard errors of each mean */
	assert_true(fabs(u - 0.5) < 5 * 0.2887 / sqrt(N));
	assert_true(fabs(u2 - 1.0 / 3) < 5 * 0.2981 / sqrt(N));
	assert_true(fabs(z) < 5 / sqrt(N));
	assert_true(fabs(z2 - 1) < 5 * sqrt(2.0 / N));
	assert_true(fabs(z4 - 3) < 5 * sqrt(96.0 / N));
}

/* Many at once: moments, the two of a pair and neighbours uncorrelated, a part the same. */
static void test_rng_normals(void **state)
{
	enum { N = 100000, PART = 7 };
	static float z[N];
	float part[PART + 1] = {[PART] = 9};
	double m[4] = {0}, with_next = 0, squares = 0;
	struct xl_rng r;

	(void)state;
	xl_rng_init(&r, 5, XL_RNG_TEST, 1, 0);
	xl_rng_normals(&r, z, N);
	for (int i = 0; i < N; i++) {
		const double v = (double)z[i], next = (double)z[(i + 1) % N];

		assert_true(isfinite(v));
		for (int k = 0; k < 4; k++)
			m[k] += pow(v, k + 1) / N;
		with_next += v * next / N;
		squares += (v * v - 1) * (next * next - 1) / N;
	}
	assert_true(fabs(m[0]) < 5 / sqrt(N));
	assert_true(fabs(m[1] - 1) < 5 * sqrt(2.0 / N));
	assert_true(fabs(m[2]) < 5 * sqrt(15.0 / N));
	assert_true(fabs(m[3] - 3) < 5 * sqrt(96.0 / N));
	assert_true(fabs(with_next) < 5 / sqrt(N));
	assert_true(fabs(squares) < 5 * 2 / sqrt(N));
	xl_rng_init(&r, 5, XL_RNG_TEST, 1, 0);
	xl_rng_normals(&r, part, PART);
	assert_memory_equal(part, z, PART * sizeof *z);
	assert_true(part[PART] == 9);
}

static void test_rng_below_and_permute(void **state)
{
	uint32_t counts[6] = {0}, idx[100];
	bool seen[100] = {false}, moved = false;
	struct xl_rng r;

	(void)state;
	xl_rng_init(&r, 9, XL_RNG_TEST, 0, 0);
	for (int i = 0; i < 60000; i++) {
		uint32_t v = xl_rng_below(&r, 6);

		assert_true(v < 6);
		counts[v]++;
	}
	for (int i = 0; i < 6; i++) /* five standard deviations of 91 */
		assert_true(counts[i] > 9540 && counts[i] < 10460);
	assert_int_equal(xl_rng_below(&r, 1), 0);
	for (uint32_t i = 0; i < 100; i++)
		idx[i] = i;
	xl_rng_permute(&r, idx, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(idx[i] < 100 && !seen[idx[i]]);
		seen[idx[i]] = true;
		moved = moved || idx[i] != i;
	}
	assert_true(moved);
}

/* ---- digest ----------------------------------------------------------- */

/* Examples of FIPS 180-2, appendix B, and the empty message. */
static void test_digest_known_answers(void **state)
{
	static const char *const cases[][2] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
	struct xl_digest d;
	char hex[65], again[65];

	(void)state;
	for (int i = 0; i < 3; i++) {
		xl_digest_init(&d);
		xl_digest_add(&d, cases[i][0], strlen(cases[i][0]));
		xl_digest_hex(&d, hex);
		assert_string_equal(hex, cases[i][1]);
	}
	xl_digest_init(&d);
	for (int i = 0; i < 1000000; i++)
		xl_digest_add(&d, "a", 1);
	xl_digest_hex(&d, hex);
	assert_string_equal(hex,
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	for (size_t piece = 1; piece < 200; piece += 13) { /* cut anywhere: the same */
		char data[517];

		memset(data, 'x', sizeof(data));
		xl_digest_init(&d);
		xl_digest_add(&d, data, sizeof(data));
		xl_digest_hex(&d, hex);
		xl_digest_init(&d);
		for (size_t at = 0; at < sizeof(data); at += piece)
			xl_digest_add(&d, data + at,
				      sizeof(data) - at < piece ? sizeof(data) - at : piece);
		xl_digest_hex(&d, again);
		assert_string_equal(hex, again);
	}
}

/* ---- options ---------------------------------------------------------- */

static struct {
	bool flag, given;
	int64_t size, any;
	double rate, share;
	const char *name, *mode;
	char calls[64];
} opt;

static int note_call(void *ctx, const char *name, const char *value)
{
	if (strcmp(value, "bad") == 0)
		return xl_err("--%s: '%s' is bad", name, value);
	strcat(ctx, value);
	return 0;
}

static struct xl_opt table[] = {
	{.type = XL_OPT_GROUP, .help = "things"},
	{.type = XL_OPT_FLAG, .letter = 'f', .name = "flag", .target = &opt.flag, .help = "a flag"},
	{.type = XL_OPT_INT,
	 .letter = 's',
	 .name = "size",
	 .arg = "pixels",
	 .def = "128",
	 .target = &opt.size,
	 .min = 8,
	 .max = 4096,
	 .given = &opt.given,
	 .help = "side of a picture"},
	{.type = XL_OPT_INT, .name = "any", .arg = "n", .target = &opt.any, .help = "any number"},
	{.type = XL_OPT_NUM,
	 .name = "rate",
	 .arg = "x",
	 .def = "0.5",
	 .target = &opt.rate,
	 .min = 0,
	 .max = INFINITY,
	 .help = "a rate whose explanation takes more than one line of help to tell"},
	{.type = XL_OPT_NUM,
	 .name = "share",
	 .arg = "x",
	 .def = "-1",
	 .target = &opt.share,
	 .max = 1,
	 .or_unset = true,
	 .help = "a share, -1: any"},
	{.type = XL_OPT_STR, .name = "name", .arg = "s", .target = &opt.name, .help = "a name"},
	{.type = XL_OPT_ENUM,
	 .name = "mode",
	 .arg = "one|two",
	 .def = "one",
	 .target = &opt.mode,
	 .help = "a mode"},
	{.type = XL_OPT_CALL,
	 .name = "call",
	 .arg = "x",
	 .target = opt.calls,
	 .fn = note_call,
	 .help = "a call"},
	{.type = XL_OPT_END}};

static void refuses(const char *name, const char *value, const char *message)
{
	assert_int_equal(xl_opt_set(table, name, value), -1);
	assert_string_equal(xl_err_msg(), message);
}

static void test_opt_values(void **state)
{
	(void)state;
	memset(&opt, 0, sizeof(opt));
	xl_opt_defaults(table);
	assert_int_equal(opt.size, 128);
	assert_true(opt.rate == 0.5);
	assert_string_equal(opt.mode, "one");
	assert_false(opt.given);
	assert_int_equal(xl_opt_set(table, "size", "4096"), 0);
	assert_true(opt.given);
	assert_int_equal(opt.size, 4096);
	assert_int_equal(xl_opt_set(table, "rate", "1e-4"), 0);
	assert_true(opt.rate == 1e-4);
	assert_true(opt.share == -1);
	assert_int_equal(xl_opt_set(table, "share", "0.25"), 0);
	assert_true(opt.share == 0.25);
	assert_int_equal(xl_opt_set(table, "share", "-1.0"), 0);
	assert_true(opt.share == -1);
	assert_int_equal(xl_opt_set(table, "flag", NULL), 0);
	assert_true(opt.flag);
	assert_int_equal(xl_opt_set(table, "flag", "no"), 0);
	assert_false(opt.flag);
	assert_int_equal(xl_opt_set(table, "any", "-5"), 0);
	assert_int_equal(opt.any, -5);
	assert_int_equal(xl_opt_set(table, "mode", "two"), 0);
	assert_string_equal(opt.mode, "two");
	assert_int_equal(xl_opt_set(table, "call", "x"), 0);
	assert_int_equal(xl_opt_set(table, "call", "y"), 0);
	assert_string_equal(opt.calls, "xy");
}

static void test_opt_messages(void **state)
{
	(void)state;
	refuses("size", "9x", "--size: '9x' is not a whole number from 8 to 4096");
	refuses("size", "7", "--size: '7' is not a whole number from 8 to 4096");
	refuses("size", "", "--size: '' is not a whole number from 8 to 4096");
	refuses("size", " 9", "--size: ' 9' is not a whole number from 8 to 4096");
	refuses("any", "99999999999999999999",
		"--any: '99999999999999999999' is not a whole number");
	refuses("rate", "-1", "--rate: '-1' is not a number of 0 or more");
	refuses("rate", "nan", "--rate: 'nan' is not a number of 0 or more");
	refuses("rate", "0x10", "--rate: '0x10' is not a number of 0 or more");
	refuses("rate", "infinity", "--rate: 'infinity' is not a number of 0 or more");
	refuses("rate", "1e999", "--rate: '1e999' is not a number of 0 or more");
	refuses("rate", "", "--rate: '' is not a number of 0 or more");
	refuses("share", "-0.5", "--share: '-0.5' is not a number from 0 to 1, or -1");
	refuses("share", "1.5", "--share: '1.5' is not a number from 0 to 1, or -1");
	refuses("share", "-1x", "--share: '-1x' is not a number from 0 to 1, or -1");
	assert_true(opt.share == -1);
	refuses("mode", "three", "--mode: 'three' is not one of one|two");
	refuses("mode", "", "--mode: '' is not one of one|two");
	refuses("flag", "perhaps", "--flag: 'perhaps' is neither yes nor no");
	refuses("call", "bad", "--call: 'bad' is bad");
	refuses("sise", "1", "there is no option 'sise'");
}

static void test_parse_numbers(void **state)
{
	int64_t i;
	double f;

	(void)state;
	assert_int_equal(xl_parse_int("n", "9223372036854775807", 0, INT64_MAX, &i), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(xl_parse_int("n", "9223372036854775808", 0, INT64_MAX, &i), -1);
	assert_int_equal(xl_parse_int("record 2", "x", 0, 9, &i), -1);
	assert_string_equal(xl_err_msg(), "record 2: 'x' is not a whole number from 0 to 9");
	assert_int_equal(xl_parse_num("t", "0.25", 0, 1, &f), 0);
	assert_true(f == 0.25);
	assert_int_equal(xl_parse_num("t", "+2.5E-3", 0, 1, &f), 0);
	assert_true(f == 0.0025);
	assert_int_equal(xl_parse_num("t", "1.5", 0, 1, &f), -1);
	assert_string_equal(xl_err_msg(), "t: '1.5' is not a number from 0 to 1");
}

static void test_list_add(void **state)
{
	char list[24] = "";

	(void)state;
	xl_list_add(list, sizeof list, "one");
	assert_string_equal(list, "one");
	xl_list_add(list, sizeof list, "two");
	xl_list_add(list, sizeof list, "threefour");
	assert_string_equal(list, "one, two, threefour"); /* 19, and room for ", .." */
	xl_list_add(list, sizeof list, "");
	assert_string_equal(list, "one, two, threefour, ..");
	xl_list_add(list, sizeof list, "x");
	assert_string_equal(list, "one, two, threefour, ..");
	list[0] = '\0';
	xl_list_add(list, sizeof list, "longer than there is room for");
	assert_string_equal(list, "..");
}

static void test_word_in(void **state)
{
	static const char list[] = "one|two||three";

	(void)state;
	assert_true(xl_word_in(list, "one"));
	assert_true(xl_word_in(list, "two"));
	assert_true(xl_word_in(list, "three"));
	assert_false(xl_word_in(list, "tw"));
	assert_false(xl_word_in(list, "twos"));
	assert_false(xl_word_in(list, "one|two"));
	assert_false(xl_word_in(list, ""));
	assert_false(xl_word_in("", ""));
	assert_false(xl_word_in("", "one"));
}

static void test_opt_print(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	xl_opt_print(f, table);
	fclose(f);
	assert_string_equal(text,
			    "\nthings:\n"
			    "  -f, --flag              a flag\n"
			    "  -s, --size=pixels       side of a picture [128]\n"
			    "      --any=n             any number\n"
			    "      --rate=x            a rate whose explanation takes more than "
			    "one line of\n"
			    "                          help to tell [0.5]\n"
			    "      --share=x           a share, -1: any [-1]\n"
			    "      --name=s            a name\n"
			    "      --mode=one|two      a mode [one]\n"
			    "      --call=x            a call\n");
	free(text);
}

/* ---- json ------------------------------------------------------------- */

static void test_json(void **state)
{
	struct xl_json j;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	xl_json_begin(&j);
	xl_json_str(&j, "s", "a\"b\\c\n\x01\xc3\xbc");
	xl_json_str(&j, "none", NULL);
	xl_json_int(&j, "i", INT64_MIN);
	xl_json_num(&j, "x", 0.1);
	xl_json_num(&j, "third", 1.0 / 3);
	xl_json_num(&j, "large", 1e300);
	xl_json_num(&j, "bad", NAN);
	xl_json_bool(&j, "t", true);
	xl_json_open(&j, "list", '[');
	xl_json_int(&j, NULL, 1);
	xl_json_open(&j, NULL, '{');
	xl_json_num(&j, "inner", INFINITY);
	xl_json_close(&j, '}');
	xl_json_close(&j, ']');
	xl_json_open(&j, "empty", '{');
	xl_json_close(&j, '}');
	xl_json_int(&j, "end", 1);
	assert_int_equal(xl_json_end(&j, f), 0);
	fclose(f);
	assert_string_equal(
		text, "{\"s\":\"a\\\"b\\\\c\\u000a\\u0001\xc3\xbc\",\"none\":null,"
		      "\"i\":-9223372036854775808,\"x\":0.1,\"third\":0.3333333333333333,"
		      "\"large\":1e+300,\"bad\":null,\"t\":true,\"list\":[1,{\"inner\":null}],"
		      "\"empty\":{},\"end\":1,\"nonfinite\":\"bad,inner\"}\n");
	free(text);
}

static void test_json_full_disk(void **state)
{
	struct xl_json j;
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	if (!f)
		skip();
	xl_json_begin(&j);
	assert_int_equal(xl_json_end(&j, f), -1);
	fclose(f);
}

/* ---- files ------------------------------------------------------------ */

static char dir[] = "/tmp/xl-test-core.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void assert_content(const char *path, const char *text)
{
	char buf[100] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(buf, 1, sizeof(buf) - 1, f), strlen(text));
	fclose(f);
	assert_string_equal(buf, text);
}

static void write_file(const char *path, const char *text)
{
	struct xl_file o;

	assert_int_equal(xl_file_begin(&o, path), 0);
	fputs(text, o.f);
	assert_int_equal(xl_file_commit(&o), 0);
}

static void test_file_appears_whole(void **state)
{
	struct xl_file o;
	struct stat st;

	(void)state;
	assert_int_equal(xl_file_begin(&o, "a"), 0);
	fputs("one", o.f);
	fflush(o.f);
	assert_int_equal(access("a", F_OK), -1);
	assert_int_equal(xl_file_commit(&o), 0);
	assert_content("a", "one");
	assert_int_equal(chmod("a", 0640), 0);
	assert_int_equal(xl_file_begin(&o, "a"), 0);
	fputs("two", o.f);
	xl_file_abort(&o);
	assert_content("a", "one");
	write_file("a", "three");
	assert_content("a", "three");
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	unlink("a"); /* remove_dir fails if a temporary file is left */
}

static void test_file_behind_links(void **state)
{
	enum { CHAIN = 60 };
	char link[8], next[8];
	struct stat st;
	struct xl_file o;

	(void)state;
	assert_int_equal(mkdir("sub", 0755), 0);
	assert_int_equal(symlink("sub/b", "one"), 0);
	assert_int_equal(symlink("../one", "sub/two"), 0);
	write_file("sub/two", "new"); /* there is no b yet */
	assert_content("sub/b", "new");
	write_file("one", "again");
	assert_content("sub/b", "again");
	assert_int_equal(lstat("one", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink("one"), 0);
	assert_int_equal(symlink("one", "one"), 0);
	assert_int_equal(xl_file_begin(&o, "one"), -1);
	assert_string_equal(xl_err_msg(), "one: cannot write: too many levels of symbolic links");
	unlink("one");
	for (int i = 0; i < CHAIN; i++) { /* of which the last names nothing */
		snprintf(link, sizeof link, "l%d", i);
		snprintf(next, sizeof next, "l%d", i + 1);
		assert_int_equal(symlink(next, link), 0);
	}
	assert_int_equal(xl_file_begin(&o, "l0"), -1);
	assert_string_equal(xl_err_msg(), "l0: cannot write: too many levels of symbolic links");
	write_file("l40", "near");
	assert_content(next, "near");
	unlink(next);
	for (int i = 0; i < CHAIN; i++) {
		snprintf(link, sizeof link, "l%d", i);
		unlink(link);
	}
	assert_int_equal(symlink("none/b", "one"), 0);
	assert_int_equal(xl_file_begin(&o, "one"), -1); /* the name that was given */
	assert_string_equal(xl_err_msg(), "one: cannot write: no such file or directory");
	unlink("one");
	unlink("sub/two");
	unlink("sub/b");
	assert_int_equal(rmdir("sub"), 0);
}

static void test_file_of_a_killed_program(void **state)
{
	struct xl_file o;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(xl_file_begin(&o, "a"), 0);
	bool is_nameless = !o.tmp;
	xl_file_abort(&o);
	if (!is_nameless) /* this file system cannot */
		skip();
	child = fork();
	if (child == 0) {
		if (xl_file_begin(&o, "a") == 0 && fputs("half", o.f) >= 0 && fflush(o.f) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status)); /* and remove_dir finds the folder empty */
}

static void test_file_gets_a_new_name(void **state)
{
	struct xl_file o;

	(void)state;
	write_file("a", "one");
	assert_int_equal(xl_file_begin_new(&o, "a"), 0);
	fputs("two", o.f);
	assert_int_equal(xl_file_commit_new(&o, "a"), 1);
	assert_int_equal(xl_file_commit_new(&o, "b"), 0);
	assert_content("a", "one");
	assert_content("b", "two");
	unlink("a");
	unlink("b");
}

static void test_file_keeps_links_and_devices(void **state)
{
	struct stat st;

	(void)state;
	write_file("real", "old");
	assert_int_equal(symlink("real", "link"), 0);
	write_file("link", "new");
	assert_content("real", "new");
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	write_file("/dev/null", "gone");
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	unlink("link");
	unlink("real");
}

static void test_file_failures(void **state)
{
	struct xl_file o;

	(void)state;
	assert_int_equal(xl_file_begin(&o, "no/such/a"), -1);
	assert_string_equal(xl_err_msg(), "no/such/a: cannot write: no such file or directory");
	assert_int_equal(xl_file_begin(&o, "."), -1);
	assert_string_equal(xl_err_msg(), ".: cannot write: is a directory");
	if (access("/dev/full", W_OK))
		return;
	assert_int_equal(xl_file_begin(&o, "/dev/full"), 0);
	fputs("x", o.f);
	assert_int_equal(xl_file_commit(&o), -1);
	assert_string_equal(xl_err_msg(), "/dev/full: cannot write: no space left on device");
}

static void test_file_names_that_are_taken(void **state)
{
	char taken[64];
	int fd;

	(void)state;
	snprintf(taken, sizeof(taken), ".b.%ld-0.tmp", (long)getpid());
	fd = open(taken, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	write_file("b", "text");
	assert_content("b", "text");
	assert_int_equal(unlink(taken), 0);
	unlink("b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_err_is_of_one_thread),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_alloc_large),
		cmocka_unit_test(test_pool_runs_each_item_once),
		cmocka_unit_test(test_pool_serves_two_callers),
		cmocka_unit_test(test_threads_from_environment),
		cmocka_unit_test(test_philox_known_answers),
		cmocka_unit_test(test_rng_streams_differ),
		cmocka_unit_test(test_mersenne_known_answers),
		cmocka_unit_test(test_rng_moments),
		cmocka_unit_test(test_rng_normals),
		cmocka_unit_test(test_rng_below_and_permute),
		cmocka_unit_test(test_digest_known_answers),
		cmocka_unit_test(test_opt_values),
		cmocka_unit_test(test_opt_messages),
		cmocka_unit_test(test_parse_numbers),
		cmocka_unit_test(test_list_add),
		cmocka_unit_test(test_word_in),
		cmocka_unit_test(test_opt_print),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_full_disk),
		cmocka_unit_test(test_file_appears_whole),
		cmocka_unit_test(test_file_behind_links),
		cmocka_unit_test(test_file_of_a_killed_program),
		cmocka_unit_test(test_file_gets_a_new_name),
		cmocka_unit_test(test_file_keeps_links_and_devices),
		cmocka_unit_test(test_file_failures),
		cmocka_unit_test(test_file_names_that_are_taken),
	};

	return cmocka_run_group_tests_name("core", tests, make_dir, remove_dir);
}
