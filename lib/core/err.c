/*
 * err.c - the error message of each thread. Library functions set it and
 * return -1 or NULL; tools print it.
 */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include "core/file.h"
#include "xl.h"

/* Long enough for two paths and a sentence; what is longer is cut. */
enum { MESSAGE = 1024 };

static _Thread_local char message[MESSAGE];

int xl_err(const char *fmt, ...)
{
	char text[MESSAGE]; /* an argument may be the current message itself */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(message, text, sizeof(text));
	return -1;
}

int xl_err_prefix(const char *fmt, ...)
{
	char text[MESSAGE];
	va_list ap;
	size_t used, n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	used = strlen(text);
	if (used + 2 < sizeof(text)) {
		memcpy(text + used, ": ", 2);
		used += 2;
		n = strnlen(message, sizeof(text) - 1 - used);
		memcpy(text + used, message, n);
		text[used + n] = '\0';
	}
	memcpy(message, text, sizeof(text));
	return -1;
}

const char *xl_err_msg(void)
{
	return message[0] ? message : "unknown failure";
}

const char *xl_strerror(int errnum)
{
	static _Thread_local char words[128];
	char buf[128];
	const char *s = strerror_r(errnum, buf, sizeof(buf));

	snprintf(words, sizeof(words), "%s", s);
	if (isupper((unsigned char)words[0]) && islower((unsigned char)words[1]))
		words[0] = (char)tolower((unsigned char)words[0]);
	return words;
}

/* Control characters, also those of two bytes (U+0080 to U+009F). */
char *xl_disarm(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
	return s;
}
