/*
 * cli.c - starts a tool: argv over getopt_long, the options every tool has, and
 * the answers to --help, --version and --help-mdoc (the page's OPTIONS).
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <msgpack/version_master.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vips/version.h>
#include <zlib.h>
#include "core/mem.h"
#include "core/opt.h"
#include "core/pool.h"
#include "core/tool.h"

struct xl_common xl_common = {.progress = "auto"};

enum { MAX_THREADS = 1024 }; /* as in pool.c */

/* Values of getopt_long: above every letter. */
enum { VAL_HELP = 256, VAL_VERSION, VAL_MDOC, VAL_FIRST };

/* clang-format off */
static struct xl_opt common[] = {
	{.type = XL_OPT_INT, .name = "threads", .arg = "n", .target = &xl_common.threads,
	 .min = 1, .max = MAX_THREADS, .help = "threads to use, else XL_THREADS, else all CPUs"},
	{.type = XL_OPT_INT, .name = "seed", .arg = "n", .def = "0", .target = &xl_common.seed,
	 .min = 0, .max = INFINITY, .given = &xl_common.seed_given,
	 .help = "seed of every random number"},
	{.type = XL_OPT_ENUM, .name = "progress", .arg = "auto|always|never", .def = "auto",
	 .target = &xl_common.progress, .help = "progress line on stderr"},
	{.type = XL_OPT_FLAG, .letter = 'q', .name = "quiet", .target = &xl_common.quiet,
	 .help = "no progress and no remarks, only failures"},
	{.type = XL_OPT_FLAG, .letter = 'h', .name = "help", .help = "print this and exit"},
	{.type = XL_OPT_FLAG, .name = "version", .help = "print the version and exit"},
	{.type = XL_OPT_END}
};
/* clang-format on */

static bool is_option(const struct xl_opt *o)
{
	return o->type != XL_OPT_GROUP;
}

/* ---- answers ---------------------------------------------------------- */

static _Noreturn void answer_help(const struct xl_tool *tool, const char *operand)
{
	if (tool->help && tool->help(tool->opts, operand))
		xl_usage("%s", xl_err_msg());
	printf("usage: %s %s\n%s\n\n", tool->name, tool->synopsis, tool->summary);
	xl_opt_print(stdout, tool->opts);
	xl_opt_print(stdout, common);
	if (tool->example)
		printf("\nexample: %s\n", tool->example);
	printf("see %s(1)\n", tool->name);
	exit(xl_finish());
}

static _Noreturn void answer_version(const struct xl_tool *tool)
{
	printf("%s %s\n", tool->name, XL_VERSION);
	printf("built with msgpack-c %d.%d.%d, libvips %s, zlib %s\n", MSGPACK_VERSION_MAJOR,
	       MSGPACK_VERSION_MINOR, MSGPACK_VERSION_REVISION, VIPS_VERSION, ZLIB_VERSION);
#if defined(__clang__)
	printf("compiled by clang %d.%d.%d\n", __clang_major__, __clang_minor__,
	       __clang_patchlevel__);
#else
	printf("compiled by gcc %d.%d.%d\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
	exit(xl_finish());
}

/* Nothing in a text may look like a request or an escape; a list of words that fills a line
 * may be broken. */
static void mdoc_text(const char *s, bool is_literal)
{
	const bool is_long = is_literal && strlen(s) > 60;

	if (*s == '.' || *s == '\'')
		fputs("\\&", stdout);
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-' && is_literal)
			fputs("\\-", stdout);
		else if (*s == '|' && is_long)
			fputs("|\\:", stdout);
		else
			putchar(*s);
	}
}

static void mdoc_option(const struct xl_opt *o)
{
	fputs(".It ", stdout);
	if (o->letter)
		printf("Fl %c , ", o->letter);
	fputs("Fl Fl ", stdout);
	mdoc_text(o->name, true);
	if (o->arg) {
		fputs(" Ns = Ns Ar ", stdout);
		mdoc_text(o->arg, true);
	}
	printf("\n%c", toupper((unsigned char)o->help[0]));
	mdoc_text(o->help + 1, false);
	fputs(".\n", stdout);
	if (o->def) {
		fputs("Default: ", stdout);
		mdoc_text(o->def, true);
		fputs(".\n", stdout);
	}
}

static void mdoc_table(const struct xl_opt *opts, bool *open)
{
	for (const struct xl_opt *o = opts; o->type != XL_OPT_END; o++) {
		if (!is_option(o)) {
			if (*open)
				puts(".El");
			*open = false;
			printf(".Ss %c", toupper((unsigned char)o->help[0]));
			mdoc_text(o->help + 1, false);
			putchar('\n');
			continue;
		}
		if (!*open)
			puts(".Bl -tag -width Ds");
		*open = true;
		mdoc_option(o);
	}
}

static _Noreturn void answer_mdoc(const struct xl_tool *tool)
{
	bool open = false;

	mdoc_table(tool->opts, &open);
	mdoc_table(common, &open);
	puts(".El");
	exit(xl_finish());
}

/* ---- parsing ---------------------------------------------------------- */

struct parser {
	struct xl_opt **opts; /* by val - VAL_FIRST */
	struct option *longs;
	bool *given; /* as opts */
	char *shorts;
	int n;
};

static void add_table(struct parser *p, struct xl_opt *table)
{
	for (struct xl_opt *o = table; o->type != XL_OPT_END; o++) {
		bool answer = table == common && !o->target;
		int val = VAL_FIRST + p->n;

		if (!is_option(o))
			continue;
		if (answer)
			val = strcmp(o->name, "help") == 0 ? VAL_HELP : VAL_VERSION;
		p->opts[p->n] = o;
		p->longs[p->n++] = (struct option){
			o->name, o->arg ? required_argument : no_argument, NULL, val};
		if (o->letter) {
			char s[3] = {o->letter, o->arg ? ':' : '\0', '\0'};

			if (strchr(p->shorts, o->letter))
				xl_bug("two options -%c", o->letter);
			strcat(p->shorts, s);
		}
	}
}

