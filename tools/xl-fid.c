/*
 * xl-fid.c - distances between two sets of pictures, by their features: FID, KID, and
 * the Inception Score of one; and statistics of a set, and merging them.
 */
#include <stdlib.h>
#include <string.h>
#include "core/json.h"
#include "core/opt.h"
#include "core/tool.h"
#include "data/described.h"
#include "metrics/fid.h"
#include "metrics/inception_score.h"
#include "metrics/kid.h"
#include "metrics/values.h"

enum { REAL, FAKE, SETS };

static bool want_kid, want_is, stats, merge, json;
static const char *squash;
static double eps;
static struct xl_features features;
static struct xl_kid kid;
static struct xl_inception_score score;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "features", .arg = "file", .target = &features.path,
	 .without = "merge", .help = "network to describe pictures with [inception-fid.msgpack]"},
	{.type = XL_OPT_ENUM, .name = "resize", .arg = "pt|clean|tf1|none", .def = "pt",
	 .without = "merge", .target = &squash, .given = &features.must_squash,
	 .help = "as pytorch-fid, clean-fid, TensorFlow 1, or not at all"},
	{.type = XL_OPT_INT, .name = "dims", .arg = "n", .target = &features.dims, .min = 1,
	 .max = XL_GAUSS_MAX, .without = "merge",
	 .help = "take the last place with so many features [the last]"},
	{.type = XL_OPT_FLAG, .name = "kid", .target = &want_kid, .without = "stats|merge",
	 .help = "also the kernel distance"},
	{.type = XL_OPT_NUM, .name = "gamma", .arg = "g", .target = &kid.gamma, .min = 1e-9,
	 .max = 1e9, .with = "kid", .help = "kid: scale of its kernel [1 / features]"},
	{.type = XL_OPT_INT, .name = "subsets", .arg = "n", .target = &kid.subsets, .min = 1,
	 .max = 1000000, .with = "kid", .help = "kid: subsets to draw [100, of whole sets 1]"},
	{.type = XL_OPT_INT, .name = "subset-size", .arg = "n", .target = &kid.size, .min = 2,
	 .max = 1000000, .with = "kid", .help = "kid: pictures of each [1000, or all]"},
	{.type = XL_OPT_FLAG, .name = "biased", .target = &kid.is_biased, .with = "kid",
	 .help = "kid: keep the diagonals"},
	{.type = XL_OPT_FLAG, .name = "is", .target = &want_is, .without = "stats|merge",
	 .help = "also the Inception Score of FAKE"},
	{.type = XL_OPT_INT, .name = "splits", .arg = "n", .def = "10", .target = &score.splits,
	 .min = 1, .max = 1000000, .with = "is", .help = "is: parts to score"},
	{.type = XL_OPT_INT, .name = "outputs", .arg = "n", .target = &score.group, .min = 1,
	 .max = 1000000, .with = "is",
	 .help = "is: FAKE has so many in a row of each input; score them too"},
	{.type = XL_OPT_NUM, .name = "eps", .arg = "e", .def = "0", .target = &eps, .min = 0,
	 .max = 1, .without = "stats|merge", .help = "add to the diagonals under the root"},
	{.type = XL_OPT_FLAG, .name = "stats", .target = &stats,
	 .help = "write the statistics of a set instead"},
	{.type = XL_OPT_FLAG, .name = "merge", .target = &merge, .without = "stats",
	 .help = "write the statistics of all sets whose statistics are named"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json, .without = "stats|merge",
	 .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-fid",
	.synopsis = "[options] REAL FAKE | --stats IN > OUT | --merge A B > C",
	.summary = "measure how far two sets of pictures are from each other",
	.example = "xl-fid --kid real/ fake.msgpack",
	.opts = opts,
};

static const char *name_of(const char *path)
{
	return strcmp(path, "-") == 0 ? "stdin" : path;
}

static void warn(const char *message)
{
	xl_warn("%s", message);
}

static void begin(struct xl_described *s)
{
	xl_described_init(s);
	s->with = merge ? NULL : &features;
	s->failed = warn;
}

static void read_set(struct xl_described *s, const char *path)
{
	const int64_t before = s->n;

	if (xl_described_read(s, path) || xl_described_end(s))
		xl_die("%s", xl_err_msg());
	if (s->n == before)
		xl_die("%s: holds no pictures", name_of(path));
	if (!merge && !*s->network)
		xl_note("%s: does not say which network made it", name_of(path));
	if (!merge && xl_described_hold(s, name_of(path)))
		xl_die("%s", xl_err_msg());
}

/* ---- statistics ------------------------------------------------------- */

static void write_statistics(int n, char *const *paths)
{
	struct xl_described s;
	struct xl_record *r;
	struct xl_writer *out;

	xl_no_terminal_out(NULL);
	begin(&s);
	for (int i = 0; i < n; i++) {
		read_set(&s, paths[i]);
		if (merge && s.has_features)
			xl_die("%s: not statistics; --stats makes them", name_of(paths[i]));
	}
	if (s.n < 1)
		xl_die("%s: does not say of how many pictures it is", name_of(paths[n - 1]));
	r = xl_described_statistics(&s);
	out = r ? xl_writer_open(NULL) : NULL;
	if (!out)
		xl_die("%s", xl_err_msg());
	if (xl_writer_put(out, r) || xl_writer_close(out))
		xl_fail_write();
	xl_record_free(r);
	xl_described_done(&s);
}

