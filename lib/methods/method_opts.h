/*
 * method_opts.h - rows of a method's table of hyper-parameters (struct xl_method.opts).
 * XL_HYPERS, which the method defines, is the struct that holds them.
 */
#ifndef XL_METHODS_METHOD_OPTS_H
#define XL_METHODS_METHOD_OPTS_H

#include "methods/method.h"

/*
 * XL_H_INT     - a whole number: option, field, default, help, least, largest
 * XL_H_NUM     - a number: the same
 * XL_H_RUN_INT - the same, which a resumed run may change: what says how long and how fast
 * XL_H_RUN_NUM   it learns, and for what
 * XL_H_UNSET_NUM - the same, of 0 or more, or -1, the default, which leaves it to another
 *                option: option, field, help, largest
 * XL_H_WORD    - one word of a choice: option, field, choice, default, help
 * XL_H_FLAG    - a switch, off by default: option, field, help
 * XL_H_END     - the last row
 */
#define XL_H_NUMBER(kind, token, option, field, value, words, lo, hi, changes)                     \
	{                                                                                          \
		.type = kind, .name = option, .arg = token, .def = value, .help = words,           \
		.target = XL_HYPER(XL_HYPERS, field), .min = lo, .max = hi, .may_change = changes  \
	}
#define XL_H_INT(option, field, value, words, lo, hi)                                              \
	XL_H_NUMBER(XL_OPT_INT, "n", option, field, value, words, lo, hi, false)
#define XL_H_NUM(option, field, value, words, lo, hi)                                              \
	XL_H_NUMBER(XL_OPT_NUM, "x", option, field, value, words, lo, hi, false)
#define XL_H_RUN_INT(option, field, value, words, lo, hi)                                          \
	XL_H_NUMBER(XL_OPT_INT, "n", option, field, value, words, lo, hi, true)
#define XL_H_RUN_NUM(option, field, value, words, lo, hi)                                          \
	XL_H_NUMBER(XL_OPT_NUM, "x", option, field, value, words, lo, hi, true)
#define XL_H_UNSET_NUM(option, field, words, hi)                                                   \
	{                                                                                          \
		.type = XL_OPT_NUM, .name = option, .arg = "x", .def = "-1", .help = words,        \
		.target = XL_HYPER(XL_HYPERS, field), .max = hi, .or_unset = true,                 \
		.may_change = true                                                                 \
	}
#define XL_H_WORD(option, field, choice, value, words)                                             \
	{                                                                                          \
		.type = XL_OPT_ENUM, .name = option, .arg = choice, .def = value, .help = words,   \
		.target = XL_HYPER(XL_HYPERS, field)                                               \
	}
#define XL_H_FLAG(option, field, words)                                                            \
	{                                                                                          \
		.type = XL_OPT_FLAG, .name = option, .help = words,                                \
		.target = XL_HYPER(XL_HYPERS, field)                                               \
	}
#define XL_H_END                                                                                   \
	{                                                                                          \
		.type = XL_OPT_END                                                                 \
	}

#endif
