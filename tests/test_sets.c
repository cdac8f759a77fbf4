/*
 * test_sets.c - data sets: geometry, lists of attributes, idx files, folders,
 * choice, and records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "data/sets.h"

/* ---- scratch files ------------------------------------------------------ */

static char dir[] = "/tmp/test_sets.XXXXXX";

static int enter(void **state)
{
	(void)state;
	return !mkdtemp(dir) || chdir(dir);
}

static int leave(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", dir);
	return chdir("/") || system(command);
}

static void put(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

/* A grey picture of w x h pixels, all of one value */
static void put_picture(const char *path, int w, int h, uint8_t value)
{
	int64_t shape[3] = { 1, h, w };
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	assert_non_null(t);
	memset(t->data, value, (size_t)(w * h));
	assert_int_equal(xl_image_save_png(t, path), 0);
	xl_tensor_free(t);
}

/* ---- geometry ----------------------------------------------------------- */

static void sizes_are_parsed(void **state)
{
	(void)state;
	struct xl_crop c = { .w = 1 };
	static const char *const bad[] = { "",    "9x", "x9",    "-1",    "1.5", "12x0",
		                           "0x5", "8 ", "16385", "8x8x8", "8X8" };

	assert_int_equal(xl_crop_parse_size("--size", "96x64", &c), 0);
	assert_int_equal(c.w, 96);
	assert_int_equal(c.h, 64);
	assert_int_equal(xl_crop_parse_size("--size", "0", &c), 0);
	assert_int_equal(c.w + c.h, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(xl_crop_parse_size("--size", bad[i], &c), -1);
	assert_non_null(strstr(xl_err_msg(), "--size: '8X8' is not a size"));
}

static void boxes_are_centred(void **state)
{
	(void)state;
	static const struct {
		struct xl_crop c;
		int64_t w, h;
		struct xl_box want;
	} cases[] = {
		{ { .w = 128, .h = 128, .take = -1 }, 178, 218, { 0, 20, 178, 178 } },
		{ { .w = 128, .h = 128, .take = -1 }, 89, 109, { 0, 10, 89, 89 } },
		{ { .w = 128, .h = 128, .take = 100 }, 178, 218, { 39, 59, 100, 100 } },
		{ { .w = 128, .h = 128, .take = 200 }, 178, 218, { 0, 20, 178, 178 } },
		{ { .w = 128, .h = 128, .take = 0 }, 178, 218, { 0, 0, 178, 218 } },
		{ { .w = 200, .h = 100, .take = -1 }, 178, 218, { 0, 64, 178, 89 } },
		{ { .w = 50, .h = 100, .take = -1 }, 178, 218, { 34, 0, 109, 218 } },
		{ { .w = 50, .h = 100, .take = 60 }, 178, 218, { 59, 49, 60, 120 } },
		{ { .take = -1 }, 178, 218, { 0, 0, 178, 218 } },
		{ { .take = 30 }, 178, 218, { 74, 94, 30, 30 } },
		{ { .w = 16000, .h = 1, .take = -1 }, 5, 7, { 0, 3, 5, 1 } },
	};
	uint32_t uv[2] = { 7, 9 };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct xl_box b = xl_crop_box(&cases[i].c, cases[i].w, cases[i].h, uv);
		assert_memory_equal(&b, &cases[i].want, sizeof b);
	}
}

static void random_boxes_cover_the_free_way(void **state)
{
	(void)state;
	struct xl_crop c = { .w = 8, .h = 8, .take = 8, .random = true };
	uint32_t low[2] = { 0, 0 }, high[2] = { UINT32_MAX, UINT32_MAX };
	struct xl_box b = xl_crop_box(&c, 10, 20, low);

	assert_int_equal(b.x + b.y, 0);
	b = xl_crop_box(&c, 10, 20, high);
	assert_int_equal(b.x, 2);
	assert_int_equal(b.y, 12);
}

/* The draw is a function of seed and index; about half are mirrored. */
static void flips_depend_on_seed_and_index(void **state)
{
	(void)state;
	struct xl_crop c = { .take = -1, .flip = true, .seed = 5 }, other = c;
	int64_t shape[3] = { 1, 1, 2 };
	int flipped = 0, differ = 0;

	other.seed = 6;
	for (uint32_t i = 0; i < 200; i++) {
		uint8_t first[3];
		for (int k = 0; k < 3; k++) {
			struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape), *r;
			((uint8_t *)t->data)[1] = 1;
			r = xl_crop_apply(k < 2 ? &c : &other, t, i);
			first[k] = ((uint8_t *)r->data)[0];
			xl_tensor_free(r);
			xl_tensor_free(t);
		}
		assert_int_equal(first[0], first[1]);
		flipped += first[0];
		differ += first[0] != first[2];
	}
	assert_in_range(flipped, 70, 130);
	assert_in_range(differ, 70, 130);
}

