/*
 * arena.c - two heaps over reserved address space, small blocks apart from large
 * ones so that they do not cut these up. In a heap blocks lie one after the
 * other, each behind a header; free neighbours are joined; free blocks are kept
 * in classes of size (sixteen to the doubling). What ends the heap is given back
 * to the untouched rest.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "core/arena.h"
#include "core/mem.h"
#include "xl.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, bytes) ((void)(p), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(p, bytes) ((void)(p), (void)(bytes))
#endif

enum {
	UNIT = 64,
	CLASSES = 16 * 58,
	WORDS = (CLASSES + 63) / 64,
	LOOKS = 8,       /* blocks of the own class that are tried: not all of them fit */
	SMALL = 1 << 15, /* bytes; larger blocks are in the second heap */
	SMALL_PART = 32  /* of the address space, for small ones */
};

struct block {
	size_t size;         /* bytes that follow, a multiple of UNIT */
	struct block *below; /* the neighbour before, NULL for the first */
	struct block *next, *prev;
	bool is_free;
};

_Static_assert(sizeof(struct block) <= UNIT, "a header is one unit");

struct heap {
	char *base;
	size_t reserved, used, peak; /* used: headers included */
	struct block *last;
	struct block *bin[CLASSES];
	uint64_t filled[WORDS]; /* a bit for each bin that is not empty */
};

struct xl_arena {
	char *base;
	size_t reserved;
	struct heap heap[2]; /* small, large */
};

/* The class that a size falls into: 1 to 16 units of 64 bytes, then of 128, of 256, ...
 * Every block of a higher class is larger. */
static int class_of(size_t bytes)
{
	size_t units = bytes / UNIT;
	int shift = 0;

	while ((units - 1) >> shift >= 16)
		shift++;
	return shift * 16 + (int)((units - 1) >> shift);
}

static size_t whole_units(size_t bytes)
{
	return bytes > 0 ? (bytes + UNIT - 1) / UNIT * UNIT : UNIT;
}

static void heap_empty(struct heap *h)
{
	ASAN_UNPOISON_MEMORY_REGION(h->base, h->peak);
	h->used = 0;
	h->last = NULL;
	for (int i = 0; i < CLASSES; i++)
		h->bin[i] = NULL;
	for (int i = 0; i < WORDS; i++)
		h->filled[i] = 0;
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
	const size_t small = a->reserved / SMALL_PART;
	a->heap[0] = (struct heap){.base = a->base, .reserved = small};
	a->heap[1] = (struct heap){.base = a->base + small, .reserved = a->reserved - small};
	return a;
}

void xl_arena_sparse(struct xl_arena *a)
{
#ifdef MADV_NOHUGEPAGE
	madvise(a->base, a->reserved, MADV_NOHUGEPAGE);
#endif
}

void xl_arena_free(struct xl_arena *a)
{
	if (!a)
		return;
	xl_arena_reset(a); /* other users of the addresses know nothing of poison */
	munmap(a->base, a->reserved);
	free(a);
}

static void bin_add(struct heap *h, struct block *b)
{
	const int c = class_of(b->size);

	b->is_free = true;
	b->prev = NULL;
	b->next = h->bin[c];
	if (b->next)
		b->next->prev = b;
	h->bin[c] = b;
	h->filled[c / 64] |= (uint64_t)1 << c % 64;
}

static void bin_remove(struct heap *h, struct block *b)
{
	const int c = class_of(b->size);

	b->is_free = false;
	if (b->next)
		b->next->prev = b->prev;
	if (b->prev)
		b->prev->next = b->next;
	else if (!(h->bin[c] = b->next))
		h->filled[c / 64] &= ~((uint64_t)1 << c % 64);
}

/* A free block of at least this size: the first that fits of the size's own class,
 * else any of the next class that has one. */
static struct block *find(const struct heap *h, size_t size)
{
	const int c = class_of(size);
	int looks = 0;

	for (struct block *b = h->bin[c]; b && looks < LOOKS; b = b->next, looks++)
		if (b->size >= size)
			return b;
	for (int w = (c + 1) / 64; w < WORDS; w++) {
		uint64_t bits = h->filled[w];
		if (w == (c + 1) / 64)
			bits &= ~(uint64_t)0 << (c + 1) % 64;
		if (bits)
			return h->bin[64 * w + __builtin_ctzll(bits)];
	}
	return NULL;
}

static struct block *after(const struct heap *h, const struct block *b)
{
	char *p = (char *)(uintptr_t)b + UNIT + b->size;

	return p < h->base + h->used ? (struct block *)(void *)p : NULL;
}

/* A block at the end of what is used. */
static struct block *extend(struct heap *h, size_t size)
{
	struct block *b = (struct block *)(void *)(h->base + h->used);

	if (size > h->reserved - h->used || UNIT > h->reserved - h->used - size)
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(b, UNIT);
	*b = (struct block){.size = size, .below = h->last};
	h->last = b;
	h->used += UNIT + size;
	if (h->used > h->peak)
		h->peak = h->used;
	return b;
}

/* Leave size bytes to b, and what is over to a free block after it. */
static void split(struct heap *h, struct block *b, size_t size)
{
	if (b->size < size + 2 * UNIT)
		return;
	struct block *rest = (struct block *)(void *)((char *)b + UNIT + size);
	struct block *next = after(h, b);
	ASAN_UNPOISON_MEMORY_REGION(rest, UNIT);
	*rest = (struct block){.size = b->size - size - UNIT, .below = b};
	if (next)
		next->below = rest;
	b->size = size;
	bin_add(h, rest);
}

void *xl_arena_take(struct xl_arena *a, size_t bytes)
{
	struct heap *h = &a->heap[bytes > SMALL];
	const size_t size = bytes < a->reserved ? whole_units(bytes) : a->reserved;
	struct block *b = find(h, size);

	if (b) {
		bin_remove(h, b);
		split(h, b, size);
	} else if (!(b = extend(h, size))) {
		xl_err("no memory for activations: they need more than %zu MiB", a->reserved >> 20);
		return NULL;
	}
	void *p = (char *)b + UNIT;
	ASAN_UNPOISON_MEMORY_REGION(p, bytes);
	return p;
}

/* b takes in the free block that follows it. */
static void join(struct heap *h, struct block *b, const struct block *next)
{
	struct block *beyond = after(h, next);

	b->size += UNIT + next->size;
	if (beyond)
		beyond->below = b;
}

void xl_arena_give(struct xl_arena *a, void *p, size_t bytes)
{
	if (!p)
		return;
	struct heap *h = &a->heap[bytes > SMALL];
	struct block *b = (struct block *)(void *)((char *)p - UNIT), *next = after(h, b);

	ASAN_POISON_MEMORY_REGION(p, bytes);
	if (next && next->is_free) {
		bin_remove(h, next);
		join(h, b, next);
	}
	if (b->below && b->below->is_free) {
		struct block *below = b->below;
		bin_remove(h, below);
		join(h, below, b);
		b = below;
	}
	if (after(h, b)) {
		bin_add(h, b);
		return;
	}
	h->used = (size_t)((char *)b - h->base);
	h->last = b->below;
}

void xl_arena_reset(struct xl_arena *a)
{
	heap_empty(&a->heap[0]);
	heap_empty(&a->heap[1]);
}

size_t xl_arena_peak(const struct xl_arena *a)
{
	return a->heap[0].peak + a->heap[1].peak;
}
