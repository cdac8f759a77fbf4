/*
 * token.c - the tokens of a stream: msgpack's, of which this is the whole
 * grammar. Nothing here allocates.
 */
#include <stdarg.h>
#include <string.h>
#include "tensor/token.h"

static const char *const kind_words[] = {"nothing",  "true or false", "a whole number",
					 "a number", "a string",      "bytes",
					 "a list",   "a map",         "an extension"};

const char *xl_token_kind_words(enum xl_token_kind kind)
{
	return kind_words[kind];
}

/* ---- messages --------------------------------------------------------- */

void xl_token_where(const struct xl_reader *rd, const char *id, char *buf, size_t size)
{
	if (id)
		snprintf(buf, size, "%.200s: record %lld (%.200s)", rd->in.name,
			 (long long)rd->count, id);
	else
		snprintf(buf, size, "%.200s: record %lld", rd->in.name, (long long)rd->count);
}

int xl_token_fail(struct xl_reader *rd, const char *fmt, ...)
{
	char text[512], where[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	xl_token_where(rd, rd->id, where, sizeof(where));
	return xl_err("%s: %s", where, text);
}

int xl_token_truncated(struct xl_reader *rd, uint64_t missing)
{
	return xl_token_fail(rd, "ends inside %s, %llu byte%s missing", rd->part,
			     (unsigned long long)missing, missing == 1 ? "" : "s");
}

/* ---- tokens ----------------------------------------------------------- */

static uint64_t big_endian(const uint8_t *p, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Bytes that follow the first one of a token, before any content. */
static int argument_bytes(uint8_t b)
{
	static const uint8_t bytes[32] = {
		0, 0, 0, 0, 1, 2, 4, 1, 2, 4, /* c0: nil - false true, bin, ext */
		4, 8, 1, 2, 4, 8, 1, 2, 4, 8, /* ca: float, uint, int */
		0, 0, 0, 0, 0, 1, 2, 4,       /* d4: fixext, str */
		2, 4, 2, 4};                  /* dc: array, map */

	return b >= 0xc0 && b < 0xe0 ? bytes[b - 0xc0] : 0;
}

static void decode_number(uint8_t b, uint64_t v, struct xl_token *t)
{
	uint32_t bits = (uint32_t)v;
	float f;

	t->kind = b <= 0xcb ? XL_T_FLOAT : XL_T_INT;
	t->i = (int64_t)v;
	switch (b) {
	case 0xca:
		memcpy(&f, &bits, sizeof(f));
		t->f = (double)f;
		break;
	case 0xcb:
		memcpy(&t->f, &v, sizeof(v));
		break;
	case 0xcf:
		t->is_huge = v > INT64_MAX;
		break;
	case 0xd0:
		t->i = (int8_t)v;
		break;
	case 0xd1:
		t->i = (int16_t)v;
		break;
	case 0xd2:
		t->i = (int32_t)v;
		break;
	}
}

static int decode(uint8_t b, uint64_t v, struct xl_token *t)
{
	*t = (struct xl_token){.kind = XL_T_NIL, .n = v};
	if (b < 0x80 || b >= 0xe0) {
		t->kind = XL_T_INT;
		t->i = (int8_t)b;
	} else if (b < 0xa0) {
		t->kind = b < 0x90 ? XL_T_MAP : XL_T_ARRAY;
		t->n = b & 15u;
	} else if (b < 0xc0) {
		t->kind = XL_T_STR;
		t->n = b & 31u;
	} else if (b == 0xc1) {
		return -1;
	} else if (b == 0xc2 || b == 0xc3) {
		t->kind = XL_T_BOOL;
		t->i = b & 1;
	} else if (b >= 0xc4 && b <= 0xc6) {
		t->kind = XL_T_BIN;
	} else if (b >= 0xc7 && b <= 0xc9) {
		t->kind = XL_T_EXT;
		t->n = v + 1; /* and its type */
	} else if (b >= 0xca && b <= 0xd3) {
		decode_number(b, v, t);
	} else if (b >= 0xd4 && b <= 0xd8) {
		t->kind = XL_T_EXT;
		t->n = (1u << (b - 0xd4)) + 1;
	} else if (b >= 0xd9 && b <= 0xdb) {
		t->kind = XL_T_STR;
	} else if (b >= 0xdc) {
		t->kind = b < 0xde ? XL_T_ARRAY : XL_T_MAP;
	}
	return 0;
}

int xl_token_next(struct xl_reader *rd, struct xl_token *t)
{
	struct xl_input *in = &rd->in;
	size_t more;

	if (in->n < 1 && xl_input_fill(in, 1))
		return -1;
	if (in->n < 1)
		return xl_token_truncated(rd, 1);
	more = (size_t)argument_bytes(in->p[0]);
	if (in->n < 1 + more && xl_input_fill(in, 1 + more))
		return -1;
	if (in->n < 1 + more)
		return xl_token_truncated(rd, 1 + more - in->n);
	if (decode(in->p[0], big_endian(in->p + 1, (int)more), t))
		return xl_token_fail(rd, "%s is damaged (byte %02x)", rd->part, in->p[0]);
	xl_input_take(in, NULL, 1 + more); /* in the window: cannot fail */
	return 0;
}

int xl_token_want(struct xl_reader *rd, struct xl_token *t, enum xl_token_kind kind)
{
	if (xl_token_next(rd, t))
		return -1;
	if (t->kind != kind)
		return xl_token_fail(rd, "%s is %s, not %s", rd->part, xl_token_kind_words(t->kind),
				     xl_token_kind_words(kind));
	return 0;
}

/* The content of a string into buf, which holds limit + 1 bytes. Data that is
 * only compared with known words need not be UTF-8. */
int xl_token_text(struct xl_reader *rd, const struct xl_token *t, char *buf, size_t limit)
{
	int64_t got;

	if (t->kind != XL_T_STR && t->kind != XL_T_BIN)
		return xl_token_fail(rd, "%s is %s, not a string", rd->part,
				     xl_token_kind_words(t->kind));
	if (t->n > limit)
		return xl_token_fail(rd, "%s has a string of %llu bytes, the limit is %zu",
				     rd->part, (unsigned long long)t->n, limit);
	got = xl_input_take(&rd->in, buf, t->n);
	if (got < 0)
		return -1;
	if ((uint64_t)got < t->n)
		return xl_token_truncated(rd, t->n - (uint64_t)got);
	buf[t->n] = '\0';
	if (!xl_is_utf8(buf, t->n))
		return xl_token_fail(rd, "%s has a string that is not UTF-8", rd->part);
	return 0;
}

/* Reads past one value of any kind. Depth is bounded, memory constant. */
int xl_token_skip(struct xl_reader *rd)
{
	uint64_t open[XL_LIMIT_DEPTH]; /* values still to come at each level */
	int depth = 0;

	open[0] = 1;
	while (depth >= 0) {
		struct xl_token t;
		int64_t got;

		if (open[depth] == 0) {
			depth--;
			continue;
		}
		open[depth]--;
		if (xl_token_next(rd, &t))
			return -1;
		if (t.kind == XL_T_STR || t.kind == XL_T_BIN || t.kind == XL_T_EXT) {
			got = xl_input_take(&rd->in, NULL, t.n);
			if (got < 0)
				return -1;
			if ((uint64_t)got < t.n)
				return xl_token_truncated(rd, t.n - (uint64_t)got);
		} else if (t.kind == XL_T_ARRAY || t.kind == XL_T_MAP) {
			if (++depth == XL_LIMIT_DEPTH)
				return xl_token_fail(rd, "%s is nested more than %d deep", rd->part,
						     XL_LIMIT_DEPTH);
			open[depth] = t.kind == XL_T_MAP ? 2 * t.n : t.n;
		}
	}
	return 0;
}