/* ---- lists of attributes ------------------------------------------------ */

static void lists_are_read(void **state)
{
	(void)state;
	struct xl_attrs l;
	static const char *const same[] = {
		"2\nBald Male\nb.jpg -1  1\na.jpg  1 -1\n",
		"2\r\nBald Male \r\nb.jpg -1  1\r\na.jpg  1 -1",
		"Bald Male\nb.jpg 0 1\n\na.jpg 1 0\n",
		"image_id,Bald,Male\nb.jpg,-1,1\na.jpg,1,-1\n",
	};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		put_text("list", same[i]);
		assert_int_equal(xl_attrs_read(&l, "list"), 0);
		assert_int_equal(l.n, 2);
		assert_int_equal(l.n_names, 2);
		assert_string_equal(l.names[1], "Male");
		assert_int_equal(xl_attrs_find(&l, "a.jpg"), 0);
		assert_int_equal(xl_attrs_find(&l, "b.jpg"), 1);
		assert_int_equal(xl_attrs_find(&l, "c.jpg"), -1);
		assert_int_equal(l.rows[0].y[0], 1);
		assert_int_equal(l.rows[0].y[1], 0);
		assert_int_equal(l.rows[1].y[0], 0);
		assert_int_equal(l.rows[1].y[1], 1);
		xl_attrs_done(&l);
	}
}

static void broken_lists_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "list: holds no list of attributes" },
		{ "5\n", "list: holds no list of attributes" },
		{ "1\nBald Male\na.jpg 1\n", "list: line 3 has 1 values for 2 attributes" },
		{ "1\nBald Male\na.jpg 1 1 1\n", "list: line 3 has 3 values for 2 attributes" },
		{ "1\nBald Male\na.jpg 1 7\n", "list: line 3: '7' is not -1, 0 or 1" },
		{ "9\nBald Male\na.jpg 1 1\n", "list: says it lists 9 files, but lists 1" },
		{ "2\nBald\na.jpg 1\na.jpg 1\n", "list: lists 'a.jpg' twice" },
		{ "1\nA B C D E F G H I J K L M N\n\n\n\n\n\n\n\n\n", "too short for 14 attributes" },
	};
	struct xl_attrs l;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put_text("list", bad[i].text);
		assert_int_equal(xl_attrs_read(&l, "list"), -1);
		assert_non_null(strstr(xl_err_msg(), bad[i].message));
	}
	put("list", "1\nBald\na\0b.jpg 1\n", 17);
	assert_int_equal(xl_attrs_read(&l, "list"), -1);
	assert_int_equal(xl_attrs_read(&l, "."), -1);
	assert_int_equal(xl_attrs_read(&l, "missing"), -1);
	assert_string_equal(xl_err_msg(), "missing: no such file or directory");
}

/* ---- idx files ---------------------------------------------------------- */

/* Three pictures of 2x2: values 10 i + k */
static size_t make_idx(uint8_t b[32])
{
	static const uint8_t head[16] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2 };
	memcpy(b, head, 16);
	for (int i = 0; i < 12; i++)
		b[16 + i] = (uint8_t)(10 * (i / 4) + i % 4);
	return 28;
}

static const uint8_t idx_labels[11] = { 0, 0, 8, 1, 0, 0, 0, 3, 7, 1, 4 };

static void put_gz(const char *path, const void *data, unsigned n)
{
	gzFile f = gzopen(path, "wb");
	assert_int_equal(gzwrite(f, data, n), n);
	gzclose(f);
}

