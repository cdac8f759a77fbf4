/*
 * file.h - files that appear whole or not at all: a file without a name, or with a
 * temporary one, in the same directory, fsync, and its name. Also files that never
 * get a name, and the one loop around write(2).
 */
#ifndef XL_CORE_FILE_H
#define XL_CORE_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include "xl.h"

struct xl_file {
	FILE *f;
	char *name;      /* as it was given, for messages */
	char *path;      /* what it is to be called, links followed */
	char *tmp;       /* what it is called until then; NULL: it has no name, or needs none */
	bool is_device;  /* written as it comes: neither synced nor put in place */
	bool is_flushed; /* all that was written is on the disk */
};

/* 0, or -1 with xl_err set ("out.png: cannot write: no such file or directory").
 * commit and abort both release everything; commit also after a failed write.
 * Through a symbolic link, what it names is written, there or not yet.
 * What is not a regular file (/dev/null, a FIFO) is written as it comes. */
int xl_file_begin(struct xl_file *o, const char *path);
int xl_file_commit(struct xl_file *o);

/* xl_file_begin_new  - begin a file in the folder of path, whatever path is
 * xl_file_commit_new - commit it under this name, unless there is such a file: then
 *                      1, and nothing is released */
int xl_file_begin_new(struct xl_file *o, const char *path);
int xl_file_commit_new(struct xl_file *o, const char *path);
void xl_file_abort(struct xl_file *o);

/*
 * xl_scratch_open - an empty file without a name in $TMPDIR, else /tmp: gone with
 *                   the process, however that ends
 *
 * what says in a message what was to be kept there; *dir, if dir is not NULL, is
 * the folder, a string of the environment's.
 * Errors   the descriptor, or -1 with xl_err set: "/tmp: cannot keep images there:
 *          no space left on device (TMPDIR names another place)"
 */
int xl_scratch_open(const char *what, const char **dir);

/*
 * xl_keep_standard - where stdin, stdout or stderr is closed, hold its descriptor
 *                    with one that can be neither read nor written
 *
 * Else the next file opened gets it, and what is meant for stdout goes there.
 */
void xl_keep_standard(void);

/* xl_write_all - write all of it; 0, or -1 with xl_err set ("NAME: cannot
 * write: no space left on device") */
int xl_write_all(int fd, const char *name, const void *data, size_t size);

/* xl_same_file - whether two names, "-" or NULL for stdin, are of one regular file */
bool xl_same_file(const char *a, const char *b);

/* xl_is_input - whether a name is of the file that one of these is of, or stdin where n is 0 */
bool xl_is_input(const char *path, const char *const *inputs, int n);

/* xl_write_failed - turn errno of a failed write into the message and remember
 * whether the reader has gone; returns -1. xl_pipe_broken - whether it has.
 * xl_write_lost - whether some write has failed, and not for its name: the next would too */
int xl_write_failed(const char *name);
bool xl_pipe_broken(void);
bool xl_write_lost(void);

/* xl_disarm - replace control characters in text from outside by '?', in place,
 * so that it can do nothing to a terminal; returns s */
char *xl_disarm(char *s);

/* xl_strerror - the system's words for an errno, starting in lower case */
const char *xl_strerror(int errnum);

#endif
