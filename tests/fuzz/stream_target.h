/*
 * stream_target.h - what must hold for any bytes whatever that are read as a
 * stream: no crash, and a record that is accepted can be written and read back
 * to the same bytes. Shared by test_stream.c and fuzz_stream.c.
 */
#ifndef XL_FUZZ_STREAM_TARGET_H
#define XL_FUZZ_STREAM_TARGET_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "xl.h"

/* 0, or -1 where a record does not survive being written and read */
static int survives(const struct xl_record *r)
{
	struct xl_reader *rd = NULL;
	struct xl_record *again = NULL;
	void *a = NULL, *b = NULL;
	size_t na = 0, nb = 0;
	int rc = -1;

	if (xl_record_pack(r, &a, &na))
		goto out;
	rd = xl_reader_open_mem("again", a, na);
	if (!rd || xl_reader_next(rd, &again) != 1 || xl_record_pack(again, &b, &nb))
		goto out;
	if (na == nb && memcmp(a, b, na) == 0)
		rc = 0;
out:
	xl_record_free(again);
	xl_reader_close(rd);
	free(a);
	free(b);
	return rc;
}

/* The number of records accepted, or -1 where something does not hold. */
static int try_stream(const uint8_t *data, size_t size)
{
	struct xl_reader *rd = xl_reader_open_mem("fuzz", data, size);
	struct xl_record *r;
	int n = 0, rc = -1;

	if (!rd)
		return -1;
	while ((rc = xl_reader_next(rd, &r)) > 0) {
		int bad = survives(r);

		xl_record_free(r);
		if (bad) {
			xl_reader_close(rd);
			return -1;
		}
		n++;
	}
	xl_reader_close(rd);
	return rc < 0 && strncmp(xl_err_msg(), "fuzz: ", 6) != 0 ? -1 : n;
}

#endif
