/*
 * steps.c - times what people wait for: whole training steps of LOMIT and one
 * translation, on made numbers. bench/steps.sh turns its output into a table,
 * beside PyTorch where that is.
 *
 *   steps [-r RUNS] [-v VARIANT] SIZE WIDTH BATCH
 *
 * Lines of tab-separated fields, times in milliseconds:
 *   cpu    backend, threads
 *   fma    GFLOP/s of all threads: a loop that only multiplies and adds in registers
 *   step   SIZE/WIDTH/BATCH, what, minimum, median, GFLOP of the convolutions as
 *          they are computed (a folded 5x5 counts folded). What: "D", an iteration
 *          without, "D + G", one with a generator step, "translation", of one picture
 *   rss    SIZE/WIDTH/BATCH, peak memory of the steps in MB
 */
#include <sys/resource.h>
#include "core/mem.h"
#include "limits.h"
#include "methods/model.h"

enum { ATTRIBUTES = 4 };

static void ok(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "steps: %s\n", xl_err_msg());
	exit(1);
}

static void *need(void *p)
{
	ok(p ? 0 : -1);
	return p;
}

struct run {
	struct xl_model *m;
	struct xl_tape *t;
	struct xl_batch b;
	int64_t iter;
	struct xl_record *image;
	char group[60];
};

static void step(void *ctx)
{
	struct run *r = ctx;
	struct xl_losses losses;

	xl_tape_reset(r->t);
	ok(r->m->method->step(r->m, r->t, &r->b, r->iter, &losses));
}

/* Input and exemplar are the same picture: the work does not depend on it. */
static void translate(void *ctx)
{
	struct run *r = ctx;
	struct xl_record *in = need(xl_record_copy(r->image));
	struct xl_record *ex = need(xl_record_copy(r->image));

	ok(xl_stage_fuse(r->m, r->t, in, ex));
	ok(xl_stage_decode(r->m, r->t, in));
	xl_record_free(in);
	xl_record_free(ex);
}

static void report(struct run *r, const char *what, void (*fn)(void *))
{
	const int64_t before = r->t->macs;

	fn(r);
	const double gflop = 2e-9 * (double)(r->t->macs - before);
	const struct times t = measure(fn, r);
	printf("step\t%s\t%s\t%.3f\t%.3f\t%.4f\n", r->group, what, t.least, t.median, gflop);
	fflush(stdout);
}

static struct xl_model *new_model(const char *const *sizes, const char *variant)
{
	static const char *const names[ATTRIBUTES] = {"a", "b", "c", "d"};
	static const char *const keys[] = {"size", "width", "batch"};
	struct xl_model *m = need(xl_model_new(need((void *)(uintptr_t)xl_method_find("lomit"))));

	for (int i = 0; i < 3; i++)
		ok(xl_model_set(m, keys[i], sizes[i]));
	ok(xl_model_set(m, "variant", variant));
	ok(xl_model_attributes(m, names, ATTRIBUTES));
	ok(xl_model_build(m, 0, true));
	return m;
}

static struct xl_record *new_image(const float *x, int size)
{
	const int64_t shape[3] = {3, size, size};
	struct xl_record *r = need(xl_record_new(XL_IMAGE, "made.png"));
	struct xl_tensor *t = need(xl_tensor_new(XL_F4, 3, shape));

	memcpy(t->data, x, xl_tensor_bytes(t));
	ok(xl_record_put(r, "x", t));
	return r;
}

int main(int argc, char **argv)
{
	const char *variant = "ijcai";
	struct rusage used;
	int at = 1;

	for (; at + 1 < argc && argv[at][0] == '-'; at += 2)
		if (argv[at][1] == 'r')
			least_runs = atoi(argv[at + 1]) < MAX_RUNS ? atoi(argv[at + 1]) : MAX_RUNS;
		else
			variant = argv[at + 1];
	if (argc - at != 3) {
		fprintf(stderr, "steps: usage: steps [-r RUNS] [-v VARIANT] SIZE WIDTH BATCH\n");
		return 2;
	}
	k = need((void *)(uintptr_t)xl_kernels());
	printf("cpu\t%s\t%d\n", k->name, xl_threads());
	printf("fma\t%.1f\n", fma_peak(xl_threads()));
	struct run r = {.m = new_model((const char *const *)argv + at, variant),
			.t = need(xl_tape_new())};
	const int n = (int)xl_model_int(r.m, "batch"), size = (int)xl_model_int(r.m, "size");
	const int64_t pixels = (int64_t)n * 3 * size * size;
	float *x = noise(2 * pixels), *y = take(sizeof *y * 2 * ATTRIBUTES * (size_t)n);

	for (int i = 0; i < ATTRIBUTES * n; i++)
		y[i] = (float)(i % 2);
	r.b = (struct xl_batch){.n = n, .x = {x, x + pixels}, .y = {y, y + ATTRIBUTES * n}};
	snprintf(r.group, sizeof r.group, "%d/%d/%d", size, (int)xl_model_int(r.m, "width"), n);
	r.iter = 1;
	report(&r, "D", step);
	r.iter = 0;
	report(&r, "D + G", step);
	getrusage(RUSAGE_SELF, &used);
	r.image = new_image(x, size);
	report(&r, "translation", translate);
	printf("rss\t%s\t%.0f\n", r.group, (double)used.ru_maxrss / 1024);
	xl_record_free(r.image);
	xl_tape_free(r.t);
	xl_model_free(r.m);
	free(x);
	free(y);
	return 0;
}
