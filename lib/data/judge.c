/*
 * judge.c - a classifier held against what is wanted of pictures.
 */
#include "data/judge.h"

int xl_judge_open(struct xl_judge *j, const char *model)
{
	*j = (struct xl_judge){.verdicts = {.c = NULL}};
	return xl_eye_open(&j->eye, model) || xl_verdicts_init(&j->verdicts, j->eye.c) ? -1 : 0;
}

int xl_judge_want(struct xl_judge *j, const char *fixed, const char *exemplars,
		  const char *domain_by, bool *is_usage)
{
	return xl_wanted_init(&j->wanted, j->eye.c, fixed, exemplars, domain_by, is_usage);
}

void xl_judge_close(struct xl_judge *j)
{
	xl_verdicts_done(&j->verdicts);
	xl_wanted_done(&j->wanted);
	xl_eye_close(&j->eye);
}

int xl_judge_record(struct xl_judge *j, const struct xl_record *r, const float **p)
{
	int want[XL_CLASSIFIER_OUTPUTS];
	const int rc = xl_wanted_next(&j->wanted, r, want);

	*p = j->eye.p;
	if (rc || !r)
		return rc;
	if (xl_record_tensor(r, "h") && !xl_record_tensor(r, "out"))
		return xl_err("is not decoded yet; xl-decode --stream makes the picture");
	if (xl_eye_see(&j->eye, r))
		return -1;
	xl_verdicts_add(&j->verdicts, j->eye.p, want);
	return 0;
}

int xl_judge_worth(const struct xl_judge *j, const char *model)
{
	const double least = 0.9;
	const struct xl_classifier *c = j->eye.c;

	if (c->n_labels > 1 || c->classes)
		return 0;
	if (c->held_out == 0)
		return xl_err("%s: was never tested: no pictures were held back", model);
	if (c->held_out_right < least)
		return xl_err("%s: right about %.1f %% of the pictures held back, less than %g %%",
			      model, 100 * c->held_out_right, 100 * least);
	return 0;
}

static int print_json(struct xl_judge *j, FILE *f, int64_t skipped)
{
	const struct xl_classifier *c = j->eye.c;
	struct xl_json to;
	char hex[65];

	xl_classifier_json(c, &to, "classify_own");
	xl_json_int(&to, "held_out", c->held_out);
	if (c->held_out)
		xl_json_num(&to, "held_out_accuracy", c->held_out_right);
	xl_json_str(&to, "want", j->wanted.fixed);
	xl_json_str(&to, "exemplars", j->wanted.exemplars);
	xl_digest_hex(&j->eye.seen, hex);
	xl_json_str(&to, "images_digest", hex);
	xl_json_int(&to, "skipped", skipped);
	xl_verdicts_json(&j->verdicts, &to);
	return xl_json_end(&to, f);
}

int xl_judge_print(struct xl_judge *j, FILE *f, bool is_json, int64_t skipped)
{
	if (is_json)
		return print_json(j, f, skipped);
	xl_verdicts_text(&j->verdicts, f);
	return ferror(f) ? -1 : 0;
}
