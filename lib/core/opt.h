/*
 * opt.h - one table per tool describes its options; parsing, --help, the page
 * and completions all come from it. Used by tools (through xl_opt_parse) and by
 * methods for their hyper-parameters (through xl_opt_set).
 */
#ifndef XL_CORE_OPT_H
#define XL_CORE_OPT_H

#include <stdbool.h>
#include <stdint.h>
#include "xl.h"

enum xl_opt_type {
	XL_OPT_END,
	XL_OPT_FLAG, /* bool */
	XL_OPT_INT,  /* int64_t, whole number from min to max */
	XL_OPT_NUM,  /* double from min to max */
	XL_OPT_STR,  /* const char *, points into argv */
	XL_OPT_ENUM, /* const char *, one of the words of arg, split at '|' */
	XL_OPT_CALL, /* fn(ctx, name, value), in command-line order; value is NULL
		      * where arg is; -1 with xl_err set is wrong usage */
	XL_OPT_GROUP /* no option: help is a heading in --help */
};

typedef int xl_opt_fn(void *ctx, const char *name, const char *value);

struct xl_opt {
	enum xl_opt_type type;
	char letter;         /* short option, or 0 */
	const char *name;    /* long option without hyphens */
	const char *arg;     /* argument token, NULL for none */
	const char *def;     /* default, for help and (if not NULL) as initial value */
	const char *help;    /* lower case, no full stop */
	void *target;        /* what to set; for CALL the ctx */
	double min, max;     /* INT, NUM; no range where min >= max */
	bool or_unset;       /* NUM: -1, outside of the range, leaves it to what help says */
	xl_opt_fn *fn;       /* CALL */
	bool *given;         /* set to true when the option was given; may be NULL */
	const char *with;    /* an option without which this one means nothing, or NULL */
	const char *without; /* options, split at '|', with which this one means nothing, or
			      * NULL; tools refuse both, tables of hyper-parameters have none */
	bool may_change;     /* INT, NUM of hyper-parameters: by a run that is resumed */
};

/* Describes a tool for --help and the page. */
struct xl_tool {
	const char *name;     /* "xl-crop" */
	const char *synopsis; /* "[options] path..." */
	const char *summary;  /* one clause: what it does */
	const char *example;  /* one command line */
	struct xl_opt *opts;  /* ended by XL_OPT_END; common options not included */
	int (*check)(void);   /* what else is wrong usage, as a variable of the environment;
			       * 0, or -1 with xl_err set; may be NULL */
	/* Completes opts before --help prints them; the first operand, or NULL; as check */
	int (*help)(struct xl_opt *opts, const char *operand);
};

/* Values of the options every tool has: --help --version -q --threads --seed */
struct xl_common {
	bool quiet;
	int64_t threads;
	int64_t seed;
	bool seed_given;
	const char *progress; /* auto, always, never */
};
extern struct xl_common xl_common;

/*
 * xl_opt_parse - start a tool: parse argv, answer --help and --version, size
 * the pool, note the tool's name for messages
 *
 * Returns  the index in argv of the first operand. Never returns for --help and
 *          --version (status 0) or wrong usage (one line, one hint, status 2).
 *          Operands may stand between options; "--" ends the options.
 */
int xl_opt_parse(const struct xl_tool *tool, int argc, char **argv);

/*
 * xl_opt_set - set one value by name in a table of hyper-parameters
 *
 * Errors   0, or -1 with xl_err set: "--size: '9x' is not a whole number from
 *          8 to 4096"; an unknown name lists nothing and says so
 */
int xl_opt_set(struct xl_opt *opts, const char *name, const char *value);

/* xl_opt_apply - the same for one option of a table; value NULL turns a flag on */
int xl_opt_apply(struct xl_opt *o, const char *value);

/* xl_opt_defaults - give every target its default; a default must be valid */
void xl_opt_defaults(struct xl_opt *opts);

/* xl_opt_print - the table as lines of --help, on f */
void xl_opt_print(FILE *f, const struct xl_opt *opts);

/* xl_word_in - whether a word, not empty, is one of a list, "paper|small|tiny" */
bool xl_word_in(const char *list, const char *word);

/* xl_parse_int, xl_parse_num - a whole string as a number within a range, with
 * the message of xl_opt_set; 0, or -1 with xl_err set */
int xl_parse_int(const char *what, const char *s, int64_t min, int64_t max, int64_t *out);
int xl_parse_num(const char *what, const char *s, double min, double max, double *out);

#endif
