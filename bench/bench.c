/*
 * bench.c - times the kernels at the shapes LOMIT meets, after checking them.
 * bench/run.sh turns its output into a table, beside PyTorch where that is.
 *
 *   bench [-r RUNS] [SIZE WIDTH BATCH]...
 *
 * Lines of tab-separated fields, times in milliseconds:
 *   cpu      backend, threads
 *   fma      peak of one thread, of all, in GFLOP/s: a loop that only multiplies
 *            and adds in registers
 *   triad    a = b + 3 c over arrays beyond the caches, in GB/s
 *   conv     SIZE/WIDTH/BATCH, layer, pass, n ci h w co k stride pad, minimum,
 *            median, GFLOP
 *   memory   the same with - for the shape, and GB read and written
 *   rss      peak memory in MB
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif
#include "core/pool.h"
#include "kernels/kernels.h"
#include "xl.h"

enum { WARM_UP = 2, MAX_RUNS = 200, SAMPLES = 40 };

static int least_runs = 10;
static const struct xl_kernels *k;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct times {
	double least, median;
};

/* Warm-up, then at least least_runs runs and 100 ms. */
static struct times measure(void (*fn)(void *), void *ctx)
{
	double ms[MAX_RUNS], total = 0;
	int n = 0;

	for (int i = 0; i < WARM_UP; i++)
		fn(ctx);
	while (n < least_runs || (n < MAX_RUNS && total < 100)) {
		const double start = now();
		fn(ctx);
		ms[n] = now() - start;
		total += ms[n++];
	}
	qsort(ms, (size_t)n, sizeof *ms, by_size);
	return (struct times){ms[0], n % 2 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2};
}

static void *take(size_t bytes)
{
	/* what a training step gets from its arena: aligned, and touched before */
	void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	if (!p) {
		perror("bench");
		exit(1);
	}
	memset(p, 0, bytes);
	return p;
}

static float *noise(int64_t count)
{
	float *x = take((size_t)count * sizeof(float));
	uint32_t h = 12345;

	for (int64_t i = 0; i < count; i++) {
		h = h * 1664525u + 1013904223u;
		x[i] = (float)(h >> 8) / 8388608.0f - 1;
	}
	return x;
}

/* ---- the limits of this machine, in this run ---- */

enum { LOOPS = 2000000, CHAINS = 10 }; /* chains: latency times units, at least */

#ifdef __x86_64__
#define FMA_LOOP(NAME, TARGET, V, SET, FMA, STORE, LANES)                                          \
	__attribute__((target(TARGET))) static double NAME(void)                                   \
	{                                                                                          \
		const V a = SET(0.999999f), b = SET(1e-7f);                                        \
		V x0 = a, x1 = a, x2 = a, x3 = a, x4 = a, x5 = a, x6 = a, x7 = a, x8 = a, x9 = a;  \
		float out[LANES];                                                                  \
		for (int i = 0; i < LOOPS; i++) {                                                  \
			x0 = FMA(x0, a, b), x1 = FMA(x1, a, b), x2 = FMA(x2, a, b);                \
			x3 = FMA(x3, a, b), x4 = FMA(x4, a, b), x5 = FMA(x5, a, b);                \
			x6 = FMA(x6, a, b), x7 = FMA(x7, a, b), x8 = FMA(x8, a, b);                \
			x9 = FMA(x9, a, b);                                                        \
		}                                                                                  \
		STORE(out, x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9);                       \
		return (double)out[0];                                                             \
	}
FMA_LOOP(fma_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps, 16)
FMA_LOOP(fma_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps, 8)
#endif

typedef float v4 __attribute__((vector_size(16)));

/* Vectors of four, as the portable kernels are compiled. */
__attribute__((optimize("fp-contract=fast"))) static double fma_generic(void)
{
	const v4 a = {0.999999f, 0.999999f, 0.999999f, 0.999999f}, b = a * 1e-7f;
	v4 x0 = a, x1 = a, x2 = a, x3 = a, x4 = a, x5 = a, x6 = a, x7 = a, x8 = a, x9 = a;

	for (int i = 0; i < LOOPS; i++) {
		x0 = x0 * a + b, x1 = x1 * a + b, x2 = x2 * a + b, x3 = x3 * a + b;
		x4 = x4 * a + b, x5 = x5 * a + b, x6 = x6 * a + b, x7 = x7 * a + b;
		x8 = x8 * a + b, x9 = x9 * a + b;
	}
	x0 += x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9;
	return (double)x0[0];
}

struct peak {
	double (*loop)(void);
	int threads;
	double sums[256];
};

