/*
 * pathlist.c - a list of paths on stdin.
 */
#include <stdlib.h>
#include <string.h>
#include "data/pathlist.h"
#include "tensor/input.h"
#include "tensor/stream.h"

/* Enough to tell it from a picture, and the most it may have. */
enum { FIRST_BYTES = 8, MAX_LIST = 1 << 28 };

static int check_kind(const struct xl_input *in)
{
	if (xl_is_picture(in->p, in->n))
		xl_err("stdin: a picture, not a list of paths; name it as /dev/stdin");
	else if (in->n && xl_is_stream(in->p, in->n))
		xl_err("stdin: records, not a list of paths");
	else
		return 0;
	return 1;
}

int xl_path_list(char **text, size_t *size)
{
	struct xl_input in;
	void *data = NULL;
	int rc = xl_input_open(&in, NULL);

	if (rc)
		return -1;
	rc = xl_input_fill(&in, FIRST_BYTES);
	if (rc == 0)
		rc = check_kind(&in);
	if (rc == 0)
		rc = xl_input_rest(&in, MAX_LIST, &data, size);
	xl_input_close(&in);
	if (rc == 0 && *size > MAX_LIST) {
		xl_err("stdin: more than %d bytes, which is no list of paths", MAX_LIST);
		rc = 1;
	}
	if (rc) {
		free(data);
		return rc;
	}
	*text = data;
	if (!memchr(data, '\0', *size))
		for (char *p = *text; (p = memchr(p, '\n', (size_t)(*text + *size - p))); p++)
			*p = '\0';
	(*text)[(*size)++] = '\0'; /* there is room for one more than was read */
	return 0;
}
