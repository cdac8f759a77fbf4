/*
 * input.c - bytes in, for the stream reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "tensor/input.h"

/* Memory asked for beyond what has arrived. Large enough that reallocation is
 * rare, small enough that a forged length does no harm. */
enum { STEP = 4 << 20 };

/* Reads of this size and more skip the window and go straight into place. */
enum { DIRECT = 16384 };

int xl_input_open(struct xl_input *in, const char *path)
{
	bool is_stdin = !path || strcmp(path, "-") == 0;
	struct stat st;
	off_t at;

	memset(in, 0, sizeof(*in));
	in->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	in->owned = !is_stdin;
	if (in->fd < 0)
		return xl_err("%s: cannot open: %s", path, xl_strerror(errno));
	if (fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		at = lseek(in->fd, 0, SEEK_CUR);
		if (at >= 0 && at < st.st_size)
			in->ahead = (uint64_t)(st.st_size - at);
	}
	in->name = xl_strdup(is_stdin ? "stdin" : path);
	in->buf = in->name ? xl_realloc(NULL, XL_INPUT_WINDOW, 1) : NULL;
	if (!in->buf) {
		xl_input_close(in);
		return -1;
	}
	in->p = in->buf;
	return 0;
}

int xl_input_open_mem(struct xl_input *in, const char *name, const void *data, size_t size)
{
	memset(in, 0, sizeof(*in));
	in->fd = -1;
	in->eof = true;
	in->p = data;
	in->n = size;
	in->name = xl_strdup(name);
	return in->name ? 0 : -1;
}

void xl_input_close(struct xl_input *in)
{
	if (in->owned && in->fd >= 0)
		close(in->fd);
	free(in->buf);
	free(in->name);
	memset(in, 0, sizeof(*in));
	in->fd = -1;
}

/* One read; 0 at the end of input. */
static ssize_t read_some(struct xl_input *in, void *dst, size_t size)
{
	ssize_t n;

	for (;;) {
		n = read(in->fd, dst, size);
		if (n >= 0)
			break;
		if (errno == EAGAIN) { /* inherited from a program that wanted it so */
			struct pollfd p = {.fd = in->fd, .events = POLLIN};

			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			return xl_err("%s: cannot read: %s", in->name, xl_strerror(errno));
		}
	}
	if (n == 0)
		in->eof = true;
	in->ahead -= (uint64_t)n < in->ahead ? (uint64_t)n : in->ahead;
	return n;
}

int xl_input_fill(struct xl_input *in, size_t want)
{
	while (in->n < want && !in->eof) {
		size_t before = (size_t)(in->p - in->buf);
		ssize_t n;

		if (before > 0 && before + want > XL_INPUT_WINDOW) {
			memmove(in->buf, in->p, in->n);
			in->p = in->buf;
			before = 0;
		}
		n = read_some(in, in->buf + before + in->n, XL_INPUT_WINDOW - before - in->n);
		if (n < 0)
			return -1;
		in->n += (size_t)n;
	}
	return 0;
}

static void advance(struct xl_input *in, size_t n)
{
	in->p += n;
	in->n -= n;
	if (in->n == 0 && in->buf)
		in->p = in->buf;
}

int64_t xl_input_take(struct xl_input *in, void *dst, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t k = in->n < n - done ? in->n : n - done;

		if (k == 0 && in->eof)
			break;
		if (k > 0) {
			if (dst)
				memcpy((char *)dst + done, in->p, k);
			advance(in, k);
		} else if (dst && n - done >= DIRECT) {
			ssize_t got = read_some(in, (char *)dst + done, n - done);

			if (got < 0)
				return -1;
			k = (size_t)got;
		} else if (xl_input_fill(in, 1)) {
			return -1;
		}
		done += k;
	}
	return (int64_t)done;
}

int xl_input_block(struct xl_input *in, uint64_t n, void **out, uint64_t *missing)
{
	uint64_t have = in->n + in->ahead, cap = have + STEP, got = 0;
	char *p = NULL;

	*out = NULL;
	*missing = 0;
	if (in->lends) {
		*missing = n > in->n ? n - in->n : 0;
		if (*missing == 0)
			*out = (void *)(uintptr_t)in->p;
		advance(in, n - *missing);
		return 0;
	}
	if (cap > n)
		cap = n;
	for (;;) {
		char *q = xl_realloc(p, cap, 1);
		int64_t k;

		if (!q)
			goto fail;
		p = q;
		k = xl_input_take(in, p + got, cap - got);
		if (k < 0)
			goto fail;
		got += (uint64_t)k;
		if (got < cap) {
			*missing = n - got;
			free(p);
			return 0;
		}
		if (got == n)
			break;
		cap = n - got > STEP ? got + STEP : n;
	}
	*out = p;
	return 0;
fail:
	free(p);
	return -1;
}

int xl_input_rest(struct xl_input *in, size_t most, void **out, size_t *size)
{
	size_t cap = in->n + (size_t)in->ahead + 1, got = 0;
	char *p = NULL;

	for (;;) {
		char *q;
		int64_t k;

		if (cap > most)
			cap = most + 1;
		q = xl_realloc(p, cap, 1);
		if (!q)
			goto fail;
		p = q;
		k = xl_input_take(in, p + got, cap - got);
		if (k < 0)
			goto fail;
		got += (size_t)k;
		if (got < cap || got > most)
			break;
		if (xl_add(cap, cap < STEP ? STEP : cap, &cap))
			goto fail;
	}
	*out = p;
	*size = got;
	return 0;
fail:
	free(p);
	return -1;
}