static void peak_item(void *ctx, int64_t i)
{
	struct peak *p = ctx;

	p->sums[i] = p->loop();
}

static void peak_run(void *ctx)
{
	struct peak *p = ctx;

	xl_parallel(peak_item, p, p->threads);
}

static double fma_peak(int threads)
{
	struct peak p = {.loop = fma_generic, .threads = threads < 256 ? threads : 256};
	int lanes = 4;

#ifdef __x86_64__
	if (strcmp(k->name, "avx512") == 0) {
		p.loop = fma_avx512;
		lanes = 16;
	} else if (strcmp(k->name, "avx2") == 0) {
		p.loop = fma_avx2;
		lanes = 8;
	}
#endif
	const double gflop = (double)LOOPS * CHAINS * lanes * 2 * p.threads * 1e-9;
	return gflop / measure(peak_run, &p).least * 1e3;
}

enum { TRIAD = 12 << 20, TRIAD_CHUNK = 1 << 18 };

static float *triad_arrays[3];

static void triad_item(void *ctx, int64_t i)
{
	float *a = triad_arrays[0] + i * TRIAD_CHUNK;
	const float *b = triad_arrays[1] + i * TRIAD_CHUNK, *c = triad_arrays[2] + i * TRIAD_CHUNK;

	(void)ctx;
	for (int j = 0; j < TRIAD_CHUNK; j++)
		a[j] = b[j] + 3 * c[j];
}

static void triad_run(void *ctx)
{
	xl_parallel(triad_item, ctx, TRIAD / TRIAD_CHUNK);
}

static double triad(void)
{
	for (int i = 0; i < 3; i++)
		triad_arrays[i] = noise(TRIAD);
	const double gb = 3.0 * TRIAD * sizeof(float) * 1e-9;
	const double rate = gb / measure(triad_run, NULL).least * 1e3;
	for (int i = 0; i < 3; i++)
		free(triad_arrays[i]);
	return rate;
}

/* ---- convolutions ---- */

struct conv {
	struct xl_conv2d_dims d;
	float *x, *w, *bias, *y, *gx, *gw;
	const float *gy;
	void *scratch;
};

static void fwd(void *ctx)
{
	struct conv *c = ctx;

	k->conv2d_fwd(c->y, c->x, c->w, c->bias, &c->d, c->scratch);
}

static void bwd_x(void *ctx)
{
	struct conv *c = ctx;

	k->conv2d_bwd_x(c->gx, c->gy, c->w, &c->d, c->scratch);
}

static void bwd_w(void *ctx)
{
	struct conv *c = ctx;

	k->conv2d_bwd_w(c->gw, c->x, c->gy, &c->d, c->scratch);
}

static int64_t place(int channels, int h, int w, int n, int c, int i, int j)
{
	const int b = channels % XL_BLOCK ? 1 : XL_BLOCK;

	return ((((int64_t)n * (channels / b) + c / b) * h + i) * w + j) * b + c % b;
}

/* Every padded position that reads row (or column) i of n: itself and mirrors. */
static int readers(int i, int n, int pad, int *at)
{
	int count = 0;

	at[count++] = i + pad;
	if (i > 0 && i <= pad)
		at[count++] = pad - i;
	if (i < n - 1 && n - 1 - i <= pad)
		at[count++] = pad + 2 * (n - 1) - i;
	return count;
}

