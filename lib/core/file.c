/*
 * file.c - files that appear whole or not at all.
 *
 * The temporary name is made with open(O_EXCL) and not mkstemp, so that the
 * file gets the permissions the user's umask asks for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"

enum { TRIES = 1000 }; /* names tried when others are taken */

static _Thread_local bool pipe_broken;

int xl_write_failed(const char *name)
{
	if (errno == EPIPE)
		pipe_broken = true;
	return xl_err("%s: cannot write: %s", name, xl_strerror(errno));
}

bool xl_pipe_broken(void)
{
	return pipe_broken;
}

void xl_keep_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* the lowest that is free, so it is fd; opened for what nobody does with it */
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
	}
}

int xl_write_all(int fd, const char *name, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xl_write_failed(name);
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int xl_scratch_open(const char *what, const char **dir)
{
	const char *set = getenv("TMPDIR"), *d = set && *set ? set : "/tmp";
	int fd = open(d, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (dir)
		*dir = d;
	/* some file systems have no O_TMPFILE */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		char *path = xl_strf("%s/xl.XXXXXX", d);

		if (!path)
			return -1;
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
		free(path);
	}
	if (fd < 0)
		return xl_err("%s: cannot keep %s there: %s (TMPDIR names another place)", d, what,
			      xl_strerror(errno));
	return fd;
}

static bool is_regular(const char *path, struct stat *st)
{
	bool is_stdin = !path || strcmp(path, "-") == 0;

	return (is_stdin ? fstat(STDIN_FILENO, st) : stat(path, st)) == 0 && S_ISREG(st->st_mode);
}

bool xl_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return is_regular(a, &x) && is_regular(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static size_t dir_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Opens a new file beside o->path, under a name that says whose it is. */
static int open_beside(struct xl_file *o, mode_t mode)
{
	size_t dir = dir_length(o->path);
	int fd = -1;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		free(o->tmp);
		o->tmp = xl_strf("%.*s.%s.%ld-%d.tmp", (int)dir, o->path, o->path + dir,
				 (long)getpid(), i);
		if (!o->tmp)
			return -1;
		fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			return xl_write_failed(o->path);
	}
	if (fd < 0)
		return xl_err("%s: cannot write: no free temporary name beside it", o->path);
	if (mode)
		(void)!fchmod(fd, mode); /* best effort: keeps a replaced file's mode */
	return fd;
}

int xl_file_begin(struct xl_file *o, const char *path)
{
	struct stat st;
	mode_t mode = 0;
	char *real;
	int fd;

	memset(o, 0, sizeof(*o));
	real = realpath(path, NULL); /* a symbolic link stays; what it names changes */
	o->path = xl_strdup(real ? real : path);
	free(real);
	if (!o->path)
		return -1;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		xl_err("%s: cannot write: is a directory", path);
		goto fail;
	}
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		mode = st.st_mode & 07777;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			xl_write_failed(path);
	} else {
		fd = open_beside(o, mode);
	}
	if (fd < 0)
		goto fail;
	o->f = fdopen(fd, "wb");
	if (!o->f) {
		xl_write_failed(path);
		close(fd);
		if (o->tmp)
			unlink(o->tmp);
		goto fail;
	}
	return 0;
fail:
	free(o->tmp);
	free(o->path);
	memset(o, 0, sizeof(*o));
	return -1;
}

/* Without this the new name may be lost in a crash though the data is safe. */
static void sync_dir(const char *path)
{
	char *dir = xl_strf("%.*s", (int)dir_length(path), path);
	int fd = dir ? open(dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd); /* some file systems refuse; the rename itself is done */
		close(fd);
	}
	free(dir);
}

int xl_file_commit(struct xl_file *o)
{
	int rc = 0;

	if (ferror(o->f) || fflush(o->f) || (o->tmp && fsync(fileno(o->f))))
		rc = xl_write_failed(o->path);
	if (fclose(o->f) && !rc)
		rc = xl_write_failed(o->path);
	if (!rc && o->tmp && rename(o->tmp, o->path))
		rc = xl_write_failed(o->path);
	if (!rc && o->tmp)
		sync_dir(o->path);
	if (rc && o->tmp)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	memset(o, 0, sizeof(*o));
	return rc;
}

void xl_file_abort(struct xl_file *o)
{
	if (o->f)
		fclose(o->f);
	if (o->tmp)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	memset(o, 0, sizeof(*o));
}
