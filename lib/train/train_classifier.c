/*
 * train_classifier.c - the loop that trains a classifier, and what it is worth on
 * pictures held back.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/mem.h"
#include "data/batch.h"
#include "train/train_classifier.h"

enum { SEEN_AT_ONCE = 32 };

/* ---- what it is to be ------------------------------------------------- */

static int largest(const struct xl_spool *s, int label)
{
	int most = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		const int v = s->y[(size_t)i * (size_t)s->labels.n + (size_t)label];

		most = v > most ? v : most;
	}
	return most;
}

int xl_classifier_shape_of(const struct xl_spool *s, int width, struct xl_classifier_shape *out)
{
	*out = (struct xl_classifier_shape){.size = s->size,
					    .width = width,
					    .labels = (const char *const *)s->labels.names,
					    .n_labels = s->labels.n};
	if (s->labels.n == 0)
		return xl_err("the pictures have neither labels (y) nor domains (meta.domain)");
	for (int i = 0; i < s->labels.n; i++) {
		const int of_held = s->held ? largest(s->held, i) : 0, own = largest(s, i);
		const int most = own > of_held ? own : of_held;

		if (most > 1 && s->labels.n > 1)
			return xl_err("'%s' has values up to %d: alone it makes classes, beside "
				      "others it must be 0 or 1; --attributes chooses",
				      s->labels.names[i], most);
		out->classes = most > 1 ? most + 1 : 0;
	}
	return 0;
}

int xl_classifier_run_check(const struct xl_classifier_run *run)
{
	struct xl_classifier_shape shape;

	if (run->batch % 2)
		return xl_err("a batch of %d is odd", run->batch);
	return xl_batch_enough(run->spool, run->batch / 2) ||
			       xl_classifier_shape_of(run->spool, run->width, &shape)
		       ? -1
		       : 0;
}

/* ---- the loop --------------------------------------------------------- */

struct loop {
	const struct xl_classifier_run *run;
	struct xl_classifier *c;
	struct xl_tape *tape;
	struct xl_batcher batches;
	float *y;     /* (batch, labels) */
	double start; /* seconds, of the first step */
};

/* Both sets of a batch, one after the other. */
static struct xl_var *pictures(struct loop *l, const struct xl_batch *b)
{
	const size_t labels = (size_t)b->n * (size_t)l->c->n_labels;
	const int size = l->c->size;

	for (int k = 0; k < 2; k++)
		memcpy(l->y + (size_t)k * labels, b->y[k], labels * sizeof *l->y);
	return xl_op_concat(l->tape, xl_var_input(l->tape, b->n, 3, size, size, b->x[0]),
			    xl_var_input(l->tape, b->n, 3, size, size, b->x[1]), 0);
}

static double rate_at(const struct xl_classifier_run *run, int64_t iter)
{
	const double pi = acos(-1);

	return run->lr * (1 + cos(pi * (double)iter / (double)run->iters)) / 2;
}

static void report(const struct loop *l, int64_t done, double loss)
{
	const double seconds = fmax(xl_clock() - l->start, 1e-9);
	char text[96];

	snprintf(text, sizeof text, "step %lld  loss %.4g  %.3g img/s", (long long)done, loss,
		 (double)done * l->run->batch / seconds);
	l->run->progress(done, l->run->iters, text);
}

static int step(struct loop *l, int64_t iter)
{
	struct xl_tape *t = l->tape;
	struct xl_net *net = &l->c->net;
	const struct xl_adam adam = {.lr = rate_at(l->run, iter),
				     .beta1 = 0.9,
				     .beta2 = 0.999,
				     .eps = 1e-8,
				     .t = iter + 1};
	struct xl_var *x, *loss;
	double value;

	xl_tape_reset(t);
	xl_net_zero(net);
	net->bn = XL_BN_TRAIN;
	if (xl_net_bind(net, t, true))
		return -1;
	xl_tape_record(t, true);
	x = pictures(l, xl_batcher_fetch(&l->batches, iter));
	loss = xl_classifier_loss(l->c, t, xl_classifier_run(l->c, t, x, NULL), l->y);
	if (!loss)
		return -1;
	value = xl_var_scalar(t, loss);
	if (!isfinite(value))
		return xl_err("iteration %lld: the loss is %s; a smaller --lr may help",
			      (long long)iter, isnan(value) ? "nan" : "inf");
	if (xl_backward(t, loss, 0))
		return -1;
	xl_net_adam(net, t->k, &adam);
	report(l, iter + 1, value);
	return 0;
}

static int train(struct loop *l)
{
	l->start = xl_clock();
	for (int64_t i = 0; i < l->run->iters; i++)
		if (step(l, i))
			return -1;
	return 0;
}