static void idx_files_are_read(void **state)
{
	(void)state;
	static const char *const names[] = { "t-images-idx3-ubyte", "u-images-idx3-ubyte.gz" };
	uint8_t b[32], p[4];
	unsigned n = (unsigned)make_idx(b);

	put(names[0], b, n);
	put_gz(names[1], b, n);
	put_gz("t-labels-idx1-ubyte.gz", idx_labels, 11);
	put("u-labels-idx1-ubyte", idx_labels, 11);
	for (int k = 0; k < 2; k++) {
		struct xl_idx x;
		assert_int_equal(xl_idx_kind(names[k]), XL_IDX_IMAGES);
		assert_int_equal(xl_idx_open(&x, names[k]), 0);
		assert_int_equal(x.n, 3);
		assert_int_equal(x.h * 10 + x.w, 22);
		assert_non_null(x.labels);
		assert_int_equal(x.labels[2], 4);
		assert_int_equal(xl_idx_read(&x, 2, p), 0);
		assert_memory_equal(p, "\x14\x15\x16\x17", 4);
		xl_idx_close(&x);
	}
	assert_int_equal(xl_idx_kind("u-labels-idx1-ubyte"), XL_IDX_LABELS);
	assert_int_equal(xl_idx_kind("missing"), XL_IDX_NONE);
}

static void broken_idx_files_are_named(void **state)
{
	(void)state;
	uint8_t b[64] = { 0 };
	unsigned n = (unsigned)make_idx(b);
	struct xl_idx x;

	put("v", b, n - 1);
	assert_int_equal(xl_idx_open(&x, "v"), -1);
	assert_non_null(strstr(xl_err_msg(), "v: says it holds 3 pictures of 2x2 pixels, but has "
	                                     "too few bytes"));
	put("v", b, n + 1);
	assert_int_equal(xl_idx_open(&x, "v"), -1);
	assert_non_null(strstr(xl_err_msg(), "too many bytes"));
	put("v", b, 10);
	assert_int_equal(xl_idx_open(&x, "v"), -1);
	b[8] = 0x7f; /* 2^31 rows */
	put_gz("v", b, n);
	assert_int_equal(xl_idx_open(&x, "v"), -1);
	assert_non_null(strstr(xl_err_msg(), "at most"));
	make_idx(b);
	b[4] = 0x7f; /* as many pictures */
	put("v", b, n);
	assert_int_equal(xl_idx_open(&x, "v"), -1);
	make_idx(b);
	put_gz("w", b, n);
	FILE *f = fopen("w", "rb");
	size_t size = fread(b, 1, sizeof b, f);
	fclose(f);
	put("w", b, size - 6);
	assert_int_equal(xl_idx_open(&x, "w"), -1);
	assert_string_equal(xl_err_msg(), "w: damaged gzip, or it ends early");
}

static void broken_labels_are_named(void **state)
{
	(void)state;
	uint8_t b[32], l[12];
	struct xl_idx x;

	put("x-images-idx3-ubyte", b, make_idx(b));
	memcpy(l, idx_labels, 11);
	put("x-labels-idx1-ubyte", l, 10);
	assert_int_equal(xl_idx_open(&x, "x-images-idx3-ubyte"), -1);
	assert_string_equal(xl_err_msg(),
	                    "x-labels-idx1-ubyte: says it holds 3 labels, but has too few bytes");
	put("x-labels-idx1-ubyte", l, 12);
	assert_int_equal(xl_idx_open(&x, "x-images-idx3-ubyte"), -1);
	assert_non_null(strstr(xl_err_msg(), "too many bytes"));
	l[7] = 2;
	put("x-labels-idx1-ubyte", l, 10);
	assert_int_equal(xl_idx_open(&x, "x-images-idx3-ubyte"), -1);
	assert_string_equal(xl_err_msg(), "x-labels-idx1-ubyte: 2 labels for 3 pictures");
	put("x-labels-idx1-ubyte", "abc", 3);
	assert_int_equal(xl_idx_open(&x, "x-images-idx3-ubyte"), -1);
	assert_string_equal(xl_err_msg(), "x-labels-idx1-ubyte: not an idx file of labels");
}

/* ---- sets --------------------------------------------------------------- */

static const struct xl_crop keep_size = { .take = XL_CROP_LARGEST };
static const struct xl_select all = { .test_count = -1, .limit = -1 };

/* The ids of a selection, separated by blanks */
static const char *ids(const struct xl_set *s)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (int64_t i = 0; i < s->n; i++) {
		char *id = xl_set_id(&s->items[i]);
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", id);
		free(id);
	}
	return text;
}

