/*
 * xl-lpips.c - the distance of pictures as a network sees them (LPIPS): between inputs
 * and what was made of them, and among all that was made of one input.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/outputs.h"
#include "kernels/kernels.h"
#include "metrics/lpips.h"
#include "metrics/values.h"

static bool json, each, is_flat;
static const char *net, *weights;
static int64_t pairs; /* 0: all */
static struct xl_outputs outputs;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_ENUM, .name = "net", .arg = "alex|squeeze|vgg", .def = "alex",
	 .target = &net, .help = "network to see with"},
	{.type = XL_OPT_STR, .name = "weights", .arg = "file", .target = &weights,
	 .help = "its weights, of xl-convert [lpips-NET.msgpack, as a model is found]"},
	{.type = XL_OPT_FLAG, .name = "unweighted", .target = &is_flat,
	 .help = "weigh all channels alike, not as people judged them"},
	{.type = XL_OPT_INT, .name = "per", .arg = "n", .target = &outputs.per, .min = 1,
	 .max = 1e9, .help = "n outputs in a row are of one input [by their names]"},
	{.type = XL_OPT_FLAG, .name = "all", .target = &outputs.is_one,
	 .help = "all outputs are of one input, as for pairs of real pictures"},
	{.type = XL_OPT_INT, .name = "pairs", .arg = "k", .target = &pairs, .min = 1,
	 .max = 1e9, .help = "k random pairs of the outputs of an input [all]"},
	{.type = XL_OPT_FLAG, .name = "each", .target = &each,
	 .help = "print the values of every output and input as well"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-lpips",
	.synopsis = "[options] [INPUT] OUT",
	.summary = "LPIPS between inputs and outputs, and among the outputs of an input",
	.example = "xl-lpips in.msgpack out.msgpack",
	.opts = opts,
	.check = xl_kernels_check,
};

/* Over all groups. */
static struct {
	int64_t inputs, outputs, pairs, alone, skipped;
	struct xl_moments io, oo, last; /* last: of the last group that has pairs */
	int64_t size[2];                /* of the first picture */
	bool is_mixed;                  /* others had another */
} total;

static void skip(void)
{
	xl_warn("%s", xl_err_msg());
	total.skipped++;
}

/* "lpips", or what it is called where it is not that. */
static const char *metric(const struct xl_lpips *l)
{
	if (xl_backbone_is_published(l->net))
		return is_flat ? "lpips_unweighted" : "lpips";
	return is_flat ? "lpips_own_unweighted" : "lpips_own";
}

static void print_one(const struct xl_lpips *l, const char *suffix, double d, int64_t i,
		      const char *id)
{
	struct xl_values v = {.n = 0};

	xl_values_num(&v, metric(l), suffix, d);
	if (xl_values_each(&v, stdout, json, i, id))
		xl_fail_write();
}

static void add_group(const struct xl_lpips *l, const struct xl_made *g, const double *io,
		      const struct xl_moments *among)
{
	total.outputs += g->n;
	for (int64_t i = 0; g->input && i < g->n; i++) {
		xl_moments_add(&total.io, io[i]);
		if (each)
			print_one(l, "_io", io[i], total.io.n - 1, g->ids[i]);
	}
	total.alone += g->n == 1;
	total.pairs += among->n;
	if (among->n == 0)
		return;
	total.last = *among;
	xl_moments_add(&total.oo, among->mean);
	if (each)
		print_one(l, "_oo", among->mean, outputs.groups - 1, g->name);
}

static void measure(struct xl_lpips *l, const struct xl_made *g)
{
	struct xl_moments among = {.n = 0};
	struct xl_sample sample;
	double *io = xl_alloc((size_t)g->n + 1, sizeof *io);

	if (!io)
		xl_die("%s", xl_err_msg());
	total.inputs++;
	xl_sample_init(&sample, g->n * (g->n - 1) / 2, pairs, (uint64_t)xl_common.seed,
		       (uint32_t)outputs.groups);
	if (xl_lpips_group(l, g->input, g->out, g->n, &sample, io, &among)) {
		xl_err_prefix("outputs of '%s'", g->name);
		skip();
	} else {
		add_group(l, g, io, &among);
	}
	free(io);
}

