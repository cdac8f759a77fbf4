/*
 * xl-synth.c - make image records with ground truth: labels, true masks and,
 * with --pairs, the true translation.
 */
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/synth.h"

static struct xl_synth_job job = {.count = -1};

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_INT, .name = "count", .arg = "n", .target = &job.count,
	 .min = 0, .max = 100000000, .help = "images, or pairs, to make [1000; of digits all]"},
	{.type = XL_OPT_INT, .name = "size", .arg = "pixels", .target = &job.size,
	 .min = 8, .max = 4096, .help = "width and height [128; of digits 28, 112]"},
	{.type = XL_OPT_FLAG, .name = "pairs", .target = &job.pairs,
	 .help = "make inputs, exemplars, true translations"},
	{.type = XL_OPT_STR, .name = "attributes", .arg = "a,b", .target = &job.attributes,
	 .help = "labels to give, masks to join, looks to exchange [all]"},
	{.type = XL_OPT_STR, .name = "where", .arg = "a=1,b=0", .target = &job.where,
	 .help = "only images (of pairs: inputs) with these labels"},
	{.type = XL_OPT_STR, .name = "domain-by", .arg = "a", .target = &job.domain_by,
	 .help = "set the domain by a label: 0 is A, 1 is B"},
	{.type = XL_OPT_STR, .name = "mnist", .arg = "dir", .target = &job.digits.dir,
	 .help = "the folder of MNIST's files"},
	{.type = XL_OPT_ENUM, .name = "split", .arg = "train|test", .target = &job.digits.split,
	 .help = "which files [train; of pairs test]"},
	{.type = XL_OPT_FLAG, .name = "published-order", .target = &job.digits.is_published,
	 .help = "draw digits and colours as the authors did"},
	{.type = XL_OPT_FLAG, .name = "no-stretch", .target = &job.digits.is_plain,
	 .help = "keep the colours of many digits as drawn"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-synth",
	.synopsis = "[options] SET",
	.summary = "make records with true masks of faces, mnist-single or mnist-multi",
	.example = "xl-synth faces --count 5000 --size 64 | xl-train lomit --size 64",
	.opts = opts,
};

/* Names and conditions are wrong usage; they are found before anything is made. */
static struct xl_synth *begin(int argc, char **argv, int first)
{
	struct xl_synth *s;

	if (argc - first != 1)
		xl_usage("needs one SET; %d given", argc - first);
	job.set = xl_synth_find(argv[first]);
	if (!job.set)
		xl_usage("%s", xl_err_msg());
	if (job.size == 0)
		job.size = job.set->usual_size;
	if (job.size < job.set->min_size || job.size > job.set->max_size)
		xl_usage(job.set->min_size < job.set->max_size
				 ? "--size: the set %s is made from %lld to %lld pixels"
				 : "--size: the set %s is made of %lld pixels only",
			 job.set->name, (long long)job.set->min_size, (long long)job.set->max_size);
	xl_no_terminal_out(NULL);
	job.seed = (uint64_t)xl_common.seed;
	s = xl_synth_open(&job);
	if (!s)
		xl_usage("%s", xl_err_msg());
	return s;
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	struct xl_synth *s = begin(argc, argv, first);
	struct xl_writer *w = xl_writer_open(NULL);
	struct xl_record *r;
	int64_t done = 0;
	int got = 0;

	if (!w || xl_synth_begin(s) < 0)
		xl_die("%s", xl_err_msg());
	while ((got = xl_synth_next(s, &r)) > 0) {
		int put = xl_writer_put(w, r);

		xl_record_free(r);
		if (put < 0)
			xl_fail_write();
		xl_progress(++done, xl_synth_total(s), "images", NULL);
	}
	xl_synth_close(s);
	if (got < 0)
		xl_die("%s", xl_err_msg());
	if (xl_writer_close(w) < 0)
		xl_fail_write();
	return xl_finish();
}
