/*
 * json.h - writes JSON, one object per line. A non-finite number becomes null
 * and is named again under "nonfinite".
 */
#ifndef XL_CORE_JSON_H
#define XL_CORE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct xl_json {
	char *text; /* the object so far, without the closing brace */
	size_t size, cap;
	int depth;
	bool first, failed;
	char *nonfinite; /* names of values that were not finite, comma separated */
};

void xl_json_begin(struct xl_json *j); /* starts "{" */
void xl_json_str(struct xl_json *j, const char *key, const char *v);
void xl_json_int(struct xl_json *j, const char *key, int64_t v);
void xl_json_num(struct xl_json *j, const char *key, double v); /* shortest exact form */
void xl_json_bool(struct xl_json *j, const char *key, bool v);
/* bracket is { or [, or their closing twin for close; key NULL inside an array */
void xl_json_open(struct xl_json *j, const char *key, char bracket);
void xl_json_close(struct xl_json *j, char bracket);

/* xl_json_end - closes, writes "{...}\n" to f, flushes and frees; 0, or -1 with
 * xl_err set */
int xl_json_end(struct xl_json *j, FILE *f);

#endif
