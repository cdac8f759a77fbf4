/*
 * test_weights.c - weights from elsewhere: the files of golden/weights.py give the
 * same tensors in every format; everything survives being written; and hostile
 * files are refused in words. Damaged files are made from the golden ones by
 * replacing bytes; pickles are written below, opcode by opcode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <zlib.h>
#include "fuzz/weights_target.h"

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes load(const char *name)
{
	char path[256];
	struct bytes b = {malloc(1 << 16), 0};
	FILE *f;

	snprintf(path, sizeof path, "tests/golden/%s", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_non_null(b.p);
	b.n = fread(b.p, 1, 1 << 16, f);
	assert_true(b.n > 0 && b.n < 1 << 16);
	fclose(f);
	return b;
}

static const char *const files[] = {"weights-zip.pth", "weights-old.pth",    "weights-nested.pth",
				    "weights.npz",     "weights-packed.npz", "weights.safetensors",
				    "python2.pth"};
enum { FILES = sizeof files / sizeof *files, SAME = FILES - 1 };

/* ---- what is read ----------------------------------------------------- */

static void all_formats_agree(void **state)
{
	struct bytes golden = load("weights.msgpack");
	struct xl_weights want = {.n_outline = 0};

	(void)state;
	assert_int_equal(xl_weights_read_mem(&want, "w", golden.p, golden.n, NULL), 0);
	assert_int_equal(want.flat->n_tensors, 16);
	for (int i = 0; i < SAME; i++) {
		struct bytes b = load(files[i]);
		struct xl_weights w = {.n_outline = 0};

		if (xl_weights_read_mem(&w, files[i], b.p, b.n, NULL))
			fail_msg("%s", xl_err_msg());
		assert_true(same_tensors(want.flat, w.flat));
		for (int k = 0; k < w.flat->n_tensors; k++) /* in the order of the file */
			assert_string_equal(w.flat->tensors[k].name, want.flat->tensors[k].name);
		xl_weights_done(&w);
		free(b.p);
	}
	xl_weights_done(&want);
	free(golden.p);
}

static void values_are_exact(void **state)
{
	struct bytes b = load("weights-zip.pth");
	struct xl_weights w = {.n_outline = 0};
	const struct xl_tensor *t;

	(void)state;
	assert_int_equal(xl_weights_read_mem(&w, "w", b.p, b.n, NULL), 0);
	t = xl_record_tensor(w.flat, "transposed"); /* of [0] of arange(24) / 8 - 1 */
	assert_true(xl_tensor_is(t, 2, (int64_t[]){4, 3}));
	assert_true(((float *)t->data)[1] == 4 / 8.f - 1);
	assert_true(((float *)t->data)[11] == 11 / 8.f - 1);
	t = xl_record_tensor(w.flat, "part"); /* elements 3, 7, 11, 15, 19 */
	assert_true(xl_tensor_is(t, 1, (int64_t[]){5}));
	assert_true(((float *)t->data)[4] == 19 / 8.f - 1);
	t = xl_record_tensor(w.flat, "brain");
	assert_int_equal(t->dtype, XL_F4);
	assert_true(((float *)t->data)[0] == 1.5f);
	assert_true(((float *)t->data)[1] == -0.10009765625f); /* -0.1 in 8 bits */
	t = xl_record_tensor(w.flat, "int16");
	assert_int_equal(t->dtype, XL_I4);
	assert_int_equal(((int32_t *)t->data)[0], -29997);
	t = xl_record_tensor(w.flat, "num_batches_tracked");
	assert_int_equal(t->ndim, 0);
	assert_true(*(int64_t *)t->data == (int64_t)1 << 40);
	xl_weights_done(&w);
	free(b.p);
}

static void pairs_of_python_2(void **state)
{
	struct bytes b = load("python2.pth");
	struct xl_weights w = {.n_outline = 0};
	const struct xl_tensor *t;

	(void)state;
	assert_int_equal(xl_weights_read_mem(&w, "w", b.p, b.n, NULL), 0);
	assert_int_equal(w.flat->n_tensors, 2);
	t = xl_record_tensor(w.flat, "lin0.model.1.weight");
	assert_true(((float *)t->data)[0] == 0.25f && ((float *)t->data)[1] == 0.75f);
	t = xl_record_tensor(w.flat, "lin1.model.1.weight");
	assert_true(((float *)t->data)[0] == -3);
	xl_weights_done(&w);
	free(b.p);
}

