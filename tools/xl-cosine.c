/*
 * xl-cosine.c - whether outputs still show the person of their inputs: the cosine between
 * descriptors of faces.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/couples.h"
#include "kernels/kernels.h"
#include "metrics/face.h"
#include "metrics/moments.h"
#include "metrics/values.h"

static bool json, each, before_relu;
static const char *weights, *model;
static int64_t pairs;
static struct xl_couples couples;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "weights", .arg = "file", .target = &weights,
	 .help = "of resnet50-face or vgg16-face [resnet50-face.msgpack, as a model is found]"},
	{.type = XL_OPT_FLAG, .name = "before-relu", .target = &before_relu,
	 .help = "of vgg16-face, take fc7 before its ReLU"},
	{.type = XL_OPT_STR, .name = "model", .arg = "file", .target = &model,
	 .without = "weights|before-relu",
	 .help = "describe with this classifier of xl-classify instead"},
	{.type = XL_OPT_INT, .name = "pairs", .arg = "k", .target = &pairs, .min = 1,
	 .max = 1000000, .help = "k random outputs [all]"},
	{.type = XL_OPT_INT, .name = "per", .arg = "n", .target = &couples.outputs.per, .min = 1,
	 .max = 1e9, .help = "n outputs in a row are of one input [by their names]"},
	{.type = XL_OPT_FLAG, .name = "each", .target = &each,
	 .help = "print the value of every output as well"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-cosine",
	.synopsis = "[options] INPUT OUT",
	.summary = "cosine between face descriptors of inputs and outputs",
	.example = "xl-cosine --pairs 100 in.msgpack out.msgpack",
	.opts = opts,
	.check = xl_kernels_check,
};

static struct {
	int64_t skipped, zeros;
	struct xl_moments cos;
} total;

static void skip(void)
{
	xl_warn("%s", xl_err_msg());
	total.skipped++;
}

static const char *metric(const struct xl_face *f)
{
	return xl_face_is_published(f) ? "face_cos" : "face_cos_own";
}

/* Descriptors of the present couple; that of an input serves all its outputs. */
struct pair {
	double *input, *out;
	int64_t input_number; /* that `input` is of; -1: none */
};

static int compare(struct xl_face *f, struct pair *p, const struct xl_couple *c, double *cosine)
{
	if (p->input_number != c->input_number) {
		p->input_number = -1;
		if (xl_face_describe(f, c->input, p->input))
			return xl_err_prefix("input of '%s'", c->id);
		p->input_number = c->input_number;
	}
	if (xl_face_describe(f, c->out, p->out))
		return xl_err_prefix("'%s'", c->id);
	*cosine = xl_cosine(p->input, p->out, f->count, &total.zeros);
	return 0;
}

static void add(const struct xl_face *f, const struct xl_couple *c, double cosine)
{
	struct xl_values v = {.n = 0};

	xl_moments_add(&total.cos, cosine);
	if (!each)
		return;
	xl_values_num(&v, metric(f), "", cosine);
	if (xl_values_each(&v, stdout, json, c->number, c->id))
		xl_fail_write();
}

/* 0 at the end of the streams, -1 with xl_err set. */
static int measure(struct xl_face *f)
{
	struct pair p = {xl_alloc((size_t)f->count, sizeof *p.input),
			 xl_alloc((size_t)f->count, sizeof *p.out), -1};
	const struct xl_couple *c;
	double cosine = 0;
	int got = p.input && p.out ? 1 : -1;

	while (got > 0 && (got = xl_couples_next(&couples, &c)) > 0) {
		if (compare(f, &p, c, &cosine))
			skip();
		else
			add(f, c, cosine);
		xl_progress(total.cos.n, 0, "outputs", NULL);
	}
	free(p.input);
	free(p.out);
	return got;
}

static int print_json(const struct xl_face *f, const struct xl_values *v, const char *path)
{
	static const char *const role[] = {"input", "out"};
	struct xl_json j;
	char hex[65], name[32];

	xl_json_begin(&j);
	xl_json_str(&j, "metric", metric(f));
	xl_json_str(&j, "version", XL_VERSION);
	for (int i = 0; i < XL_ROLES; i++)
		xl_json_str(&j, role[i], couples.outputs.path[i]);
	xl_values_json(v, &j);
	xl_json_open(&j, "settings", '{');
	xl_json_str(&j, "network", xl_face_network(f, name, sizeof name));
	xl_json_str(&j, "weights", path);
	xl_json_str(&j, "network_digest", xl_face_digest(f));
	xl_json_int(&j, "network_size", f->size);
	xl_json_str(&j, "size", couples.outputs.size);
	xl_json_str(&j, "groups", couples.outputs.per ? "order" : "names");
	xl_json_int(&j, "per", couples.outputs.per);
	xl_json_int(&j, "pairs", pairs);
	xl_json_int(&j, "seed", xl_common.seed);
	xl_json_close(&j, '}');
	xl_json_open(&j, "digests", '{');
	for (int i = 0; i < XL_ROLES; i++) {
		xl_digest_hex(&couples.outputs.digest[i], hex);
		xl_json_str(&j, role[i], hex);
	}
	xl_json_close(&j, '}');
	return xl_json_end(&j, stdout);
}

static int print_all(const struct xl_face *f, const char *path)
{
	struct xl_values v = {.n = 0};
	char name[32];

	xl_values_int(&v, "outputs", "", total.cos.n);
	if (json || total.skipped)
		xl_values_int(&v, "skipped", "", total.skipped);
	if (total.cos.n > 0) {
		xl_values_int(&v, "zeros", "", total.zeros);
		xl_values_num(&v, metric(f), "", total.cos.mean);
		xl_values_num(&v, metric(f), "_sd", xl_moments_sd(&total.cos));
	}
	if (json)
		return print_json(f, &v, path);
	printf("network %s %s\n", xl_face_network(f, name, sizeof name), xl_face_digest(f));
	xl_values_text(&v, stdout, NULL);
	return ferror(stdout) ? -1 : 0;
}

/* The network and the path it came from, which the caller frees. */
static char *load(struct xl_face *f)
{
	const char *named = model ? model : weights;
	char *path = named ? xl_strdup(named) : xl_backbone_path(xl_backbone_find("resnet50-face"));

	if (!path || (model ? xl_face_open_own(f, path) : xl_face_open(f, path, before_relu)))
		xl_die("%s", xl_err_msg());
	return path;
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	struct xl_face f;
	char *path;
	int got;

	if (argc - first != 2)
		xl_usage("needs two streams, INPUT and OUT; %d given", argc - first);
	xl_check_streams((const char *const *)argv + first, 2);
	path = load(&f);
	couples.outputs.skip = skip;
	xl_couples_open(&couples, argv[first], argv[first + 1], pairs, (uint64_t)xl_common.seed);
	got = measure(&f);
	if (got == 0 && print_all(&f, path) < 0)
		xl_fail_write();
	xl_couples_done(&couples);
	xl_face_close(&f);
	free(path);
	if (got < 0)
		xl_die("%s", xl_err_msg());
	return xl_finish();
}
