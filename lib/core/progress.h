/*
 * progress.h - one line on stderr, drawn only on a terminal (or as --progress
 * says), at most 5 times a second, erased before any message, and not at all
 * when the work takes under a second.
 */
#ifndef XL_CORE_PROGRESS_H
#define XL_CORE_PROGRESS_H

#include <stdint.h>

/* xl_progress - done of total (0 for unknown) units, and what to say after the
 * rate and the time left, e.g. "g 0.412  d 0.688"; NULL for nothing. Another unit is
 * other work, whose rate counts from its first call. */
void xl_progress(int64_t done, int64_t total, const char *unit, const char *extra);

/* xl_progress_lines - the same for work of hours: where no line is drawn, what would
 * be said after rate and time (or else done and unit) is a remark every 30 seconds */
void xl_progress_lines(int64_t done, int64_t total, const char *unit, const char *extra);

/* xl_progress_erase - remove the line, before a message or at the end */
void xl_progress_erase(void);

#endif