/* ---- measures --------------------------------------------------------- */

static void check_counts(const struct xl_described *s, const char *path)
{
	if (s->n == 1)
		xl_die("%s: holds 1 picture, a distance takes 2 or more", name_of(path));
	if (want_kid && s->has_statistics)
		xl_die("%s: statistics, and --kid takes the features themselves", name_of(path));
	if (s->n > 0 && s->n < s->d)
		xl_note("%s: %lld pictures for %lld features: compare only with distances of "
			"as many",
			name_of(path), (long long)s->n, (long long)s->d);
}

/* ---- printing --------------------------------------------------------- */

static void print_text(const struct xl_values *v, const struct xl_described *s)
{
	xl_described_text(stdout, s);
	printf("version %s\n", XL_VERSION);
	if (want_kid)
		xl_kid_text(stdout, &kid);
	xl_values_text(v, stdout, NULL);
}

static int print_json(const struct xl_values *v, struct xl_described *set, char *const *paths)
{
	static const char *const role[SETS] = {"real", "fake"};
	struct xl_json j;
	char hex[65];

	xl_json_begin(&j);
	xl_json_str(&j, "metric", xl_features_metric(set[FAKE].network));
	xl_json_str(&j, "version", XL_VERSION);
	for (int i = 0; i < SETS; i++)
		xl_json_str(&j, role[i], name_of(paths[i]));
	xl_values_json(v, &j);
	xl_json_open(&j, "settings", '{');
	xl_described_json(&j, &set[FAKE]);
	xl_json_num(&j, "eps", eps);
	if (want_kid)
		xl_kid_json(&j, &kid);
	if (want_is)
		xl_inception_score_json(&j, &score);
	xl_json_close(&j, '}');
	xl_json_open(&j, "digests", '{');
	for (int i = 0; i < SETS; i++) {
		xl_described_digest(&set[i], hex);
		xl_json_str(&j, role[i], hex);
	}
	xl_json_close(&j, '}');
	return xl_json_end(&j, stdout);
}

static void measure(char *const *paths)
{
	struct xl_described set[SETS];
	struct xl_values v = {.n = 0};
	char suffix[XL_VALUE_NAME];
	struct xl_fid fid;

	for (int i = 0; i < SETS; i++) {
		begin(&set[i]);
		set[i].beside = i == FAKE ? &set[REAL] : NULL;
		set[i].keep = want_kid;
		set[i].judge = want_is && i == FAKE;
		read_set(&set[i], paths[i]);
		check_counts(&set[i], paths[i]);
		if (set[i].n > 0)
			xl_values_int(&v, i == REAL ? "n_real" : "n_fake", "", set[i].n);
	}
	if (xl_described_agree(&set[REAL], name_of(paths[REAL]), &set[FAKE], name_of(paths[FAKE])))
		xl_die("%s", xl_err_msg());
	xl_features_suffix(suffix, sizeof suffix, set[FAKE].network, set[FAKE].d);
	if (xl_described_fid(&fid, &set[REAL], name_of(paths[REAL]), &set[FAKE],
			     name_of(paths[FAKE]), eps))
		xl_die("%s", xl_err_msg());
	xl_values_num(&v, xl_features_metric(set[FAKE].network), suffix, fid.value);
	if (want_kid &&
	    xl_kid_of(&kid, set[REAL].rows, set[REAL].n, set[FAKE].rows, set[FAKE].n, set[FAKE].d))
		xl_die("%s", xl_err_msg());
	if (want_kid)
		xl_kid_values(&v, &kid, suffix);
	if (want_is && xl_described_score(&score, &set[FAKE]))
		xl_die("%s: %s", name_of(paths[FAKE]), xl_err_msg());
	if (want_is)
		xl_inception_score_values(&v, &score, suffix);
	if (!json)
		print_text(&v, &set[FAKE]);
	else if (print_json(&v, set, paths))
		xl_fail_write();
	for (int i = 0; i < SETS; i++)
		xl_described_done(&set[i]);
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv), n = argc - first;

	features.squash = xl_squash_find(squash);
	kid.seed = (uint64_t)xl_common.seed;
	if (stats && n != 1)
		xl_usage("--stats needs one set; %d given", n);
	if (merge && n < 2)
		xl_usage("--merge needs the statistics of two sets or more; %d given", n);
	if (!stats && !merge && n != 2)
		xl_usage("needs two sets, REAL and FAKE; %d given", n);
	xl_check_streams((const char *const *)argv + first, n);
	if (xl_described_exist((const char *const *)argv + first, n))
		xl_die("%s", xl_err_msg());
	if (stats || merge)
		write_statistics(n, argv + first);
	else
		measure(argv + first);
	xl_features_done(&features);
	return xl_finish();
}
