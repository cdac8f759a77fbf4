/*
 * jsonin.c - reads JSON from memory (RFC 8259), piece by piece.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/jsonin.h"
#include "tensor/stream.h"

static int fail(const struct xl_jsonin *in, const char *wants)
{
	const long at = (long)(in->p - in->start);

	if (in->p == in->end)
		return xl_err("the header wants %s, and ends at byte %ld", wants, at);
	return xl_err("the header wants %s at byte %ld, has byte %02x", wants, at,
		      (unsigned)(unsigned char)*in->p);
}

static void skip_space(struct xl_jsonin *in)
{
	while (in->p < in->end && *in->p && strchr(" \t\r\n", *in->p))
		in->p++;
}

bool xl_jsonin_is(struct xl_jsonin *in, char c)
{
	skip_space(in);
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

int xl_jsonin_want(struct xl_jsonin *in, char c)
{
	const char wants[] = {'\'', c, '\'', '\0'};

	return xl_jsonin_is(in, c) ? 0 : fail(in, wants);
}

int xl_jsonin_end(struct xl_jsonin *in)
{
	skip_space(in);
	return in->p == in->end ? 0 : fail(in, "nothing more");
}

int xl_jsonin_more(struct xl_jsonin *in, char close, bool is_first)
{
	if (xl_jsonin_is(in, close))
		return 0;
	return is_first || xl_jsonin_want(in, ',') == 0 ? 1 : -1;
}

static int take_hex(struct xl_jsonin *in, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, in->p++) {
		const char c = in->p < in->end ? *in->p : '\0', lower = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			*out = *out << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return fail(in, "four hex digits");
	}
	return 0;
}

/* The four digits after \u, with the second half where this is the first of two. */
static int take_code(struct xl_jsonin *in, uint32_t *out)
{
	uint32_t low;

	if (take_hex(in, out))
		return -1;
	if (*out < 0xd800 || *out > 0xdfff)
		return 0;
	if (*out > 0xdbff || in->end - in->p < 2 || in->p[0] != '\\' || in->p[1] != 'u')
		return fail(in, "both halves of a character");
	in->p += 2;
	if (take_hex(in, &low))
		return -1;
	if (low < 0xdc00 || low > 0xdfff)
		return fail(in, "the second half of a character");
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return 0;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c >= 0x10000) {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
	} else if (c >= 0x800) {
		*to++ = (char)(0xe0 | c >> 12);
	}
	*to++ = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

static char *take_escape(struct xl_jsonin *in, char *to)
{
	static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *e = in->p < in->end && *in->p ? strchr(from, *in->p) : NULL;
	uint32_t c;

	if (e) {
		in->p++;
		*to++ = means[e - from];
		return to;
	}
	if (in->p == in->end || *in->p != 'u') {
		fail(in, "an escape");
		return NULL;
	}
	in->p++;
	if (take_code(in, &c))
		return NULL;
	return put_utf8(to, c);
}

char *xl_jsonin_string(struct xl_jsonin *in)
{
	const char *q;
	char *text, *to;

	if (xl_jsonin_want(in, '"'))
		return NULL;
	for (q = in->p; q < in->end && *q != '"'; q++)
		q += *q == '\\' && q + 1 < in->end;
	text = to =
		xl_alloc((size_t)(q - in->p) + 1, 1); /* escapes are longer than what they mean */
	if (!text)
		return NULL;
	while (in->p < in->end && *in->p != '"') {
		if ((unsigned char)*in->p < 0x20) {
			fail(in, "no control characters");
			goto fail;
		}
		if (*in->p != '\\') {
			*to++ = *in->p++;
			continue;
		}
		in->p++;
		if (!(to = take_escape(in, to)))
			goto fail;
	}
	if (in->p == in->end) {
		fail(in, "the end of a string");
		goto fail;
	}
	in->p++;
	if (!xl_is_utf8(text, (size_t)(to - text))) {
		xl_err("the header has a string that is not UTF-8");
		goto fail;
	}
	return text;
fail:
	free(text);
	return NULL;
}

int xl_jsonin_whole(struct xl_jsonin *in, int64_t *out)
{
	int64_t v = 0;
	const char *first;

	skip_space(in);
	for (first = in->p; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *in->p - '0', &v))
			return fail(in, "a number below 2^63");
	if (in->p == first || (*first == '0' && in->p > first + 1))
		return fail(in, "a whole number");
	*out = v;
	return 0;
}
