/*
 * xl-cat.c - print what is in a stream or a model, check it, or pass a part of
 * it on. Files are read one after another, as by cat.
 */
#include <stdlib.h>
#include <string.h>
#include "core/json.h"
#include "core/opt.h"
#include "core/tool.h"
#include "tensor/modelfile.h"
#include "tensor/summary.h"

static bool json, check;
static const char *tensor_name;

/* Which records to take, counted over all files. */
static struct {
	int64_t from, to;
	bool given;
} part = {0, INT64_MAX, false};

static int parse_part(void *ctx, const char *name, const char *value)
{
	const char *colon = strchr(value, ':');
	char from[32] = "0";
	size_t n;

	(void)ctx;
	if (!colon || (size_t)(colon - value) >= sizeof(from))
		return xl_err("--%s: '%s' is not a range A:B", name, value);
	n = (size_t)(colon - value);
	if (n > 0) {
		memcpy(from, value, n);
		from[n] = '\0';
	}
	part.to = INT64_MAX;
	if (xl_parse_int("--records", from, 0, INT64_MAX, &part.from) ||
	    (colon[1] && xl_parse_int("--records", colon + 1, 0, INT64_MAX, &part.to)))
		return -1;
	if (part.to < part.from)
		return xl_err("--%s: '%s' ends before it begins", name, value);
	part.given = true;
	return 0;
}

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .help = "print one JSON object per record"},
	{.type = XL_OPT_STR, .name = "tensor", .arg = "name", .target = &tensor_name,
	 .help = "print the values of that tensor, one row per line"},
	{.type = XL_OPT_CALL, .name = "records", .arg = "A:B", .fn = parse_part,
	 .help = "take records A to B - 1, counted from 0; alone, pass them on as a stream"},
	{.type = XL_OPT_FLAG, .name = "check", .target = &check,
	 .help = "check that all numbers are finite and that models have their digest"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-cat",
	.synopsis = "[options] [file...]",
	.summary = "print what is in a stream or a model, or pass a part of it on",
	.example = "xl-cat --records 0:10 faces.msgpack > ten.msgpack",
	.opts = opts,
};

/* What is known while the records of one file go by. */
struct walk {
	struct xl_reader *rd;
	struct xl_writer *out; /* NULL where records are not passed on */
	int64_t number;        /* of the next record, over all files */
	int64_t shown;         /* records that had the tensor asked for */
	struct xl_digest digest;
	char said[65]; /* the digest that the model being read should have, or "" */
};

static void print_json(const struct walk *w, const struct xl_record *r)
{
	struct xl_json j;

	xl_json_begin(&j);
	xl_json_str(&j, "file", xl_reader_name(w->rd));
	xl_json_int(&j, "record", w->number);
	xl_record_json(&j, r);
	if (xl_json_end(&j, stdout))
		xl_fail_write();
}

static void print_values(struct walk *w, const struct xl_record *r)
{
	const struct xl_tensor *t = xl_record_tensor(r, tensor_name);
	char shape[160];

	if (!t)
		return;
	printf("%s# %lld %s %s\n", w->shown++ ? "\n" : "", (long long)w->number, tensor_name,
	       xl_tensor_show(t, shape, sizeof(shape)));
	xl_tensor_print(stdout, t);
}

/* The model that was being read is complete: is it what it says? */
static void end_model(struct walk *w)
{
	char hex[65];

	if (!w->said[0])
		return;
	xl_digest_hex(&w->digest, hex);
	if (strcmp(hex, w->said) != 0)
		xl_warn("%s: the model says its digest is %s, its content has %s",
			xl_reader_name(w->rd), w->said, hex);
	w->said[0] = '\0';
}

static void check_record(struct walk *w, const struct xl_record *r)
{
	bool is_first = r->kind == XL_MODEL && strcmp(r->id, "model") == 0;
	struct xl_summary s;

	for (int i = 0; i < r->n_tensors; i++) {
		xl_tensor_summary(r->tensors[i].tensor, &s);
		if (s.nonfinite > 0)
			xl_warn("%s: tensor '%s' has %lld values that are not finite",
				xl_reader_where(w->rd), r->tensors[i].name, (long long)s.nonfinite);
	}
	if (is_first || r->kind != XL_MODEL)
		end_model(w);
	if (is_first) {
		xl_digest_init(&w->digest);
		snprintf(w->said, sizeof(w->said), "%s", xl_meta_str(r, "digest", ""));
		if (!w->said[0])
			xl_warn("%s: the model has no digest", xl_reader_where(w->rd));
	}
	if (w->said[0] && xl_model_digest_add(&w->digest, r, is_first))
		xl_die("%s: %s", xl_reader_where(w->rd), xl_err_msg());
}

static void take(struct walk *w, const struct xl_record *r)
{
	if (check)
		check_record(w, r);
	if (json)
		print_json(w, r);
	else if (tensor_name)
		print_values(w, r);
	else if (w->out && xl_writer_put(w->out, r))
		xl_fail_write();
	else if (!w->out && !check) {
		printf("%lld ", (long long)w->number);
		xl_record_print(stdout, r);
	}
	if (ferror(stdout))
		exit(xl_finish());
}

static void read_file(struct walk *w, const char *path)
{
	struct xl_record *r;
	int rc = 1;

	w->rd = xl_reader_open(path);
	if (!w->rd) {
		xl_warn("%s", xl_err_msg());
		return;
	}
	while (w->number < part.to && (rc = xl_reader_next(w->rd, &r)) > 0) {
		if (w->number >= part.from)
			take(w, r);
		w->number++;
		xl_record_free(r);
	}
	if (rc < 0)
		xl_warn("%s", xl_err_msg());
	else
		end_model(w);
	w->said[0] = '\0';
	if (check && rc == 0)
		xl_note("%s: %lld record%s read", xl_reader_name(w->rd),
			(long long)xl_reader_count(w->rd), xl_reader_count(w->rd) == 1 ? "" : "s");
	xl_reader_close(w->rd);
}

int main(int argc, char **argv)
{
	int first = xl_opt_parse(&tool, argc, argv);
	struct walk w = {0};

	if (json + check + (tensor_name != NULL) > 1)
		xl_usage("--json, --tensor and --check exclude each other");
	if (check && part.given)
		xl_usage("--records and --check exclude each other");
	if (first == argc)
		xl_no_terminal_in(NULL);
	for (int i = first; i < argc; i++)
		xl_no_terminal_in(argv[i]);
	if (part.given && !json && !tensor_name) {
		xl_no_terminal_out(NULL);
		w.out = xl_writer_open(NULL);
		if (!w.out)
			xl_die("%s", xl_err_msg());
	}
	if (first == argc)
		read_file(&w, NULL);
	for (int i = first; i < argc; i++)
		read_file(&w, argv[i]);
	if (tensor_name && w.shown == 0 && w.number > 0)
		xl_warn("no record has a tensor '%s'", tensor_name);
	if (xl_writer_close(w.out))
		xl_fail_write();
	return xl_finish();
}
