/*
 * pool.c - the one pool of threads.
 *
 * A job is announced by a new generation number. A worker that sees it joins,
 * takes items until none is left, and leaves; the caller works too, closes the
 * job when the items are gone, and waits only for workers that joined: one that
 * is still asleep costs nothing. Both sides look for a moment before they
 * sleep, because kernels follow each other closely.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/pool.h"

enum {
	MAX_THREADS = 1024,
	LOOKS = 4000 /* about 30 us before sleeping; a wake-up costs about as much */
};

static struct {
	pthread_mutex_t caller; /* held by the thread whose job it is */
	pthread_mutex_t lock;   /* guards what follows */
	pthread_cond_t start, done;
	void (*fn)(void *ctx, int64_t i);
	void *ctx;
	int64_t n;
	bool open, stop;
	int sleeping, started;
	pthread_t *threads;
	atomic_int_fast64_t next;
	atomic_uint generation;
	atomic_int joined;
	int wanted; /* 0: not decided yet */
} pool = {.caller = PTHREAD_MUTEX_INITIALIZER,
	  .lock = PTHREAD_MUTEX_INITIALIZER,
	  .start = PTHREAD_COND_INITIALIZER,
	  .done = PTHREAD_COND_INITIALIZER};

static _Thread_local bool inside; /* this thread is running an item */

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static void take_items(void)
{
	int64_t i;

	inside = true;
	while ((i = atomic_fetch_add(&pool.next, 1)) < pool.n)
		pool.fn(pool.ctx, i);
	inside = false;
}

static void *worker(void *arg)
{
	unsigned seen = 0;

	(void)arg;
	for (;;) {
		for (int i = 0; i < LOOKS && atomic_load(&pool.generation) == seen; i++)
			relax();
		pthread_mutex_lock(&pool.lock);
		while (atomic_load(&pool.generation) == seen && !pool.stop) {
			pool.sleeping++;
			pthread_cond_wait(&pool.start, &pool.lock);
			pool.sleeping--;
		}
		if (pool.stop) {
			pthread_mutex_unlock(&pool.lock);
			return NULL;
		}
		seen = atomic_load(&pool.generation);
		if (pool.open) {
			atomic_fetch_add(&pool.joined, 1);
			pthread_mutex_unlock(&pool.lock);
			take_items();
			pthread_mutex_lock(&pool.lock);
			if (atomic_fetch_sub(&pool.joined, 1) == 1)
				pthread_cond_signal(&pool.done);
		}
		pthread_mutex_unlock(&pool.lock);
	}
}

/* A container's share of the machine, where one is set; else 0. */
static int quota_cpus(void)
{
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	long quota = 0, period = 0;
	int n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0)
		n = (int)((quota + period - 1) / period);
	fclose(f);
	return n;
}

static int default_threads(void)
{
	const char *env = getenv("XL_THREADS");
	cpu_set_t cpus;
	int n = 1, quota;

	if (env && *env) {
		char *end;
		long v = strtol(env, &end, 10);

		if (*end == '\0' && v >= 1 && v <= MAX_THREADS)
			return (int)v;
	}
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	quota = quota_cpus();
	if (quota > 0 && quota < n)
		n = quota;
	return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* Called with caller held: no job is running. */
static void stop_workers(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.stop = true;
	pthread_cond_broadcast(&pool.start);
	pthread_mutex_unlock(&pool.lock);
	for (int i = 0; i < pool.started; i++)
		pthread_join(pool.threads[i], NULL);
	free(pool.threads);
	pool.threads = NULL;
	pool.started = 0;
	pool.stop = false;
	atomic_store(&pool.generation, 0);
}

/* Called with caller held. Fewer threads than asked for is no error: the result
 * is the same. Signals go to the thread that the program started with. */
static void start_workers(void)
{
	int n = pool.wanted - 1;
	sigset_t all, old;

	pool.threads = calloc((size_t)n, sizeof(*pool.threads));
	if (!pool.threads)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool.started < n &&
	       pthread_create(&pool.threads[pool.started], NULL, worker, NULL) == 0)
		pool.started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void xl_threads_set(int n)
{
	pthread_mutex_lock(&pool.caller);
	if (n <= 0)
		n = default_threads();
	if (n > MAX_THREADS)
		n = MAX_THREADS;
	if (n != pool.wanted && pool.threads)
		stop_workers();
	pool.wanted = n;
	pthread_mutex_unlock(&pool.caller);
}

int xl_threads(void)
{
	int n;

	if (inside)
		return pool.wanted;
	pthread_mutex_lock(&pool.caller);
	if (pool.wanted == 0)
		pool.wanted = default_threads();
	n = pool.wanted;
	pthread_mutex_unlock(&pool.caller);
	return n;
}

static void run_job(void (*fn)(void *ctx, int64_t i), void *ctx, int64_t n)
{
	pthread_mutex_lock(&pool.lock);
	pool.fn = fn;
	pool.ctx = ctx;
	pool.n = n;
	pool.open = true;
	atomic_store(&pool.next, 0);
	atomic_fetch_add(&pool.generation, 1);
	if (pool.sleeping > 0)
		pthread_cond_broadcast(&pool.start);
	pthread_mutex_unlock(&pool.lock);

	take_items();
	for (int i = 0; i < LOOKS && atomic_load(&pool.joined) > 0; i++)
		relax();
	pthread_mutex_lock(&pool.lock);
	pool.open = false;
	while (atomic_load(&pool.joined) > 0)
		pthread_cond_wait(&pool.done, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
}

void xl_parallel(void (*fn)(void *ctx, int64_t i), void *ctx, int64_t n)
{
	/* Two threads of the program at once: the second does its own work. */
	if (n > 1 && !inside && pthread_mutex_trylock(&pool.caller) == 0) {
		if (pool.wanted == 0)
			pool.wanted = default_threads();
		if (pool.wanted > 1 && !pool.threads)
			start_workers();
		if (pool.started > 0) {
			run_job(fn, ctx, n);
			pthread_mutex_unlock(&pool.caller);
			return;
		}
		pthread_mutex_unlock(&pool.caller);
	}
	for (int64_t i = 0; i < n; i++)
		fn(ctx, i);
}
