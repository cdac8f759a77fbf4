/*
 * distance.c - times what xl-fid does, for bench/fid.sh: Inception's features of 16
 * pictures of 128x128, and the distance of 2 x 2,000 x 2048 features. Weights and features
 * are made: time does not depend on them.
 *
 *   distance THREADS RUNS
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/mem.h"
#include "core/pool.h"
#include "metrics/features.h"
#include "metrics/fid.h"
#include "nn/backbone_params.h"
#include "tensor/modelfile.h"
#include "timing.h"

enum { PICTURES = 16, SIDE = 128, N = 2000, D = 2048 };

static void must(bool is_good)
{
	if (is_good)
		return;
	fprintf(stderr, "distance: %s\n", xl_err_msg());
	exit(1);
}

/* Noise that keeps its size from layer to layer; variances are 1. */
static struct xl_tensor *parameter(const struct xl_backbone_param *p)
{
	struct xl_tensor *t = xl_tensor_new(XL_F4, p->ndim, p->shape);
	const size_t k = strlen(p->name);
	const bool is_var = k > 4 && strcmp(p->name + k - 4, "_var") == 0;
	float *v;

	must(t);
	v = noise(xl_tensor_count(t));
	for (int64_t i = 0; i < xl_tensor_count(t); i++)
		((float *)t->data)[i] = is_var ? 1 : 0.05f * v[i];
	free(v);
	return t;
}

static void write_model(const char *path)
{
	const struct xl_backbone_def *def = xl_backbone_find("inception-fid");
	struct xl_backbone *b = xl_backbone_describe(def);
	struct xl_record *r[2] = {xl_record_new(XL_MODEL, "model"),
				  xl_record_new(XL_MODEL, def->name)};

	must(b && r[0] && r[1] && xl_meta_set_str(r[0], "network", def->name) == 0);
	for (int i = 0; i < b->n_params; i++)
		must(xl_record_put(r[1], b->params[i].name, parameter(&b->params[i])) == 0);
	must(xl_modelfile_write(path, r, 2) == 0);
	xl_record_free(r[0]);
	xl_record_free(r[1]);
	xl_backbone_free(b);
}

struct see {
	struct xl_features f;
	struct xl_tensor *pictures[PICTURES];
	float *rows;
};

static void see(void *ctx)
{
	struct see *s = ctx;

	must(xl_features_see(&s->f, (const struct xl_tensor *const *)s->pictures, PICTURES, s->rows,
			     NULL) == 0);
}

static double time_features(void)
{
	char path[] = "/tmp/xl-bench-XXXXXX";
	struct see s = {.f = {.path = path}, .rows = take(PICTURES * D * sizeof(float))};
	double least;

	must(close(mkstemp(path)) == 0);
	write_model(path);
	must(xl_features_load(&s.f) == 0);
	unlink(path);
	for (int i = 0; i < PICTURES; i++) {
		s.pictures[i] = xl_tensor_new(XL_U1, 3, (const int64_t[]){3, SIDE, SIDE});
		must(s.pictures[i]);
		for (int k = 0; k < 3 * SIDE * SIDE; k++)
			((uint8_t *)s.pictures[i]->data)[k] = (uint8_t)(k * (i + 7) / 5);
	}
	least = measure(see, &s).least;
	for (int i = 0; i < PICTURES; i++)
		xl_tensor_free(s.pictures[i]);
	free(s.rows);
	xl_features_done(&s.f);
	return least;
}

struct sets {
	float *a, *b;
};

/* Statistics of both, and the distance: what is left once features are there. */
static void distance(const struct sets *s)
{
	struct xl_gauss a, b;
	struct xl_fid f;

	must(xl_gauss_init(&a, D) == 0 && xl_gauss_init(&b, D) == 0);
	must(xl_gauss_add(&a, s->a, N) == 0 && xl_gauss_add(&b, s->b, N) == 0);
	must(xl_fid_of(&f, &a, &b, 0) == 0);
	xl_gauss_done(&a);
	xl_gauss_done(&b);
}

static double time_distance(void)
{
	struct sets s = {noise((int64_t)N * D), noise((int64_t)N * D)};
	double least = 0;

	for (int64_t i = 0; i < (int64_t)N * D; i++)
		s.b[i] *= 2;
	for (int i = 0; i < least_runs; i++) { /* of seconds: nothing to warm up */
		const double start = now();

		distance(&s);
		const double ms = now() - start;
		least = i == 0 || ms < least ? ms : least;
	}
	free(s.a);
	free(s.b);
	return least;
}

int main(int argc, char **argv)
{
	const int threads = argc == 3 ? atoi(argv[1]) : 0;

	if (threads < 1 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: distance THREADS RUNS\n");
		return 2;
	}
	xl_threads_set(threads);
	xl_keep_memory();
	least_runs = atoi(argv[2]);
	printf("features %.6f\n", time_features() / 1e3);
	least_runs = least_runs < 3 ? 1 : least_runs / 3;
	printf("distance %.6f\n", time_distance() / 1e3);
	return 0;
}
