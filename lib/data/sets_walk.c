/*
 * sets_walk.c - reads folders: which files are pictures, where lists of
 * attributes lie, and what CycleGAN's folders mean.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "data/sets.h"

/* Folders in folders; no set is deeper, and a loop of links would be. */
enum { MAX_DEPTH = 24 };

/* ---- what names mean -------------------------------------------------- */

static bool is_picture_name(const char *name)
{
	static const char *const ends[] = {"jpg", "jpeg", "jpe",  "png",  "webp",
					   "tif", "tiff", "gif",  "ppm",  "pgm",
					   "pbm", "pnm",  "heic", "heif", "avif"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (!strcasecmp(dot + 1, ends[i]))
			return true;
	return false;
}

static bool is_idx_name(const char *name)
{
	return strstr(name, "idx3-ubyte") && strstr(name, "images");
}

static const char *const sides[] = {"trainA", "trainB", "testA", "testB"};

static int which_side(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(name, sides[i]))
			return i;
	return -1;
}

struct xl_set_place xl_set_place_of(const char *folder)
{
	struct xl_set_place p = {.labels = -1};
	const char *slash = strrchr(folder, '/');
	int side = which_side(slash ? slash + 1 : folder);

	if (side >= 0) {
		p.domain = side % 2 ? 'B' : 'A';
		p.split = side < 2 ? XL_SPLIT_TRAIN : XL_SPLIT_TEST;
		p.is_pair = true;
	}
	return p;
}

/* ---- lists of attributes ---------------------------------------------- */

/* Reads the list of parts that belongs to a list of attributes, if there is one */
static int use_parts(struct xl_attrs *l)
{
	static const char *const names[] = {
		"list_eval_partition.txt", "Eval/list_eval_partition.txt",
		"../Eval/list_eval_partition.txt", "list_eval_partition.csv"};
	const char *slash = strrchr(l->path, '/');
	int folder = slash ? (int)(slash + 1 - l->path) : 0, rc = 0;
	bool is_found = false;

	for (int i = 0; i < 4 && !rc && !is_found; i++) {
		char *path = xl_strf("%.*s%s", folder, l->path, names[i]);
		if (!path)
			return -1;
		is_found = !access(path, F_OK);
		if (is_found)
			rc = xl_attrs_read_split(l, path);
		free(path);
	}
	return rc;
}

/* Reads a list, or finds that it was read; its place, or -2 with xl_err set */
static int use_list(struct xl_set *s, const char *path, const struct stat *st)
{
	struct xl_set_labels *more;

	for (int i = 0; i < s->n_labels; i++)
		if (s->labels[i].ino == st->st_ino && s->labels[i].dev == st->st_dev &&
		    s->labels[i].list.rows)
			return i;
	more = xl_realloc(s->labels, (size_t)s->n_labels + 1, sizeof *more);
	if (!more)
		return -2;
	s->labels = more;
	more += s->n_labels;
	memset(more, 0, sizeof *more);
	if (xl_attrs_read(&more->list, path))
		return -2;
	if (use_parts(&more->list)) {
		xl_attrs_done(&more->list);
		return -2;
	}
	more->dev = st->st_dev;
	more->ino = st->st_ino;
	return s->n_labels++;
}

int xl_set_labels_in(struct xl_set *s, const char *folder)
{
	static const char *const names[] = {"list_attr_celeba.txt", "Anno/list_attr_celeba.txt",
					    "list_attr_celeba.csv"};
	int found = -1;

	for (int i = 0; i < 3 && found == -1; i++) {
		struct stat st;
		char *path = xl_strf("%s/%s", strcmp(folder, "/") ? folder : "", names[i]);
		if (!path)
			return -2;
		if (!stat(path, &st))
			found = use_list(s, path + (strncmp(path, "./", 2) ? 0 : 2), &st);
		free(path);
	}
	return found;
}

/* The folder above, by name where that is possible; the caller frees it */
static char *folder_above(const char *folder)
{
	const char *slash = strrchr(folder, '/'), *last = slash ? slash + 1 : folder;

	if (!strcmp(last, "..") || !*last)
		return xl_strf("%s/..", folder);
	if (!strcmp(folder, "."))
		return xl_strdup("..");
	if (!slash)
		return xl_strdup(".");
	return xl_strf("%.*s", slash > folder ? (int)(slash - folder) : 1, folder);
}

int xl_set_find_labels(struct xl_set *s, const char *folder)
{
	char *at = xl_strdup(folder), *above;
	int found = -1;

	if (s->looked_in && !strcmp(s->looked_in, folder)) {
		free(at);
		return s->looked_found;
	}
	for (int i = 0; i < 3 && at && found == -1; i++) {
		found = xl_set_labels_in(s, at);
		above = folder_above(at);
		free(at);
		at = above;
	}
	if (!at)
		found = -2;
	free(at);
	if (found >= -1) {
		free(s->looked_in);
		s->looked_in = xl_strdup(folder);
		s->looked_found = found;
	}
	return found;
}

/* ---- walking ---------------------------------------------------------- */

struct folder {
	char *path;
	struct xl_set_place place;
	int depth;
};

/* Folders still to read, and the names in the one being read. */
struct walk {
	struct folder *stack;
	size_t n, cap;
	char **names;
	size_t n_names, cap_names;
};

