/*
 * mem.c - checked arithmetic and allocation.
 */
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "core/mem.h"

int xl_mul(size_t a, size_t b, size_t *out)
{
	if (__builtin_mul_overflow(a, b, out))
		return xl_err("%zu times %zu is more than memory can hold", a, b);
	return 0;
}

int xl_add(size_t a, size_t b, size_t *out)
{
	if (__builtin_add_overflow(a, b, out))
		return xl_err("%zu plus %zu is more than memory can hold", a, b);
	return 0;
}

void *xl_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		xl_err("out of memory (%zu times %zu bytes)", n, size);
	return p;
}

enum { LARGE_PAGE = 2 << 20 };

void *xl_alloc_large(size_t n, size_t size)
{
	size_t bytes, rounded;
	void *p;

	if (xl_mul(n, size, &bytes) || xl_add(bytes, LARGE_PAGE - 1, &rounded))
		return NULL;
	if (bytes < LARGE_PAGE)
		return xl_alloc(n, size);
	rounded -= rounded % LARGE_PAGE;
	if (posix_memalign(&p, LARGE_PAGE, rounded)) {
		xl_err("out of memory (%zu bytes)", bytes);
		return NULL;
	}
#ifdef MADV_HUGEPAGE
	madvise(p, rounded, MADV_HUGEPAGE); /* it is as well without */
#endif
	return memset(p, 0, bytes);
}

void *xl_realloc(void *p, size_t n, size_t size)
{
	size_t bytes;
	void *q;

	if (xl_mul(n, size, &bytes))
		return NULL;
	q = realloc(p, bytes ? bytes : 1);
	if (!q)
		xl_err("out of memory (%zu bytes)", bytes);
	return q;
}

char *xl_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = xl_alloc(n, 1);

	if (p)
		memcpy(p, s, n);
	return p;
}

char *xl_strf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		xl_err("text cannot be formatted");
		return NULL;
	}
	p = xl_alloc((size_t)n + 1, 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void xl_list_add(char *list, size_t size, const char *word)
{
	static const char cut[] = ", ..";
	const size_t n = strlen(list), gap = n > 0 ? 2 : 0;

	if (n >= 2 && strcmp(list + n - 2, "..") == 0)
		return;
	/* what ends a list that is cut must always fit */
	if (n + gap + strlen(word) + sizeof cut > size)
		strcpy(list + n, n > 0 ? cut : "..");
	else
		sprintf(list + n, "%s%s", gap ? ", " : "", word);
}

void xl_keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the largest that glibc takes */
#endif
}