static void make_celeba(void)
{
	mkdir("celeba", 0777);
	mkdir("celeba/img", 0777);
	put_text("celeba/list_attr_celeba.txt",
	         "5\nBald Male Old\n1.png 1 -1 -1\n2.png -1 1 -1\n3.png -1 -1 1\n"
	         "4.png 1 1 -1\n9.png -1 -1 -1\n");
	for (char c = '1'; c <= '5'; c++) {
		char path[] = "celeba/img/0.png";
		path[11] = c;
		put_picture(path, 2, 3, (uint8_t)c);
	}
}

static struct xl_set *celeba(struct xl_select want)
{
	struct xl_set *s = xl_set_new();
	assert_int_equal(xl_set_add(s, "celeba/"), 0);
	if (xl_set_select(s, &want)) {
		xl_set_free(s);
		return NULL;
	}
	return s;
}

static void celeba_layout(void **state)
{
	(void)state;
	struct xl_set *s;
	struct xl_record *r;

	make_celeba();
	s = celeba(all);
	assert_string_equal(ids(s), "1.png 2.png 3.png 4.png 5.png");
	assert_int_equal(s->n_notes, 2);
	assert_string_equal(s->notes[0],
	                    "celeba/list_attr_celeba.txt: 1 of 5 listed files are absent");
	assert_string_equal(s->notes[1], "celeba/list_attr_celeba.txt: pictures not listed, so "
	                                 "without labels: 1");
	r = xl_set_record(s, 1, &keep_size);
	assert_non_null(r);
	assert_string_equal(r->id, "2.png");
	assert_int_equal(((uint8_t *)xl_record_tensor(r, "x")->data)[17], '2');
	assert_memory_equal(xl_record_tensor(r, "y")->data, "\0\1\0", 3);
	assert_int_equal(xl_meta_get(r, "attributes")->n, 3);
	assert_string_equal(xl_meta_get(r, "attributes")->items[2].str, "Old");
	assert_null(xl_meta_get(r, "domain"));
	xl_record_free(r);
	r = xl_set_record(s, 4, &keep_size);
	assert_null(xl_record_tensor(r, "y"));
	xl_record_free(r);
	xl_set_free(s);
}