static void json_settings(struct xl_json *j, const struct xl_lpips *l, const char *path)
{
	const char *weighed = xl_backbone_is_published(l->net) ? "0.1" : "own";

	xl_json_open(j, "settings", '{');
	xl_json_str(j, "network", l->def->name);
	xl_json_str(j, "weights", path);
	xl_json_str(j, "network_digest", xl_backbone_digest(l->net));
	xl_json_bool(j, "published", xl_backbone_is_published(l->net));
	xl_json_str(j, "heads", is_flat ? "none" : weighed);
	xl_json_str(j, "size", outputs.size);
	xl_json_str(j, "groups", outputs.per ? "order" : outputs.is_one ? "one" : "names");
	xl_json_int(j, "per", outputs.per);
	xl_json_int(j, "pairs", pairs);
	xl_json_int(j, "seed", xl_common.seed);
	xl_json_close(j, '}');
}

static void list_values(struct xl_values *v, const struct xl_lpips *l)
{
	const char *name = metric(l);

	xl_values_int(v, "inputs", "", total.inputs);
	xl_values_int(v, "outputs", "", total.outputs);
	if (json || total.skipped)
		xl_values_int(v, "skipped", "", total.skipped);
	if (total.io.n > 0) {
		xl_values_num(v, name, "_io", total.io.mean);
		xl_values_num(v, name, "_io_sd", xl_moments_sd(&total.io));
	}
	if (total.oo.n == 0)
		return;
	xl_values_int(v, "pairs", "", total.pairs);
	xl_values_int(v, "alone", "", total.alone);
	xl_values_num(v, name, "_oo", total.oo.mean);
	xl_values_num(v, name, "_oo_sd", xl_moments_sd(total.oo.n > 1 ? &total.oo : &total.last));
}

static int print_json(const struct xl_lpips *l, const struct xl_values *v, const char *path)
{
	static const char *const role[] = {"input", "out"};
	struct xl_json j;
	char hex[65];

	xl_json_begin(&j);
	xl_json_str(&j, "metric", metric(l));
	xl_json_str(&j, "version", XL_VERSION);
	for (int i = 0; i < XL_ROLES; i++)
		if (outputs.path[i])
			xl_json_str(&j, role[i], outputs.path[i]);
	xl_values_json(v, &j);
	json_settings(&j, l, path);
	xl_json_open(&j, "digests", '{');
	for (int i = 0; i < XL_ROLES; i++) {
		xl_digest_hex(&outputs.digest[i], hex);
		if (outputs.path[i])
			xl_json_str(&j, role[i], hex);
	}
	xl_json_close(&j, '}');
	return xl_json_end(&j, stdout);
}

static int print_all(const struct xl_lpips *l, const char *path)
{
	struct xl_values v = {.n = 0};

	list_values(&v, l);
	if (json)
		return print_json(l, &v, path);
	printf("network %s %s\n", l->def->name, xl_backbone_digest(l->net));
	xl_values_text(&v, stdout, NULL);
	return ferror(stdout) ? -1 : 0;
}

/* The network and the path it came from, which the caller frees. */
static char *load(struct xl_lpips *l)
{
	char name[32], *path;
	const struct xl_backbone_def *def;

	snprintf(name, sizeof name, "lpips-%s", net);
	def = xl_backbone_find(name);
	path = weights ? xl_strdup(weights) : xl_backbone_path(def);
	if (!path || xl_lpips_open(l, path, def, is_flat))
		xl_die("%s", xl_err_msg());
	return path;
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv), n = argc - first;
	struct xl_lpips l;
	struct xl_made g;
	char *path;
	int got;

	if (n != 1 && n != 2)
		xl_usage("needs the outputs, OUT, and before them inputs if any; %d given", n);
	if (outputs.per && outputs.is_one)
		xl_usage("--per and --all exclude each other");
	xl_check_streams((const char *const *)argv + first, n);
	path = load(&l);
	outputs.skip = skip;
	xl_outputs_open(&outputs, n == 2 ? argv[first] : NULL, argv[argc - 1]);
	while ((got = xl_outputs_next(&outputs, &g)) > 0) {
		measure(&l, &g);
		xl_made_done(&g);
		xl_progress(total.outputs, 0, "outputs", NULL);
	}
	xl_made_done(&g);
	if (got == 0 && total.io.n == 0 && total.oo.n == 0 && total.skipped == 0)
		got = xl_err("%s: no input has two outputs, so there is nothing to compare",
			     outputs.in[XL_OUTPUT].name);
	if (got == 0 && print_all(&l, path) < 0)
		xl_fail_write();
	xl_outputs_done(&outputs);
	xl_lpips_done(&l);
	free(path);
	if (got < 0)
		xl_die("%s", xl_err_msg());
	return xl_finish();
}
