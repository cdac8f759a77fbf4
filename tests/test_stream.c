/*
 * test_stream.c - the bytes of a stream: equal to Python's, read in every form
 * that is allowed, refused in words in every other, and never costing more
 * memory than has arrived. Streams are written below in a small notation, and
 * packed without the library's writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/rng.h"
#include "fuzz/stream_target.h"
#include "tensor/modelfile.h"
#include "xl.h"

/* ---- a notation for msgpack ------------------------------------------- */

/*
 * Words separated by spaces: {3 a map of 3, [2 a list of 2, "abc a string, 'abc
 * bytes, z8 eight zero bytes as bytes, t f n true false nil, 12 a small whole
 * number, #c1ff bytes as they are.
 */
struct bytes {
	uint8_t *p;
	size_t n;
};

static void add(struct bytes *b, const void *p, size_t n)
{
	b->p = realloc(b->p, b->n + n + 1);
	assert_non_null(b->p);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add_byte(struct bytes *b, unsigned v)
{
	uint8_t c = (uint8_t)v;

	add(b, &c, 1);
}

static void add_string(struct bytes *b, const char *s, size_t n)
{
	if (n < 32) {
		add_byte(b, 0xa0u | (unsigned)n);
	} else {
		add_byte(b, 0xda);
		add_byte(b, (unsigned)(n >> 8));
		add_byte(b, (unsigned)n & 255u);
	}
	add(b, s, n);
}

static void add_word(struct bytes *b, const char *w, size_t n)
{
	static const uint8_t zeros[256];
	int v = n > 1 ? atoi(w + 1) : 0;

	switch (*w) {
	case '{':
		add_byte(b, 0x80u | (unsigned)v);
		break;
	case '[':
		add_byte(b, 0x90u | (unsigned)v);
		break;
	case '"':
		add_string(b, w + 1, n - 1);
		break;
	case '\'':
	case 'z':
		add_byte(b, 0xc4);
		add_byte(b, *w == 'z' ? (unsigned)v : (unsigned)n - 1);
		add(b, *w == 'z' ? (const char *)zeros : w + 1, *w == 'z' ? (size_t)v : n - 1);
		break;
	case '#':
		for (size_t i = 1; i + 1 < n; i += 2) {
			char hex[3] = {w[i], w[i + 1], '\0'};

			add_byte(b, (unsigned)strtoul(hex, NULL, 16));
		}
		break;
	case 't':
	case 'f':
	case 'n':
		add_byte(b, *w == 't' ? 0xc3 : *w == 'f' ? 0xc2 : 0xc0);
		break;
	default:
		add_byte(b, (unsigned)atoi(w) & 255u);
	}
}

static struct bytes pack(const char *text)
{
	struct bytes b = {malloc(1), 0};

	while (*text) {
		size_t n = strcspn(text, " ");

		if (n > 0)
			add_word(&b, text, n);
		text += n + (text[n] == ' ');
	}
	return b;
}

/* A record around a map of tensors, and around one array. */
#define RECORD "{4 \"xl 1 \"kind \"code \"id \"a \"tensors "
#define ONE RECORD "{1 \"c "
#define GOOD ONE "{5 'nd t 'type \"<f4 'kind ' 'shape [1 2 'data z8"

static void accepts(const char *text, int records)
{
	struct bytes b = pack(text);
	int n = try_stream(b.p, b.n);

	if (n != records)
		print_error("%s\n%s\n", text, xl_err_msg());
	assert_int_equal(n, records);
	free(b.p);
}

static void refuses_bytes(const struct bytes *b, const char *message)
{
	struct xl_reader *rd = xl_reader_open_mem("in", b->p, b->n);
	struct xl_record *r;
	int rc;

	assert_non_null(rd);
	while ((rc = xl_reader_next(rd, &r)) > 0)
		xl_record_free(r);
	assert_int_equal(rc, -1);
	assert_null(r);
	assert_string_equal(xl_err_msg(), message);
	assert_int_equal(xl_reader_next(rd, &r), -1);
	xl_reader_close(rd);
}

static void refuses(const char *text, const char *message)
{
	struct bytes b = pack(text);

	refuses_bytes(&b, message);
	free(b.p);
}

/* ---- Python's bytes --------------------------------------------------- */

static struct bytes golden;

static struct bytes read_whole(const char *path)
{
	struct bytes b = {malloc(1 << 20), 0};
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	assert_non_null(b.p);
	b.n = fread(b.p, 1, 1 << 20, f);
	fclose(f);
	return b;
}

static int load_golden(void **state)
{
	(void)state;
	golden = read_whole("tests/golden/stream.msgpack");
	return golden.n > 1000 ? 0 : -1;
}

static int free_golden(void **state)
{
	(void)state;
	free(golden.p);
	return 0;
}

static void set_list(struct xl_record *r, const char *key, const struct xl_value *items, int n)
{
	struct xl_value list = {.type = XL_LIST, .n = n};

	list.items = malloc(((size_t)n + 1) * sizeof(*items));
	assert_non_null(list.items);
	memcpy(list.items, items, (size_t)n * sizeof(*items));
	assert_int_equal(xl_meta_set_value(r, key, &list), 0);
	free(list.items);
}

static void golden_meta(struct xl_record *r)
{
	static const char *const attributes[] = {"Black_Hair", "Smiling"};
	static const int64_t integers[] = {
		0,  127, 128, 255,  256,  65535,  65536,  UINT32_MAX, 1ll << 32,       INT64_MAX,
		-1, -32, -33, -128, -129, -32768, -32769, INT32_MIN,  INT32_MIN - 1ll, INT64_MIN};
	char a[] = "a", text[257];
	const struct xl_value mixed[] = {{.type = XL_STR, .str = a},
					 {.type = XL_INT, .i = 1},
					 {.type = XL_FLOAT, .f = 2.5},
					 {.type = XL_BOOL, .i = 1},
					 {.type = XL_BOOL, .i = 0}};
	struct xl_value list[20];

	xl_meta_set_str(r, "domain", "A");
	xl_meta_set_strs(r, "attributes", attributes, 2);
	set_list(r, "mixed", mixed, 5);
	set_list(r, "empty", mixed, 0);
	for (int i = 0; i < 20; i++)
		list[i] = (struct xl_value){.type = XL_INT, .i = integers[i]};
	set_list(r, "integers", list, 20);
	xl_meta_set_num(r, "half", 0.5);
	xl_meta_set_num(r, "three", 3.0);
	xl_meta_set_bool(r, "yes", true);
	xl_meta_set_bool(r, "no", false);
	memset(text, 'x', 31);
	text[31] = '\0';
	xl_meta_set_str(r, "s31", text);
	memset(text, 'y', 32);
	text[32] = '\0';
	xl_meta_set_str(r, "s32", text);
	memset(text, 'z', 256);
	text[256] = '\0';
	xl_meta_set_str(r, "s256", text);
}

static struct xl_tensor *filled(enum xl_dtype t, int ndim, const int64_t *shape, double scale,
				double first)
{
	struct xl_tensor *d = xl_tensor_new(XL_F8, ndim, shape), *out;

	assert_non_null(d);
	for (int64_t i = 0; i < xl_tensor_count(d); i++)
		((double *)d->data)[i] = first + scale * (double)i;
	out = xl_tensor_to(d, t);
	xl_tensor_free(d);
	return out;
}

static void golden_tensors(struct xl_record *r)
{
	static const double halves[] = {0, 0.5, -2, 65504};
	struct xl_tensor *t;

	xl_record_put(r, "x", filled(XL_U1, 3, (int64_t[]){3, 4, 5}, 4, 0));
	xl_record_put(r, "y", filled(XL_U1, 1, (int64_t[]){2}, -1, 1));
	t = filled(XL_B1, 1, (int64_t[]){3}, 0, 1);
	((uint8_t *)t->data)[1] = 0;
	xl_record_put(r, "b", t);
	xl_record_put(r, "i4", filled(XL_I4, 2, (int64_t[]){2, 3}, 1, -2));
	t = filled(XL_I8, 1, (int64_t[]){2}, 0, -5);
	((int64_t *)t->data)[0] = 1ll << 62;
	xl_record_put(r, "i8", t);
	t = xl_tensor_new(XL_F8, 1, (int64_t[]){4});
	memcpy(t->data, halves, sizeof(halves));
	xl_record_put(r, "f2", xl_tensor_to(t, XL_F2));
	xl_tensor_free(t);
	xl_record_put(r, "m", filled(XL_F4, 3, (int64_t[]){1, 1, 300}, 1.0 / 512, 0));
	xl_record_put(r, "f8", filled(XL_F8, 1, (int64_t[]){1}, 0, 0.1));
	xl_record_put(r, "scalar", filled(XL_F4, 0, NULL, 0, 7));
	xl_record_put(r, "none", filled(XL_F4, 2, (int64_t[]){0, 3}, 0, 0));
}

static void test_bytes_equal_python(void **state)
{
	struct xl_record *r[3];
	size_t at = 0;

	(void)state;
	r[0] = xl_record_new(XL_IMAGE, "\xc3\xa4.png");
	golden_meta(r[0]);
	golden_tensors(r[0]);
	r[1] = xl_record_new(XL_CODE, "");
	r[2] = xl_record_new(XL_STATS, "many");
	r[2]->has_meta = true;
	for (int i = 0; i < 20; i++) {
		char name[8];

		snprintf(name, sizeof(name), "t%d", i);
		xl_record_put(r[2], name, filled(XL_I4, 1, (int64_t[]){1}, 0, i));
	}
	for (int i = 0; i < 3; i++) {
		void *data;
		size_t size;

		assert_int_equal(xl_record_pack(r[i], &data, &size), 0);
		assert_true(at + size <= golden.n);
		assert_memory_equal(data, golden.p + at, size);
		at += size;
		free(data);
		xl_record_free(r[i]);
	}
	assert_int_equal(at, golden.n);
}

static void test_reads_python(void **state)
{
	struct xl_reader *rd = xl_reader_open_mem("in", golden.p, golden.n);
	struct xl_record *r, *copy;
	size_t at = 0;
	int rc;

	(void)state;
	assert_non_null(rd);
	assert_string_equal(xl_reader_where(rd), "in");
	while ((rc = xl_reader_next(rd, &r)) > 0) {
		void *data;
		size_t size;

		copy = xl_record_copy(r);
		xl_record_free(r);
		assert_int_equal(xl_record_pack(copy, &data, &size), 0);
		assert_memory_equal(data, golden.p + at, size);
		at += size;
		free(data);
		xl_record_free(copy);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(at, golden.n);
	assert_int_equal(xl_reader_count(rd), 3);
	assert_string_equal(xl_reader_where(rd), "in: record 2 (many)");
	xl_reader_close(rd);
}

/* ---- what is accepted and what is not --------------------------------- */

static void test_accepts(void **state)
{
	(void)state;
	accepts("", 0);
	accepts(GOOD, 1);
	accepts(GOOD " " GOOD, 2);
	/* keys as bytes outside and strings inside, in another order, data as a string */
	accepts("{4 'tensors {1 'c {5 \"data \"abcdefgh \"shape [2 1 2 \"kind \" \"type '<f4 \"nd "
		"t "
		"'id 'a 'kind 'code 'xl 1",
		1);
	accepts(RECORD "{0", 1);
	/* what is not known is skipped, at every level */
	accepts("{6 \"later [2 {1 \"a #d40102 [0 \"xl 1 \"kind \"code \"also #cb3ff0000000000000 "
		"\"id \"a \"tensors {1 \"c {6 'nd t 'type \"|u1 'new [1 [1 n 'kind ' 'shape [0 "
		"'data z1",
		1);
	/* lengths and numbers in a longer form than needed */
	accepts("#df00000004 #d902786c #d30000000000000001 \"kind #db00000004 #636f6465 "
		"\"id \"a \"tensors #de0000",
		1);
	accepts("{5 \"xl 1 \"kind \"code \"id \"a \"meta {3 \"f #ca3f800000 'b 'text \"l [2 1 t "
		"\"tensors {0",
		1);
	/* without `kind` of the array, and empty with absurd other sides */
	accepts(ONE "{4 'nd t 'type \"<f8 'shape [3 0 #cf7fffffffffffffff #cf7fffffffffffffff "
		    "'data z0",
		1);
}

static void test_refuses_records(void **state)
{
	(void)state;
	refuses("\"text", "in: not a tensor stream (first bytes a4 74 65 78)");
	refuses("#89504e470d0a1a", "in: not a tensor stream (first bytes 89 50 4e 47)");
	refuses("#89504e470d0a1a0a", "in: a picture, not a stream of records; xl-crop makes one");
	refuses("#ffd8ff", "in: a picture, not a stream of records; xl-crop makes one");
	refuses("{0", "in: not a tensor stream (first bytes 80)");
	refuses(GOOD " 7", "in: record 1: not a record (first bytes 07)");
	refuses("{1 \"xl 2", "in: record 0: format version 2, this program reads 1");
	refuses("{1 \"xl \"1", "in: record 0: xl is a string, not a whole number");
	refuses("{2 \"id \"b \"kind \"movie", "in: record 0 (b): kind 'movie' is not one of image, "
					      "code, model, features, stats");
	refuses("{3 \"xl 1 \"kind \"code \"id \"a",
		"in: record 0 (a): the record has no 'tensors'");
	refuses("{3 \"xl 1 \"kind \"code \"tensors {0", "in: record 0: the record has no 'id'");
	refuses("{3 \"kind \"code \"id \"a \"tensors {0",
		"in: record 0 (a): the record has no 'xl'");
	refuses("{2 \"id \"a \"id \"b", "in: record 0 (a): the record has 'id' twice");
	refuses("{2 \"id \"a 7 7", "in: record 0 (a): the record is a whole number, not a string");
	refuses("{1 \"id 7", "in: record 0: id is a whole number, not a string");
	refuses("{1 \"id #a2c328", "in: record 0: id has a string that is not UTF-8");
	refuses("{1 \"id #a3610062", "in: record 0: id has a string that is not UTF-8");
	refuses("{1 \"id #a3eda080", "in: record 0: id has a string that is not UTF-8");
	refuses("{1 \"id #c1", "in: record 0: id is damaged (byte c1)");
	refuses("{1 \"id #dbffffffff",
		"in: record 0: id has a string of 4294967295 bytes, the limit is 4096");
	refuses("{2 \"id \"a \"tensors n", "in: record 0 (a): tensors is nothing, not a map");
	refuses("{2 \"id \"a \"tensors #dfffffffff",
		"in: record 0 (a): 4294967295 tensors, the limit is 4096");
	refuses("{1 \"deep #9191919191919191919191919191919191919191 "
		"#9191919191919191919191919191919191919191",
		"in: record 0: 'deep' is nested more than 32 deep");
}

static void test_refuses_meta(void **state)
{
	(void)state;
	refuses("{1 \"meta [0", "in: record 0: meta is a list, not a map");
	refuses("{1 \"meta {1 \"k {0", "in: record 0: meta 'k' holds a map; strings, numbers, "
				       "true, false and lists of these are allowed");
	refuses("{1 \"meta {1 \"k [1 [0", "in: record 0: meta 'k' holds a list; strings, numbers, "
					  "true, false and lists of these are allowed");
	refuses("{1 \"meta {1 \"k n", "in: record 0: meta 'k' holds nothing; strings, numbers, "
				      "true, false and lists of these are allowed");
	refuses("{1 \"meta {1 \"k #cfffffffffffffffff",
		"in: record 0: meta 'k': a whole number is too large");
	refuses("{1 \"meta {2 \"k 1 \"k 2", "in: record 0: meta has 'k' twice");
	refuses("{1 \"meta #dfffffffff",
		"in: record 0: meta has 4294967295 entries, the limit is 1024");
	refuses("{1 \"meta {1 \"k #ddffffffff",
		"in: record 0: the lists of meta have more than 65536 items");
	refuses("{1 \"meta {1 \"k #dbffffffff", "in: record 0: meta 'k' has a string of "
						"4294967295 bytes, the limit is 65536");
}

static void test_refuses_arrays(void **state)
{
	(void)state;
#define IN "in: record 0 (a): tensor 'c' "
	refuses(ONE "7", IN "is a whole number, not a map");
	refuses(ONE "{1 'nd f", IN "is not an array ('nd' is not true)");
	refuses(ONE "{1 'nd 1", IN "is not an array ('nd' is not true)");
	refuses(ONE "{0", IN "has no 'nd'");
	refuses(ONE "{1 'nd t", IN "has no 'type'");
	refuses(ONE "{3 'nd t 'type \"<f4 'shape [0", IN "has no 'data'");
	refuses(ONE "{1 'kind 'O", IN "holds objects (a pickle), which are never read");
	refuses(ONE "{1 'type \"|O", IN "holds objects (a pickle), which are never read");
	refuses(ONE "{1 'kind 'V", IN "has a structured type (V), which is not read");
	refuses(ONE "{1 'type \"|V8", IN "has a structured type (V), which is not read");
	refuses(ONE "{1 'type [1 [2 \"a \"<f4", IN "has a structured type (V), which is not read");
	refuses(ONE "{1 'kind 'x", IN "is of unknown kind 'x'");
	refuses(ONE "{1 'type \">f4",
		IN "is of type '>f4' (big endian); xl reads |u1 |b1 <i4 <i8 <f2 <f4 <f8");
	refuses(ONE "{1 'type \"<c8", IN "is of type '<c8'; xl reads |u1 |b1 <i4 <i8 <f2 <f4 <f8");
	refuses(ONE "{1 'type 7", IN "is a whole number, not a string");
	refuses(ONE "{1 'shape [2 3 -1", "in: record 0 (a): tensor 'c': dimension 1 is negative");
	refuses(ONE "{1 'shape [1 #cfffffffffffffffff",
		"in: record 0 (a): tensor 'c': dimension 0 is too large");
	refuses(ONE "{1 'shape [9", IN "has 9 dimensions, at most 8 are allowed");
	refuses(ONE "{1 'shape #ddffffffff", IN "has 4294967295 dimensions, at most 8 are allowed");
	refuses(ONE "{1 'shape [1 #cb3ff0000000000000", IN "is a number, not a whole number");
	refuses(ONE "{2 'shape [0 'shape [0", IN "has 'shape' twice");
	refuses(ONE "{1 'data 7",
		"in: record 0 (a): data of tensor 'c' are a whole number, not bytes");
	refuses(ONE "{4 'nd t 'type \"<f4 'shape [1 2 'data z7",
		IN "has 7 bytes of data, its shape asks for 8");
	refuses(ONE "{4 'data z9 'nd t 'type \"<f4 'shape [1 2",
		IN "has 9 bytes of data, its shape asks for 8");
	refuses(ONE "{4 'nd t 'type \"<f4 'shape [2 #cf4000000000000000 #cf4000000000000000 "
		    "'data z0",
		"in: record 0 (a): tensor 'c': 4611686018427387904 times 4611686018427387904 is "
		"more than memory can hold");
	refuses(RECORD "{2 \"c {4 'nd t 'type \"|u1 'shape [0 'data z1 \"c {0",
		"in: record 0 (a): two tensors are called 'c'");
#undef IN
}

static void test_truncation(void **state)
{
	struct bytes b = pack(GOOD);
	size_t first;
	struct xl_record *r;
	struct xl_reader *rd;

	(void)state;
	b.n -= 3;
	refuses_bytes(&b, "in: record 0 (a): ends inside tensor 'c', 3 bytes missing");
	b.n -= 7;
	refuses_bytes(&b, "in: record 0 (a): ends inside tensor 'c', 1 byte missing");
	free(b.p);
	rd = xl_reader_open_mem("in", golden.p, golden.n);
	assert_int_equal(xl_reader_next(rd, &r), 1);
	xl_record_free(r);
	xl_reader_close(rd);
	/* wherever it is cut, it is an error that says so */
	for (first = 1; first < golden.n; first++) {
		int n = try_stream(golden.p, first);

		assert_true(n >= 0 && n < 3);
		if (strstr(xl_err_msg(), "ends inside"))
			continue;
		rd = xl_reader_open_mem("cut", golden.p, first);
		while ((n = xl_reader_next(rd, &r)) > 0)
			xl_record_free(r);
		xl_reader_close(rd);
		assert_int_equal(n, 0); /* a cut between two records is an end */
	}
}

/* ---- memory ----------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* In a process that may have 64 MiB (the sanitizer needs more for itself), a claim of 4 GiB must
 * end as a truncation and not as lack of memory. */
static int child_reads_claim(int fd)
{
	const struct rlimit limit = {64 << 20, 64 << 20};
	struct xl_record *r;
	struct xl_reader *rd;

	if ((!HAS_SANITIZER && setrlimit(RLIMIT_DATA, &limit)) || dup2(fd, STDIN_FILENO) < 0)
		return 2;
	rd = xl_reader_open("-");
	if (!rd || xl_reader_next(rd, &r) != -1)
		return 3;
	return strcmp(xl_err_msg(), "stdin: record 0 (a): ends inside tensor 'c', 4293967295 "
				    "bytes missing") == 0
		       ? 0
		       : 4;
}

static void test_claims_cost_nothing(void **state)
{
	struct bytes b = pack(ONE "{4 'nd t 'type \"|u1 'shape [1 #ceffffffff 'data #c6ffffffff");
	static uint8_t zeros[1000000];
	int fd[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fd[1]);
		_exit(child_reads_claim(fd[0]));
	}
	close(fd[0]);
	assert_int_equal(write(fd[1], b.p, b.n), b.n);
	assert_int_equal(write(fd[1], zeros, sizeof(zeros)), sizeof(zeros));
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(b.p);
}

/* ---- pipes and files -------------------------------------------------- */

/* Writes the bytes in pieces of 1, 2, 3 ... to a pipe whose reader is stdin. */
static pid_t feed(const struct bytes *b, size_t most)
{
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fd[0]);
		for (size_t at = 0, k = 1; at < b->n; at += k, k = k % most + 1) {
			if (k > b->n - at)
				k = b->n - at;
			if (write(fd[1], b->p + at, k) != (ssize_t)k)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(dup2(fd[0], STDIN_FILENO), STDIN_FILENO);
	close(fd[0]);
	return pid;
}

static void same_from_stdin(const struct bytes *b, size_t most)
{
	pid_t pid = feed(b, most);
	struct xl_reader *rd = xl_reader_open(NULL);
	struct xl_record *r;
	size_t at = 0;
	int rc, status;

	assert_non_null(rd);
	while ((rc = xl_reader_next(rd, &r)) > 0) {
		void *data;
		size_t size;

		assert_int_equal(xl_record_pack(r, &data, &size), 0);
		assert_true(at + size <= b->n);
		assert_int_equal(memcmp(data, b->p + at, size), 0);
		at += size;
		free(data);
		xl_record_free(r);
	}
	if (rc < 0)
		print_error("%s\n", xl_err_msg());
	assert_int_equal(rc, 0);
	assert_int_equal(at, b->n);
	xl_reader_close(rd);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void test_pipe_in_pieces(void **state)
{
	struct xl_record *r = xl_record_new(XL_FEATURES, "large");
	struct bytes b = {NULL, 0};
	void *data;

	(void)state;
	same_from_stdin(&golden, 7);
	/* larger than what is asked for at once, so that the block has to grow */
	assert_int_equal(xl_record_put(r, "p", filled(XL_I4, 1, (int64_t[]){3000001}, 1, 0)), 0);
	assert_int_equal(xl_record_put(r, "q", filled(XL_U1, 1, (int64_t[]){70000}, 0.003, 0)), 0);
	assert_int_equal(xl_record_pack(r, &data, &b.n), 0);
	b.p = data;
	same_from_stdin(&b, 200000);
	free(data);
	xl_record_free(r);
}

static void test_peek_and_all(void **state)
{
	struct xl_reader *rd = xl_reader_open("tests/golden/stream.msgpack");
	uint8_t first[16];
	struct xl_record *r;
	void *data;
	size_t size;

	(void)state;
	assert_non_null(rd);
	assert_int_equal(xl_reader_peek(rd, first, sizeof(first)), sizeof(first));
	assert_memory_equal(first, golden.p, sizeof(first));
	assert_true(xl_is_stream(first, sizeof(first)));
	assert_int_equal(xl_reader_all(rd, golden.n, &data, &size), 0);
	assert_int_equal(size, golden.n);
	assert_memory_equal(data, golden.p, size);
	assert_int_equal(xl_reader_next(rd, &r), 0);
	assert_int_equal(xl_reader_peek(rd, first, sizeof(first)), 0);
	free(data);
	xl_reader_close(rd);
	assert_false(xl_is_stream("\x89PNG", 4));
	assert_false(xl_is_stream("\xff\xd8\xff\xe0", 4));
	assert_false(xl_is_stream("", 0));
}

/* Endless input ends at one byte more than was allowed. */
static void test_all_up_to_a_size(void **state)
{
	struct xl_reader *rd = xl_reader_open("/dev/zero");
	void *data;
	size_t size;

	(void)state;
	assert_non_null(rd);
	assert_int_equal(xl_reader_all(rd, 1000000, &data, &size), 0);
	assert_int_equal(size, 1000001);
	free(data);
	xl_reader_close(rd);
}

static void test_open_failures(void **state)
{
	struct xl_reader *rd;
	struct xl_record *r;

	(void)state;
	assert_null(xl_reader_open("/no/such"));
	assert_string_equal(xl_err_msg(), "/no/such: cannot open: no such file or directory");
	rd = xl_reader_open("/");
	assert_non_null(rd);
	assert_int_equal(xl_reader_next(rd, &r), -1);
	assert_string_equal(xl_err_msg(), "/: cannot read: is a directory");
	xl_reader_close(rd);
	xl_reader_close(NULL);
	assert_null(xl_writer_open("/no/such/out"));
	assert_string_equal(xl_err_msg(), "/no/such/out: cannot write: no such file or directory");
}

static char path[] = "/tmp/xl-test-stream.XXXXXX";

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd >= 0 ? close(fd) || unlink(path) : -1;
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void test_writer_file(void **state)
{
	struct xl_reader *rd = xl_reader_open_mem("in", golden.p, golden.n);
	struct xl_writer *w = xl_writer_open(path);
	struct bytes b;
	struct xl_record *r;

	(void)state;
	assert_non_null(w);
	while (xl_reader_next(rd, &r) > 0) {
		assert_int_equal(xl_writer_put(w, r), 0);
		xl_record_free(r);
	}
	xl_reader_close(rd);
	assert_int_equal(xl_writer_flush(w), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(xl_writer_close(w), 0);
	b = read_whole(path);
	assert_int_equal(b.n, golden.n);
	assert_memory_equal(b.p, golden.p, b.n);
	free(b.p);
	w = xl_writer_open(path);
	xl_writer_abort(w);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_writer_refuses(void **state)
{
	struct xl_record *r = xl_record_new(XL_IMAGE, "\xff.png");
	char name[300];
	void *data;
	size_t size;

	(void)state;
	assert_int_equal(xl_record_pack(r, &data, &size), -1);
	assert_non_null(strstr(xl_err_msg(), "id is not UTF-8"));
	xl_record_set_id(r, "a");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	xl_record_put(r, name, filled(XL_U1, 1, (int64_t[]){1}, 0, 0));
	assert_int_equal(xl_record_pack(r, &data, &size), -1);
	assert_string_equal(xl_err_msg(),
			    "record 'a': a tensor's name has 299 bytes, the limit is 255");
	xl_record_drop(r, name);
	xl_meta_set_str(r, "k", "\xc0\x80");
	assert_int_equal(xl_record_pack(r, &data, &size), -1);
	assert_string_equal(xl_err_msg(), "record 'a': meta 'k' is not UTF-8");
	xl_record_free(r);
}

/* ---- mutations -------------------------------------------------------- */

static void mutate(struct xl_rng *rng, uint8_t *p, size_t *n)
{
	/* first bytes of tokens, extremes of lengths */
	static const uint8_t special[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
					  0xc0, 0xc1, 0xc3, 0xc4, 0xc6, 0xc9, 0xca, 0xcb,
					  0xcf, 0xd3, 0xd8, 0xdb, 0xdd, 0xdf, 0xe0, 0xff};
	size_t at = xl_rng_below(rng, (uint32_t)*n), k;

	switch (xl_rng_below(rng, 6)) {
	case 0:
		p[at] ^= (uint8_t)(1u << xl_rng_below(rng, 8));
		break;
	case 1:
		p[at] = special[xl_rng_below(rng, sizeof(special))];
		break;
	case 2:
		p[at] = (uint8_t)xl_rng_u32(rng);
		break;
	case 3: /* cut */
		*n = at + 1;
		break;
	case 4: /* drop a piece */
		k = 1 + xl_rng_below(rng, 8);
		if (at + k < *n) {
			memmove(p + at, p + at + k, *n - at - k);
			*n -= k;
		}
		break;
	default: /* copy a piece over another */
		k = 1 + xl_rng_below(rng, 16);
		if (at + k <= *n)
			memmove(p + xl_rng_below(rng, (uint32_t)(*n - k + 1)), p + at, k);
	}
}

static void test_mutations(void **state)
{
	enum { ROUNDS = 20000 };
	uint8_t *p = malloc(golden.n);
	int whole = 0, refused = 0;

	(void)state;
	assert_non_null(p);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct xl_rng rng;
		size_t n = golden.n;
		int count;

		xl_rng_init(&rng, 0, XL_RNG_TEST, 1, round);
		memcpy(p, golden.p, n);
		for (uint32_t i = xl_rng_below(&rng, 4) + 1; i > 0; i--)
			mutate(&rng, p, &n);
		count = try_stream(p, n);
		if (count < 0)
			print_error("round %u: %s\n", round, xl_err_msg());
		assert_true(count >= 0);
		whole += count == 3;
		refused += count < 3;
	}
	/* both happen: the mutations neither always miss nor always hit the grammar */
	assert_true(whole > ROUNDS / 20);
	assert_true(refused > ROUNDS / 20);
	free(p);
}

/* ---- model files ------------------------------------------------------ */

static struct xl_record **new_model(void)
{
	struct xl_record **r = malloc(2 * sizeof(struct xl_record *));

	assert_non_null(r);
	r[0] = xl_record_new(XL_MODEL, "model");
	xl_meta_set_str(r[0], "method", "lomit");
	xl_meta_set_int(r[0], "size", 64);
	r[1] = xl_record_new(XL_MODEL, "generator");
	xl_record_put(r[1], "w", filled(XL_F4, 2, (int64_t[]){3, 4}, 0.1, -1));
	return r;
}

static int check(const struct xl_modelfile *f)
{
	return xl_modelfile_check((const struct xl_record *const *)f->records, f->n);
}

static void test_modelfile(void **state)
{
	struct xl_record **a = new_model();
	struct xl_modelfile b;
	char hex[65];
	FILE *f;

	(void)state;
	assert_int_equal(xl_modelfile_write(path, a, 2), 0);
	assert_int_equal(xl_modelfile_read(path, &b), 0);
	assert_int_equal(b.n, 2);
	assert_string_equal(xl_meta_str(b.records[0], "method", ""), "lomit");
	assert_int_equal(check(&b), 0);
	assert_int_equal(xl_model_digest((const struct xl_record *const *)b.records, b.n, hex), 0);
	assert_string_equal(hex, xl_meta_str(b.records[0], "digest", ""));
	assert_memory_equal(xl_record_tensor(b.records[1], "w")->data,
			    xl_record_tensor(a[1], "w")->data, 48);
	xl_modelfile_free(&b);
	/* one bit of the last weight */
	f = fopen(path, "r+b");
	assert_int_equal(fseek(f, -1, SEEK_END), 0);
	const int last = fgetc(f);
	fseek(f, -1, SEEK_END);
	fputc(last ^ 1, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(xl_modelfile_read(path, &b), 0);
	assert_int_equal(check(&b), -1);
	assert_non_null(strstr(xl_err_msg(), "the content has"));
	xl_modelfile_free(&b);
	/* where the digest stands in meta makes no difference to it */
	xl_meta_set_int(a[0], "step", 1);
	assert_int_equal(xl_modelfile_write(path, a, 2), 0);
	assert_int_equal(xl_modelfile_check((const struct xl_record *const *)a, 2), 0);
	assert_string_not_equal(hex, xl_meta_str(a[0], "digest", ""));
	xl_records_free(a, 2);
}

/* What cannot be mapped is read. */
static void test_modelfile_of_a_pipe(void **state)
{
	struct xl_record **a = new_model();
	struct xl_modelfile b;
	char fifo[300];
	pid_t pid;
	int status;

	(void)state;
	snprintf(fifo, sizeof fifo, "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	pid = fork();
	if (pid == 0)
		_exit(xl_modelfile_write(fifo, a, 2) ? 1 : 0);
	assert_int_equal(xl_modelfile_read(fifo, &b), 0);
	assert_null(b.map);
	assert_memory_equal(xl_record_tensor(b.records[1], "w")->data,
			    xl_record_tensor(a[1], "w")->data, 48);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	xl_modelfile_free(&b);
	xl_records_free(a, 2);
	unlink(fifo);
}

static void not_a_model(struct xl_record *r, const char *why)
{
	struct xl_writer *w = xl_writer_open(path);
	struct xl_modelfile b;
	char want[300];

	if (r)
		assert_int_equal(xl_writer_put(w, r), 0);
	assert_int_equal(xl_writer_close(w), 0);
	assert_int_equal(xl_modelfile_read(path, &b), -1);
	snprintf(want, sizeof(want), "%s: not a model (%s)", path, why);
	assert_string_equal(xl_err_msg(), want);
	xl_record_free(r);
}

static void test_modelfile_refuses(void **state)
{
	struct xl_modelfile b;

	(void)state;
	not_a_model(NULL, "empty");
	not_a_model(xl_record_new(XL_IMAGE, "a.png"), "kind image");
	not_a_model(xl_record_new(XL_MODEL, "gen"), "its first record is 'gen', not 'model'");
	not_a_model(xl_record_new(XL_MODEL, "model"), "it has no digest");
	assert_int_equal(xl_modelfile_read("/no/such", &b), -1);
	assert_null(b.records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_equal_python),
		cmocka_unit_test(test_reads_python),
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses_records),
		cmocka_unit_test(test_refuses_meta),
		cmocka_unit_test(test_refuses_arrays),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_claims_cost_nothing),
		cmocka_unit_test(test_pipe_in_pieces),
		cmocka_unit_test(test_peek_and_all),
		cmocka_unit_test(test_all_up_to_a_size),
		cmocka_unit_test(test_open_failures),
		cmocka_unit_test_setup_teardown(test_writer_file, make_path, remove_path),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test_teardown(test_modelfile, remove_path),
		cmocka_unit_test(test_modelfile_of_a_pipe),
		cmocka_unit_test_teardown(test_modelfile_refuses, remove_path),
	};

	return cmocka_run_group_tests_name("stream", tests, load_golden, free_golden);
}
