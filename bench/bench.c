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
 *   conv     SIZE/WIDTH/BATCH, layer, pass, n ci h w co kh kw stride pad_h pad_w
 *            zeros up, minimum, median, GFLOP; zeros 1: padded by zeros, else by
 *            reflection; up 2: of the map enlarged by two (nearest), and GFLOP as if
 *            it were not folded
 *   memory   the same with - for the shape, and GB read and written
 *   rss      peak memory in MB
 */
#include <math.h>
#include <sys/resource.h>
#include "kernels/upconv.h"
#include "limits.h"
#include "xl.h"

enum { SAMPLES = 40 };

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

	if (c->d.up)
		xl_upconv_fwd(k, c->y, c->x, c->w, c->bias, &c->d, c->scratch);
	else
		k->conv2d_fwd(c->y, c->x, c->w, c->bias, &c->d, c->scratch);
}

static void bwd_x(void *ctx)
{
	struct conv *c = ctx;

	if (c->d.up)
		xl_upconv_bwd_x(k, c->gx, c->gy, c->w, &c->d, c->scratch);
	else
		k->conv2d_bwd_x(c->gx, c->gy, c->w, &c->d, c->scratch);
}

static void bwd_w(void *ctx)
{
	struct conv *c = ctx;

	if (c->d.up)
		xl_upconv_bwd_w(k, c->gw, c->x, c->gy, &c->d, c->scratch);
	else
		k->conv2d_bwd_w(c->gw, c->x, c->gy, &c->d, c->scratch);
}

static int64_t place(int channels, int h, int w, int n, int c, int i, int j)
{
	const int b = channels % XL_BLOCK ? 1 : XL_BLOCK;

	return ((((int64_t)n * (channels / b) + c / b) * h + i) * w + j) * b + c % b;
}

enum { READERS = 6 };

/* Every padded position that shows row (or column) `of` of n: itself, or both it
 * was enlarged to, and mirrors. */
static int readers(const struct xl_conv2d_dims *d, int of, int n, int pad, int *at)
{
	const int s = d->up ? 2 : 1;
	int count = 0;

	for (int i = of * s; i < (of + 1) * s; i++) {
		at[count++] = i + pad;
		if (d->mode == XL_PAD_ZERO)
			continue;
		if (i > 0 && i <= pad)
			at[count++] = pad - i;
		if (i < n * s - 1 && n * s - 1 - i <= pad)
			at[count++] = pad + 2 * (n * s - 1) - i;
	}
	return count;
}

/* What tap u of output r reads, along an axis of n numbers; -1 for zero. */
static int source(const struct xl_conv2d_dims *d, int r, int u, int n, int pad)
{
	const int s = d->up ? 2 : 1, i = r * d->stride + u - pad;

	if (d->mode == XL_PAD_ZERO && (i < 0 || i >= n))
		return -1;
	return (i < 0 ? -i : i >= n * s ? 2 * (n * s - 1) - i : i) / s;
}

