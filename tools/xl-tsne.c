/*
 * xl-tsne.c - lay the records of streams out in a plane by t-SNE: coordinates, and a
 * picture coloured by domain, label or stream.
 */
#include <stdlib.h>
#include <string.h>
#include "core/file.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/points.h"
#include "image/picture_kind.h"
#include "metrics/embedding.h"
#include "metrics/values.h"

static const char *tensor, *by, *out, *init;
static bool each, json;
static struct xl_embedding embed;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "tensor", .arg = "name", .target = &tensor,
	 .help = "tensor to lay out [f, else out, else x]"},
	{.type = XL_OPT_STR, .name = "by", .arg = "file|domain|label", .target = &by,
	 .help = "what groups are [file of several, domain, the one label]"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file", .target = &out,
	 .help = "draw this picture, .png or .svg"},
	{.type = XL_OPT_INT, .name = "components", .arg = "n", .def = "50",
	 .target = &embed.components, .min = 0, .max = 16384,
	 .help = "principal components to begin with; 0: all numbers"},
	{.type = XL_OPT_NUM, .name = "perplexity", .arg = "p", .def = "30",
	 .target = &embed.perplexity, .min = 1, .max = 1000, .help = "how many neighbours count"},
	{.type = XL_OPT_INT, .name = "iters", .arg = "n", .def = "1000", .target = &embed.iters,
	 .min = 1, .max = 1e6, .help = "iterations"},
	{.type = XL_OPT_NUM, .name = "rate", .arg = "r", .def = "0", .target = &embed.rate,
	 .min = 0, .max = 1e6, .help = "learning rate; 0: points / 48, 50 at least"},
	{.type = XL_OPT_NUM, .name = "theta", .arg = "t", .def = "-1", .target = &embed.theta,
	 .max = 1, .or_unset = true, .help = "0: exact; -1: 0.5 above 2000 points"},
	{.type = XL_OPT_ENUM, .name = "init", .arg = "pca|random", .def = "pca", .target = &init,
	 .help = "begin with components, or draws of the seed"},
	{.type = XL_OPT_FLAG, .name = "each", .target = &each,
	 .help = "print where every record is"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-tsne",
	.synopsis = "[options] [FILE...]",
	.summary = "lay records out in a plane, neighbours beside each other",
	.example = "xl-tsne -o map.png real.msgpack translated.msgpack",
	.opts = opts,
};

static int64_t skipped;

static void say_progress(int64_t done, int64_t total, double kl)
{
	char text[32];

	snprintf(text, sizeof text, "kl %.4f", kl);
	xl_progress(done, total, "iterations", text);
}

/* Ends the program where no record could be taken. */
static void add(struct xl_points *p, const struct xl_record *r, int file, const char *where)
{
	const enum xl_points_answer a = xl_points_add(p, r, file);

	if (a == XL_POINTS_TAKEN)
		return;
	if (a == XL_POINTS_FAILED)
		xl_die("%s", xl_err_msg());
	xl_err_prefix("%s", where);
	if (a == XL_POINTS_NO_GROUP)
		xl_usage("--by: %s", xl_err_msg());
	if (a == XL_POINTS_NO_TENSOR)
		xl_die("%s", xl_err_msg());
	xl_warn("%s", xl_err_msg());
	skipped++;
}

static void read_stream(struct xl_points *p, const char *path, int file)
{
	struct xl_reader *rd = xl_reader_open(path);
	struct xl_record *r;
	int got = 0;

	while (rd && (got = xl_reader_next(rd, &r)) > 0) {
		add(p, r, file, xl_reader_where(rd));
		xl_record_free(r);
		xl_progress(p->n, 0, "records", NULL);
	}
	if (!rd || got < 0)
		xl_warn("%s", xl_err_msg());
	xl_reader_close(rd);
}

static int print_point(const struct xl_points *p, const double *y, int64_t i)
{
	struct xl_json j;

	if (!json) {
		printf("y %.10g %.10g %s %s\n", y[2 * i], y[2 * i + 1], p->names[p->group[i]],
		       xl_disarm(p->ids[i]));
		return ferror(stdout) ? -1 : 0;
	}
	xl_json_begin(&j);
	xl_json_int(&j, "record", i);
	xl_json_str(&j, "id", p->ids[i]);
	xl_json_str(&j, "group", p->names[p->group[i]]);
	xl_json_num(&j, "y0", y[2 * i]);
	xl_json_num(&j, "y1", y[2 * i + 1]);
	return xl_json_end(&j, stdout);
}

