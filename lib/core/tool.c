/*
 * tool.c - how every tool speaks and ends.
 *
 * What a message quotes (a file name, the id of a record) may hold anything:
 * control characters are replaced before they reach a terminal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"

/* A shell's status for a program that died of SIGPIPE (128 + 13). */
enum { EXIT_PIPE = 141 };

static const char *tool_name = "xl";
static long failures;
static bool is_lossy; /* a result could not be kept */
static bool stdout_closed;

const char *xl_tool_name(void)
{
	return tool_name;
}

void xl_tool_begin(const char *name)
{
	tool_name = name;
	xl_keep_standard();
	signal(SIGXFSZ, SIG_IGN); /* write fails with EFBIG instead, and is reported */
}

static void say(const char *fmt, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	xl_disarm(text);
	xl_progress_erase();
	if (!stdout_closed)
		fflush(stdout);
	fprintf(stderr, "%s: %s\n", tool_name, text);
}

#define SAY(fmt)                                                                                   \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		say(fmt, ap);                                                                      \
		va_end(ap);                                                                        \
	} while (0)

void xl_warn(const char *fmt, ...)
{
	SAY(fmt);
	failures++;
}

void xl_lose(const char *fmt, ...)
{
	SAY(fmt);
	is_lossy = true;
}

void xl_note(const char *fmt, ...)
{
	if (!xl_common.quiet)
		SAY(fmt);
}

void xl_die(const char *fmt, ...)
{
	SAY(fmt);
	exit(XL_EXIT_FAILED);
}

void xl_usage(const char *fmt, ...)
{
	SAY(fmt);
	fprintf(stderr, "try '%s --help'\n", tool_name);
	exit(XL_EXIT_USAGE);
}

void xl_refuse(const char *fmt, ...)
{
	SAY(fmt);
	exit(XL_EXIT_USAGE);
}

void xl_bug(const char *fmt, ...)
{
	SAY(fmt);
	fprintf(stderr, "%s: this is a defect of xl; please report it\n", tool_name);
	abort();
}

static bool is_standard(const char *what)
{
	return !what || strcmp(what, "-") == 0;
}

void xl_no_terminal_in(const char *what)
{
	if (is_standard(what) && isatty(STDIN_FILENO))
		xl_refuse("not reading tensors from a terminal; use a pipe or name a file");
}

void xl_no_terminal_out(const char *what)
{
	if (is_standard(what) && isatty(STDOUT_FILENO))
		xl_refuse("not writing tensors to a terminal; use a pipe or > FILE");
}

void xl_check_streams(const char *const *paths, int n)
{
	int from_stdin = 0;

	for (int i = 0; i < n; i++) {
		from_stdin += is_standard(paths[i]);
		xl_no_terminal_in(paths[i]);
	}
	if (from_stdin > 1)
		xl_usage("only one of the streams can be stdin");
}

void xl_keep_inputs(const char *out, const char *const *inputs, int n)
{
	if (!is_standard(out) && xl_is_input(out, inputs, n))
		xl_refuse("%s: is an input, and would be written over", out);
}

void xl_check_out(const char *out, bool replaces, const char *const *inputs, int n)
{
	struct xl_file file;
	struct stat st;

	xl_keep_inputs(out, inputs, n);
	if (stat(out, &st) == 0 && !S_ISREG(st.st_mode))
		xl_refuse("%s: is a %s, not a file", out,
			  S_ISDIR(st.st_mode) ? "folder" : "device or pipe");
	if (!replaces && access(out, F_OK) == 0)
		xl_refuse("%s: is there already; --force replaces it", out);
	if (xl_file_begin(&file, out))
		xl_die("%s", xl_err_msg());
	xl_file_abort(&file);
}

void xl_fail_write(void)
{
	if (xl_pipe_broken()) {
		xl_progress_erase();
		_exit(EXIT_PIPE);
	}
	xl_die("%s", xl_err_msg());
}

/* A write in the middle of the work failed and nobody kept its errno: ask again.
 * A pipe without a reader shows POLLERR; a disk is still full. */
static void find_errno(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (poll(&p, 1, 0) == 1 && p.revents & POLLERR) {
		errno = EPIPE;
		return;
	}
	errno = 0;
	clearerr(stdout);
	fputc('\n', stdout);
	if (fflush(stdout) == 0 || errno == 0)
		errno = EIO;
}

int xl_finish(void)
{
	bool failed = ferror(stdout);

	xl_progress_erase();
	if (failures > 0)
		xl_note("%ld input%s failed", failures, failures == 1 ? "" : "s");
	if (failed)
		find_errno();
	if (failed || fflush(stdout)) {
		failed = true;
		xl_write_failed("stdout");
	}
	stdout_closed = true;
	/* EBADF: started with stdout closed, and nothing was written to it. */
	if (fclose(stdout) && !failed && errno != EBADF) {
		failed = true;
		xl_write_failed("stdout");
	}
	if (failed)
		xl_fail_write();
	return failures > 0 || is_lossy ? XL_EXIT_FAILED : XL_EXIT_OK;
}
