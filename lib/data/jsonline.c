/*
 * jsonline.c - a reader of JSON (RFC 8259) for logs: one pass, no memory of its
 * own, no recursion.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/jsonline.h"
#include "xl.h"

enum { MAX_DEPTH = 64 };

void xl_jsonline_begin(struct xl_jsonline *j, const char *line)
{
	memset(j, 0, sizeof *j);
	j->start = j->p = line;
}

static int fail(const struct xl_jsonline *j)
{
	return xl_err("not JSON (at byte %td)", j->p - j->start);
}

static void skip_blanks(struct xl_jsonline *j)
{
	j->p += strspn(j->p, " \t\r\n");
}

/* The four digits of \uXXXX as UTF-8; a half of a pair becomes '?' */
static int put_escaped(struct xl_jsonline *j, char *to)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++, j->p++) {
		if (!isxdigit((unsigned char)*j->p))
			return -1;
		v = v * 16 + (unsigned)(isdigit((unsigned char)*j->p) ? *j->p - '0'
								      : (*j->p | 32) - 'a' + 10);
	}
	if (v == 0 || (v >= 0xd800 && v < 0xe000))
		v = '?';
	if (v < 0x80) {
		to[0] = (char)v;
		return 1;
	}
	if (v < 0x800) {
		to[0] = (char)(0xc0 | v >> 6);
		to[1] = (char)(0x80 | (v & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | v >> 12);
	to[1] = (char)(0x80 | (v >> 6 & 0x3f));
	to[2] = (char)(0x80 | (v & 0x3f));
	return 3;
}

/* A string, into to[size] where that is not NULL, cut to fit */
static int read_string(struct xl_jsonline *j, char *to, size_t size)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	size_t used = 0;

	if (*j->p != '"')
		return fail(j);
	j->p++;
	while (*j->p != '"') {
		char c[4] = {*j->p};
		int n = 1;
		const char *known;

		if ((unsigned char)*j->p < 0x20)
			return fail(j);
		j->p++;
		if (c[0] == '\\') {
			if (*j->p == 'u') {
				j->p++;
				n = put_escaped(j, c);
			} else if (*j->p && (known = strchr(names, *j->p))) {
				j->p++;
				c[0] = means[known - names];
			} else {
				n = -1;
			}
		}
		if (n < 0)
			return fail(j);
		if (to && used + (size_t)n < size) {
			memcpy(to + used, c, (size_t)n);
			used += (size_t)n;
		}
	}
	j->p++;
	if (to)
		to[used] = '\0';
	return 0;
}

static int read_number(struct xl_jsonline *j)
{
	const char *p = j->p, *digits;
	char *end;

	p += *p == '-';
	digits = p;
	p += strspn(p, "0123456789");
	if (p == digits || (*digits == '0' && p > digits + 1))
		return fail(j);
	if (*p == '.') {
		digits = ++p;
		p += strspn(p, "0123456789");
		if (p == digits)
			return fail(j);
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		digits = p;
		p += strspn(p, "0123456789");
		if (p == digits)
			return fail(j);
	}
	j->number = strtod(j->p, &end);
	if (end != p || !isfinite(j->number))
		return fail(j);
	j->p = p;
	return 0;
}

static int read_word(struct xl_jsonline *j)
{
	static const char *const words[] = {"true", "false", "null"};

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);
		if (!strncmp(j->p, words[i], n)) {
			j->p += n;
			return 0;
		}
	}
	return fail(j);
}

static int read_plain(struct xl_jsonline *j, enum xl_jsonline_type *type)
{
	if (*j->p == '"') {
		*type = XL_JSON_TEXT;
		return read_string(j, NULL, 0);
	}
	if (*j->p == '-' || isdigit((unsigned char)*j->p)) {
		*type = XL_JSON_NUMBER;
		return read_number(j);
	}
	*type = XL_JSON_OTHER;
	return read_word(j);
}

/* "key": */
static int read_key(struct xl_jsonline *j, char *to, size_t size)
{
	skip_blanks(j);
	if (read_string(j, to, size))
		return -1;
	skip_blanks(j);
	if (*j->p != ':')
		return fail(j);
	j->p++;
	skip_blanks(j);
	return 0;
}

/* An object or an array, whatever it holds */
static int skip_nested(struct xl_jsonline *j)
{
	char closes[MAX_DEPTH];
	enum xl_jsonline_type type;
	int depth = 0;
	bool is_first = true;

	do {
		skip_blanks(j);
		if (depth && *j->p == closes[depth - 1]) {
			j->p++;
			depth--;
			is_first = false;
			continue;
		}
		if (depth && !is_first) {
			if (*j->p != ',')
				return fail(j);
			j->p++;
			skip_blanks(j);
		}
		if (depth && closes[depth - 1] == '}' && read_key(j, NULL, 0))
			return -1;
		is_first = *j->p == '{' || *j->p == '[';
		if (!is_first) {
			if (read_plain(j, &type))
				return -1;
		} else {
			if (depth == MAX_DEPTH)
				return fail(j);
			closes[depth++] = *j->p == '{' ? '}' : ']';
			j->p++;
		}
	} while (depth);
	return 0;
}

int xl_jsonline_next(struct xl_jsonline *j)
{
	skip_blanks(j);
	if (!j->n) {
		if (*j->p != '{')
			return fail(j);
		j->p++;
		skip_blanks(j);
	}
	if (*j->p == '}') {
		j->p++;
		skip_blanks(j);
		return *j->p ? fail(j) : 0;
	}
	if (j->n) {
		if (*j->p != ',')
			return fail(j);
		j->p++;
	}
	if (read_key(j, j->key, sizeof j->key))
		return -1;
	j->n++;
	j->type = XL_JSON_OTHER;
	if (*j->p == '{' || *j->p == '[')
		return skip_nested(j) ? -1 : 1;
	return read_plain(j, &j->type) ? -1 : 1;
}
