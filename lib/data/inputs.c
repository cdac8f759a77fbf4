/*
 * inputs.c - pictures and streams as one sequence of records.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/mem.h"
#include "data/inputs.h"
#include "image/image.h"
#include "tensor/stream.h"

/* Enough of a record to tell it from a picture (xl_is_stream). */
enum { FIRST_BYTES = 8 };

static const char *const standard_input[1] = {"-"};

void xl_inputs_init(struct xl_inputs *in, const char *const *paths, int n)
{
	*in = (struct xl_inputs){.paths = n > 0 ? paths : standard_input, .n = n > 0 ? n : 1};
	in->name = "stdin";
}

void xl_inputs_done(struct xl_inputs *in)
{
	xl_reader_close(in->reader);
	in->reader = NULL;
}

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

int xl_inputs_stdin(const struct xl_inputs *in)
{
	int n = 0;

	for (int i = 0; i < in->n; i++)
		n += is_stdin(in->paths[i]);
	return n;
}

const char *xl_inputs_where(const struct xl_inputs *in)
{
	return in->where[0] ? in->where : in->name;
}

char *xl_id_of_path(const char *path)
{
	const char *slash = strrchr(path, '/'), *s = slash && slash[1] ? slash + 1 : path;
	char *id = xl_alloc(3 * strlen(s) + 1, 1), *p = id;

	while (id && *s) {
		size_t n = 1;

		while (n < 4 && !xl_is_utf8(s, n) && s[n])
			n++;
		if (xl_is_utf8(s, n)) {
			memcpy(p, s, n);
			p += n;
			s += n;
		} else {
			p += sprintf(p, "%%%02X", (unsigned char)*s++);
		}
	}
	return id;
}

/* ---- pictures --------------------------------------------------------- */

static struct xl_record *image_record(const char *path, struct xl_tensor *x)
{
	char *id = is_stdin(path) ? xl_strdup("stdin") : xl_id_of_path(path);
	struct xl_record *r = id ? xl_record_new(XL_IMAGE, id) : NULL;

	free(id);
	if (!r)
		xl_tensor_free(x);
	else if (xl_record_put(r, "x", x)) {
		xl_record_free(r);
		r = NULL;
	}
	return r;
}

/* The open input as a picture; the reader is closed in any case. */
static int read_picture(struct xl_inputs *in, const char *path, struct xl_record **out)
{
	char head[XL_PICTURE_HEAD];
	struct xl_tensor *x = NULL;
	void *data = NULL;
	size_t size = 0;
	int n = xl_reader_peek(in->reader, head, sizeof head);

	/* what has no end is not read to it */
	if (n >= 0 && xl_image_check(head, (size_t)n))
		xl_err_prefix("%s", in->name);
	else if (n >= 0 && xl_reader_all(in->reader, XL_MAX_PICTURE_FILE, &data, &size) == 0) {
		if (size > XL_MAX_PICTURE_FILE)
			xl_err("%s: too large for a picture", in->name);
		else
			x = xl_image_load_mem(in->name, data, size);
	}
	free(data);
	xl_inputs_done(in);
	if (x)
		*out = image_record(path, x);
	if (!*out)
		return -1;
	in->from_picture = true;
	snprintf(in->where, sizeof in->where, "%s", in->name);
	return 1;
}

/* A picture that was never written, and no stream without records. */
static bool is_empty_picture(const char *path)
{
	const char *dot = strrchr(path, '.');
	struct stat st;

	return !is_stdin(path) && dot && !strchr(dot, '/') && strcmp(dot, ".msgpack") != 0 &&
	       stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- operands --------------------------------------------------------- */

static int open_next(struct xl_inputs *in, struct xl_record **out)
{
	const char *path = in->paths[in->next++];
	char first[FIRST_BYTES];
	int n;

	in->name = is_stdin(path) ? "stdin" : path;
	in->reader = xl_reader_open(path);
	if (!in->reader)
		goto fail;
	n = xl_reader_peek(in->reader, first, sizeof first);
	if (n < 0)
		goto fail;
	if (n == 0 && is_empty_picture(path)) {
		xl_err("%s: not an image (it is empty)", path);
		goto fail;
	}
	if (n == 0 || xl_is_stream(first, (size_t)n))
		return 0;
	n = read_picture(in, path, out);
	in->count++;
	return n;
fail:
	in->count++;
	xl_inputs_done(in);
	return -1;
}

/* A record that was read: 1, or -1 with xl_err set where no other of its stream will do
 * either. */
static int take(struct xl_inputs *in, struct xl_record **r)
{
	in->count++;
	snprintf(in->where, sizeof in->where, "%s", xl_reader_where(in->reader));
	if (xl_record_pictured(*r) == 0)
		return 1;
	xl_record_free(*r);
	*r = NULL;
	return xl_err_prefix("%s", in->where);
}

bool xl_inputs_leave(struct xl_inputs *in)
{
	char next;
	const bool has_more = in->reader && xl_reader_peek(in->reader, &next, 1) != 0;

	xl_inputs_done(in);
	in->damaged = in->damaged || has_more;
	return has_more;
}

int xl_inputs_next(struct xl_inputs *in, struct xl_record **out)
{
	int got = 0;

	*out = NULL;
	in->from_picture = false;
	in->where[0] = '\0';
	for (;;) {
		if (in->reader) {
			got = xl_reader_next(in->reader, out);
			if (got > 0)
				got = take(in, out);
			if (got > 0)
				return 1;
			xl_inputs_done(in);
			in->damaged = got < 0 || in->damaged;
			if (got < 0)
				return -1;
		}
		if (in->next == in->n)
			return 0;
		got = open_next(in, out);
		if (got != 0)
			return got;
	}
}