/* One number of each pass in double, and the sum of the sizes of its terms. */
static double y_at(const struct conv *c, int n, int o, int r, int q, double *size)
{
	const struct xl_conv2d_dims *d = &c->d;
	double t = (double)c->bias[o];

	for (int i = 0; i < d->ci; i++)
		for (int u = 0; u < d->kh; u++)
			for (int v = 0; v < d->kw; v++) {
				const int h = source(d, r, u, d->h, d->pad_h);
				const int w = source(d, q, v, d->w, d->pad_w);
				if (h < 0 || w < 0)
					continue;
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
	int rows[READERS], cols[READERS];
	const int nr = readers(d, h, d->h, d->pad_h, rows);
	const int nc = readers(d, w, d->w, d->pad_w, cols);
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
				const int h = source(d, r, u, d->h, d->pad_h);
				const int w = source(d, q, v, d->w, d->pad_w);
				if (h < 0 || w < 0)
					continue;
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
	int ci, co, size, kh, kw, stride, pad_h, pad_w;
	enum xl_pad_mode mode;
	int up;
};

static void bench_conv(const struct layer *l, int batch, const char *group)
{
	struct conv c = {.d = {batch, l->ci, l->size, l->size, l->co, l->kh, l->kw, l->stride,
			       l->pad_h, l->pad_w, l->mode, 0, 0, l->up}};
	struct xl_conv2d_dims *d = &c.d;
	static const struct {
		const char *name;
		void (*fn)(void *);
	} passes[] = {{"fwd", fwd}, {"bwd_x", bwd_x}, {"bwd_w", bwd_w}};
	char name[60];

	const int h = l->up ? 2 * l->size : l->size;
	d->oh = (h + 2 * l->pad_h - l->kh) / l->stride + 1;
	d->ow = (h + 2 * l->pad_w - l->kw) / l->stride + 1;
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
	c.scratch = take(d->up ? xl_upconv_scratch(k, d) : k->conv2d_scratch(d));
	snprintf(name, sizeof name, "%s %dx%d%s %d>%d @%d", l->net, d->kh, d->kw,
		 d->up            ? "up"
		 : d->stride == 2 ? "s2"
				  : "",
		 d->ci, d->co, h);

	for (int i = 0; i < 3; i++)
		passes[i].fn(&c);
	verify(&c, name);
	for (int i = 0; i < 3; i++) {
		const struct times t = measure(passes[i].fn, &c);
		printf("conv\t%s\t%s\t%s\t%d %d %d %d %d %d %d %d %d %d %d %d\t%.4f\t%.4f\t%.6f\n",
		       group, name, passes[i].name, d->n, d->ci, d->h, d->w, d->co, d->kh, d->kw,
		       d->stride, d->pad_h, d->pad_w, d->mode == XL_PAD_ZERO, d->up, t.least,
		       t.median, 2e-9 * (double)ny * d->ci * d->kh * d->kw);
		fflush(stdout);
	}
	float *all[] = {c.x, c.w, c.bias, gy, c.y, c.gx, c.gw, c.scratch};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

/* A square kernel, padded by reflection on all sides. */
static struct layer square(const char *net, int ci, int co, int size, int side, int stride, int pad,
			   int up)
{
	return (struct layer){net, ci, co, size, side, side, stride, pad, pad, XL_PAD_REFLECT, up};
}

/* The distinct convolutions of LOMIT's networks. */
static void bench_convs(int size, int width, int batch, const char *group)
{
	const int w = width, s = size;
	const struct layer layers[] = {
		square("E", 3, w, s, 7, 1, 3, 0),
		square("E", w, 2 * w, s, 4, 2, 1, 0),
		square("E", 2 * w, 4 * w, s / 2, 4, 2, 1, 0),
		square("E/m/G", 4 * w, 4 * w, s / 4, 3, 1, 1, 0),
		square("E_s", 4 * w, 4 * w, s / 4, 4, 2, 1, 0),
		square("E_s", 4 * w, 4 * w, s / 8, 4, 2, 1, 0),
		square("m", 4 * w, 1, s / 4, 1, 1, 0, 0),
		square("G", 4 * w, 2 * w, s / 4, 5, 1, 2, 2),
		square("G", 2 * w, w, s / 2, 5, 1, 2, 2),
		square("G", w, 3, s, 7, 1, 3, 0),
		square("MLP", 4 * w, 8 * w, 1, 1, 1, 0, 0),
		square("D", 3, w, s, 4, 2, 1, 0),
	};
	struct layer d;
	int c = w, at = s / 2;

	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		bench_conv(&layers[i], batch, group);
	for (; at > 2 && c < 32 * w; c *= 2, at /= 2) {
		d = square("D", c, 2 * c, at, 4, 2, 1, 0);
		bench_conv(&d, batch, group);
	}
	d = square("D src", c, 1, at, 3, 1, 1, 0);
	bench_conv(&d, batch, group);
	d = square("D cls", c, 4, at, at, 1, 0, 0);
	bench_conv(&d, batch, group);
}

/* Padded by zeros: transposed convolutions, whose forward pass is bwd_x, and some of
 * Inception's. */
static void bench_zeros(int batch)
{
	const struct layer layers[] = {
		{"T", 64, 128, 64, 4, 4, 2, 1, 1, XL_PAD_ZERO, 0},
		{"T", 128, 256, 32, 4, 4, 2, 1, 1, XL_PAD_ZERO, 0},
		{"T", 128, 256, 32, 3, 3, 2, 1, 1, XL_PAD_ZERO, 0},
		{"I", 3, 32, 299, 3, 3, 2, 0, 0, XL_PAD_ZERO, 0},
		{"I", 80, 192, 73, 3, 3, 1, 0, 0, XL_PAD_ZERO, 0},
		{"I", 192, 64, 35, 1, 1, 1, 0, 0, XL_PAD_ZERO, 0},
		{"I", 48, 64, 35, 5, 5, 1, 2, 2, XL_PAD_ZERO, 0},
		{"I", 288, 384, 35, 3, 3, 2, 0, 0, XL_PAD_ZERO, 0},
		{"I", 768, 192, 17, 1, 1, 1, 0, 0, XL_PAD_ZERO, 0},
		{"I", 160, 160, 17, 1, 7, 1, 0, 3, XL_PAD_ZERO, 0},
		{"I", 160, 160, 17, 7, 1, 1, 3, 0, XL_PAD_ZERO, 0},
		{"I", 2048, 448, 8, 1, 1, 1, 0, 0, XL_PAD_ZERO, 0},
		{"I", 384, 384, 8, 1, 3, 1, 0, 1, XL_PAD_ZERO, 0},
	};
	char group[60];

	snprintf(group, sizeof group, "zeros/%d", batch);
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		bench_conv(&layers[i], batch, group);
}

/* 3x3 on small maps in small batches: the small presets, and single pictures. */
static void bench_threes(void)
{
	const int shapes[][2] = {{64, 8}, {64, 16}, {128, 16}, {256, 32}}, batches[] = {1, 4, 8};

	for (int i = 0; i < 3 * 4; i++) {
		const int *s = shapes[i % 4], batch = batches[i / 4];
		const struct layer l = square("W", s[0], s[0], s[1], 3, 1, 1, 0);
		char group[60];
		snprintf(group, sizeof group, "3x3/%d", batch);
		bench_conv(&l, batch, group);
	}
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
	const struct xl_norm_dims nd = {.d = m->d, .kind = m->kind, .eps = 1e-5f};

	k->norm_fwd(m->y, m->stats, m->x, m->params, m->params, NULL, &nd, m->scratch);
}

static void do_norm_bwd(void *ctx)
{
	struct maps *m = ctx;
	const struct xl_norm_dims nd = {.d = m->d, .kind = m->kind, .eps = 1e-5f};

	const struct xl_norm_grads to = {m->y, m->moments, m->moments + m->d.c};

	k->norm_bwd(&to, m->g, m->x, m->stats, m->params, m->params, &nd, m->scratch);
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
	const struct xl_adam a = {1e-4, 0.5, 0.999, 1e-8, 10, 0};

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
	bench_zeros(number(sizes[n - 1]));
	bench_threes();
	getrusage(RUSAGE_SELF, &used);
	printf("rss\t%.0f\n", (double)used.ru_maxrss / 1024);
	return 0;
}
