/*
 * xl-crop.c - photographs and data sets to image records: options, and the loop
 * that decodes on all threads and writes in order.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/mem.h"
#include "core/opt.h"
#include "core/pool.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/pathlist.h"
#include "data/sets.h"

static atomic_llong smaller; /* pictures than --crop */
static struct xl_crop crop = {.w = 128, .h = 128, .take = XL_CROP_LARGEST, .smaller = &smaller};
static struct xl_select want = {.test_count = -1, .limit = -1};
static const char *split, *domain;

static int set_size(void *ctx, const char *name, const char *value)
{
	(void)name;
	return xl_crop_parse_size("--size", value, ctx);
}

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_CALL, .name = "size", .arg = "pixels", .def = "128", .fn = set_size,
	 .target = &crop, .help = "resize to a square, to WIDTHxHEIGHT, or (0) not"},
	{.type = XL_OPT_INT, .name = "crop", .arg = "pixels", .target = &crop.take, .min = 0,
	 .max = 1 << 20, .help = "source pixels to take, else all that fit; 0 squashes"},
	{.type = XL_OPT_FLAG, .name = "random", .target = &crop.random,
	 .help = "take them anywhere, not from the middle"},
	{.type = XL_OPT_FLAG, .name = "flip", .target = &crop.flip,
	 .help = "mirror every second picture, by lot"},
	{.type = XL_OPT_STR, .name = "where", .arg = "A=1,B=0", .target = &want.where,
	 .help = "only with these labels (, is and, | is or)"},
	{.type = XL_OPT_ENUM, .name = "split", .arg = "train|test|all", .def = "all",
	 .target = &split, .help = "only this part of the set"},
	{.type = XL_OPT_INT, .name = "test-count", .arg = "n", .target = &want.test_count, .min = 0,
	 .max = 1 << 30, .help = "size of the test part (a tenth, at most 2000)"},
	{.type = XL_OPT_FLAG, .name = "shuffle", .target = &want.shuffle,
	 .help = "put them in an order that the seed decides"},
	{.type = XL_OPT_INT, .name = "limit", .arg = "n", .target = &want.limit, .min = 0,
	 .max = 1 << 30, .help = "at most so many, after all other choices"},
	{.type = XL_OPT_STR, .name = "attributes", .arg = "A,B,..", .target = &want.attributes,
	 .help = "labels that go into y, in this order (all)"},
	{.type = XL_OPT_ENUM, .name = "domain", .arg = "A|B", .target = &domain,
	 .help = "domain of all; where both are known, take this side"},
	{.type = XL_OPT_STR, .name = "domain-by", .arg = "attribute", .target = &want.domain_by,
	 .help = "domain B where this label or condition holds"},
	{.type = XL_OPT_FLAG, .name = "pairs", .target = &want.pairs,
	 .help = "inputs, then for each an exemplar that differs from it"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-crop",
	.synopsis = "[options] path...",
	.summary = "turn pictures, folders and data sets into image records",
	.example = "xl-crop celeba --attributes Smiling,Male | xl-train lomit",
	.opts = opts,
};

/* Adds what is named; what cannot be is an input that failed. */
static void add(struct xl_set *s, const char *path)
{
	if (xl_set_add(s, path))
		xl_warn("%s", xl_err_msg());
}

static void add_list(struct xl_set *s)
{
	char *text;
	size_t size;

	if (isatty(STDIN_FILENO))
		xl_refuse("not reading paths from a terminal; use a pipe");
	int rc = xl_path_list(&text, &size);
	if (rc > 0)
		xl_refuse("%s", xl_err_msg());
	if (rc < 0)
		xl_die("%s", xl_err_msg());
	for (char *p = text; p < text + size; p += strlen(p) + 1)
		if (*p)
			add(s, p);
	free(text);
}

/* Pictures that are decoded together, each on some thread. */
struct batch {
	const struct xl_set *set;
	int64_t first, n;
	struct xl_record **records;
	char **errors; /* why a record is NULL */
};

static void batch_init(struct batch *b, const struct xl_set *set, int64_t most)
{
	b->set = set;
	b->first = b->n = 0;
	b->records = xl_alloc((size_t)most, sizeof *b->records);
	b->errors = xl_alloc((size_t)most, sizeof *b->errors);
	if (!b->records || !b->errors)
		xl_die("%s", xl_err_msg());
}

static void batch_done(struct batch *b)
{
	free(b->records);
	free(b->errors);
}

