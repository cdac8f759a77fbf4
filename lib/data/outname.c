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

static size_t stem_length(const char *id)
{
	const char *dot = strrchr(id, '.');
	size_t n = dot ? strlen(dot + 1) : 0;

	if (!dot || dot == id || n > 5 || !isalpha((unsigned char)dot[1]))
		return strlen(id);
	for (size_t i = 1; i <= n; i++)
		if (!isalnum((unsigned char)dot[i]))
			return strlen(id);
	return (size_t)(dot - id);
}

char *xl_id_stem(const char *id)
{
	return xl_strf("%.*s", (int)stem_length(id), id);
}

char *xl_id_fused(const char *input, const char *exemplar)
{
	return xl_strf("%.*s+%.*s", (int)stem_length(input), input, (int)stem_length(exemplar),
		       exemplar);
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

/* Gives the finished file tmp the name path; 1 if that is taken, -1 with xl_err set. */
static int give_name(const char *tmp, const char *path)
{
	if (link(tmp, path) == 0) {
		unlink(tmp);
		return 0;
	}
	if (errno == EEXIST)
		return 1;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
		return xl_write_failed(path);
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	/* No hard links here: nearly as good. */
	return rename(tmp, path) ? xl_write_failed(path) : 0;
}

int xl_save_picture(const struct xl_tensor *t, const char *dir, const char *id, char **path)
{
	const char *folder = dir ? dir : "", *slash = dir ? "/" : "";
	char *stem = file_stem(id), *tmp = NULL;
	int taken = 1, number = 0;

	*path = NULL;
	if (stem)
		tmp = xl_strf("%s%s.xl-%ld.png", folder, slash, (long)getpid());
	if (!tmp || xl_image_save_png(t, tmp)) {
		taken = -1;
		goto out;
	}
	for (; taken == 1 && number <= MAX_NUMBER; number++) {
		free(*path);
		*path = number ? xl_strf("%s%s%s-%d.png", folder, slash, stem, number)
			       : xl_strf("%s%s%s.png", folder, slash, stem);
		taken = *path ? give_name(tmp, *path) : -1;
	}
	if (taken == 1)
		xl_err("%s%s%s.png: this name and %d more are taken", folder, slash, stem,
		       MAX_NUMBER);
	if (taken)
		unlink(tmp);
out:
	if (taken) {
		free(*path);
		*path = NULL;
	}
	free(tmp);
	free(stem);
	return taken ? -1 : number > 1;
}
