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

static _Thread_local bool pipe_broken, is_lost;

/* Whether a failure is one of the name, and not of the place where it would be. */
static bool is_of_name(int why)
{
	return why == ENAMETOOLONG || why == EILSEQ || why == EINVAL;
}

int xl_write_failed(const char *name)
{
	if (errno == EPIPE)
		pipe_broken = true;
	is_lost |= !is_of_name(errno);
	return xl_err("%s: cannot write: %s", name, xl_strerror(errno));
}

bool xl_pipe_broken(void)
{
	return pipe_broken;
}

bool xl_write_lost(void)
{
	return is_lost;
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

/* Takes the first name beside o->path that is free, and that nobody else will choose: what
 * `take` returned for it, which is -1 with errno set where it could not; -1 with xl_err set */
static int take_name(struct xl_file *o, int (*take)(const struct xl_file *o, const char *name))
{
	const size_t dir = dir_length(o->path);

	for (int i = 0; i < TRIES; i++) {
		char *name = xl_strf("%.*s.%s.%ld-%d.tmp", (int)dir, o->path, o->path + dir,
				     (long)getpid(), i);
		if (!name)
			return -1;
		const int got = take(o, name), why = errno;
		if (got >= 0) {
			o->tmp = name;
			return got;
		}
		free(name);
		if (why != EEXIST) {
			errno = why;
			return xl_write_failed(o->name);
		}
	}
	return xl_err("%s: cannot write: no free temporary name beside it", o->name);
}

static int open_new(const struct xl_file *o, const char *name)
{
	(void)o;
	return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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
	if (fd < 0)
		fd = take_name(o, open_new);
	if (fd >= 0 && mode)
		(void)!fchmod(fd, mode); /* best effort: keeps a replaced file's mode */
	return fd;
}

/* Closes and frees all, and removes what has a temporary name still. rc, or -1 with xl_err
 * set where that is 0 and closing failed. */
static int release(struct xl_file *o, int rc)
{
	if (o->f && fclose(o->f) && rc == 0)
		rc = xl_write_failed(o->name);
	if (o->tmp)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	free(o->name);
	memset(o, 0, sizeof(*o));
	return rc;
}

/* Takes fd, which is negative with xl_err set where there is none. */
static int begin(struct xl_file *o, int fd)
{
	if (fd >= 0 && (o->f = fdopen(fd, "wb")))
		return 0;
	if (fd >= 0) {
		xl_write_failed(o->name);
		close(fd);
	}
	return release(o, -1);
}

/* Whether *path is a symbolic link: it is then what that names, NULL with xl_err set where
 * there is no memory. */
static bool follow(char **path)
{
	char to[PATH_MAX];
	const ssize_t n = readlink(*path, to, sizeof to);

	if (n <= 0)
		return false;
	const size_t dir = to[0] == '/' ? 0 : dir_length(*path);
	char *next = xl_strf("%.*s%.*s", (int)dir, *path, (int)n, to);
	free(*path);
	*path = next;
	return true;
}

/* What a path names: a symbolic link stays where it is, and what it points to is written,
 * there or not yet. To be freed; NULL with xl_err set, also where links go round. */
static char *named_by(const char *path)
{
	char *name = realpath(path, NULL);

	if (name)
		return name;
	if (errno != ELOOP && !(name = xl_strdup(path)))
		return NULL;
	for (int i = 0; name && i < MAX_LINKS; i++)
		if (!follow(&name))
			return name;
	errno = ELOOP;
	xl_write_failed(path);
	free(name);
	return NULL;
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
		o->is_device = true;
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

/* Gives the file a name that nothing has; 0, or -1 with errno set */
static int link_new(const struct xl_file *o, const char *path)
{
	char fd[32];

	if (o->tmp)
		return link(o->tmp, path);
	snprintf(fd, sizeof fd, "/proc/self/fd/%d", fileno(o->f));
	return linkat(AT_FDCWD, fd, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Moves the file from its temporary name; 0, or -1 with errno set */
static int move(struct xl_file *o, const char *path)
{
	if (rename(o->tmp, path))
		return -1;
	free(o->tmp);
	o->tmp = NULL;
	return 0;
}

/* Puts the finished file in the place of o->path, whatever is there: only moving replaces. */
static int put_in_place(struct xl_file *o)
{
	if (!o->tmp && link_new(o, o->path) == 0)
		return 0;
	if (!o->tmp && errno != EEXIST)
		return xl_write_failed(o->name);
	if (!o->tmp && take_name(o, link_new))
		return -1;
	return move(o, o->path) ? xl_write_failed(o->name) : 0;
}

/* Once: what a name is looked for was written before. */
static int flush(struct xl_file *o)
{
	if (o->is_flushed)
		return 0;
	if (ferror(o->f) || fflush(o->f) || (!o->is_device && fsync(fileno(o->f))))
		return xl_write_failed(o->name);
	o->is_flushed = true;
	return 0;
}

int xl_file_commit(struct xl_file *o)
{
	int rc = flush(o);

	if (!rc && !o->is_device && !(rc = put_in_place(o)))
		sync_dir(o->path);
	return release(o, rc);
}

int xl_file_commit_new(struct xl_file *o, const char *path)
{
	int rc = flush(o);

	if (!rc && link_new(o, path)) {
		if (errno == EEXIST)
			return 1;
		/* no hard links here: nearly as good */
		if (!o->tmp || (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS))
			rc = xl_write_failed(path);
		else if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return 1;
		else if (move(o, path))
			rc = xl_write_failed(path);
	}
	if (!rc)
		sync_dir(path);
	return release(o, rc);
}

void xl_file_abort(struct xl_file *o)
{
	release(o, -1);
}