/* Points of each group. */
static void count_groups(const struct xl_points *p, int64_t *of)
{
	for (int64_t i = 0; i < p->n; i++)
		of[p->group[i]]++;
}

static int print_json(struct xl_points *p, const struct xl_values *v)
{
	int64_t of[XL_SCATTER_GROUPS] = {0};
	struct xl_json j;
	char hex[65];

	count_groups(p, of);
	xl_json_begin(&j);
	xl_json_str(&j, "metric", "tsne");
	xl_json_str(&j, "version", XL_VERSION);
	xl_json_int(&j, "skipped", skipped);
	xl_values_json(v, &j);
	xl_json_open(&j, "groups", '{');
	for (int g = 0; g < p->groups; g++)
		xl_json_int(&j, p->names[g], of[g]);
	xl_json_close(&j, '}');
	xl_json_open(&j, "settings", '{');
	xl_json_str(&j, "tensor", tensor);
	xl_json_int(&j, "components", embed.components);
	xl_json_num(&j, "perplexity", embed.perplexity);
	xl_json_int(&j, "iters", embed.iters);
	xl_json_num(&j, "rate", embed.rate);
	xl_json_num(&j, "theta", embed.theta);
	xl_json_str(&j, "init", init);
	xl_json_int(&j, "seed", xl_common.seed);
	xl_json_close(&j, '}');
	xl_digest_hex(&p->digest, hex);
	xl_json_str(&j, "digest", hex);
	return xl_json_end(&j, stdout);
}

static int print_all(struct xl_points *p, const double *y)
{
	struct xl_values v = {.n = 0};

	for (int64_t i = 0; each && i < p->n; i++)
		if (print_point(p, y, i))
			return -1;
	xl_values_int(&v, "points", "", p->n);
	xl_values_int(&v, "numbers", "", p->d);
	xl_values_num(&v, "kl", "", embed.kl);
	if (p->groups > 1)
		xl_values_num(&v, "agreement", "", xl_embedding_agreement(y, p->group, p->n));
	if (json)
		return print_json(p, &v);
	xl_values_text(&v, stdout, NULL);
	return ferror(stdout) ? -1 : 0;
}

static void read_all(struct xl_points *p, const char *const *paths, int n)
{
	xl_check_streams(paths, n);
	for (int i = 0; i < n; i++)
		read_stream(p, paths[i], i);
	if (p->n == 0)
		xl_die("no records, so no layout");
	if (xl_points_end(p))
		xl_usage("%s; --by chooses what groups are", xl_err_msg());
}

int main(int argc, char **argv)
{
	static const char *const standard[] = {"-"};
	const int first = xl_opt_parse(&tool, argc, argv), n = argc > first ? argc - first : 1;
	const char *const *paths = argc > first ? (const char *const *)argv + first : standard;
	struct xl_points p;
	double *y;

	if (by && strchr(by, ','))
		xl_usage("--by: '%s' is more than one label", by);
	if (out && strcmp(out, "-") == 0)
		xl_usage("--out: the picture is a file; standard output has the results");
	if (out && xl_picture_kind(out) == XL_PICTURE_NEITHER)
		xl_usage("--out: '%s' ends neither in .png nor in .svg", out);
	if (out)
		xl_check_out(out, true, paths, n);
	xl_points_init(&p, tensor, by, paths, n);
	read_all(&p, paths, n);
	embed.is_random = strcmp(init, "random") == 0;
	embed.seed = (uint64_t)xl_common.seed;
	embed.progress = say_progress;
	y = xl_alloc((size_t)p.n, 2 * sizeof *y);
	if (!y || xl_embedding_make(y, p.rows, p.n, p.d, &embed))
		xl_die("%s", xl_err_msg());
	const struct xl_scatter s = {.y = y,
				     .group = p.group,
				     .n = p.n,
				     .names = (const char *const *)p.names,
				     .groups = p.groups};

	if (out && xl_scatter_save(&s, out))
		xl_die("%s", xl_err_msg());
	if (print_all(&p, y))
		xl_fail_write();
	free(y);
	xl_points_done(&p);
	return xl_finish();
}
