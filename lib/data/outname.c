/*
 * outname.c - ids of records as names of files.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "data/outname.h"
#include "image/image.h"

enum {
	MAX_STEM = 200, /* a file name has 255 bytes, number and extension included */
	MAX_NUMBER = 999999
};

/* "#7#3", the numbers at the end of an id, of a picture in a file and of a draw; else its
 * empty end. */
static const char *numbers_of(const char *id)
{
	const char *at = id + strlen(id), *p = at;

	do {
		at = p;
		while (p > id && isdigit((unsigned char)p[-1]))
			p--;
	} while (p < at && p > id && *--p == '#');
	return at;
}

/* Of the first len bytes, those before the extension. */
static size_t stem_length(const char *id, size_t len)
{
	size_t dot = len, n;

	while (dot > 0 && id[dot - 1] != '.')
		dot--;
	n = len - dot;
	if (dot < 2 || n > 5 || !isalpha((unsigned char)id[dot]))
		return len;
	for (size_t i = dot; i < len; i++)
		if (!isalnum((unsigned char)id[i]))
			return len;
	return dot - 1;
}

char *xl_id_stem(const char *id)
{
	const char *numbers = numbers_of(id);

	return xl_strf("%.*s%s", (int)stem_length(id, (size_t)(numbers - id)), id, numbers);
}

char *xl_id_fused(const char *input, const char *exemplar)
{
	char *a = xl_id_stem(input), *b = xl_id_stem(exemplar);
	char *id = a && b ? xl_strf("%s+%s", a, b) : NULL;

	free(a);
	free(b);
	return id;
}

int xl_make_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return xl_err("%s: cannot make the folder: %s", dir, xl_strerror(errno));
	if (stat(dir, &st) || !S_ISDIR(st.st_mode))
		return xl_err("%s: not a folder", dir);
	return 0;
}

/* The stem of an id as part of a file name. */
static char *file_stem(const char *id)
{
	char *s = xl_id_stem(id);
	size_t n = MAX_STEM;

	if (!s)
		return NULL;
	if (strlen(s) > MAX_STEM) {
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80) /* inside a character */
			n--;
		s[n] = '\0';
	}
	for (char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '/')
			*p = '_';
	if (s[0] == '.')
		s[0] = '_';
	if (s[0] == '\0') {
		free(s);
		s = xl_strdup("_");
	}
	return s;
}

/* DIR/STEM.png, or DIR/STEM-NUMBER.png */
static char *numbered(const char *dir, const char *stem, int number)
{
	const char *folder = dir ? dir : "", *slash = dir ? "/" : "";

	return number ? xl_strf("%s%s%s-%d.png", folder, slash, stem, number)
		      : xl_strf("%s%s%s.png", folder, slash, stem);
}

/* The open picture under the first name that is free: as xl_save_picture */
static int give_name(struct xl_file *o, const char *dir, const char *stem, char **path)
{
	for (int number = 0; number <= MAX_NUMBER; number++) {
		free(*path);
		*path = numbered(dir, stem, number);
		int rc = *path ? xl_file_commit_new(o, *path) : -1;
		if (rc <= 0)
			return rc ? -1 : number > 0;
	}
	xl_err("%s%s%s.png: this name and %d more are taken", dir ? dir : "", dir ? "/" : "", stem,
	       MAX_NUMBER);
	return -1;
}

int xl_save_picture(const struct xl_tensor *t, const char *dir, const char *id, char **path)
{
	char *stem = file_stem(id);
	struct xl_file o = {.f = NULL};
	int rc = -1;

	*path = stem ? numbered(dir, stem, 0) : NULL;
	if (*path && !xl_file_begin_new(&o, *path) && !xl_image_write_png(t, o.f, *path))
		rc = give_name(&o, dir, stem, path);
	if (rc < 0) {
		xl_file_abort(&o);
		free(*path);
		*path = NULL;
	}
	free(stem);
	return rc;
}
