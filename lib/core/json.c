/*
 * json.c - one JSON object per line, built in memory and written at once, so
 * that a line in a log is never half a line of another program.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/file.h"
#include "core/json.h"
#include "core/mem.h"

static void put(struct xl_json *j, const char *s, size_t n)
{
	if (j->failed)
		return;
	if (j->size + n + 1 > j->cap) {
		size_t cap = j->cap ? j->cap : 256;
		char *p;

		while (cap < j->size + n + 1)
			cap *= 2;
		p = xl_realloc(j->text, cap, 1);
		if (!p) {
			j->failed = true;
			return;
		}
		j->text = p;
		j->cap = cap;
	}
	memcpy(j->text + j->size, s, n);
	j->size += n;
	j->text[j->size] = '\0';
}

static void text(struct xl_json *j, const char *s)
{
	put(j, s, strlen(s));
}

static void quoted(struct xl_json *j, const char *s)
{
	text(j, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char esc[8];

		if (c == '"' || c == '\\') {
			esc[0] = '\\';
			esc[1] = (char)c;
			put(j, esc, 2);
		} else if (c < 0x20 || c == 0x7f) {
			snprintf(esc, sizeof(esc), "\\u%04x", c);
			text(j, esc);
		} else {
			put(j, s, 1);
		}
	}
	text(j, "\"");
}

/* The comma and the name before a value. */
static void begin_value(struct xl_json *j, const char *key)
{
	if (!j->first)
		text(j, ",");
	j->first = false;
	if (key) {
		quoted(j, key);
		text(j, ":");
	}
}

void xl_json_begin(struct xl_json *j)
{
	memset(j, 0, sizeof(*j));
	text(j, "{");
	j->first = true;
}

void xl_json_str(struct xl_json *j, const char *key, const char *v)
{
	begin_value(j, key);
	if (v)
		quoted(j, v);
	else
		text(j, "null");
}

void xl_json_int(struct xl_json *j, const char *key, int64_t v)
{
	char s[32];

	begin_value(j, key);
	snprintf(s, sizeof(s), "%lld", (long long)v);
	text(j, s);
}

static void name_nonfinite(struct xl_json *j, const char *key)
{
	char *s = xl_strf("%s%s%s", j->nonfinite ? j->nonfinite : "", j->nonfinite ? "," : "",
			  key ? key : "");

	if (!s)
		j->failed = true;
	free(j->nonfinite);
	j->nonfinite = s;
}

void xl_json_num(struct xl_json *j, const char *key, double v)
{
	char s[40];

	begin_value(j, key);
	if (!isfinite(v)) {
		text(j, "null");
		name_nonfinite(j, key);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(s, sizeof(s), "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	for (char *p = s; *p; p++) /* whatever the locale says */
		if (*p == ',')
			*p = '.';
	text(j, s);
}

void xl_json_bool(struct xl_json *j, const char *key, bool v)
{
	begin_value(j, key);
	text(j, v ? "true" : "false");
}

void xl_json_open(struct xl_json *j, const char *key, char bracket)
{
	begin_value(j, key);
	put(j, &bracket, 1);
	j->depth++;
	j->first = true;
}

void xl_json_close(struct xl_json *j, char bracket)
{
	char c = bracket == '[' ? ']' : bracket == '{' ? '}' : bracket;

	put(j, &c, 1);
	j->depth--;
	j->first = false;
}

int xl_json_end(struct xl_json *j, FILE *f)
{
	int rc = 0;

	if (j->nonfinite)
		xl_json_str(j, "nonfinite", j->nonfinite);
	text(j, "}\n");
	if (j->failed)
		rc = -1;
	else if (fwrite(j->text, 1, j->size, f) != j->size || fflush(f))
		rc = xl_write_failed(f == stdout ? "stdout" : "log");
	free(j->text);
	free(j->nonfinite);
	memset(j, 0, sizeof(*j));
	return rc;
}