/* The pictures of both spools. */
static void note_data(struct xl_classifier *c, const struct xl_spool *s)
{
	struct xl_digest d;

	xl_digest_init(&d);
	xl_digest_add(&d, s->hex, strlen(s->hex));
	if (s->held)
		xl_digest_add(&d, s->held->hex, strlen(s->held->hex));
	xl_digest_hex(&d, c->data);
}

struct xl_classifier *xl_classifier_train(const struct xl_classifier_run *run)
{
	const struct xl_batching how = {.n = run->batch / 2,
					.size = run->spool->size,
					.seed = run->seed,
					.augmenting.flip = run->flip};
	struct xl_classifier_shape shape;
	struct loop l = {.run = run};

	if (xl_classifier_shape_of(run->spool, run->width, &shape) ||
	    xl_batcher_init(&l.batches, run->spool, &how))
		return NULL;
	l.tape = xl_tape_new();
	l.c = xl_classifier_new(&shape, run->seed, true);
	l.y = xl_alloc((size_t)run->batch * (size_t)shape.n_labels, sizeof *l.y);
	if (!l.tape || !l.c || !l.y || train(&l)) {
		xl_classifier_free(l.c);
		l.c = NULL;
	} else {
		l.c->steps = run->iters;
		note_data(l.c, run->spool);
	}
	free(l.y);
	xl_batcher_done(&l.batches);
	xl_tape_free(l.tape);
	return l.c;
}

/* ---- what it is worth ------------------------------------------------- */

/* Pictures from number `first` on; how many. -1 with xl_err set. */
static int load(const struct xl_classifier *c, const struct xl_spool *s, uint32_t first, float *x)
{
	const size_t each = 3 * (size_t)s->size * (size_t)s->size;
	int n = 0;

	for (; n < SEEN_AT_ONCE && first + (uint32_t)n < s->n; n++) {
		const struct xl_tensor picture = xl_spool_picture(s, first + (uint32_t)n);

		if (xl_classifier_fit(c, &picture, x + (size_t)n * each))
			return -1;
	}
	return n;
}

static int judge(struct xl_classifier *c, const struct xl_spool *s, struct xl_verdicts *v)
{
	const size_t each = 3 * (size_t)s->size * (size_t)s->size;
	const int outputs = xl_classifier_outputs(c), labels = c->n_labels;
	float *x = xl_alloc(SEEN_AT_ONCE * each, sizeof *x);
	float *p = xl_alloc(SEEN_AT_ONCE * (size_t)outputs, sizeof *p);
	struct xl_tape *t = xl_tape_new();
	int want[XL_CLASSIFIER_OUTPUTS], n = 0, rc = x && p && t ? 0 : -1;

	for (uint32_t i = 0; rc == 0 && i < s->n; i += (uint32_t)n) {
		n = load(c, s, i, x);
		if (n < 0 || xl_classifier_see(c, t, n, x, p, NULL)) {
			rc = -1;
			break;
		}
		for (int k = 0; k < n; k++) {
			for (int j = 0; j < labels; j++)
				want[j] =
					s->y[((size_t)i + (size_t)k) * (size_t)labels + (size_t)j];
			xl_verdicts_add(v, p + (ptrdiff_t)k * outputs, want);
		}
	}
	free(x);
	free(p);
	xl_tape_free(t);
	return rc;
}

int xl_classifier_test(struct xl_classifier *c, const struct xl_spool *held, struct xl_verdicts *v)
{
	if (xl_verdicts_init(v, c) || judge(c, held, v))
		return -1;
	c->held_out = v->all.n;
	c->held_out_right = v->all.n ? xl_verdicts_accuracy(&v->all) : 0;
	return 0;
}

static void settings_json(const struct xl_classifier_run *run, struct xl_json *j)
{
	const struct xl_spool *held = run->spool->held;

	xl_json_open(j, "settings", '{');
	xl_json_int(j, "trained_on", run->spool->n);
	xl_json_num(j, "held_out_share", run->spool->share);
	xl_json_int(j, "size", run->spool->size);
	xl_json_int(j, "width", run->width);
	xl_json_int(j, "batch", run->batch);
	xl_json_int(j, "iters", run->iters);
	xl_json_num(j, "lr", run->lr);
	xl_json_num(j, "flip", run->flip);
	xl_json_int(j, "seed", (int64_t)run->seed);
	xl_json_close(j, '}');
	xl_json_open(j, "digests", '{');
	xl_json_str(j, "trained_on", run->spool->hex);
	xl_json_str(j, "held_out", held ? held->hex : NULL);
	xl_json_close(j, '}');
}

int xl_classifier_run_print(const struct xl_classifier_run *run, const struct xl_classifier *c,
			    const struct xl_verdicts *v, FILE *f, bool is_json)
{
	struct xl_json j;

	if (!is_json) {
		xl_verdicts_text(v, f);
		return ferror(f) ? -1 : 0;
	}
	xl_classifier_json(c, &j, "held_out");
	settings_json(run, &j);
	xl_verdicts_json(v, &j);
	return xl_json_end(&j, f);
}
