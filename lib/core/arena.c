/*
 * arena.c - bump allocation over reserved address space, with free lists in
 * classes of size (eight to the doubling, so at most 1/8 is wasted).
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "core/arena.h"
#include "core/mem.h"
#include "xl.h"

enum { CLASSES = 16 * 58 };

struct spare {
	struct spare *next;
	void *block;
};

struct xl_arena {
	char *base;
	size_t reserved, used, peak;
	struct spare *bin[CLASSES];
	struct spare *nodes; /* unused list elements: blocks themselves stay untouched */
};

/* The class of a size, and the size rounded up to it: 1 to 16 units of 64 bytes,
 * then of 128, of 256, ... */
static int class_of(size_t *bytes)
{
	size_t units = *bytes > 0 ? (*bytes + 63) / 64 : 1;
	int shift = 0;

	while ((units - 1) >> shift >= 16)
		shift++;
	units = (units + ((size_t)1 << shift) - 1) >> shift;
	*bytes = (units << shift) * 64;
	return shift * 16 + (int)units - 1;
}

struct xl_arena *xl_arena_new(void)
{
	struct xl_arena *a = xl_alloc(1, sizeof *a);

	if (!a)
		return NULL;
	/* reserving costs nothing; where it is refused, try for less */
	for (a->reserved = (size_t)1 << 36; a->reserved >= (size_t)1 << 26; a->reserved /= 2) {
		a->base = mmap(NULL, a->reserved, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (a->base != MAP_FAILED)
			break;
	}
	if (a->base == MAP_FAILED) {
		xl_err("no memory for activations");
		free(a);
		return NULL;
	}
#ifdef MADV_HUGEPAGE
	madvise(a->base, a->reserved, MADV_HUGEPAGE);
#endif
	return a;
}

void xl_arena_free(struct xl_arena *a)
{
	if (!a)
		return;
	xl_arena_reset(a);
	while (a->nodes) {
		struct spare *n = a->nodes;
		a->nodes = n->next;
		free(n);
	}
	munmap(a->base, a->reserved);
	free(a);
}

void *xl_arena_take(struct xl_arena *a, size_t bytes)
{
	const int c = class_of(&bytes);
	struct spare *s = a->bin[c];

	if (s) {
		void *p = s->block;
		a->bin[c] = s->next;
		s->next = a->nodes;
		a->nodes = s;
		return p;
	}
	if (bytes > a->reserved - a->used) {
		xl_err("no memory for activations: they need more than %zu MiB", a->reserved >> 20);
		return NULL;
	}
	void *p = a->base + a->used;
	a->used += bytes;
	if (a->used > a->peak)
		a->peak = a->used;
	return p;
}

void xl_arena_give(struct xl_arena *a, void *p, size_t bytes)
{
	const int c = class_of(&bytes);
	struct spare *s = a->nodes;

	if (!p)
		return;
	if (s)
		a->nodes = s->next;
	else if (!(s = malloc(sizeof *s)))
		return; /* the block is lost until the next reset */
	s->block = p;
	s->next = a->bin[c];
	a->bin[c] = s;
}

void xl_arena_reset(struct xl_arena *a)
{
	for (int c = 0; c < CLASSES; c++)
		while (a->bin[c]) {
			struct spare *s = a->bin[c];
			a->bin[c] = s->next;
			s->next = a->nodes;
			a->nodes = s;
		}
	a->used = 0;
}

size_t xl_arena_peak(const struct xl_arena *a)
{
	return a->peak;
}
