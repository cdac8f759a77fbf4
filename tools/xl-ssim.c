/*
 * xl-ssim.c - compare two streams of images, record against record: SSIM, PSNR,
 * mean absolute error, and that error inside and outside a mask.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "metrics/compare.h"
#include "metrics/coverage.h"
#include "metrics/lockstep.h"

enum { TRUTH, OUT, IN };

static bool json, each, luma;
static const char *mask_name, *input;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "mask", .arg = "name", .target = &mask_name,
	 .help = "tensor of TRUTH to use as the mask [m_true]"},
	{.type = XL_OPT_STR, .name = "input", .arg = "file", .target = &input,
	 .help = "also measure the untranslated inputs in this stream"},
	{.type = XL_OPT_FLAG, .name = "luma", .target = &luma,
	 .help = "SSIM of the luma instead of the mean over channels"},
	{.type = XL_OPT_FLAG, .name = "each", .target = &each,
	 .help = "print the values of every record as well"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-ssim",
	.synopsis = "[options] TRUTH OUT",
	.summary = "compare two streams of images, record against record",
	.example = "xl-ssim --input in.msgpack truth.msgpack out.msgpack",
	.opts = opts,
};

/* What one record gave, or all of them. */
struct totals {
	struct xl_compare out, in, change;
	int64_t skipped;
};

/* The images of the current records, all of one shape. */
static int take_images(const struct xl_lockstep *s, struct xl_tensor **image)
{
	char a[64], b[64];

	for (int i = 0; i < s->n; i++) {
		image[i] = xl_compare_image(s->record[i]);
		if (!image[i])
			return xl_lockstep_err_at(s, i);
		if (!xl_tensor_is(image[i], image[TRUTH]->ndim, image[TRUTH]->shape)) {
			xl_err("image is %s, that of %s is %s",
			       xl_tensor_show(image[i], b, sizeof b),
			       xl_reader_name(s->reader[TRUTH]),
			       xl_tensor_show(image[TRUTH], a, sizeof a));
			return xl_lockstep_err_at(s, i);
		}
	}
	return 0;
}

/* *mask stays NULL where the record has none and none was asked for. */
static int take_mask(const struct xl_lockstep *s, const struct xl_tensor *image, float **mask)
{
	const char *name = mask_name ? mask_name : "m_true";
	const struct xl_tensor *t;

	if (!mask_name && !xl_record_tensor(s->record[TRUTH], name))
		return 0;
	t = xl_coverage_of(s->record[TRUTH], name);
	if (t)
		*mask = xl_coverage(name, t, image->shape[1], image->shape[2]);
	return *mask ? 0 : xl_lockstep_err_at(s, TRUTH);
}

struct pair {
	double ssim[XL_COMPARE_WINDOWS];
	struct xl_errors errors;
};

static int measure(struct pair *p, const struct xl_tensor *a, const struct xl_tensor *b,
		   const float *mask)
{
	xl_errors_of(&p->errors, a, b, mask);
	return xl_ssim(p->ssim, a, b, xl_compare_windows, XL_COMPARE_WINDOWS, luma);
}

static void add(struct totals *t, const struct pair *out, const struct pair *in,
		const struct xl_errors *change)
{
	xl_compare_add(&t->out, out->ssim, &out->errors);
	if (!in)
		return;
	xl_compare_add(&t->in, in->ssim, &in->errors);
	xl_compare_add(&t->change, NULL, change);
}

static void list_values(struct xl_values *v, const struct totals *t, bool all)
{
	xl_compare_values(v, &t->out, "", all);
	xl_compare_values(v, &t->in, "_input", all);
	xl_change_values(v, &t->change);
}

static int print_each(const struct xl_lockstep *s, const struct totals *one)
{
	const char *id = s->record[OUT]->id;
	struct xl_values v = {.n = 0};

	list_values(&v, one, false);
	return xl_values_each(&v, stdout, json, s->count - 1, id);
}

/* One record of each stream; nothing is counted of one that fails. */
static int compare(struct xl_lockstep *s, struct totals *t)
{
	struct xl_tensor *image[XL_LOCKSTEP_MAX] = {NULL};
	struct totals one = {.skipped = 0};
	struct xl_errors change;
	struct pair out, in;
	float *mask = NULL;
	int ret = -1;

	if (take_images(s, image) < 0 || take_mask(s, image[TRUTH], &mask) < 0)
		goto out;
	if (measure(&out, image[TRUTH], image[OUT], mask) < 0 ||
	    (image[IN] && measure(&in, image[TRUTH], image[IN], mask) < 0)) {
		xl_lockstep_err_at(s, TRUTH);
		goto out;
	}
	if (image[IN])
		xl_errors_of(&change, image[IN], image[OUT], mask);
	add(t, &out, image[IN] ? &in : NULL, &change);
	add(&one, &out, image[IN] ? &in : NULL, &change);
	for (int i = 0; i < s->n; i++)
		xl_lockstep_used(s, i, image[i]);
	if (each && print_each(s, &one) < 0)
		xl_fail_write();
	ret = 0;
out:
	for (int i = 0; i < s->n; i++)
		xl_tensor_free(image[i]);
	free(mask);
	return ret;
}

static void json_settings(struct xl_json *j)
{
	xl_json_open(j, "settings", '{');
	xl_json_int(j, "range", 255);
	xl_json_num(j, "k1", 0.01);
	xl_json_num(j, "k2", 0.03);
	xl_json_str(j, "colour", luma ? "luma" : "mean of channels");
	xl_json_str(j, "mask", mask_name ? mask_name : "m_true");
	xl_json_close(j, '}');
}

static int print_all(struct xl_lockstep *s, const struct totals *t)
{
	static const char *const role[] = {"truth", "out", "input"};
	struct xl_values v = {.n = 0};
	struct xl_json j;

	xl_values_int(&v, "records", "", t->out.mae.n);
	if (json || t->skipped)
		xl_values_int(&v, "skipped", "", t->skipped);
	if (json || t->out.masked)
		xl_values_int(&v, "masked", "", t->out.masked);
	list_values(&v, t, true);
	if (!json) {
		xl_values_text(&v, stdout, NULL);
		return ferror(stdout) ? -1 : 0;
	}
	xl_json_begin(&j);
	xl_json_str(&j, "metric", "ssim");
	xl_json_str(&j, "version", XL_VERSION);
	xl_lockstep_json_names(s, &j, role);
	xl_values_json(&v, &j);
	json_settings(&j);
	xl_lockstep_json_digests(s, &j, role);
	return xl_json_end(&j, stdout);
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	struct totals t = {.skipped = 0};
	struct xl_lockstep s;
	const char *paths[XL_LOCKSTEP_MAX];
	int got = -1;

	if (argc - first != 2)
		xl_usage("needs two streams, TRUTH and OUT; %d given", argc - first);
	paths[TRUTH] = argv[first];
	paths[OUT] = argv[first + 1];
	paths[IN] = input;
	xl_check_streams(paths, input ? 3 : 2);
	if (xl_lockstep_open(&s, paths, input ? 3 : 2) == 0) {
		while ((got = xl_lockstep_next(&s)) > 0) {
			if (compare(&s, &t) < 0) {
				xl_warn("%s", xl_err_msg());
				t.skipped++;
			}
			xl_progress(s.count, 0, "records", NULL);
		}
	}
	if (got == 0 && print_all(&s, &t) < 0)
		xl_fail_write();
	xl_lockstep_done(&s);
	if (got < 0)
		xl_die("%s", xl_err_msg());
	return xl_finish();
}
