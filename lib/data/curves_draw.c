/*
 * curves_draw.c - has gnuplot draw: runs it without a shell, its script in a file,
 * its picture through a pipe. The script is curves_script.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "data/curves.h"

enum { BLOCK = 1 << 16 };

/* What gnuplot said last, "line 3: all points y value undefined!", without the line
 * of a script that nobody sees */
static int complain(FILE *errors)
{
	char line[512], said[512] = "it failed without saying why";

	rewind(errors);
	while (fgets(line, sizeof line, errors)) {
		const char *p = line + strspn(line, " \t"), *colon = strchr(p, ':');
		if (!strncmp(p, "line ", 5) && colon)
			snprintf(said, sizeof said, "%s", colon + 1 + strspn(colon + 1, " "));
	}
	said[strcspn(said, "\n")] = '\0';
	return xl_err("gnuplot: %s", said);
}

/* All that comes from fd until its end; NULL with xl_err set */
static char *read_all(int fd, size_t *size)
{
	size_t cap = 0;
	char *p = NULL;

	for (*size = 0;;) {
		if (*size == cap) {
			char *more = xl_realloc(p, cap + BLOCK, 1);
			if (!more)
				break;
			p = more;
			cap += BLOCK;
		}
		ssize_t n = read(fd, p + *size, cap - *size);
		if (n == 0)
			return p;
		if (n < 0 && errno != EINTR) {
			xl_err("gnuplot: its picture cannot be read: %s", xl_strerror(errno));
			break;
		}
		*size += n > 0 ? (size_t)n : 0;
	}
	free(p);
	return NULL;
}

/* Starts gnuplot on these; the picture comes from fd to[0]. 0, or -1 with xl_err set */
static int start(pid_t *pid, FILE *script, const int to[2], FILE *errors)
{
	char *const argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
	extern char **environ;
	posix_spawn_file_actions_t fds;
	posix_spawnattr_t attr;
	sigset_t reset;
	int failed;

	sigemptyset(&reset);
	sigaddset(&reset, SIGXFSZ); /* ignored here (xl_tool_begin) */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attr, &reset);
	posix_spawn_file_actions_init(&fds);
	posix_spawn_file_actions_adddup2(&fds, fileno(script), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&fds, to[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fds, fileno(errors), STDERR_FILENO);
	failed = posix_spawnp(pid, argv[0], &fds, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fds);
	if (failed == ENOENT)
		return xl_err("gnuplot is missing; it is in the package gnuplot-nox");
	return failed ? xl_err("gnuplot: %s", xl_strerror(failed)) : 0;
}

/* The picture, through a pipe: gnuplot ends with 0 also where a disk is full. */
static char *run(FILE *script, FILE *errors, size_t *size)
{
	int to[2], status = 0;
	char *picture = NULL;
	pid_t pid;

	if (pipe2(to, O_CLOEXEC)) {
		xl_err("no pipe: %s", xl_strerror(errno));
		return NULL;
	}
	int rc = start(&pid, script, to, errors);
	close(to[1]);
	if (rc == 0)
		picture = read_all(to[0], size);
	close(to[0]);
	while (rc == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (picture && (!WIFEXITED(status) || WEXITSTATUS(status) || *size == 0)) {
		complain(errors);
		free(picture);
		picture = NULL;
	}
	return picture;
}

char *xl_curves_draw(const struct xl_curves *c, const struct xl_plot *p, size_t *size)
{
	FILE *script = tmpfile(), *errors = tmpfile();
	char *picture = NULL;

	if (!script || !errors)
		xl_err("no temporary file: %s", xl_strerror(errno));
	else if (xl_curves_script(script, c, p) == 0) {
		if (fflush(script) || ferror(script) || lseek(fileno(script), 0, SEEK_SET))
			xl_err("temporary file: cannot write: %s", xl_strerror(errno));
		else
			picture = run(script, errors, size);
	}
	if (script)
		fclose(script);
	if (errors)
		fclose(errors);
	return picture;
}
