/*
 * file.c - files that appear whole or not at all.
 *
 * Where the file system can, they have no name until they are complete (O_TMPFILE):
 * a program that is killed leaves nothing behind, and needs no handler for that.
 * The temporary name is made with open(O_EXCL) and not mkstemp, so that the
 * file gets the permissions the user's umask asks for.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"

enum {
	TRIES = 1000,  /* names tried when others are taken */
	MAX_LINKS = 40 /* as the kernel follows */
};

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

bool xl_is_input(const char *path, const char *const *inputs, int n)
{
	bool is_input = n == 0 && xl_same_file(path, NULL);

	for (int i = 0; i < n; i++)
		is_input |= xl_same_file(path, inputs[i]);
	return is_input;
}

static size_t dir_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The next name beside o->path that nobody else will choose */
static int name_beside(struct xl_file *o, int i)
{
	size_t dir = dir_length(o->path);

	free(o->tmp);
	o->tmp = xl_strf("%.*s.%s.%ld-%d.tmp", (int)dir, o->path, o->path + dir, (long)getpid(), i);
	return o->tmp ? 0 : -1;
}

static int fail_name(const struct xl_file *o)
{
	return xl_err("%s: cannot write: no free temporary name beside it", o->name);
}

static int open_named(struct xl_file *o)
{
	for (int i = 0; i < TRIES; i++) {
		if (name_beside(o, i))
			return -1;
		int fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return xl_write_failed(o->name);
	}
	return fail_name(o);
}

/* Opens a new file beside o->path: one without a name, or under a name that says
 * whose it is. */
static int open_beside(struct xl_file *o, mode_t mode)
{
	char *dir = xl_strf("%.*s", (int)dir_length(o->path), o->path);
	int fd = -1;

	if (!dir)
		return -1;
	if (access("/proc/self/fd", X_OK) == 0) /* or it could not be given a name */
		fd = open(dir[0] ? dir : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(dir);
	o->is_nameless = fd >= 0;
	if (fd < 0)
		fd = open_named(o);
	if (fd >= 0 && mode)
		(void)!fchmod(fd, mode); /* best effort: keeps a replaced file's mode */
	return fd;
}

/* Takes fd, which is negative with xl_err set where there is none. */
static int begin(struct xl_file *o, int fd)
{
	if (fd >= 0 && !(o->f = fdopen(fd, "wb"))) {
		xl_write_failed(o->name);
		close(fd);
		if (o->tmp && !o->is_nameless)
			unlink(o->tmp);
	}
	if (o->f)
		return 0;
	free(o->tmp);
	free(o->path);
	free(o->name);
	memset(o, 0, sizeof(*o));
	return -1;
}

/* What a path names: a symbolic link stays where it is, and what it points to is written,
 * there or not yet. To be freed; NULL with xl_err set, also where links go round. */
static char *named_by(const char *path)
{
	char *real = realpath(path, NULL), to[PATH_MAX];
	ssize_t n;

	if (!real && errno == ELOOP) {
		xl_write_failed(path);
		return NULL;
	}
	char *now = real ? real : xl_strdup(path);
	for (int i = 0; !real && now && i < MAX_LINKS && (n = readlink(now, to, sizeof to)) > 0;
	     i++) {
		const int dir = to[0] == '/' ? 0 : (int)dir_length(now);
		char *next = xl_strf("%.*s%.*s", dir, now, (int)n, to);

		free(now);
		now = next;
	}
	return now;
}

int xl_file_begin(struct xl_file *o, const char *path)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;
	int fd;

	*o = (struct xl_file){.name = xl_strdup(path), .path = named_by(path)};
	if (!o->name || !o->path) {
		fd = -1;
	} else if (is_there && S_ISDIR(st.st_mode)) {
		fd = xl_err("%s: cannot write: is a directory", path);
	} else if (is_there && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			xl_write_failed(path);
	} else {
		fd = open_beside(o, is_there ? st.st_mode & 07777 : 0);
	}
	return begin(o, fd);
}

int xl_file_begin_new(struct xl_file *o, const char *path)
{
	*o = (struct xl_file){.name = xl_strdup(path), .path = xl_strdup(path)};
	return begin(o, o->name && o->path ? open_beside(o, 0) : -1);
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

/* Gives the file a name that nothing has; -1 with errno set */
static int link_new(const struct xl_file *o, const char *path)
{
	char fd[32];

	if (!o->is_nameless)
		return link(o->tmp, path);
	snprintf(fd, sizeof fd, "/proc/self/fd/%d", fileno(o->f));
	return linkat(AT_FDCWD, fd, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Puts the finished file in the place of o->path, whatever is there. */
static int put_in_place(struct xl_file *o)
{
	if (o->is_nameless && link_new(o, o->path) == 0)
		return 0;
	for (int i = 0; o->is_nameless; i++) { /* only rename replaces */
		if (errno != EEXIST)
			return xl_write_failed(o->name);
		if (i == TRIES)
			return fail_name(o);
		if (name_beside(o, i))
			return -1;
		o->is_nameless = link_new(o, o->tmp) != 0;
	}
	return rename(o->tmp, o->path) ? xl_write_failed(o->name) : 0;
}

static int flush(struct xl_file *o)
{
	bool is_file = o->tmp || o->is_nameless;

	if (ferror(o->f) || fflush(o->f) || (is_file && fsync(fileno(o->f))))
		return xl_write_failed(o->name);
	return 0;
}

static void release(struct xl_file *o)
{
	if (o->f)
		fclose(o->f);
	if (o->tmp && !o->is_nameless)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	free(o->name);
	memset(o, 0, sizeof(*o));
}

int xl_file_commit(struct xl_file *o)
{
	bool is_file = o->tmp || o->is_nameless;
	int rc = flush(o);

	if (!rc && is_file && !(rc = put_in_place(o))) {
		free(o->tmp);
		o->tmp = NULL;
		sync_dir(o->path);
	}
	if (!is_file && fclose(o->f) && !rc)
		rc = xl_write_failed(o->name);
	if (!is_file)
		o->f = NULL;
	release(o);
	return rc;
}

int xl_file_commit_new(struct xl_file *o, const char *path)
{
	int rc = flush(o);

	if (!rc && link_new(o, path)) {
		if (errno == EEXIST)
			return 1;
		/* no hard links here: nearly as good */
		if (o->is_nameless || (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS))
			rc = xl_write_failed(path);
		else if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return 1;
		else if (rename(o->tmp, path))
			rc = xl_write_failed(path);
	}
	if (!rc)
		sync_dir(path);
	release(o);
	return rc;
}

void xl_file_abort(struct xl_file *o)
{
	release(o);
}