static size_t table_length(const struct xl_opt *o)
{
	size_t n = 0;

	while (o[n].type != XL_OPT_END)
		n++;
	return n;
}

static void build(struct parser *p, const struct xl_tool *tool)
{
	size_t n = table_length(tool->opts) + table_length(common);

	p->n = 0;
	p->opts = xl_alloc(n, sizeof(*p->opts));
	p->longs = xl_alloc(n + 2, sizeof(*p->longs));
	p->given = xl_alloc(n, sizeof(*p->given));
	p->shorts = xl_alloc(2 * n + 2, 1);
	if (!p->opts || !p->longs || !p->given || !p->shorts)
		xl_die("%s", xl_err_msg());
	strcpy(p->shorts, ":"); /* tell a missing argument from an unknown option */
	add_table(p, tool->opts);
	add_table(p, common);
	p->longs[p->n] = (struct option){"help-mdoc", no_argument, NULL, VAL_MDOC};
}

/* The number of an option by what getopt_long calls it, or -1. */
static int number_of(const struct parser *p, int val)
{
	if (val >= VAL_FIRST && val < VAL_FIRST + p->n)
		return val - VAL_FIRST;
	for (int i = 0; i < p->n; i++)
		if ((val == VAL_HELP && strcmp(p->opts[i]->name, "help") == 0) ||
		    (val == VAL_VERSION && strcmp(p->opts[i]->name, "version") == 0) ||
		    (val < VAL_HELP && val > 0 && p->opts[i]->letter == val))
			return i;
	return -1;
}

static const struct xl_opt *by_value(const struct parser *p, int val)
{
	const int i = number_of(p, val);

	return i < 0 ? NULL : p->opts[i];
}

/* What getopt_long only calls '?'. */
static _Noreturn void refuse_option(const struct parser *p, const char *word)
{
	const struct xl_opt *o = by_value(p, optopt);
	int like = 0, n;

	if (o && word[0] == '-' && word[1] == '-')
		xl_usage("option '--%s' takes no value", o->name);
	if (optopt)
		xl_usage("unknown option '-%c'", optopt);
	n = (int)strcspn(word, "=");
	for (int i = 0; i < p->n; i++)
		like += n > 2 && strncmp(p->longs[i].name, word + 2, (size_t)n - 2) == 0;
	if (like > 1)
		xl_usage("option '%.*s' is the beginning of %d options", n, word, like);
	xl_usage("unknown option '%.*s'", n, word);
}

/* The first operand, or NULL: known when all options are, whatever is wrong with these. */
static const char *operand_of(const struct parser *p, int argc, char **argv)
{
	while (getopt_long(argc, argv, p->shorts, p->longs, NULL) != -1)
		;
	return argv[optind];
}

static void take_option(const struct parser *p, const struct xl_tool *tool, int val, int argc,
			char **argv)
{
	const struct xl_opt *o;
	int i;

	switch (val) {
	case VAL_HELP:
	case 'h':
		answer_help(tool, operand_of(p, argc, argv));
	case VAL_VERSION:
		answer_version(tool);
	case VAL_MDOC:
		answer_mdoc(tool);
	case '?':
		refuse_option(p, argv[optind > 1 ? optind - 1 : 1]);
	case ':':
		o = by_value(p, optopt);
		if (o)
			xl_usage("option '--%s' needs a value (%s)", o->name, o->arg);
		xl_usage("option '-%c' needs a value", optopt);
	default:
		i = number_of(p, val);
		if (i < 0)
			xl_bug("option value %d", val);
		p->given[i] = true;
		if (xl_opt_apply(p->opts[i], p->opts[i]->arg ? optarg : NULL))
			xl_usage("%s", xl_err_msg());
	}
}

/* The first option of a list that was given, or NULL. */
static const char *given_of(const struct parser *p, const char *list)
{
	for (int i = 0; i < p->n; i++)
		if (p->given[i] && xl_word_in(list, p->opts[i]->name))
			return p->opts[i]->name;
	return NULL;
}

static void check_together(const struct parser *p)
{
	for (int i = 0; i < p->n; i++) {
		const struct xl_opt *o = p->opts[i];
		const char *other;

		if (!p->given[i])
			continue;
		if (o->without && (other = given_of(p, o->without)))
			xl_usage("--%s and --%s exclude each other", o->name, other);
		if (o->with && !given_of(p, o->with))
			xl_usage("--%s is for --%s", o->name, o->with);
	}
}

int xl_opt_parse(const struct xl_tool *tool, int argc, char **argv)
{
	const char *env = getenv("XL_THREADS");
	struct parser p;
	int64_t n;
	int val;

	xl_tool_begin(tool->name);
	xl_opt_defaults(common);
	xl_opt_defaults(tool->opts);
	build(&p, tool);
	opterr = 0;
	while ((val = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1)
		take_option(&p, tool, val, argc, argv);
	check_together(&p);
	free(p.opts);
	free(p.longs);
	free(p.given);
	free(p.shorts);
	if (env && *env && xl_parse_int("XL_THREADS", env, 1, MAX_THREADS, &n))
		xl_usage("%s", xl_err_msg());
	if (tool->check && tool->check())
		xl_usage("%s", xl_err_msg());
	xl_threads_set((int)xl_common.threads);
	return optind;
}
