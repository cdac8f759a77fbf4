/*
 * datafile.c - the places where files of ours are looked for.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/datafile.h"
#include "core/mem.h"

/* dir/sub/name if it can be read, else NULL */
static char *readable(const char *dir, const char *sub, const char *name)
{
	char *p = dir && *dir ? xl_strf("%s/%s/%s", dir, sub, name) : NULL;

	if (p && access(p, R_OK) == 0)
		return p;
	free(p);
	return NULL;
}

char *xl_data_file(const char *name)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	char exe[4096], *p, *slash;
	ssize_t len;

	if (data && *data)
		p = readable(data, "xl", name);
	else
		p = readable(home, ".local/share/xl", name);
	if (p || (len = readlink("/proc/self/exe", exe, sizeof exe - 1)) <= 0)
		return p;
	exe[len] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	p = readable(exe, "../share/xl", name);
	return p ? p : readable(exe, "../models", name);
}