static void decode(struct batch *b, int64_t i)
{
	b->errors[i] = NULL;
	b->records[i] = xl_set_record(b->set, b->first + i, &crop);
	if (!b->records[i])
		b->errors[i] = xl_strdup(xl_err_msg());
}

/* An error that one picture after another had. Where that is so, it is of the file that holds
 * them all, one input that failed, and is said once. */
struct repeated {
	char *text;
	int64_t n;
};

static void say_repeated(struct repeated *r)
{
	if (r->n == 1)
		xl_warn("%s", r->text);
	else if (r->n > 1)
		xl_warn("%s (%lld pictures)", r->text, (long long)r->n);
	free(r->text);
	*r = (struct repeated){.n = 0};
}

/* Takes text, NULL where there was no memory for it. */
static void repeat(struct repeated *r, char *text)
{
	if (!text || !r->text || strcmp(text, r->text) != 0) {
		say_repeated(r);
		r->text = text ? text : xl_strdup("out of memory");
	} else {
		free(text);
	}
	r->n++;
}

/* One thread writes a batch while the others decode the next. */
struct shift {
	struct batch *written, *decoded;
	struct xl_writer *w;
	struct repeated error; /* of the picture before, not yet said */
};

static void write_batch(struct shift *s)
{
	struct batch *b = s->written;

	for (int64_t i = 0; i < b->n; i++) {
		if (!b->records[i])
			repeat(&s->error, b->errors[i]);
		else if (xl_writer_put(s->w, b->records[i]))
			xl_fail_write();
		b->errors[i] = NULL;
		xl_record_free(b->records[i]);
	}
	b->n = 0;
}

static void work(void *ctx, int64_t i)
{
	struct shift *s = ctx;

	if (i == 0)
		write_batch(s);
	else
		decode(s->decoded, i - 1);
}

static void write_all(const struct xl_set *set)
{
	struct batch b[2];
	struct shift s = {.written = &b[0], .decoded = &b[1], .w = xl_writer_open(NULL)};
	/* Pictures that keep their size may be large: hold no more than threads. */
	int64_t most = xl_threads() * (crop.w ? 16 : 1);

	if (!s.w)
		xl_die("%s", xl_err_msg());
	batch_init(&b[0], set, most);
	batch_init(&b[1], set, most);
	for (int64_t at = 0; at < set->n; at += most) {
		s.decoded->first = at;
		s.decoded->n = set->n - at < most ? set->n - at : most;
		xl_parallel(work, &s, 1 + s.decoded->n);
		xl_progress(at + s.decoded->n, set->n, "pictures", NULL);
		struct batch *free_one = s.written;
		s.written = s.decoded;
		s.decoded = free_one;
	}
	write_batch(&s);
	say_repeated(&s.error);
	batch_done(&b[0]);
	batch_done(&b[1]);
	if (xl_writer_close(s.w))
		xl_fail_write();
}

int main(int argc, char **argv)
{
	int first = xl_opt_parse(&tool, argc, argv);
	struct xl_set *set = xl_set_new();

	if (!set)
		xl_die("%s", xl_err_msg());
	if (first == argc)
		xl_usage("no pictures named");
	xl_no_terminal_out(NULL);
	want.split = !strcmp(split, "train")  ? XL_SPLIT_TRAIN
		     : !strcmp(split, "test") ? XL_SPLIT_TEST
					      : XL_SPLIT_ALL;
	want.domain = domain ? *domain : '\0';
	want.seed = crop.seed = (uint64_t)xl_common.seed;
	for (int i = first; i < argc; i++) {
		if (!strcmp(argv[i], "-"))
			add_list(set);
		else
			add(set, argv[i]);
	}
	for (int i = 0; i < set->n_failures; i++)
		xl_warn("%s", set->failures[i]);
	int64_t found = set->n;
	if (xl_set_select(set, &want))
		xl_usage("%s", xl_err_msg());
	for (int i = 0; i < set->n_notes; i++)
		xl_note("%s", set->notes[i]);
	if (found && !set->n && want.limit != 0)
		xl_lose("none of %lld pictures is what was asked for", (long long)found);
	xl_keep_memory();
	write_all(set);
	if (smaller > 0)
		xl_note("pictures of less than --crop=%lld, taken as far as they go: %lld",
			(long long)crop.take, (long long)smaller);
	xl_set_free(set);
	return xl_finish();
}