static int push(struct walk *w, const char *path, struct xl_set_place place, int depth)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 16;
		struct folder *more = xl_realloc(w->stack, cap, sizeof *more);
		if (!more)
			return -1;
		w->stack = more;
		w->cap = cap;
	}
	w->stack[w->n].path = xl_strdup(path);
	w->stack[w->n].place = place;
	w->stack[w->n].depth = depth;
	return w->stack[w->n].path ? w->n++, 0 : -1;
}

static void drop_names(struct walk *w)
{
	for (size_t i = 0; i < w->n_names; i++)
		free(w->names[i]);
	w->n_names = 0;
}

static int keep_name(struct walk *w, const char *name)
{
	if (w->n_names == w->cap_names) {
		size_t cap = w->cap_names ? 2 * w->cap_names : 256;
		char **more = xl_realloc(w->names, cap, sizeof *more);
		if (!more)
			return -1;
		w->names = more;
		w->cap_names = cap;
	}
	w->names[w->n_names] = xl_strdup(name);
	return w->names[w->n_names] ? w->n_names++, 0 : -1;
}

/* The names in a folder, without those that begin with a dot */
static int list_folder(struct walk *w, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return xl_err("%s: %s", path, xl_strerror(errno));
	drop_names(w);
	while (!rc && (errno = 0, e = readdir(d)))
		if (e->d_name[0] != '.')
			rc = keep_name(w, e->d_name);
	if (!rc && errno)
		rc = xl_err("%s: %s", path, xl_strerror(errno));
	closedir(d);
	return rc;
}

/* A folder: links are followed only where the user names one. */
static bool is_folder(const char *path)
{
	struct stat st;
	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

/* An unpacked idx file stands for its .gz. */
static bool has_unpacked(const char *path)
{
	size_t n = strlen(path);
	char *plain = xl_strdup(path);
	bool is_there = false;

	if (plain && n > 3 && !strcmp(path + n - 3, ".gz")) {
		plain[n - 3] = '\0';
		is_there = !access(plain, F_OK);
	}
	free(plain);
	return is_there;
}

/* What fails inside of a folder is kept, and the rest of the folder is read. */
static int keep_failure(struct xl_set *s)
{
	return xl_set_note(&s->failures, &s->n_failures, xl_strdup(xl_err_msg()));
}

static int visit_name(struct xl_set *s, struct walk *w, const struct folder *f, const char *name,
		      bool is_root)
{
	char *path =
		xl_strf("%s%s%s", f->path, f->path[strlen(f->path) - 1] == '/' ? "" : "/", name);
	int rc = 0;

	if (!path)
		return -1;
	if (is_root && which_side(name) < 0) {
		rc = 0;
	} else if (is_picture_name(name)) {
		rc = xl_set_add_file(s, path, f->place);
	} else if (is_idx_name(name)) {
		if (!has_unpacked(path) && xl_set_add_idx(s, path))
			rc = keep_failure(s);
	} else if (is_folder(path)) {
		struct xl_set_place place = is_root ? xl_set_place_of(name) : f->place;
		place.labels = f->place.labels;
		if (f->depth == MAX_DEPTH)
			rc = xl_err("%s: more than %d folders deep", path, MAX_DEPTH);
		else
			rc = push(w, path, place, f->depth + 1);
	}
	free(path);
	return rc;
}

static int visit(struct xl_set *s, struct walk *w, struct folder *f)
{
	bool is_root = false;
	int labels = xl_set_labels_in(s, f->path), rc;

	if (labels == -2)
		return -1;
	if (labels >= 0)
		f->place.labels = labels;
	if (f->place.labels >= 0)
		s->labels[f->place.labels].is_walked = true;
	rc = list_folder(w, f->path);
	if (rc && f->depth > 0)
		return keep_failure(s);
	for (size_t i = 0; i < w->n_names; i++)
		is_root = is_root || which_side(w->names[i]) >= 0;
	for (size_t i = 0; !rc && i < w->n_names; i++)
		rc = visit_name(s, w, f, w->names[i], is_root);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	const struct xl_item *x = a, *y = b;
	int d = strcmp(x->path, y->path);
	return d ? d : (x->row > y->row) - (x->row < y->row);
}

/* The folder and all in it; 0, or -1 with xl_err set */
static int walk(struct xl_set *s, const char *path)
{
	struct walk w = {.stack = NULL};
	struct xl_set_place place = xl_set_place_of(path);
	int rc;

	place.is_pair = false;
	place.labels = xl_set_find_labels(s, path);
	rc = place.labels == -2 ? -1 : push(&w, path, place, 0);
	while (!rc && w.n > 0) {
		struct folder f = w.stack[--w.n];
		rc = visit(s, &w, &f);
		free(f.path);
	}
	for (size_t i = 0; i < w.n; i++)
		free(w.stack[i].path);
	drop_names(&w);
	free(w.names);
	free(w.stack);
	return rc;
}

int xl_set_add_folder(struct xl_set *s, const char *operand)
{
	int64_t before = s->n;
	int failures = s->n_failures, rc;
	char *path = xl_strdup(operand);

	if (!path)
		return -1;
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	rc = walk(s, path);
	free(path);
	for (; rc && s->n > before; s->n--)
		if (s->items[s->n - 1].idx < 0)
			free(s->items[s->n - 1].path);
	if (!rc && s->n == before && s->n_failures == failures)
		rc = xl_err("%s: no pictures in this folder", operand);
	if (s->n > before)
		qsort(s->items + before, (size_t)(s->n - before), sizeof *s->items, by_path);
	return rc;
}
