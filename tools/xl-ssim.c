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
#include "data/lockstep.h"
#include "image/coverage.h"
#include "metrics/compare.h"

enum { TRUTH, OUT };
static int in, exemplar; /* where these streams are, 0 for not there */

static bool json, each, luma, stretch;
static const char *mask_name, *input_path, *exemplar_path;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "mask", .arg = "name", .target = &mask_name,
	 .help = "tensor of TRUTH to use as the mask [m_true]"},
	{.type = XL_OPT_STR, .name = "input", .arg = "file", .target = &input_path,
	 .help = "also measure the untranslated inputs in this stream"},
	{.type = XL_OPT_STR, .name = "exemplar", .arg = "file", .target = &exemplar_path,
	 .help = "also measure OUT against the exemplars in this stream"},
	{.type = XL_OPT_FLAG, .name = "stretch", .target = &stretch,
	 .help = "stretch each image of OUT to 0..255 first"},
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

/* What is compared: OUT with the truth, the input with the truth, OUT with the exemplar,
 * and OUT with the input. */
enum { RESULT, INPUT, EXEMPLAR, CHANGE, COMPARISONS };

struct pair {
	double ssim[XL_COMPARE_WINDOWS];
	struct xl_errors errors;
};

/* What one record gave, or all of them. */
struct totals {
	struct xl_compare of[COMPARISONS];
	int64_t skipped;
};

/* The images of the current records, all of one shape. */
static int take_images(const struct xl_lockstep *s, struct xl_tensor **image)
{
	char a[64], b[64];

	for (int i = 0; i < s->n; i++) {
		image[i] = stretch && i == OUT ? xl_compare_stretched(s->record[i])
					       : xl_compare_image(s->record[i]);
		if (!image[i])
			return xl_lockstep_err_at(s, i);
		if (!xl_tensor_is(image[i], image[TRUTH]->ndim, image[TRUTH]->shape)) {
			xl_err("image is %s, that of %s is %s",
			       xl_tensor_show(image[i], b, sizeof b), s->in[TRUTH].name,
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

	if (!mask_name && !xl_record_tensor(s->record[TRUTH], name))
		return 0;
	*mask = xl_coverage(s->record[TRUTH], name, image->shape[1], image->shape[2]);
	return *mask ? 0 : xl_lockstep_err_at(s, TRUTH);
}

static int measure(struct pair *p, const struct xl_tensor *a, const struct xl_tensor *b,
		   const float *mask)
{
	xl_errors_of(&p->errors, a, b, mask);
	return xl_ssim(p->ssim, a, b, xl_compare_windows, XL_COMPARE_WINDOWS, luma);
}

static int measure_all(struct pair p[COMPARISONS], struct xl_tensor *const *image,
		       const float *mask)
{
	if (measure(&p[RESULT], image[TRUTH], image[OUT], mask) < 0 ||
	    (in && measure(&p[INPUT], image[TRUTH], image[in], mask) < 0) ||
	    (exemplar && measure(&p[EXEMPLAR], image[exemplar], image[OUT], NULL) < 0))
		return -1;
	if (in)
		xl_errors_of(&p[CHANGE].errors, image[in], image[OUT], mask);
	return 0;
}

static void add(struct totals *t, const struct pair p[COMPARISONS])
{
	xl_compare_add(&t->of[RESULT], p[RESULT].ssim, &p[RESULT].errors);
	if (in) {
		xl_compare_add(&t->of[INPUT], p[INPUT].ssim, &p[INPUT].errors);
		xl_compare_add(&t->of[CHANGE], NULL, &p[CHANGE].errors);
	}
	if (exemplar)
		xl_compare_add(&t->of[EXEMPLAR], p[EXEMPLAR].ssim, &p[EXEMPLAR].errors);
}

static void list_values(struct xl_values *v, const struct totals *t, bool all)
{
	xl_compare_values(v, &t->of[RESULT], "", all);
	xl_compare_values(v, &t->of[INPUT], "_input", all);
	xl_compare_values(v, &t->of[EXEMPLAR], "_exemplar", all);
	xl_change_values(v, &t->of[CHANGE]);
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
	struct pair found[COMPARISONS];
	float *mask = NULL;
	int ret = -1;

	if (take_images(s, image) < 0 || take_mask(s, image[TRUTH], &mask) < 0)
		goto out;
	if (measure_all(found, image, mask) < 0) {
		xl_lockstep_err_at(s, TRUTH);
		goto out;
	}
	add(t, found);
	add(&one, found);
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
	xl_json_bool(j, "stretch", stretch);
	xl_json_close(j, '}');
}

static int print_all(struct xl_lockstep *s, const struct totals *t)
{
	const char *role[XL_LOCKSTEP_MAX] = {"truth", "out", "exemplar", "exemplar"};
	struct xl_values v = {.n = 0};
	struct xl_json j;

	if (in)
		role[in] = "input";
	xl_values_int(&v, "records", "", t->of[RESULT].mae.n);
	if (json || t->skipped)
		xl_values_int(&v, "skipped", "", t->skipped);
	if (json || t->of[RESULT].masked)
		xl_values_int(&v, "masked", "", t->of[RESULT].masked);
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
	int got, n = 2;

	if (argc - first != 2)
		xl_usage("needs two streams, TRUTH and OUT; %d given", argc - first);
	paths[TRUTH] = argv[first];
	paths[OUT] = argv[first + 1];
	if (input_path)
		paths[in = n++] = input_path;
	if (exemplar_path)
		paths[exemplar = n++] = exemplar_path;
	xl_check_streams(paths, n);
	xl_lockstep_open(&s, paths, n);
	while ((got = xl_lockstep_next(&s)) > 0) {
		if (compare(&s, &t) < 0) {
			if (s.count == 1 && mask_name &&
			    !xl_record_tensor(s.record[TRUTH], mask_name))
				xl_die("%s", xl_err_msg()); /* nor will the others */
			xl_warn("%s", xl_err_msg());
			t.skipped++;
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