static void parts_of_nested(void **state)
{
	struct bytes b = load("weights-nested.pth");
	struct xl_weights w = {.n_outline = 0};

	(void)state;
	assert_int_equal(xl_weights_read_mem(&w, "w", b.p, b.n, "state_dict"), 0);
	assert_int_equal(w.flat->n_tensors, 16);
	xl_weights_done(&w);
	assert_int_equal(xl_weights_read_mem(&w, "w", b.p, b.n, "ema"), -1);
	assert_string_equal(xl_err_msg(), "w: has no dictionary 'ema'");
	xl_weights_done(&w);
	assert_int_equal(xl_weights_read_mem(&w, "w", b.p, b.n, "optimizer"), -1);
	assert_string_equal(xl_err_msg(), "w: holds no tensors");
	xl_weights_done(&w);
	free(b.p);
}

static void everything_survives(void **state)
{
	(void)state;
	for (int i = 0; i < FILES; i++) {
		struct bytes b = load(files[i]);

		assert_int_equal(try_weights(b.p, b.n), i < SAME ? 16 : 2);
		free(b.p);
	}
}

/* ---- damage ----------------------------------------------------------- */

static void cut_anywhere(void **state)
{
	(void)state;
	for (int i = 0; i < FILES; i++) {
		struct bytes b = load(files[i]);

		for (size_t n = 0; n < b.n; n++) {
			/* memory of just that size, so that the sanitizer sees every step beyond */
			uint8_t *cut = malloc(n ? n : 1);

			assert_non_null(cut);
			memcpy(cut, b.p, n);
			if (try_weights(cut, n) != 0)
				fail_msg("%s cut to %zu bytes: %s", files[i], n, xl_err_msg());
			free(cut);
		}
		free(b.p);
	}
}

static void any_byte_replaced(void **state)
{
	static const uint8_t by[] = {0x00, 0x7f, 0xff};
	const size_t all = getenv("XL_LONG") ? sizeof by : 1; /* else each byte by one of them */

	(void)state;
	for (int i = 0; i < FILES; i++) {
		struct bytes b = load(files[i]);

		for (size_t k = 0; k < b.n; k++) {
			const uint8_t was = b.p[k];

			for (size_t v = 0; v < all; v++) {
				b.p[k] = by[(k + v) % sizeof by];
				if (try_weights(b.p, b.n) < 0)
					fail_msg("%s, byte %zu %02x: %s", files[i], k, b.p[k],
						 xl_err_msg());
			}
			b.p[k] = was;
		}
		free(b.p);
	}
}

/* ---- refusals, in words ----------------------------------------------- */

static void refuses(const void *data, size_t n, const char *message)
{
	struct xl_weights w = {.n_outline = 0};
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, data, n);
	assert_int_equal(xl_weights_read_mem(&w, "a", copy, n, NULL), -1);
	assert_string_equal(xl_err_msg(), message);
	xl_weights_done(&w);
	free(copy);
}

/* The place of the nth `what` in b. */
static uint8_t *find(const struct bytes *b, const char *what, int nth)
{
	const size_t n = strlen(what);

	for (size_t i = 0; i + n <= b->n; i++)
		if (memcmp(b->p + i, what, n) == 0 && nth-- == 0)
			return b->p + i;
	fail_msg("no '%s' there", what);
	return NULL;
}

/* A golden file in which the nth `from` is `to`, of the same length. */
static void refuses_changed(const char *file, const char *from, int nth, const char *to,
			    const char *message)
{
	struct bytes b = load(file);

	assert_int_equal(strlen(from), strlen(to));
	memcpy(find(&b, from, nth), to, strlen(to));
	refuses(b.p, b.n, message);
	free(b.p);
}

