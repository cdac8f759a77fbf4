/*
 * train_files.c - the files of a run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "train/train_files.h"

enum { DIGITS = 8 }; /* of a step in a file's name; more where it needs more */

char *xl_train_ckpt(const char *out)
{
	return xl_strf("%s.ckpt", out);
}

/* ---- the claim --------------------------------------------------------- */

int xl_train_exists(const char *out)
{
	char *ckpt = xl_train_ckpt(out);
	int found = -1;

	if (!ckpt)
		return -1;
	found = 1;
	if (access(out, F_OK) == 0)
		xl_err("%s exists; --resume continues it, --force starts anew", out);
	else if (access(ckpt, F_OK) == 0)
		xl_err("%s exists; --resume continues it, --force starts anew", ckpt);
	else
		found = 0;
	free(ckpt);
	return found;
}

static int try_to_write(const char *out)
{
	char *ckpt = xl_train_ckpt(out);
	struct stat st;
	struct xl_file f;
	int rc = ckpt ? xl_file_begin(&f, ckpt) : -1;

	if (rc == 0)
		xl_file_abort(&f);
	if (rc == 0 && stat(out, &st) == 0 && !S_ISREG(st.st_mode))
		rc = xl_err("%s: cannot write: is %s", out,
			    S_ISDIR(st.st_mode) ? "a directory" : "a device or pipe, not a file");
	free(ckpt);
	return rc;
}

/* Whether path still names the open file: who had it may have removed it since. */
static bool is_same(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The path is known to c when the lock is held: a handler may remove it. */
static int take_lock(struct xl_train_claim *c, const char *out)
{
	char *real = realpath(out, NULL); /* a link and what it names are one model */
	char *path = xl_strf("%s.lock", real ? real : out);
	int fd = -1, rc = -1;

	*c = (struct xl_train_claim){.fd = -1};
	free(real);
	while (path && rc < 0) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0) {
			xl_write_failed(path);
			break;
		}
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			rc = errno == EWOULDBLOCK ? 1 : -1;
			xl_err("%s: %s", out,
			       rc > 0 ? "another run is training it" : xl_strerror(errno));
			break;
		}
		rc = is_same(fd, path) ? 0 : -1;
		if (rc)
			close(fd);
	}
	if (rc == 0) {
		*c = (struct xl_train_claim){.path = path, .fd = fd};
		return 0;
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

int xl_train_claim(struct xl_train_claim *c, const char *out, bool is_new)
{
	int rc = is_new ? xl_train_exists(out) : 0;

	if (rc == 0)
		rc = try_to_write(out);
	return rc ? rc : take_lock(c, out);
}

void xl_train_unclaim(struct xl_train_claim *c)
{
	char *path = c->path;

	if (!path)
		return;
	c->path = NULL;
	unlink(path); /* while it is held: nobody else can be in it */
	close(c->fd);
	free(path);
}

/* ---- saving ------------------------------------------------------------ */

int xl_train_check_finite(const struct xl_model *m)
{
	for (int i = 0; i < m->n_nets; i++)
		for (size_t k = 0; k < m->nets[i]->count; k++)
			if (!isfinite(m->nets[i]->value[k]))
				return xl_err("a weight of network '%s' is %s", m->nets[i]->id,
					      isnan(m->nets[i]->value[k]) ? "nan" : "inf");
	return 0;
}

bool xl_train_has(const struct xl_model *m, const char *out)
{
	struct xl_modelfile f;
	const struct xl_record *r;
	bool has;

	if (xl_modelfile_read(out, &f))
		return false;
	r = f.records[0];
	has = xl_meta_int(r, "step", -1) == m->step &&
	      xl_meta_int(r, "seed", -1) == (int64_t)m->seed &&
	      strcmp(xl_meta_str(r, "method", ""), m->method->name) == 0 &&
	      strcmp(xl_meta_str(r, "data", ""), m->data) == 0;
	xl_modelfile_free(&f);
	return has;
}

/* ---- numbered files ---------------------------------------------------- */

char *xl_train_numbered(const char *before, int64_t step, const char *after)
{
	return xl_strf("%s%0*lld%s", before, DIGITS, (long long)step, after);
}

/* The step in a name of xl_train_numbered, or -1. */
static int64_t step_of(const char *name, const char *before, const char *after)
{
	const size_t n = strlen(before);
	char *end;
	long long v;

	if (strncmp(name, before, n) != 0)
		return -1;
	name += n;
	const size_t digits = strspn(name, "0123456789");
	if (digits < DIGITS || (digits > DIGITS && *name == '0'))
		return -1;
	errno = 0;
	v = strtoll(name, &end, 10);
	return strcmp(end, after) != 0 || errno ? -1 : v;
}

int64_t xl_train_last(const char *before, const char *after, int64_t below)
{
	const char *slash = strrchr(before, '/');
	const char *base = slash ? slash + 1 : before;
	char *dir = slash ? xl_strf("%.*s", (int)(base - before), before) : xl_strdup(".");
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *e;
	int64_t last = -1;

	while (d && (e = readdir(d)) != NULL) {
		const int64_t step = step_of(e->d_name, base, after);

		if (step < below && step > last)
			last = step;
	}
	if (d)
		closedir(d);
	free(dir);
	return last;
}

/* A second name for a file; nothing is copied. */
static int link_as(const char *path, const char *name)
{
	if (unlink(name) && errno != ENOENT)
		return xl_write_failed(name);
	return link(path, name) ? xl_write_failed(name) : 0;
}

static int remove_copy(const char *before, int64_t step)
{
	char *name = xl_train_numbered(before, step, "");
	char *ckpt = xl_train_numbered(before, step, ".ckpt");
	const int rc = name && ckpt ? 0 : -1;

	if (rc == 0) {
		unlink(name);
		unlink(ckpt);
	}
	free(name);
	free(ckpt);
	return rc;
}

/* Of the copies up to the present step, only the last `keep` stay. */
static int prune(const char *before, int64_t step, int64_t keep)
{
	int rc = 0;

	for (int64_t n = 1; rc == 0 && (step = xl_train_last(before, "", step)) >= 0; n++)
		if (n >= keep)
			rc = remove_copy(before, step);
	return rc;
}

static int keep_copy(const struct xl_model *m, const char *out, const char *ckpt, int64_t keep)
{
	char *before = xl_strf("%s.", out);
	char *name = before ? xl_train_numbered(before, m->step, "") : NULL;
	char *name_ckpt = name ? xl_train_ckpt(name) : NULL;
	int rc = -1;

	if (!name_ckpt || link_as(ckpt, name_ckpt) || link_as(out, name))
		goto out;
	rc = prune(before, m->step, keep);
out:
	free(before);
	free(name);
	free(name_ckpt);
	return rc;
}

int xl_train_save(struct xl_model *m, const char *out, int64_t keep)
{
	char *ckpt = xl_train_ckpt(out);
	int rc = -1;

	if (!ckpt || xl_train_check_finite(m) || xl_model_save_checkpoint(m, ckpt) ||
	    xl_model_save(m, out))
		goto out;
	rc = keep > 0 ? keep_copy(m, out, ckpt, keep) : 0;
out:
	free(ckpt);
	return rc;
}
