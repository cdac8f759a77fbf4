/*
 * train_log.c - JSON lines and their text.
 */
#include <errno.h>
#include <fcntl.h>
#include <msgpack/version_master.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <vips/version.h>
#include "core/file.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/pool.h"
#include "train/train_log.h"

void xl_loss_add(struct xl_loss_means *a, const struct xl_losses *l)
{
	for (int i = 0; i < XL_MAX_LOSSES; i++) {
		if (l->given[i]) {
			a->sum[i] += l->value[i];
			a->n[i]++;
		}
	}
	a->steps++;
}

const char *xl_loss_words(char *buf, size_t size, const struct xl_loss_means *a,
			  const struct xl_method *method, double images_per_s, int64_t step)
{
	size_t at = (size_t)snprintf(buf, size, "step %lld", (long long)step);

	for (int i = 0; method->loss_names[i] && at < size; i++)
		if (a->n[i] > 0)
			at += (size_t)snprintf(buf + at, size - at, "  %s %.4g",
					       method->loss_names[i], a->sum[i] / (double)a->n[i]);
	if (images_per_s > 0 && at < size)
		snprintf(buf + at, size - at, "  %.3g img/s", images_per_s);
	return buf;
}

int64_t xl_peak_bytes(void)
{
	struct rusage u;

	return getrusage(RUSAGE_SELF, &u) ? 0 : (int64_t)u.ru_maxrss * 1024;
}

/* ---- the file ---------------------------------------------------------- */

/* A log begins with this, as xl_run_log_first writes it. */
static const char head[] = "{\"tool\":";

/* A regular file, made if there is none; whatever else it is, as it is */
static int open_log(struct xl_run_log *l, const char *path)
{
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0)
		return dup(STDOUT_FILENO);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open(path, O_WRONLY | O_CLOEXEC);
	l->is_file = true;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	l->is_ours = fd >= 0;
	return fd < 0 && errno == EEXIST ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666)
					 : fd;
}

/* Whether the open file may become the log of this run: as xl_run_log_open */
static int claim(const struct xl_run_log *l, int fd, bool force)
{
	char first[sizeof head - 1];
	struct stat st;

	if (!l->is_file)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		xl_err("%s: another run writes its log there", l->path);
		return 1;
	}
	if (fstat(fd, &st))
		return xl_write_failed(l->path);
	if (st.st_size == 0 || (force && !l->append))
		return 0;
	if (!l->append) {
		xl_err("%s exists; --force replaces it", l->path);
		return 1;
	}
	if (pread(fd, first, sizeof first, 0) == sizeof first &&
	    memcmp(first, head, sizeof first) == 0)
		return 0;
	xl_err("%s: not a log of xl-train, so nothing is appended", l->path);
	return 1;
}

int xl_run_log_open(struct xl_run_log *l, const char *path, bool append, bool force)
{
	int fd, rc;

	*l = (struct xl_run_log){.path = xl_strdup(path), .append = append};
	if (!l->path)
		return -1;
	fd = open_log(l, path);
	rc = fd < 0 ? xl_write_failed(path) : claim(l, fd, force);
	if (rc == 0 && !(l->f = fdopen(fd, "w")))
		rc = xl_write_failed(path);
	if (rc) {
		if (fd >= 0)
			close(fd);
		l->is_ours = false;
		xl_run_log_close(l);
		return rc;
	}
	setvbuf(l->f, NULL, _IONBF, 0); /* what failed is not written later */
	return 0;
}

void xl_run_log_close(struct xl_run_log *l)
{
	struct stat st;

	if (l->f && l->is_ours && fstat(fileno(l->f), &st) == 0 && st.st_size == 0)
		unlink(l->path);
	if (l->f)
		fclose(l->f); /* every line was written and checked */
	free(l->path);
	memset(l, 0, sizeof *l);
}

/* Empties the log, or ends the half line that a run that was killed may have left */
static int begin_lines(struct xl_run_log *l)
{
	const int fd = fileno(l->f);
	const off_t end = l->is_file ? lseek(fd, 0, SEEK_END) : 0;
	char last = '\n';

	if (!l->is_file || end == 0)
		return 0;
	if (!l->append)
		return ftruncate(fd, 0) ? xl_write_failed(l->path) : 0;
	if (pread(fd, &last, 1, end - 1) != 1)
		return xl_write_failed(l->path);
	return last == '\n' ? 0 : xl_write_all(fd, l->path, "\n", 1);
}

static int finish(struct xl_run_log *l, struct xl_json *j)
{
	const off_t end = l->is_file ? lseek(fileno(l->f), 0, SEEK_END) : -1;

	if (xl_json_end(j, l->f) == 0)
		return 0;
	clearerr(l->f);
	if (end >= 0) /* or the next line would stand behind half of this one */
		(void)!ftruncate(fileno(l->f), end);
	return xl_err_prefix("%s", l->path);
}