static void labels_choose(void **state)
{
	(void)state;
	struct xl_select w = all;
	struct xl_set *s;
	struct xl_record *r;

	w.where = "Bald=1,Male=0|Old";
	s = celeba(w);
	assert_string_equal(ids(s), "1.png");
	xl_set_free(s);
	w.where = "Bald=0";
	w.domain_by = "Male";
	w.attributes = "Old,Male";
	s = celeba(w);
	assert_string_equal(ids(s), "2.png 3.png");
	r = xl_set_record(s, 1, &keep_size);
	assert_string_equal(xl_meta_str(r, "domain", ""), "A");
	assert_memory_equal(xl_record_tensor(r, "y")->data, "\1\0", 2);
	xl_record_free(r);
	r = xl_set_record(s, 0, &keep_size);
	assert_string_equal(xl_meta_str(r, "domain", ""), "B");
	xl_record_free(r);
	xl_set_free(s);
	w = all;
	w.domain_by = "Bald=1|Old=1";
	s = celeba(w);
	assert_int_equal(s->n, 4);
	assert_string_equal(s->notes[2], "pictures without labels, left out: 1");
	assert_int_equal(s->items[1].domain, 'A');
	assert_int_equal(s->items[2].domain, 'B');
	xl_set_free(s);
	w.domain = 'B';
	s = celeba(w);
	assert_int_equal(s->n, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(s->items[i].domain, 'B');
	xl_set_free(s);
}

static void unknown_labels_are_refused(void **state)
{
	(void)state;
	struct xl_select w = all;
	struct xl_set *s = xl_set_new();

	w.where = "Hat=1";
	assert_null(celeba(w));
	assert_non_null(strstr(xl_err_msg(), "Bald, Male, Old"));
	w = all;
	w.attributes = "Bald,";
	assert_null(celeba(w));
	w.attributes = "Bald";
	assert_int_equal(xl_set_add(s, "celeba/img/5.png"), 0);
	assert_int_equal(xl_set_select(s, &w), -1);
	assert_string_equal(xl_err_msg(), "--attributes: these pictures have no labels");
	xl_set_free(s);
}

/* A list is found above files and folders that are named, but not far above. */
static void lists_are_found_above(void **state)
{
	(void)state;
	struct xl_set *s = xl_set_new();
	struct xl_record *r;

	assert_int_equal(xl_set_add(s, "celeba/img/4.png"), 0);
	assert_int_equal(xl_set_add(s, "celeba/img"), 0);
	assert_int_equal(xl_set_select(s, &all), 0);
	assert_int_equal(s->n, 6);
	assert_int_equal(s->n_labels, 1);
	r = xl_set_record(s, 0, &keep_size);
	assert_memory_equal(xl_record_tensor(r, "y")->data, "\1\1\0", 3);
	xl_record_free(r);
	xl_set_free(s);
	mkdir("celeba/img/a", 0777);
	mkdir("celeba/img/a/b", 0777);
	put_picture("celeba/img/a/b/1.png", 1, 1, 0);
	s = xl_set_new();
	assert_int_equal(xl_set_add(s, "celeba/img/a/b/1.png"), 0);
	assert_int_equal(s->n_labels, 0);
	xl_set_free(s);
}

static void split_depends_on_names_alone(void **state)
{
	(void)state;
	struct xl_select w = all;
	struct xl_set *test, *train, *some;
	char *kept;

	mkdir("many", 0777);
	for (int i = 0; i < 40; i++) {
		char path[32];
		snprintf(path, sizeof path, "many/%03d.png", i);
		put_picture(path, 1, 1, 0);
	}
	test = xl_set_new(), train = xl_set_new(), some = xl_set_new();
	xl_set_add(test, "many");
	xl_set_add(train, "many");
	xl_set_add(some, "many");
	w.split = XL_SPLIT_TEST;
	assert_int_equal(xl_set_select(test, &w), 0);
	assert_int_equal(test->n, 4);
	kept = strdup(ids(test));
	w.seed = 99;
	w.shuffle = true;
	w.limit = 2;
	assert_int_equal(xl_set_select(some, &w), 0);
	assert_int_equal(some->n, 2);
	for (int64_t i = 0; i < 2; i++)
		assert_non_null(strstr(kept, strrchr(some->items[i].path, '/') + 1));
	w = all;
	w.split = XL_SPLIT_TRAIN;
	assert_int_equal(xl_set_select(train, &w), 0);
	assert_int_equal(train->n, 36);
	for (int64_t i = 0; i < 36; i++)
		assert_null(strstr(kept, strrchr(train->items[i].path, '/') + 1));
	free(kept);
	xl_set_free(test);
	xl_set_free(train);
	xl_set_free(some);
}

static struct xl_set *pairs(const char *path, struct xl_select want)
{
	struct xl_set *s = xl_set_new();
	assert_int_equal(xl_set_add(s, path), 0);
	assert_int_equal(xl_set_select(s, &want), 0);
	return s;
}

/* Parts of make_celeba(): 2 trains, 3 validates, 4 tests, of 1 nothing is said. */
static void a_list_parts_celeba(void **state)
{
	(void)state;
	static const char *const lists[] = { "celeba/list_eval_partition.txt",
		                             "celeba/list_eval_partition.csv" };
	static const char *const texts[] = { "2.png 0\n3.png 1\n4.png 2\n9.png 2\n",
		                             "image_id,partition\r\n2.png,0\r\n3.png,1\r\n4.png,2\r\n" };
	struct xl_select w = all;
	struct xl_set *s;

	make_celeba();
	for (int k = 0; k < 2; k++) {
		put_text(lists[k], texts[k]);
		w.test_count = 0; /* of those that it does not name */
		w.split = XL_SPLIT_TEST;
		s = celeba(w);
		assert_string_equal(ids(s), "4.png");
		xl_set_free(s);
		w.split = XL_SPLIT_TRAIN;
		s = celeba(w);
		assert_non_null(strstr(ids(s), "1.png"));
		assert_non_null(strstr(ids(s), "2.png"));
		assert_null(strstr(ids(s), "3.png"));
		assert_null(strstr(ids(s), "4.png"));
		xl_set_free(s);
		assert_int_equal(remove(lists[k]), 0);
	}
	mkdir("celeba/Eval", 0777);
	put_text("celeba/Eval/list_eval_partition.txt", texts[0]);
	w.split = XL_SPLIT_TEST;
	s = celeba(w);
	assert_string_equal(ids(s), "4.png");
	xl_set_free(s);
	/* as CelebA is handed out, in folders */
	mkdir("celeba/Anno", 0777);
	assert_int_equal(
		rename("celeba/list_attr_celeba.txt", "celeba/Anno/list_attr_celeba.txt"), 0);
	put_text("celeba/Eval/list_eval_partition.txt", texts[0]);
	w.split = XL_SPLIT_TEST;
	s = celeba(w);
	assert_string_equal(ids(s), "4.png");
	xl_set_free(s);
	put_text("celeba/Eval/list_eval_partition.txt", "2.png 0\n3.png 3\n");
	s = xl_set_new();
	assert_int_equal(xl_set_add(s, "celeba"), -1);
	assert_string_equal(xl_err_msg(), "celeba/Anno/../Eval/list_eval_partition.txt: line 2: "
	                                  "not a file name and 0, 1 or 2");
	xl_set_free(s);
	remove("celeba/Eval/list_eval_partition.txt");
	assert_int_equal(
		rename("celeba/Anno/list_attr_celeba.txt", "celeba/list_attr_celeba.txt"), 0);
}

/* A hundred pictures whose labels, by name, are the bits of i % 3 */
static void make_labelled(void)
{
	FILE *f;

	mkdir("labelled", 0777);
	f = fopen("labelled/list_attr_celeba.txt", "w");
	assert_non_null(f);
	fprintf(f, "One Two\n");
	for (int i = 0; i < 100; i++) {
		char path[32];
		snprintf(path, sizeof path, "labelled/%03d.png", i);
		put_picture(path, 1, 1, 0);
		fprintf(f, "%03d.png %d %d\n", i, i % 3 & 1, i % 3 >> 1);
	}
	fclose(f);
}

static int number_of(const struct xl_set *s, int64_t i)
{
	return atoi(strrchr(s->items[i].path, '/') + 1);
}

static void exemplars_differ_from_their_inputs(void **state)
{
	(void)state;
	struct xl_select w = all;
	struct xl_set *s, *again;

	make_labelled();
	w.pairs = true;
	w.seed = 5;
	for (int by = 0; by < 3; by++) {
		int seen[100] = { 0 }, used[100] = { 0 }, most = 0;
		w.attributes = by == 1 ? "One" : NULL;
		w.domain_by = by == 2 ? "Two" : NULL;
		s = pairs("labelled", w);
		again = pairs("labelled", w);
		assert_int_equal(s->n, 200);
		assert_int_equal(again->n, 200);
		for (int64_t i = 0; i < 200; i++)
			assert_int_equal(number_of(s, i), number_of(again, i));
		for (int64_t i = 0; i < 100; i++) {
			int a = number_of(s, i) % 3, b = number_of(s, 100 + i) % 3;
			seen[number_of(s, i)]++;
			used[number_of(s, 100 + i)]++;
			if (by == 0)
				assert_int_not_equal(a, b);
			else
				assert_int_not_equal(a == by, b == by);
		}
		for (int i = 0; i < 100; i++) {
			assert_int_equal(seen[i], 1);
			most = used[i] > most ? used[i] : most;
		}
		/* of one class there are half as many as need them, at least */
		assert_in_range(most, 1, 4);
		xl_set_free(s);
		xl_set_free(again);
	}
	w.domain = 'B';
	w.limit = 20;
	s = pairs("labelled", w);
	assert_int_equal(s->n, 40);
	for (int64_t i = 0; i < 40; i++) {
		assert_int_equal(number_of(s, i) % 3 == 2, i < 20);
		for (int64_t j = 20; j < i; j++)
			assert_int_not_equal(number_of(s, i), number_of(s, j));
	}
	xl_set_free(s);
	/* without labels, any other */
	w = all;
	w.pairs = true;
	s = pairs("many", w);
	assert_int_equal(s->n, 80);
	for (int64_t i = 0; i < 40; i++)
		assert_int_not_equal(number_of(s, i), number_of(s, 40 + i));
	xl_set_free(s);
}

static void no_pairs_of_what_is_alike(void **state)
{
	(void)state;
	struct xl_select w = all;
	struct xl_set *s = xl_set_new();

	w.pairs = true;
	w.where = "One=0";
	w.attributes = "One";
	assert_int_equal(xl_set_add(s, "labelled"), 0);
	assert_int_equal(xl_set_select(s, &w), -1);
	assert_string_equal(xl_err_msg(), "--pairs: all pictures have the same labels");
	w.attributes = NULL;
	w.domain_by = "One";
	assert_int_equal(xl_set_select(s, &w), -1);
	assert_string_equal(xl_err_msg(), "--pairs: all pictures are of one domain");
	xl_set_free(s);
	s = xl_set_new();
	w = all;
	w.pairs = true;
	assert_int_equal(xl_set_add(s, "many/001.png"), 0);
	assert_int_equal(xl_set_select(s, &w), -1);
	assert_string_equal(xl_err_msg(), "--pairs: one picture alone makes no pair");
	xl_set_free(s);
}

static void cyclegan_layout(void **state)
{
	(void)state;
	static const char *const files[] = { "h2z/trainB/b1.png", "h2z/testA/t.png",
		                             "h2z/trainA/a1.png", "h2z/trainA/more/a2.png",
		                             "h2z/extra/e.png" };
	struct xl_select w = all;
	struct xl_set *s;

	mkdir("h2z", 0777);
	mkdir("h2z/trainA", 0777);
	mkdir("h2z/trainA/more", 0777);
	mkdir("h2z/trainB", 0777);
	mkdir("h2z/testA", 0777);
	mkdir("h2z/extra", 0777);
	for (int i = 0; i < 5; i++)
		put_picture(files[i], 2, 2, 9);
	s = pairs("h2z", w);
	assert_string_equal(ids(s), "t.png a1.png a2.png b1.png");
	assert_int_equal(s->items[2].domain, 'A');
	assert_int_equal(s->items[3].domain, 'B');
	xl_set_free(s);
	w.split = XL_SPLIT_TRAIN;
	w.domain = 'A';
	s = pairs("h2z", w);
	assert_string_equal(ids(s), "a1.png a2.png");
	xl_set_free(s);
	w.split = XL_SPLIT_ALL;
	w.pairs = true;
	w.limit = 2;
	s = pairs("h2z", w);
	assert_int_equal(s->n, 4);
	assert_int_equal(s->items[1].domain, 'A');
	assert_int_equal(s->items[3].domain, 'B');
	xl_set_free(s);
	w = all;
	w.split = XL_SPLIT_TRAIN;
	w.domain = 'A';
	s = pairs("h2z/trainB/", w);
	assert_string_equal(ids(s), "b1.png");
	assert_int_equal(s->items[0].domain, 'A');
	xl_set_free(s);
	s = pairs("h2z/trainB/b1.png", all);
	assert_int_equal(s->items[0].domain, 'B');
	xl_set_free(s);
}

static void idx_sets(void **state)
{
	(void)state;
	uint8_t b[32];
	struct xl_select w = all;
	struct xl_set *s;
	struct xl_record *r;

	mkdir("mnist", 0777);
	put("mnist/train-images-idx3-ubyte", b, make_idx(b));
	put_gz("mnist/train-images-idx3-ubyte.gz", b, 28);
	put("mnist/train-labels-idx1-ubyte", idx_labels, 11);
	put("mnist/t10k-images-idx3-ubyte", b, make_idx(b));
	s = pairs("mnist", w);
	assert_int_equal(s->n, 6);
	xl_set_free(s);
	w.split = XL_SPLIT_TRAIN;
	w.where = "digit=1|digit=4";
	s = pairs("mnist", w);
	assert_string_equal(ids(s), "train-images-idx3-ubyte#00001 train-images-idx3-ubyte#00002");
	r = xl_set_record(s, 1, &keep_size);
	assert_memory_equal(xl_record_tensor(r, "x")->data, "\24\25\26\27\24\25\26\27\24\25\26\27",
	                    12);
	assert_memory_equal(xl_record_tensor(r, "y")->data, "\4", 1);
	assert_string_equal(xl_meta_get(r, "attributes")->items[0].str, "digit");
	xl_record_free(r);
	xl_set_free(s);
}

static void names_that_are_not_utf8_are_escaped(void **state)
{
	(void)state;
	struct xl_set *s = xl_set_new();

	mkdir("odd", 0777);
	put_picture("odd/a\xff\xc3\xa9\xc3.png", 1, 1, 0);
	assert_int_equal(xl_set_add(s, "odd"), 0);
	assert_string_equal(ids(s), "a%FF\xc3\xa9%C3.png");
	xl_set_free(s);
}

static void what_is_not_there_is_named(void **state)
{
	(void)state;
	struct xl_set *s = xl_set_new();

	mkdir("empty", 0777);
	put_text("empty/notes.txt", "nothing");
	assert_int_equal(xl_set_add(s, "missing.png"), -1);
	assert_string_equal(xl_err_msg(), "missing.png: no such file or directory");
	assert_int_equal(xl_set_add(s, "empty"), -1);
	assert_string_equal(xl_err_msg(), "empty: no pictures in this folder");
	assert_int_equal(symlink("..", "empty/loop"), 0);
	assert_int_equal(xl_set_add(s, "empty"), -1);
	put_text("empty/bad.png", "nothing");
	assert_int_equal(xl_set_add(s, "empty"), 0);
	assert_null(xl_set_record(s, 0, &keep_size));
	assert_string_equal(xl_err_msg(), "empty/bad.png: not an image (first bytes 6e 6f)");
	xl_set_free(s);
}

/* One broken part of a folder costs that part; a broken list costs the folder. */
static void broken_parts_of_folders(void **state)
{
	(void)state;
	struct xl_set *s = xl_set_new();

	mkdir("part", 0777);
	mkdir("part/more", 0777);
	put_picture("part/a.png", 1, 1, 0);
	put_text("part/z-images-idx3-ubyte", "short");
	assert_int_equal(xl_set_add(s, "part"), 0);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->n_failures, 1);
	assert_string_equal(s->failures[0],
	                    "part/z-images-idx3-ubyte: not an idx file of pictures");
	put_text("part/more/list_attr_celeba.txt", "1\nBald\na.png 1 1\n");
	assert_int_equal(xl_set_add(s, "part"), -1);
	assert_int_equal(s->n, 1);
	assert_string_equal(xl_err_msg(), "part/more/list_attr_celeba.txt: line 3 has 2 values for 1 "
	                                  "attributes");
	xl_set_free(s);
}

