/*
 * tool.h - how every tool speaks and ends. For tools/ only: the library never
 * prints and never exits.
 */
#ifndef XL_CORE_TOOL_H
#define XL_CORE_TOOL_H

#include <stdbool.h>
#include "xl.h"

enum xl_exit { XL_EXIT_OK = 0, XL_EXIT_FAILED = 1, XL_EXIT_USAGE = 2 };

/* xl_tool_begin - every tool begins here, by xl_opt_parse: its name for messages, the standard
 * descriptors held (xl_keep_standard), a file that grows too large an error of its write.
 * What a tool starts is to have SIGXFSZ back. xl_tool_name - that name */
void xl_tool_begin(const char *name);
const char *xl_tool_name(void);

/* xl_warn - "tool: message" on stderr, progress line erased first; counts the
 * failure, so that xl_finish returns 1. xl_note does not count and is silent
 * under --quiet. */
void xl_warn(const char *fmt, ...) XL_PRINTF(1, 2);
void xl_note(const char *fmt, ...) XL_PRINTF(1, 2);

/* xl_lose - the same for what is lost of the results: status 1, and no input counted */
void xl_lose(const char *fmt, ...) XL_PRINTF(1, 2);

/* xl_die - the same and exit with status 1; xl_usage - with a hint, status 2;
 * xl_refuse - without the hint, status 2 */
_Noreturn void xl_die(const char *fmt, ...) XL_PRINTF(1, 2);
_Noreturn void xl_usage(const char *fmt, ...) XL_PRINTF(1, 2);
_Noreturn void xl_refuse(const char *fmt, ...) XL_PRINTF(1, 2);

/* xl_bug - an invariant is broken: ask for a report and abort */
_Noreturn void xl_bug(const char *fmt, ...) XL_PRINTF(1, 2);

/* xl_no_terminal_in, _out - refuse (status 2) to read tensors from, or write
 * them to, a terminal; "-" and NULL mean the standard stream */
void xl_no_terminal_in(const char *what);
void xl_no_terminal_out(const char *what);

/* xl_check_streams - for tools whose operands are n streams: refuse those that are
 * a terminal, and stdin named twice */
void xl_check_streams(const char *const *paths, int n);

/* xl_keep_inputs - refuse an output file that one of n inputs is, or stdin where n is 0; out
 * NULL or "-" is stdout, and any */
void xl_keep_inputs(const char *out, const char *const *inputs, int n);

/* xl_check_out - before work that would be lost: an output that is an input, that is there
 * already and not to be replaced, or that is no file is refused; one that cannot be begun
 * ends the tool with status 1 */
void xl_check_out(const char *out, bool replaces, const char *const *inputs, int n);

/* xl_fail_write - our output cannot be written: ends quietly with 141 if its
 * reader has gone, else xl_die(xl_err_msg()) */
_Noreturn void xl_fail_write(void);

/* xl_finish - every tool ends here: flush and close stdout, report a failed
 * write, say how many inputs failed; returns the exit status */
int xl_finish(void);

#endif
