/*
 * file.h - files that appear whole or not at all: temporary name in the same
 * directory, fsync, rename.
 */
#ifndef XL_CORE_FILE_H
#define XL_CORE_FILE_H

#include <stdio.h>
#include "xl.h"

struct xl_file {
	FILE *f;
	char *path, *tmp;
};

/* 0, or -1 with xl_err set ("out.png: cannot write: no such directory"). commit
 * and abort both release everything; commit also after a failed write. */
int xl_file_begin(struct xl_file *o, const char *path);
int xl_file_commit(struct xl_file *o);
void xl_file_abort(struct xl_file *o);

#endif