static void shuffling_is_a_permutation(void **state)
{
	(void)state;
	struct xl_select w = all;
	struct xl_set *a, *b, *c;
	bool seen[40] = { false };

	w.shuffle = true;
	a = pairs("many", w), b = pairs("many", w);
	w.seed = 1;
	c = pairs("many", w);
	int same = 0;
	for (int64_t i = 0; i < 40; i++) {
		assert_string_equal(a->items[i].path, b->items[i].path);
		same += !strcmp(a->items[i].path, c->items[i].path);
		seen[atoi(strrchr(a->items[i].path, '/') + 1)] = true;
	}
	assert_in_range(same, 0, 10);
	for (int i = 0; i < 40; i++)
		assert_true(seen[i]);
	xl_set_free(a);
	xl_set_free(b);
	xl_set_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_parsed),
		cmocka_unit_test(boxes_are_centred),
		cmocka_unit_test(random_boxes_cover_the_free_way),
		cmocka_unit_test(flips_depend_on_seed_and_index),
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(broken_lists_are_named),
		cmocka_unit_test(idx_files_are_read),
		cmocka_unit_test(broken_idx_files_are_named),
		cmocka_unit_test(broken_labels_are_named),
		cmocka_unit_test(celeba_layout),
		cmocka_unit_test(labels_choose),
		cmocka_unit_test(unknown_labels_are_refused),
		cmocka_unit_test(lists_are_found_above),
		cmocka_unit_test(split_depends_on_names_alone),
		cmocka_unit_test(a_list_parts_celeba),
		cmocka_unit_test(exemplars_differ_from_their_inputs),
		cmocka_unit_test(no_pairs_of_what_is_alike),
		cmocka_unit_test(cyclegan_layout),
		cmocka_unit_test(idx_sets),
		cmocka_unit_test(names_that_are_not_utf8_are_escaped),
		cmocka_unit_test(what_is_not_there_is_named),
		cmocka_unit_test(broken_parts_of_folders),
		cmocka_unit_test(shuffling_is_a_permutation),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