static void other_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *message;
	} cases[] = {
		{"", 0, "a: empty"},
		{"x", 1,
		 "a: neither a stream of xl nor safetensors, .pth or .npz "
		 "(first bytes 78 00 00 00)"},
		{"\x93NUMPY\x01", 7, "a: a single .npy array; numpy.savez puts it into a .npz"},
		{"\x80\x04}.", 4, "a: a bare pickle, not what torch.save writes"},
		{"PK\5\6\0\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\0\0", 22,
		 "a: says it has 1 entries, its directory has 0 bytes"},
		{"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0", 22,
		 "a: is a zip archive without an end (cut off?)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refuses(cases[i].bytes, cases[i].n, cases[i].message);
}

/* A file of safetensors with that header and n zero bytes after it. */
static void refuses_header(const char *header, size_t n, const char *message)
{
	const uint64_t length = strlen(header);
	struct bytes b = {calloc(1, 8 + (size_t)length + n), 8 + (size_t)length + n};

	assert_non_null(b.p);
	memcpy(b.p, &length, 8);
	memcpy(b.p + 8, header, (size_t)length);
	refuses(b.p, b.n, message);
	free(b.p);
}

#define ENTRY(SHAPE, FROM, TO)                                                                     \
	"{\"dtype\":\"F32\",\"shape\":" SHAPE ",\"data_offsets\":[" FROM "," TO "]}"

static void safetensors(void **state)
{
	(void)state;
	refuses("\377\0\0\0\0\0\0\0{}", 10, "a: says that its header has 255 bytes, 2 follow");
	refuses_header("{\"w\":" ENTRY("[2]", "0", "8") "}", 7,
		       "a: tensor 'w': lies at 0 to 8 of 7 bytes");
	refuses_header("{\"w\":" ENTRY("[2]", "0", "8") "}", 9, "a: 1 bytes after the last tensor");
	refuses_header("{\"w\":" ENTRY("[3]", "0", "8") "}", 8,
		       "a: tensor 'w': its shape takes 12 bytes, its place has 8");
	refuses_header("{\"w\":" ENTRY("[2]", "8", "0") "}", 8,
		       "a: tensor 'w': lies at 8 to 0 of 8 bytes");
	refuses_header("{\"w\":" ENTRY("[4294967296,4294967296]", "0", "0") "}", 0,
		       "a: tensor 'w': 4294967296 times 4294967296 is more than memory can hold");
	refuses_header("{\"w\":" ENTRY("[9223372036854775807]", "0", "8") "}", 8,
		       "a: tensor 'w': 9223372036854775807 times 4 is more than memory can hold");
	refuses_header("{\"a\":" ENTRY("[2]", "0", "8") ",\"b\":" ENTRY("[2]", "4", "12") "}", 12,
		       "a: tensor 'b' begins at 4, inside another that ends at 8");
	refuses_header("{\"a\":" ENTRY("[1]", "0", "4") ",\"b\":" ENTRY("[1]", "8", "12") "}", 12,
		       "a: tensor 'b' begins at 8, after a hole at 4");
	refuses_header("{\"w\":" ENTRY("[]", "0", "4") ",\"w\":" ENTRY("[]", "4", "8") "}", 8,
		       "a: two tensors are called 'w'");
	refuses_header("{\"\":" ENTRY("[]", "0", "4") "}", 4, "a: a tensor has no name");
	refuses_header("{\"\\u0007\":" ENTRY("[]", "0", "4") "}", 4,
		       "a: the name of a tensor has control characters");
	refuses_header("{\"\xff\":" ENTRY("[]", "0", "4") "}", 4,
		       "a: the header has a string that is not UTF-8");
	refuses_header("{\"\\ud800\":" ENTRY("[]", "0", "4") "}", 4,
		       "a: the header wants both halves of a character at byte 8, has byte 22");
	refuses_header("{\"w\":" ENTRY("[-1]", "0", "4") "}", 4,
		       "a: tensor 'w': the header wants a whole number at byte 29, has byte 2d");
	refuses_header("{\"w\":" ENTRY("[01]", "0", "4") "}", 4,
		       "a: tensor 'w': the header wants a whole number at byte 31, has byte 5d");
	refuses_header("{\"w\":" ENTRY("[9223372036854775808]", "0", "4") "}", 4,
		       "a: tensor 'w': the header wants a number below 2^63 at byte 47, "
		       "has byte 38");
	refuses_header("{\"w\":{\"dtype\":\"C64\"}}", 0,
		       "a: tensor 'w': its type is 'C64', which is not read");
	refuses_header("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0,
		       "a: tensor 'w': has two of 'dtype'");
	refuses_header("{\"w\":{\"dtype\":\"F32\",\"order\":\"F\"}}", 0,
		       "a: tensor 'w': has an unknown property 'order'");
	refuses_header("{\"w\":{\"dtype\":\"F32\"}}", 0,
		       "a: tensor 'w': lacks one of dtype, shape, data_offsets");
	refuses_header("{\"w\":" ENTRY("[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4,
		       "a: tensor 'w': more than 8 dimensions");
	refuses_header("{} x", 0, "a: the header wants nothing more at byte 3, has byte 78");
	refuses_header("{\"__metadata__\":{\"a\":1}}", 0,
		       "a: the header wants '\"' at byte 21, has byte 31");
	refuses_header("{\"__metadata__\":{\"xl\":\"zz\"}}", 0,
		       "a: its outline is not one that xl-convert writes");
	refuses_header("{\"__metadata__\":{\"xl\":\"80\"}}", 0,
		       "a: its outline: not a tensor stream (first bytes 80)");
}

static void zips(void **state)
{
	(void)state;
	refuses_changed(
		"weights-zip.pth", "weights-zip/data/0", 1, "weights-zip/data/1",
		"a: entry 'weights-zip/data/1': has another name or method in its header than "
		"in the directory");
	refuses_changed("weights.npz", "half.npy", 1, "../x.npy",
			"a: entry '../x.npy' leads out of the archive");
	refuses_changed("weights.npz", "half.npy", 1, "x/.//npy",
			"a: entry 'x/.//npy' leads out of the archive");
	refuses_changed("weights.npz", "half.npy", 1, "/abc.npy",
			"a: entry '/abc.npy' leads out of the archive");
	refuses_changed("weights.npz", "half.npy", 1, "aa\\b.npy",
			"a: entry 'aa\\b.npy' has a backslash in its name");
	refuses_changed("weights.npz", "'<f8'", 0, "'|O8'",
			"a: entry 'double.npy': does not have its checksum");
}

/* Entry 0 and what the directory says of it, to be changed. */
struct archive {
	struct bytes b;
	uint8_t *local, *central;
};

static struct archive open_archive(const char *file)
{
	struct archive a = {.b = load(file)};

	a.local = find(&a.b, "PK\3\4", 0);
	a.central = find(&a.b, "PK\1\2", 0);
	return a;
}

static void refuses_archive(struct archive *a, const char *message)
{
	refuses(a->b.p, a->b.n, message);
	free(a->b.p);
}

static void zip_directories(void **state)
{
	struct archive a = open_archive("weights.npz");

	(void)state;
	a.central[8] |= 1;
	refuses_archive(&a, "a: entry 'conv.weight.npy': is encrypted");
	a = open_archive("weights.npz");
	a.central[10] = 12;
	refuses_archive(&a, "a: entry 'conv.weight.npy': is compressed by method 12, which is not "
			    "read");
	a = open_archive("weights.npz");
	a.central[20]++;
	refuses_archive(&a, "a: entry 'conv.weight.npy': is stored, and says both 225 and 224 "
			    "bytes");
	a = open_archive("weights.npz");
	memset(a.central + 20, 0xfe, 8); /* both sizes */
	refuses_archive(&a, "a: entry 'conv.weight.npy': says it has 4278124286 bytes, 3292 are "
			    "there");
	a = open_archive("weights.npz");
	a.central[42] = 9;
	refuses_archive(&a, "a: entry 'conv.weight.npy': has no header at byte 9");
	a = open_archive("weights.npz"); /* the second of two entries at the place of the first */
	uint8_t *second = find(&a.b, "PK\1\2", 1);
	memmove(second, a.central, 46 + 15);
	refuses(a.b.p, a.b.n, "a: has a directory that ends before its entry 2");
	free(a.b.p);
	a = open_archive("weights-packed.npz");
	memset(a.central + 24, 0xfe, 4); /* the size it inflates to */
	refuses_archive(&a, "a: entry 'conv.weight.npy': says that 139 bytes inflate to "
			    "4278124286, more than they can");
	a = open_archive("weights-packed.npz");
	a.central[24]--;
	refuses_archive(&a, "a: entry 'conv.weight.npy': does not inflate to the 223 bytes it "
			    "says");
	a = open_archive("weights-packed.npz");
	a.central[24]++;
	refuses_archive(&a, "a: entry 'conv.weight.npy': does not inflate to the 225 bytes it "
			    "says");
}

/* ---- archives made here ----------------------------------------------- */

struct made {
	struct bytes out, dir;
	int n;
};

static void add(struct bytes *b, const void *p, size_t n)
{
	b->p = realloc(b->p, b->n + n + 1);
	assert_non_null(b->p);
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add_number(struct bytes *b, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		add(b, &(uint8_t){i < 8 ? (uint8_t)(v >> 8 * i) : 0}, 1);
}

static void add_common(struct bytes *b, int method, const char *name, uint64_t packed,
		       uint64_t size)
{
	add_number(b, 20, 4);
	add_number(b, (uint64_t)method, 2);
	add_number(b, 0, 8); /* time; no checksum */
	add_number(b, packed, 4);
	add_number(b, size, 4);
	add_number(b, strlen(name), 2);
	add_number(b, 0, 2);
}

static void add_entry(struct made *z, int method, const char *name, const void *p, size_t packed,
		      size_t size)
{
	const size_t at = z->out.n;

	add(&z->out, "PK\3\4", 4);
	add_common(&z->out, method, name, packed, size);
	add(&z->out, name, strlen(name));
	add(&z->out, p, packed);
	add(&z->dir, "PK\1\2\24", 6);
	add_common(&z->dir, method, name, packed, size);
	add_number(&z->dir, 0, 10);
	add_number(&z->dir, at, 4);
	add(&z->dir, name, strlen(name));
	z->n++;
}

static void end_archive(struct made *z)
{
	const size_t at = z->out.n;

	add(&z->out, z->dir.p, z->dir.n);
	add(&z->out, "PK\5\6\0\0\0\0", 8);
	add_number(&z->out, (uint64_t)z->n, 2);
	add_number(&z->out, (uint64_t)z->n, 2);
	add_number(&z->out, z->dir.n, 4);
	add_number(&z->out, at, 4);
	add_number(&z->out, 0, 2);
	free(z->dir.p);
}

static void refuses_made(struct made *z, const char *message)
{
	end_archive(z);
	refuses(z->out.p, z->out.n, message);
	free(z->out.p);
}

static void two_of_one_name(void **state)
{
	struct made z = {.n = 0};

	(void)state;
	add_entry(&z, 0, "w.npy", "", 0, 0);
	add_entry(&z, 0, "w.npy", "", 0, 0);
	refuses_made(&z, "a: has two entries 'w.npy'");
}

static void entries_that_share_bytes(void **state)
{
	struct made z = {.n = 0};

	(void)state;
	add_entry(&z, 0, "v.npy", "", 0, 0);
	add_entry(&z, 0, "w.npy", "", 0, 0);
	z.out.p[22] = z.out.p[18] = z.dir.p[24] = z.dir.p[20] = 20; /* into the second */
	refuses_made(&z, "a: has entries 'v.npy' and 'w.npy' that share bytes");
}

static void other_archives(void **state)
{
	struct made z = {.n = 0};

	(void)state;
	add_entry(&z, 0, "word/document.xml", "", 0, 0);
	refuses_made(&z, "a: a zip archive that is neither .pth nor .npz");
	z = (struct made){.n = 0};
	add_entry(&z, 0, "m/data.pkl", "\x80\x02}.", 4, 4);
	add_entry(&z, 0, "m/constants.pkl", "", 0, 0);
	refuses_made(&z, "a: is a TorchScript archive, a program, which is not read");
	z = (struct made){.n = 0};
	add_entry(&z, 0, "m/data.pkl", "\x80\x02}.", 4, 4);
	add_entry(&z, 0, "m/byteorder", "big", 3, 3);
	refuses_made(&z, "a: is of a big-endian machine, which is not read");
	z = (struct made){.n = 0};
	add_entry(&z, 8, "m/data.pkl", "\x80\x02}.", 4, 4);
	refuses_made(&z, "a: entry 'm/data.pkl' is compressed, as torch never does");
}

/* 256 MiB of zeros in 256 KiB; the array's header says 8 bytes. */
static void deflate_bomb(void **state)
{
	const size_t size = (size_t)1 << 28;
	uint8_t *zeros = calloc(1, size), *packed = malloc(1 << 20);
	z_stream s = {.next_in = zeros, .avail_in = (uInt)size, .next_out = packed};
	struct made z = {.n = 0};
	char message[128];

	(void)state;
	assert_true(zeros && packed);
	s.avail_out = 1 << 20;
	assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
	deflateEnd(&s);
	add_entry(&z, 8, "w.npy", packed, s.total_out, 136);
	refuses_made(&z, "a: entry 'w.npy': does not inflate to the 136 bytes it says");
	z = (struct made){.n = 0};
	add_entry(&z, 8, "w.npy", packed, s.total_out, (size_t)1 << 30);
	snprintf(message, sizeof message,
		 "a: entry 'w.npy': says that %lu bytes inflate to 1073741824, more than they can",
		 s.total_out);
	refuses_made(&z, message);
	free(zeros);
	free(packed);
}

/* ---- arrays ----------------------------------------------------------- */

static void refuses_npy(const char *dict, size_t n, const char *message)
{
	struct bytes b = {NULL, 0};
	struct made z = {.n = 0};

	add(&b, "\x93NUMPY\1\0", 8);
	add_number(&b, strlen(dict), 2);
	add(&b, dict, strlen(dict));
	for (size_t i = 0; i < n; i++)
		add_number(&b, 0, 1);
	add_entry(&z, 0, "w.npy", b.p, b.n, b.n);
	free(b.p);
	refuses_made(&z, message);
}

#define DICT(TYPE, ORDER, SHAPE)                                                                   \
	"{'descr': " TYPE ", 'fortran_order': " ORDER ", 'shape': " SHAPE ", }"

static void arrays(void **state)
{
	(void)state;
	refuses_npy(DICT("'|O'", "False", "(1,)"), 8,
		    "a: array 'w': holds objects (a pickle), which are never read");
	refuses_npy(DICT("'>f4'", "False", "(1,)"), 4,
		    "a: array 'w': holds big-endian numbers ('>f4'), which are not read");
	refuses_npy(DICT("'<U4'", "False", "(1,)"), 16,
		    "a: array 'w': its type is '<U4', which is not read");
	refuses_npy(DICT("[('a', '<f4')]", "False", "(1,)"), 4,
		    "a: array 'w': holds structures, which are not read");
	refuses_npy(DICT("'<f4'", "False", "(2,)"), 7,
		    "a: array 'w': its shape takes 8 bytes, 7 follow its header");
	refuses_npy(DICT("'<f4'", "False", "(2,)"), 9,
		    "a: array 'w': its shape takes 8 bytes, 9 follow its header");
	refuses_npy(DICT("'<f4'", "True", "(4294967296, 4294967296)"), 0,
		    "a: array 'w': 4294967296 times 4294967296 is more than memory can hold");
	refuses_npy(DICT("'<f4'", "exit()", "(2,)"), 8,
		    "a: array 'w': its header wants 'False' before 'exit(), 'shape': (2,'");
	refuses_npy(DICT("'<f4'", "False", "(-2,)"), 8,
		    "a: array 'w': its header wants a size before '-2,), }'");
	refuses_npy(DICT("'<f4'", "False", "(2)"), 8,
		    "a: array 'w': its header has a number for a tuple");
	refuses_npy(DICT("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4,
		    "a: array 'w': has more than 8 dimensions");
	refuses_npy("{'descr': '<f4', 'descr': '<f4'}", 0,
		    "a: array 'w': its header has 'descr', twice");
	refuses_npy("{'descr': '<f4', 'more': 1}", 0,
		    "a: array 'w': its header has 'more', which is no key of an array");
	refuses_npy("{'descr': '<f4'}", 0,
		    "a: array 'w': its header lacks one of descr, fortran_order, shape");
	refuses_npy(DICT("'<f4'", "False", "()") " x", 4,
		    "a: array 'w': its header goes on after its dict");
}

/* ---- pickles ---------------------------------------------------------- */

/*
 * A file of torch's old layout around the pickle of an object. Two storages are
 * there, '0' of two floats and '1' of three int64.
 */
#define LEGACY_HEAD                                                                                \
	"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"                             \
	"\x80\x02M\xe9\x03.\x80\x02}U\x0dlittle_endian\x88s."
#define LEGACY_KEYS                                                                                \
	"\x80\x02](U\1"                                                                            \
	"0U\1"                                                                                     \
	"1e."

static void refuses_pickle(const char *object, size_t n, const char *message)
{
	struct bytes b = {NULL, 0};

	add(&b, LEGACY_HEAD, sizeof LEGACY_HEAD - 1);
	add(&b, object, n);
	add(&b, LEGACY_KEYS, sizeof LEGACY_KEYS - 1);
	add_number(&b, 2, 16);
	add_number(&b, 3, 32);
	refuses(b.p, b.n, message);
	free(b.p);
}

#define PICKLE(OBJECT, MESSAGE) refuses_pickle(OBJECT, sizeof(OBJECT) - 1, MESSAGE)
#define STORAGE(CLASS, KEY, N) "(U\7storagectorch\n" CLASS "\nU\1" KEY "U\3cpuK" N "tQ"
#define BOTH STORAGE("FloatStorage", "0", "\2") STORAGE("LongStorage", "1", "\3") "\x86"
#define TENSOR(STORE, OFFSET, SIZES, STRIDES)                                                      \
	"ctorch._utils\n_rebuild_tensor_v2\n(" STORE "K" OFFSET SIZES STRIDES "\x89)tR"
#define IN_DICT(TENSOR) "\x80\x02}(U\1sU\1xU\1o" BOTH "U\1w" TENSOR "u."
#define FLOATS STORAGE("FloatStorage", "0", "\2")

static void pickles_that_would_act(void **state)
{
	(void)state;
	PICKLE("\x80\x02"
	       "cposix\nsystem\nU\2id\x85R.",
	       "a: byte 2 of the pickle: asks for posix.system, which is never called (a state "
	       "dictionary needs no such thing)");
	PICKLE("\x80\x02"
	       "cbuiltins\neval\n(U\2"
	       "12tR.",
	       "a: byte 2 of the pickle: asks for builtins.eval, which is never called (a state "
	       "dictionary needs no such thing)");
	PICKLE("\x80\x04\x8c\5posix\x8c\6system\x93.",
	       "a: byte 17 of the pickle: has opcode 93, which is never run (a state dictionary "
	       "needs none)");
	PICKLE("\x80\x02(iposix\nsystem\n.",
	       "a: byte 3 of the pickle: has opcode 69, which is never run (a state dictionary "
	       "needs none)");
	PICKLE("\x80\x02}}o.", "a: byte 4 of the pickle: has opcode 6f, which is never run (a "
			       "state dictionary needs none)");
	PICKLE("\x80\x02)\x81.", "a: byte 3 of the pickle: has opcode 81, which is never run (a "
				 "state dictionary needs none)");
	PICKLE("\x80\x02\x82\1.", "a: byte 2 of the pickle: has opcode 82, which is never run (a "
				  "state dictionary needs none)");
	PICKLE("\x80\x02"
	       "ctorch\nFloatStorage\n)R.",
	       "a: byte 23 of the pickle: calls the class of a storage");
	PICKLE("\x80\x02}}b.", "a: byte 4 of the pickle: gives a state to something that has none");
}

static void pickles_that_are_broken(void **state)
{
	(void)state;
	PICKLE("\x80\x02h\5.", "a: byte 2 of the pickle: recalls what it did not remember");
	PICKLE("\x80\x02Nr\377\377\377\377.",
	       "a: byte 3 of the pickle: remembers more than 1048576 values");
	PICKLE("\x80\x02t.", "a: byte 2 of the pickle: wants a mark on its stack");
	PICKLE("\x80\x02\x85.", "a: byte 2 of the pickle: wants more values than its stack has");
	PICKLE("\x80\x02(\x85.", "a: byte 3 of the pickle: wants more values than its stack has");
	PICKLE("\x80\x02](" BOTH "e.", "a: holds no dictionary");
	PICKLE("\x80\x02}(NNu.", "a: byte 6 of the pickle: has a key that is neither text nor a "
				 "number");
	PICKLE("\x80\x02}(U\1wu.", "a: byte 7 of the pickle: sets a key without a value");
	PICKLE("\x80\x02]NN.", "a: the pickle does not leave one value");
	PICKLE("\x80\x02\x8a\11.", "a: byte 2 of the pickle: has a number of 9 bytes");
	PICKLE("\x80\x09.", "a: byte 0 of the pickle: is of protocol 9, which is not read");
	PICKLE("\x80\x02}.", "a: lists a storage that nothing refers to");
	PICKLE("\x80\x02}q\1(U\1ah\1u.", "a: lists a storage that nothing refers to");
	PICKLE("\x80\x02}U\1o" BOTH "s.", "a: holds no tensors");
	/* a dictionary that holds itself */
	PICKLE("\x80\x02}q\1(U\1o" BOTH "U\1ah\1u.", "a: dictionaries lie more than 16 deep");
}

static void pickles_of_odd_tensors(void **state)
{
	(void)state;
	PICKLE(IN_DICT(TENSOR(FLOATS, "\0", "K\3\x85", "K\1\x85")),
	       "a: tensor 'w': ends at element 2 of a storage of 2");
	PICKLE(IN_DICT(TENSOR(FLOATS, "\2", "K\1\x85", "K\1\x85")),
	       "a: tensor 'w': ends at element 2 of a storage of 2");
	PICKLE(IN_DICT(TENSOR(FLOATS, "\0", "K\2\x85", "K\7\x85")),
	       "a: tensor 'w': ends at element 7 of a storage of 2");
	PICKLE(IN_DICT(TENSOR(FLOATS, "\0", "J\377\377\377\177\x85", "K\0\x85")),
	       "a: tensor 'w': has 2147483647 elements, its storage 2");
	PICKLE(IN_DICT(TENSOR(FLOATS, "\0", "\x8a\10\0\0\0\0\0\0\0\1\x8a\10\0\0\0\0\0\0\0\1\x86",
			      "K\0K\0\x86")),
	       "a: tensor 'w': is larger than memory");
	PICKLE(IN_DICT(TENSOR(FLOATS, "\0", "K\2\x85", "J\377\377\377\377\x85")),
	       "a: byte 190 of the pickle: makes a tensor that is not storage, offset, sizes and "
	       "strides");
	PICKLE(IN_DICT(TENSOR(FLOATS, "\0", "K\2\x85", "K\1K\1\x86")),
	       "a: byte 189 of the pickle: makes a tensor that is not storage, offset, sizes and "
	       "strides");
	PICKLE(IN_DICT(TENSOR(STORAGE("HalfStorage", "0", "\2"), "\0", "K\2\x85", "K\1\x85")),
	       "a: storage '0' has two types or sizes");
	PICKLE(IN_DICT(TENSOR(STORAGE("FloatStorage", "7", "\2"), "\0", "K\2\x85", "K\1\x85")),
	       "a: has no storage '7'");
	PICKLE(IN_DICT(TENSOR(STORAGE("QInt8Storage", "0", "\2"), "\0", "K\2\x85", "K\1\x85")),
	       "a: byte 144 of the pickle: asks for torch.QInt8Storage, which is never called (a "
	       "state dictionary needs no such thing)");
	PICKLE("\x80\x02}(U\1o" BOTH
	       "U\1w" TENSOR(FLOATS, "\0", "K\2\x85",
			     "K\1\x85") "U\1w" TENSOR(FLOATS, "\0", "K\2\x85", "K\1\x85") "u.",
	       "a: two tensors are called 'w'");
}

static void legacy_storages(void **state)
{
	struct bytes b = load("weights-old.pth");

	(void)state;
	refuses_changed("weights-old.pth", "\x88X", 0, "\x89X",
			"a: is of a big-endian machine, which is not read");
	refuses_changed("weights-old.pth", "M\xe9\x03", 0, "M\xea\x03",
			"a: is of another version of torch's old layout");
	b.p[b.n] = 0;
	refuses(b.p, b.n + 1, "a: 1 bytes after the last storage");
	free(b.p);
	b = load("python2.pth");
	refuses(b.p, b.n - 1, "a: ends inside storage '9', 1 bytes missing");
	b.p[b.n - 12]++;
	refuses(b.p, b.n, "a: storage '9' has 2 elements, the pickle says 1");
	free(b.p);
}

/* Many small claims: time and memory stay those of the file. */
static void costs_what_is_there(void **state)
{
	struct bytes b = {NULL, 0};
	struct rusage before, after;

	(void)state;
	add(&b, LEGACY_HEAD "\x80\x02", sizeof LEGACY_HEAD + 1);
	for (int i = 0; i < 200000; i++)
		add(&b, "}(K\1K\2u", 7);
	getrusage(RUSAGE_SELF, &before);
	refuses(b.p, b.n, "a: the pickle ends in the middle");
	getrusage(RUSAGE_SELF, &after);
	if (after.ru_maxrss - before.ru_maxrss >= 128 * 1024)
		fail_msg("%ld KiB for a file of %zu bytes", after.ru_maxrss - before.ru_maxrss,
			 b.n);
	free(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_what_is_there), /* first: the peak only grows */
		cmocka_unit_test(all_formats_agree),
		cmocka_unit_test(values_are_exact),
		cmocka_unit_test(pairs_of_python_2),
		cmocka_unit_test(parts_of_nested),
		cmocka_unit_test(everything_survives),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(any_byte_replaced),
		cmocka_unit_test(other_files),
		cmocka_unit_test(safetensors),
		cmocka_unit_test(zips),
		cmocka_unit_test(zip_directories),
		cmocka_unit_test(two_of_one_name),
		cmocka_unit_test(entries_that_share_bytes),
		cmocka_unit_test(other_archives),
		cmocka_unit_test(deflate_bomb),
		cmocka_unit_test(arrays),
		cmocka_unit_test(pickles_that_would_act),
		cmocka_unit_test(pickles_that_are_broken),
		cmocka_unit_test(pickles_of_odd_tensors),
		cmocka_unit_test(legacy_storages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