/* ---- lines ------------------------------------------------------------- */

static void put_time(struct xl_json *j)
{
	struct timespec now;
	struct tm tm;
	char day[32], buf[48];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, sizeof buf, "%s.%03ldZ", day, now.tv_nsec / 1000000);
	xl_json_str(j, "time", buf);
}

static void put_hyper(struct xl_json *j, const struct xl_model *m)
{
	xl_json_open(j, "hyper", '{');
	for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++) {
		if (o->type == XL_OPT_FLAG)
			xl_json_bool(j, o->name, *(bool *)o->target);
		else if (o->type == XL_OPT_INT)
			xl_json_int(j, o->name, *(int64_t *)o->target);
		else if (o->type == XL_OPT_NUM)
			xl_json_num(j, o->name, *(double *)o->target);
		else if (o->type == XL_OPT_ENUM || o->type == XL_OPT_STR)
			xl_json_str(j, o->name, *(const char **)o->target);
	}
	xl_json_close(j, '}');
}

static void put_machine(struct xl_json *j)
{
	char line[256], cpu[256] = "unknown";
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof line, f)) {
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
			snprintf(cpu, sizeof cpu, "%s", strchr(line, ':') + 2);
			cpu[strcspn(cpu, "\n")] = '\0';
			break;
		}
	}
	if (f)
		fclose(f);
	xl_json_str(j, "cpu", cpu);
	xl_json_int(j, "threads", xl_threads());
	xl_json_open(j, "libraries", '{');
	xl_json_str(j, "libvips", VIPS_VERSION);
	snprintf(line, sizeof line, "%d.%d.%d", MSGPACK_VERSION_MAJOR, MSGPACK_VERSION_MINOR,
		 MSGPACK_VERSION_REVISION);
	xl_json_str(j, "msgpack-c", line);
	xl_json_close(j, '}');
}

int xl_run_log_first(struct xl_run_log *l, const struct xl_model *m, const struct xl_spool *s,
		     const struct xl_run_settings *o)
{
	struct xl_json j;

	if (!l->f)
		return 0;
	if (begin_lines(l))
		return -1;
	xl_json_begin(&j);
	xl_json_str(&j, "tool", "xl-train");
	xl_json_str(&j, "version", XL_VERSION);
	put_time(&j);
	xl_json_str(&j, "method", m->method->name);
	put_hyper(&j, m);
	xl_json_int(&j, "seed", (int64_t)m->seed);
	xl_json_int(&j, "start", m->step);
	xl_json_int(&j, "images", s->n);
	xl_json_int(&j, "images_a", s->of[0]);
	xl_json_int(&j, "images_b", s->of[1]);
	xl_json_str(&j, "data", s->hex);
	if (*m->percept)
		xl_json_str(&j, "percept", m->percept);
	if (*m->adopted)
		xl_json_str(&j, "adopted", m->adopted);
	xl_json_open(&j, "attributes", '[');
	for (int i = 0; i < s->labels.n; i++)
		xl_json_str(&j, NULL, s->labels.names[i]);
	xl_json_close(&j, ']');
	xl_json_int(&j, "parameters_generator", (int64_t)xl_model_params(m, XL_GENERATOR));
	xl_json_int(&j, "parameters_critic", (int64_t)xl_model_params(m, XL_CRITIC));
	xl_json_str(&j, "out", o->out);
	xl_json_str(&j, "samples", o->samples);
	xl_json_int(&j, "every", o->every);
	xl_json_int(&j, "keep", o->keep);
	xl_json_int(&j, "log_every", o->log_every);
	put_machine(&j);
	return finish(l, &j);
}

int xl_run_log_step(struct xl_run_log *l, const struct xl_model *m, const struct xl_loss_means *a,
		    double images_per_s)
{
	struct xl_json j;

	if (!l->f)
		return 0;
	xl_json_begin(&j);
	xl_json_int(&j, "step", m->step);
	put_time(&j);
	xl_json_num(&j, "images_per_s", images_per_s);
	for (int i = 0; m->method->loss_names[i]; i++)
		if (a->n[i] > 0)
			xl_json_num(&j, m->method->loss_names[i], a->sum[i] / (double)a->n[i]);
	return finish(l, &j);
}

int xl_run_log_end(struct xl_run_log *l, const struct xl_model *m, const struct xl_run_end *e)
{
	struct xl_json j;

	if (!l->f)
		return 0;
	xl_json_begin(&j);
	xl_json_str(&j, "end", e->how);
	if (e->message)
		xl_json_str(&j, "message", e->message);
	xl_json_int(&j, "step", m->step);
	xl_json_int(&j, "saved", e->saved);
	put_time(&j);
	xl_json_num(&j, "seconds", e->seconds);
	xl_json_int(&j, "iterations", e->iterations);
	xl_json_int(&j, "peak_bytes", xl_peak_bytes());
	xl_json_str(&j, "digest", m->digest);
	return finish(l, &j);
}
