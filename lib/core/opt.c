/*
 * opt.c - option tables: values, defaults, messages and the lines of --help.
 * Parsing of argv and the answers to --help and --version are in cli.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/opt.h"
#include "core/tool.h"

/* "from 8 to 4096", "of 0 or more", or nothing where there is no bound. Bounds
 * that a double cannot count to are bounds of the machine, not of the option. */
static const char *range_words(double min, double max, char *buf, size_t size)
{
	const double huge = 0x1p53;

	buf[0] = '\0';
	if (min >= max)
		return buf;
	if (min > -huge && max < huge)
		snprintf(buf, size, " from %.15g to %.15g", min, max);
	else if (min > -huge)
		snprintf(buf, size, " of %.15g or more", min);
	else if (max < huge)
		snprintf(buf, size, " of %.15g or less", max);
	return buf;
}

static bool in_range(double v, double min, double max)
{
	return min >= max || (v >= min && v <= max);
}

/* Bounds as doubles, because that is what a table holds. */
static int parse_whole(const char *what, const char *s, double min, double max, int64_t *out)
{
	char range[80], *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || *end || errno || strchr(" \t\n\v\f\r", *s) ||
	    !in_range((double)v, min, max))
		return xl_err("%s: '%s' is not a whole number%s", what, s,
			      range_words(min, max, range, sizeof(range)));
	*out = v;
	return 0;
}

int xl_parse_int(const char *what, const char *s, int64_t min, int64_t max, int64_t *out)
{
	int64_t v;

	if (parse_whole(what, s, (double)min, (double)max, &v))
		return -1;
	if (min < max && (v < min || v > max)) /* exact, where a double is not */
		return xl_err("%s: '%s' is not a whole number from %lld to %lld", what, s,
			      (long long)min, (long long)max);
	*out = v;
	return 0;
}

int xl_parse_num(const char *what, const char *s, double min, double max, double *out)
{
	char range[80], *end;
	double v;

	v = strtod(s, &end);
	/* strtod also takes blanks, hexadecimal, "inf" and "nan" */
	if (end == s || *end || s[strspn(s, "+-.0123456789eE")] || !isfinite(v) ||
	    !in_range(v, min, max))
		return xl_err("%s: '%s' is not a number%s", what, s,
			      range_words(min, max, range, sizeof(range)));
	*out = v;
	return 0;
}

static int parse_bool(const char *what, const char *s, bool *out)
{
	static const char *const words[] = {"0", "1", "no", "yes", "off", "on", "false", "true"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(s, words[i]) == 0) {
			*out = i % 2;
			return 0;
		}
	}
	return xl_err("%s: '%s' is neither yes nor no", what, s);
}

bool xl_word_in(const char *list, const char *word)
{
	const size_t n = strlen(word);

	for (;;) {
		const size_t len = strcspn(list, "|");

		if (len > 0 && len == n && memcmp(list, word, n) == 0)
			return true;
		if (!list[len])
			return false;
		list += len + 1;
	}
}

static int parse_enum(const struct xl_opt *o, const char *what, const char *s, const char **out)
{
	if (!xl_word_in(o->arg, s))
		return xl_err("%s: '%s' is not one of %s", what, s, o->arg);
	*out = s;
	return 0;
}

static int parse_or_unset(const struct xl_opt *o, const char *what, const char *s, double *out)
{
	double v;

	if ((xl_parse_num(what, s, 0, 0, &v) || v != -1) &&
	    xl_parse_num(what, s, o->min, o->max, &v))
		return xl_err("%s, or -1", xl_err_msg());
	*out = v;
	return 0;
}

/* Sets the target alone; value NULL is a flag given without one. */
static int assign(struct xl_opt *o, const char *value)
{
	char what[80];

	snprintf(what, sizeof(what), "--%s", o->name);
	if (!value && o->type != XL_OPT_FLAG && o->arg)
		return xl_err("%s needs a value", what);
	switch (o->type) {
	case XL_OPT_FLAG:
		if (value)
			return parse_bool(what, value, o->target);
		*(bool *)o->target = true;
		return 0;
	case XL_OPT_INT:
		return parse_whole(what, value, o->min, o->max, o->target);
	case XL_OPT_NUM:
		if (o->or_unset)
			return parse_or_unset(o, what, value, o->target);
		return xl_parse_num(what, value, o->min, o->max, o->target);
	case XL_OPT_STR:
		*(const char **)o->target = value;
		return 0;
	case XL_OPT_ENUM:
		return parse_enum(o, what, value, o->target);
	case XL_OPT_CALL:
		return o->fn(o->target, o->name, value);
	case XL_OPT_GROUP:
	case XL_OPT_END:
		break;
	}
	return xl_err("%s cannot be set", what);
}

int xl_opt_apply(struct xl_opt *o, const char *value)
{
	if (assign(o, value))
		return -1;
	if (o->given)
		*o->given = true;
	return 0;
}

int xl_opt_set(struct xl_opt *opts, const char *name, const char *value)
{
	for (struct xl_opt *o = opts; o->type != XL_OPT_END; o++)
		if (o->type != XL_OPT_GROUP && strcmp(o->name, name) == 0)
			return xl_opt_apply(o, value);
	return xl_err("there is no option '%s'", name);
}

void xl_opt_defaults(struct xl_opt *opts)
{
	for (struct xl_opt *o = opts; o->type != XL_OPT_END; o++) {
		if (o->type == XL_OPT_GROUP || o->type == XL_OPT_CALL || !o->def)
			continue;
		if (assign(o, o->def))
			xl_bug("default of %s", xl_err_msg());
	}
}

/* ---- help ------------------------------------------------------------- */

enum { HELP_COLUMN = 26, HELP_WIDTH = 80 };

/* Writes words from column `at`, continued at HELP_COLUMN. */
static void print_wrapped(FILE *f, int at, const char *s)
{
	while (*s) {
		int n = (int)strcspn(s, " ");

		if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH) {
			fprintf(f, "\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		if (at > HELP_COLUMN) {
			fputc(' ', f);
			at++;
		}
		fwrite(s, 1, (size_t)n, f);
		at += n;
		s += n;
		s += strspn(s, " ");
	}
	fputc('\n', f);
}

void xl_opt_print(FILE *f, const struct xl_opt *opts)
{
	for (const struct xl_opt *o = opts; o->type != XL_OPT_END; o++) {
		char left[160], help[512];

		if (o->type == XL_OPT_GROUP) {
			fprintf(f, "\n%s:\n", o->help);
			continue;
		}
		snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
			 o->arg ? "=" : "", o->arg ? o->arg : "");
		snprintf(help, sizeof(help), o->def ? "%s [%s]" : "%s", o->help, o->def);
		if (strlen(left) + 2 > HELP_COLUMN)
			fprintf(f, "%s\n%*s", left, HELP_COLUMN, "");
		else
			fprintf(f, "%-*s", HELP_COLUMN, left);
		print_wrapped(f, HELP_COLUMN, help);
	}
}
