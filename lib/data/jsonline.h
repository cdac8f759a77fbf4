/*
 * jsonline.h - reads the members of one JSON object on one line. Values that
 * are objects or arrays are checked and passed over.
 */
#ifndef XL_DATA_JSONLINE_H
#define XL_DATA_JSONLINE_H

#include <stddef.h>

enum xl_jsonline_type { XL_JSON_NUMBER, XL_JSON_TEXT, XL_JSON_OTHER };

struct xl_jsonline {
	const char *start, *p;
	int n;         /* members given */
	char key[256]; /* of the member given last, \escapes resolved, cut to fit */
	enum xl_jsonline_type type;
	double number; /* XL_JSON_NUMBER, finite */
};

void xl_jsonline_begin(struct xl_jsonline *j, const char *line);

/*
 * xl_jsonline_next - the next member of the object
 *
 * Errors   1, 0 at the end of the object and the line, or -1 with xl_err set:
 *          "not JSON (at byte 14)"
 */
int xl_jsonline_next(struct xl_jsonline *j);

#endif