static int mirror(int i, int n)
{
	return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

/* One number of each pass in double, and the sum of the sizes of its terms. */
static double y_at(const struct conv *c, int n, int o, int r, int q, double *size)
{
	const struct xl_conv2d_dims *d = &c->d;
	double t = (double)c->bias[o];

	for (int i = 0; i < d->ci; i++)
		for (int u = 0; u < d->kh; u++)
			for (int v = 0; v < d->kw; v++) {
				const int h = mirror(r * d->stride + u - d->pad, d->h);
				const int w = mirror(q * d->stride + v - d->pad, d->w);
				const double a =
					(double)c->x[place(d->ci, d->h, d->w, n, i, h, w)] *
					(double)c->w[((o * d->ci + i) * d->kh + u) * d->kw + v];
				t += a;
				*size += fabs(a);
			}
	return t;
}

static double gx_at(const struct conv *c, int n, int i, int h, int w, double *size)
{
	const struct xl_conv2d_dims *d = &c->d;
	int rows[3], cols[3];
	const int nr = readers(h, d->h, d->pad, rows), nc = readers(w, d->w, d->pad, cols);
	double t = 0;

	for (int e = 0; e < nr * nc * d->kh * d->kw; e++) {
		const int u = e / d->kw % d->kh, v = e % d->kw, pair = e / (d->kh * d->kw);
		const int r = rows[pair / nc] - u, q = cols[pair % nc] - v;
		if (r < 0 || q < 0 || r % d->stride || q % d->stride || r / d->stride >= d->oh ||
		    q / d->stride >= d->ow)
			continue;
		for (int o = 0; o < d->co; o++) {
			const double a = (double)c->gy[place(d->co, d->oh, d->ow, n, o,
							     r / d->stride, q / d->stride)] *
					 (double)c->w[((o * d->ci + i) * d->kh + u) * d->kw + v];
			t += a;
			*size += fabs(a);
		}
	}
	return t;
}

static double gw_at(const struct conv *c, int o, int i, int u, int v, double *size)
{
	const struct xl_conv2d_dims *d = &c->d;
	double t = 0;

	for (int n = 0; n < d->n; n++)
		for (int r = 0; r < d->oh; r++)
			for (int q = 0; q < d->ow; q++) {
				const int h = mirror(r * d->stride + u - d->pad, d->h);
				const int w = mirror(q * d->stride + v - d->pad, d->w);
				const double a =
					(double)c->x[place(d->ci, d->h, d->w, n, i, h, w)] *
					(double)c->gy[place(d->co, d->oh, d->ow, n, o, r, q)];
				t += a;
				*size += fabs(a);
			}
	return t;
}

static void same(const char *what, const char *pass, double got, double want, double size)
{
	if (fabs(got - want) <= 3e-6 * size + 1e-6)
		return;
	fprintf(stderr, "bench: %s %s on %s: got %.9g, want %.9g; nothing timed\n", what, pass,
		k->name, got, want);
	exit(1);
}

/* Numbers from all over the three results. */
static void verify(const struct conv *c, const char *name)
{
	const struct xl_conv2d_dims *d = &c->d;

	for (int s = 0; s < SAMPLES; s++) {
		const int n = s % d->n, o = s * 7 % d->co, i = s * 11 % d->ci;
		const int r = s < 4 ? s % 2 * (d->oh - 1) : s * 13 % d->oh, q = s * 5 % d->ow;
		const int h = s < 4 ? s % 2 * (d->h - 1) : s * 13 % d->h, w = s * 5 % d->w;
		const int u = s % d->kh, v = s / 3 % d->kw;
		double size = 0;
		const double y = y_at(c, n, o, r, q, &size);
		same(name, "fwd", (double)c->y[place(d->co, d->oh, d->ow, n, o, r, q)], y, size);
		size = 0;
		const double gx = gx_at(c, n, i, h, w, &size);
		same(name, "bwd_x", (double)c->gx[place(d->ci, d->h, d->w, n, i, h, w)], gx, size);
		size = 0;
		const double gw = gw_at(c, o, i, u, v, &size);
		same(name, "bwd_w", (double)c->gw[((o * d->ci + i) * d->kh + u) * d->kw + v], gw,
		     size);
	}
}

struct layer {
	const char *net;
	int ci, co, size, k, stride, pad;
};

static void bench_conv(const struct layer *l, int batch, const char *group)
{
	struct conv c = {.d = {batch, l->ci, l->size, l->size, l->co, l->k, l->k, l->stride, l->pad,
			       XL_PAD_REFLECT, 0, 0}};
	struct xl_conv2d_dims *d = &c.d;
	static const struct {
		const char *name;
		void (*fn)(void *);
	} passes[] = {{"fwd", fwd}, {"bwd_x", bwd_x}, {"bwd_w", bwd_w}};
	char name[60];

	d->oh = (d->h + 2 * d->pad - d->kh) / d->stride + 1;
	d->ow = (d->w + 2 * d->pad - d->kw) / d->stride + 1;
	const int64_t nx = (int64_t)d->n * d->ci * d->h * d->w;
	const int64_t ny = (int64_t)d->n * d->co * d->oh * d->ow;
	const int64_t nw = (int64_t)d->co * d->ci * d->kh * d->kw;
	float *gy = noise(ny);
	c.x = noise(nx);
	c.w = noise(nw);
	c.bias = noise(d->co);
	c.gy = gy;
	c.y = noise(ny);
	c.gx = noise(nx);
	c.gw = noise(nw);
	c.scratch = take(k->conv2d_scratch(d));
	snprintf(name, sizeof name, "%s %dx%d%s %d>%d @%d", l->net, d->kh, d->kw,
		 d->stride == 2 ? "s2" : "", d->ci, d->co, d->h);

	for (int i = 0; i < 3; i++)
		passes[i].fn(&c);
	verify(&c, name);
	for (int i = 0; i < 3; i++) {
		const struct times t = measure(passes[i].fn, &c);
		printf("conv\t%s\t%s\t%s\t%d %d %d %d %d %d %d %d\t%.4f\t%.4f\t%.6f\n", group, name,
		       passes[i].name, d->n, d->ci, d->h, d->w, d->co, d->kh, d->stride, d->pad,
		       t.least, t.median, 2e-9 * (double)ny * d->ci * d->kh * d->kw);
		fflush(stdout);
	}
	float *all[] = {c.x, c.w, c.bias, gy, c.y, c.gx, c.gw, c.scratch};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

/* The distinct convolutions of LOMIT's networks. */
static void bench_convs(int size, int width, int batch, const char *group)
{
	const int w = width, s = size;
	const struct layer layers[] = {
		{"E", 3, w, s, 7, 1, 3},
		{"E", w, 2 * w, s, 4, 2, 1},
		{"E", 2 * w, 4 * w, s / 2, 4, 2, 1},
		{"E/m/G", 4 * w, 4 * w, s / 4, 3, 1, 1},
		{"E_s", 4 * w, 4 * w, s / 4, 4, 2, 1},
		{"E_s", 4 * w, 4 * w, s / 8, 4, 2, 1},
		{"m", 4 * w, 1, s / 4, 1, 1, 0},
		{"G", 4 * w, 2 * w, s / 2, 5, 1, 2},
		{"G", 2 * w, w, s, 5, 1, 2},
		{"G", w, 3, s, 7, 1, 3},
		{"MLP", 4 * w, 8 * w, 1, 1, 1, 0},
		{"D", 3, w, s, 4, 2, 1},
	};
	int c = w, at = s / 2;

	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		bench_conv(&layers[i], batch, group);
	for (; at > 2 && c < 32 * w; c *= 2, at /= 2)
		bench_conv(&(struct layer){"D", c, 2 * c, at, 4, 2, 1}, batch, group);
	bench_conv(&(struct layer){"D src", c, 1, at, 3, 1, 1}, batch, group);
	bench_conv(&(struct layer){"D cls", c, 4, at, at, 1, 0}, batch, group);
}

/* ---- what moves memory ---- */

struct maps {
	struct xl_dims d, vec, pix;
	enum xl_norm kind;
	enum xl_unary unary;
	float *x, *y, *g, *big, *stats, *params, *moments;
	double *scratch;
	int64_t count;
};

static void do_unary(void *ctx)
{
	struct maps *m = ctx;

	k->unary(m->unary, m->y, m->x, m->count, 0.01f, 0);
}

static void do_add(void *ctx)
{
	struct maps *m = ctx;

	k->binary(XL_ADD, m->y, &m->d, m->x, &m->d, m->g, &m->d, 0);
}

static void do_mul_mask(void *ctx)
{
	struct maps *m = ctx;

	k->binary(XL_MUL, m->y, &m->d, m->x, &m->d, m->g, &m->pix, 0);
}

static void do_sum_hw(void *ctx)
{
	struct maps *m = ctx;

	k->sum_to(m->y, &m->vec, m->x, &m->d);
}

static void do_norm(void *ctx)
{
	struct maps *m = ctx;
	const struct xl_norm_dims nd = {m->d, m->kind, 1e-5f};

	k->norm_fwd(m->y, m->stats, m->x, m->params, m->params, &nd, m->scratch);
}

static void do_norm_bwd(void *ctx)
{
	struct maps *m = ctx;
	const struct xl_norm_dims nd = {m->d, m->kind, 1e-5f};

	k->norm_bwd(m->y, m->moments, m->moments + m->d.c, m->g, m->x, m->stats, m->params, &nd,
		    m->scratch);
}

static void do_up2(void *ctx)
{
	struct maps *m = ctx;

	xl_up2_fwd(m->big, m->x, &m->d);
}

static void do_up2_bwd(void *ctx)
{
	struct maps *m = ctx;

	xl_up2_bwd(m->y, m->big, &m->d);
}

static void do_r1(void *ctx)
{
	struct maps *m = ctx;
	double value;

	if (xl_r1(&value, m->moments, m->g, m->x, &m->d, m->y))
		exit(1);
}

static void do_adam(void *ctx)
{
	struct maps *m = ctx;
	const struct xl_adam a = {1e-4, 0.5, 0.999, 1e-8, 10};

	k->adam(m->x, m->y, m->moments, m->g, m->count, &a);
}

/* Times fn; it reads and writes this many floats at each element. */
static void bench_memory(const char *group, const char *name, void (*fn)(void *), struct maps *m,
			 double floats)
{
	const struct times t = measure(fn, m);

	printf("memory\t%s\t%s %d @%d\t-\t-\t%.4f\t%.4f\t%.6f\n", group, name, m->d.c, m->d.h,
	       t.least, t.median, floats * (double)m->count * sizeof(float) * 1e-9);
	fflush(stdout);
}

static void bench_maps(int size, int width, int batch, const char *group)
{
	const char *const norms[] = {"instance norm", "layer norm", "batch norm"};
	struct maps m = {.d = xl_dims_map(batch, 4 * width, size / 4, size / 4)};
	const int64_t nc = (int64_t)batch * m.d.c;
	char name[60];

	m.vec = xl_dims_map(batch, m.d.c, 1, 1);
	m.pix = xl_dims_plain(batch, 1, m.d.h, m.d.w);
	m.count = xl_dims_count(&m.d);
	m.x = noise(m.count);
	m.y = noise(m.count);
	m.g = noise(m.count);
	m.big = noise(4 * m.count);
	m.moments = noise(m.count);
	for (int64_t i = 0; i < m.count; i++)
		m.moments[i] = fabsf(m.moments[i]);
	m.stats = noise(nc * XL_NORM_STATS);
	m.params = noise(m.d.c);
	m.scratch = take((size_t)nc * 5 * sizeof(double));

	m.unary = XL_LEAKY;
	bench_memory(group, "leaky", do_unary, &m, 2);
	m.unary = XL_TANH;
	bench_memory(group, "tanh", do_unary, &m, 2);
	m.unary = XL_SIGMOID;
	bench_memory(group, "sigmoid", do_unary, &m, 2);
	bench_memory(group, "add", do_add, &m, 3);
	bench_memory(group, "times mask", do_mul_mask, &m, 2);
	bench_memory(group, "sum over pixels", do_sum_hw, &m, 1);
	for (int i = 0; i < 3; i++) {
		m.kind = (enum xl_norm)i;
		snprintf(name, sizeof name, "%s fwd", norms[i]);
		bench_memory(group, name, do_norm, &m, 3);
		snprintf(name, sizeof name, "%s bwd", norms[i]);
		bench_memory(group, name, do_norm_bwd, &m, 5);
	}
	bench_memory(group, "up2 fwd", do_up2, &m, 5);
	bench_memory(group, "up2 bwd", do_up2_bwd, &m, 5);
	bench_memory(group, "adam", do_adam, &m, 7);
	bench_memory(group, "r1", do_r1, &m, 3);
	void *all[] = {m.x, m.y, m.g, m.big, m.moments, m.stats, m.params, m.scratch};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

static int number(const char *text)
{
	const long v = strtol(text, NULL, 10);

	if (v < 1 || v > 4096) {
		fprintf(stderr, "bench: '%s' is not a whole number from 1 to 4096\n", text);
		exit(2);
	}
	return (int)v;
}

int main(int argc, char **argv)
{
	const char *const usual[] = {"64", "16", "16", "128", "64", "8"};
	const char *const *sizes = usual;
	struct rusage used;
	int n = 6, at = 1;

	if (argc > 2 && strcmp(argv[1], "-r") == 0) {
		least_runs = number(argv[2]) < MAX_RUNS ? number(argv[2]) : MAX_RUNS;
		at = 3;
	}
	if (argc > at) {
		sizes = (const char *const *)argv + at;
		n = argc - at;
	}
	if (n % 3 != 0) {
		fprintf(stderr, "bench: usage: bench [-r RUNS] [SIZE WIDTH BATCH]...\n");
		return 2;
	}
	if (!(k = xl_kernels())) {
		fprintf(stderr, "bench: %s\n", xl_err_msg());
		return 2;
	}
	printf("cpu\t%s\t%d\n", k->name, xl_threads());
	printf("fma\t%.1f\t%.1f\n", fma_peak(1), fma_peak(xl_threads()));
	printf("triad\t%.1f\n", triad());
	for (int i = 0; i < n; i += 3) {
		const int size = number(sizes[i]), width = number(sizes[i + 1]);
		const int batch = number(sizes[i + 2]);
		char group[60];
		if (size < 32 || size % 32) {
			fprintf(stderr, "bench: size %d is not a multiple of 32\n", size);
			return 2;
		}
		snprintf(group, sizeof group, "%d/%d/%d", size, width, batch);
		bench_convs(size, width, batch, group);
		bench_maps(size, width, batch, group);
	}
	getrusage(RUSAGE_SELF, &used);
	printf("rss\t%.0f\n", (double)used.ru_maxrss / 1024);
	return 0;
}
