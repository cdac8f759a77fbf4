/*
 * xl-iou.c - compare soft masks with true masks, record against record:
 * intersection over union at one threshold, or swept over many; or labels of pixels
 * with true ones.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/lockstep.h"
#include "image/coverage.h"
#include "metrics/iou.h"
#include "metrics/miou.h"

enum { TRUTH, PRED };

static bool json, each, sweep;
static const char *mask_name, *truth_name;
static double threshold;
static int64_t classes; /* of labels; 0: masks */

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "mask", .arg = "name", .def = "m", .target = &mask_name,
	 .help = "tensor of PRED that is the soft mask"},
	{.type = XL_OPT_STR, .name = "truth", .arg = "name", .def = "m_true", .target = &truth_name,
	 .help = "tensor of TRUTH that is the true mask"},
	{.type = XL_OPT_NUM, .name = "threshold", .arg = "t", .def = "0.5", .target = &threshold,
	 .min = 0, .max = 1, .help = "the mask is where its value is at least this"},
	{.type = XL_OPT_FLAG, .name = "sweep", .target = &sweep,
	 .help = "also try the thresholds 0.05, 0.10 ... 0.95"},
	{.type = XL_OPT_INT, .name = "classes", .arg = "k", .target = &classes, .min = 2,
	 .max = XL_MIOU_CLASSES, .without = "threshold|sweep|each",
	 .help = "compare labels 0 to k-1 instead: mean IoU of classes"},
	{.type = XL_OPT_FLAG, .name = "each", .target = &each,
	 .help = "print the values of every record as well"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-iou",
	.synopsis = "[options] TRUTH PRED",
	.summary = "compare soft masks with true masks, record against record",
	.example = "xl-mask < codes.msgpack | xl-iou --sweep images.msgpack -",
	.opts = opts,
};

struct totals {
	struct xl_iou iou;
	struct xl_iou_sweep sweep;
	struct xl_miou miou;
	int64_t measured, skipped;
};

static int print_each(const struct xl_lockstep *s, const struct xl_overlap *o)
{
	const char *id = s->record[PRED]->id;
	struct xl_iou one = {.empty = 0};
	struct xl_values v = {.n = 0};

	xl_iou_add(&one, o);
	xl_iou_values(&v, &one, false);
	return xl_values_each(&v, stdout, json, s->count - 1, id);
}

/* One record of each stream; nothing is counted of one that fails. */
static int compare(struct xl_lockstep *s, struct totals *t)
{
	const char *const name[] = {truth_name, mask_name};
	const struct xl_tensor *m[2];
	float *plane[2] = {NULL, NULL};
	struct xl_overlap o;
	int64_t n;
	int ret = -1;

	for (int i = 0; i < 2; i++) {
		m[i] = xl_coverage_of(s->record[i], name[i]);
		if (m[i])
			plane[i] = xl_coverage(s->record[i], name[i], m[TRUTH]->shape[1],
					       m[TRUTH]->shape[2]);
		if (!plane[i]) {
			xl_lockstep_err_at(s, i);
			goto out;
		}
	}
	n = xl_tensor_count(m[TRUTH]);
	xl_overlap_of(&o, plane[PRED], plane[TRUTH], n, threshold);
	xl_iou_add(&t->iou, &o);
	if (sweep)
		xl_iou_sweep_add(&t->sweep, plane[PRED], plane[TRUTH], n);
	for (int i = 0; i < 2; i++)
		xl_lockstep_used(s, i, m[i]);
	if (each && print_each(s, &o) < 0)
		xl_fail_write();
	ret = 0;
out:
	free(plane[TRUTH]);
	free(plane[PRED]);
	return ret;
}

/* The same of labels. */
static int compare_labels(struct xl_lockstep *s, struct totals *t)
{
	const char *const name[] = {truth_name, mask_name};
	const struct xl_tensor *m[2];

	for (int i = 0; i < 2; i++) {
		m[i] = xl_record_tensor(s->record[i], name[i]);
		if (!m[i]) {
			xl_err("has no tensor '%s'", name[i]);
			return xl_lockstep_err_at(s, i);
		}
	}
	if (xl_miou_check(&t->miou, m[TRUTH]))
		return xl_lockstep_err_at(s, TRUTH);
	if (xl_miou_add(&t->miou, m[TRUTH], m[PRED]))
		return xl_lockstep_err_at(s, PRED);
	for (int i = 0; i < 2; i++)
		xl_lockstep_used(s, i, m[i]);
	return 0;
}

/* Whether a record lacks what is compared: where the first does, so may all. */
static bool lacks(const struct xl_lockstep *s)
{
	return !xl_record_tensor(s->record[TRUTH], truth_name) ||
	       !xl_record_tensor(s->record[PRED], mask_name);
}

static int print_json(struct xl_lockstep *s, const struct xl_values *v)
{
	static const char *const role[] = {"truth", "pred"};
	struct xl_json j;

	xl_json_begin(&j);
	xl_json_str(&j, "metric", classes ? "miou" : "iou");
	xl_json_str(&j, "version", XL_VERSION);
	xl_lockstep_json_names(s, &j, role);
	xl_values_json(v, &j);
	xl_json_open(&j, "settings", '{');
	xl_json_str(&j, "mask", mask_name);
	xl_json_str(&j, "truth", truth_name);
	if (classes) {
		xl_json_int(&j, "classes", classes);
		xl_json_int(&j, "ignored_label", XL_MIOU_IGNORED);
	} else {
		xl_json_num(&j, "threshold", threshold);
		xl_json_num(&j, "truth_threshold", 0.5);
		xl_json_str(&j, "resize", "bilinear");
	}
	xl_json_close(&j, '}');
	xl_lockstep_json_digests(s, &j, role);
	return xl_json_end(&j, stdout);
}

static int print_all(struct xl_lockstep *s, const struct totals *t)
{
	struct xl_values v = {.n = 0};

	xl_values_int(&v, "records", "", t->measured);
	if (json || t->skipped)
		xl_values_int(&v, "skipped", "", t->skipped);
	xl_iou_values(&v, &t->iou, true);
	xl_iou_sweep_values(&v, &t->sweep);
	xl_miou_values(&v, &t->miou);
	if (json)
		return print_json(s, &v);
	xl_values_text(&v, stdout, NULL);
	return ferror(stdout) ? -1 : 0;
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	static struct totals t;
	struct xl_lockstep s;
	const char *paths[2];
	int got;

	if (argc - first != 2)
		xl_usage("needs two streams, TRUTH and PRED; %d given", argc - first);
	t.miou.classes = (int)classes;
	paths[TRUTH] = argv[first];
	paths[PRED] = argv[first + 1];
	xl_check_streams(paths, 2);
	xl_lockstep_open(&s, paths, 2);
	while ((got = xl_lockstep_next(&s)) > 0) {
		if ((classes ? compare_labels(&s, &t) : compare(&s, &t)) < 0) {
			if (s.count == 1 && lacks(&s))
				xl_die("%s", xl_err_msg());
			xl_warn("%s", xl_err_msg());
			t.skipped++;
		} else {
			t.measured++;
		}
		xl_progress(s.count, 0, "records", NULL);
	}
	if (got == 0 && print_all(&s, &t) < 0)
		xl_fail_write();
	xl_lockstep_done(&s);
	if (got < 0)
		xl_die("%s", xl_err_msg());
	return xl_finish();
}
