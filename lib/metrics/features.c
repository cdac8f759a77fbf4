/*
 * features.c - pictures as vectors, by a published network or a classifier of our own; see
 * features.h.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "metrics/features.h"
#include "metrics/inception_score.h"

static const char fid_network[] = "inception-fid";

enum { FID_D = 2048, INCEPTION_SIZE = 299, SIZE = 224 };

/* ---- names ------------------------------------------------------------ */

bool xl_features_is_fid(const char *network)
{
	return strcmp(network, fid_network) == 0;
}

const char *xl_features_metric(const char *network)
{
	return xl_features_is_fid(network) ? "fid" : "fd";
}

void xl_features_suffix(char *buf, size_t size, const char *network, int64_t d)
{
	if (xl_features_is_fid(network) && d == FID_D)
		snprintf(buf, size, "%s", "");
	else if (xl_features_is_fid(network) || !*network)
		snprintf(buf, size, "_d%lld", (long long)d);
	else if (strncmp(network, "own_", 4) == 0)
		snprintf(buf, size, "_%s", network);
	else
		snprintf(buf, size, "_%s_d%lld", network, (long long)d);
	for (; *buf; buf++)
		*buf = *buf == '-' ? '_' : *buf;
}

/* ---- loading ---------------------------------------------------------- */

static int load_own(struct xl_features *f, const char *path)
{
	if (f->must_squash)
		return xl_err("%s: a classifier resizes in a way of its own, not as --resize says",
			      path);
	if (!(f->own = xl_classifier_load(path)))
		return -1;
	xl_classifier_name(f->own, f->name, sizeof f->name);
	snprintf(f->digest, sizeof f->digest, "%s", f->own->digest);
	f->size = f->own->size;
	f->d = xl_classifier_features(f->own);
	f->k = xl_classifier_outputs(f->own);
	f->is_yes_or_no = f->own->classes == 0;
	f->resize = "own";
	return f->dims == 0 || f->dims == f->d ? 0
					       : xl_err("%s: has %lld features, not %lld", path,
							(long long)f->d, (long long)f->dims);
}

/* Channels of the taps, from a run that computes nothing. 0, or -1 with xl_err set */
static int tap_channels(const struct xl_features *f, int64_t channels[XL_BACKBONE_TAPS], int n)
{
	struct xl_var *taps[XL_BACKBONE_TAPS] = {NULL}, *x;
	int rc;

	f->tape->dry = true;
	x = xl_var_input(f->tape, 1, 3, (int)f->size, (int)f->size, NULL);
	rc = xl_backbone_run(f->net, f->tape, x, taps);
	for (int i = 0; rc == 0 && i < n; i++)
		channels[i] = taps[i]->d.c;
	xl_tape_reset(f->tape);
	f->tape->dry = false;
	return rc;
}

/* The last place that has as many features as are wanted. */
static int choose_tap(struct xl_features *f, const char *path, const struct xl_backbone_def *def)
{
	const bool is_inception = strncmp(def->name, "inception", 9) == 0;
	const int n = is_inception ? def->n_taps - 1 : def->n_taps;
	int64_t channels[XL_BACKBONE_TAPS];
	char list[128] = "", word[24];

	f->tap_logits = is_inception ? n : -1;
	f->size = is_inception ? INCEPTION_SIZE : SIZE;
	if (tap_channels(f, channels, def->n_taps))
		return -1;
	f->k = is_inception ? channels[n] : 0;
	for (int i = n; i-- > 0;)
		if (f->dims == 0 || channels[i] == f->dims) {
			f->tap = i;
			f->d = channels[i];
			return 0;
		}
	for (int i = 0; i < n; i++) {
		snprintf(word, sizeof word, "%lld", (long long)channels[i]);
		xl_list_add(list, sizeof list, word);
	}
	return xl_err("%s: %s has %s features at its places, not %lld", path, def->name, list,
		      (long long)f->dims);
}

static int load_published(struct xl_features *f, const char *path,
			  const struct xl_backbone_def *def)
{
	f->net = xl_backbone_load(path, def);
	if (!f->net || choose_tap(f, path, def))
		return -1;
	if (xl_backbone_is_published(f->net))
		snprintf(f->name, sizeof f->name, "%s", def->name);
	else
		snprintf(f->name, sizeof f->name, "own_d%lld", (long long)f->d);
	snprintf(f->digest, sizeof f->digest, "%s", xl_backbone_digest(f->net));
	f->resize = xl_squash_name(f->squash);
	return 0;
}

static int load(struct xl_features *f, const char *path)
{
	const struct xl_backbone_def *def;
	char name[64];

	if (!(f->tape = xl_tape_new()) || xl_backbone_named(path, name))
		return -1;
	if (strcmp(name, "classifier") == 0)
		return load_own(f, path);
	if (!*name)
		return xl_err("%s: not a network that describes pictures (%s, classifier)", path,
			      xl_backbone_names());
	def = xl_backbone_find(name);
	return def ? load_published(f, path, def) : xl_err_prefix("%s", path);
}

int xl_features_load(struct xl_features *f)
{
	char *found = NULL;
	int rc;

	if (f->net || f->own)
		return 0;
	if (!f->path && !(found = xl_backbone_path(xl_backbone_find(fid_network))))
		return -1;
	rc = load(f, found ? found : f->path);
	free(found);
	return rc;
}

void xl_features_done(struct xl_features *f)
{
	xl_backbone_free(f->net);
	xl_classifier_free(f->own);
	xl_tape_free(f->tape);
	*f = (struct xl_features){.path = NULL};
}

/* ---- seeing ----------------------------------------------------------- */

/* Pictures of one size on their way into the network. */
struct sight {
	const struct xl_features *f;
	const struct xl_tensor *const *pictures;
	int64_t each; /* numbers of one */
	float *x;
	bool *is_bad;
};

static void prepare(void *ctx, int64_t i)
{
	struct sight *s = ctx;
	float *x = s->x + i * s->each;
	const struct xl_features *f = s->f;

	s->is_bad[i] = f->own ? xl_classifier_fit(f->own, s->pictures[i], x) != 0
			      : xl_squash_picture(x, f->size, s->pictures[i], f->squash) != 0;
}

/* How many from the first on go together. */
static int64_t alike(const struct xl_features *f, const struct xl_tensor *const *pictures,
		     int64_t n)
{
	int64_t k = 1;

	if (f->own || f->squash != XL_SQUASH_NONE)
		return n;
	while (k < n && xl_tensor_is(pictures[k], 3, pictures[0]->shape))
		k++;
	return k;
}

static void softmax_rows(double *p, const float *z, int64_t n, int64_t k)
{
	for (int64_t i = 0; i < n * k; i++)
		p[i] = (double)z[i];
	for (int64_t i = 0; i < n; i++)
		xl_softmax(p + i * k, p + i * k, k);
}

static int run_published(struct xl_features *f, int64_t n, int64_t h, int64_t w, const float *x,
			 float *rows, double *p)
{
	struct xl_var *taps[XL_BACKBONE_TAPS], *mean;
	float *z = p ? xl_alloc((size_t)(n * f->k), sizeof *z) : NULL;
	int rc = -1;

	xl_tape_reset(f->tape);
	if ((!p || z) &&
	    !xl_backbone_run(f->net, f->tape, xl_var_input(f->tape, (int)n, 3, (int)h, (int)w, x),
			     taps) &&
	    (mean = xl_op_mean_hw(f->tape, taps[f->tap]))) {
		xl_var_read(f->tape, mean, rows);
		if (p) {
			xl_var_read(f->tape, taps[f->tap_logits], z);
			softmax_rows(p, z, n, f->k);
		}
		rc = 0;
	}
	free(z);
	return rc;
}

static int run_own(struct xl_features *f, int64_t n, const float *x, float *rows, double *p)
{
	float *q = p ? xl_alloc((size_t)(n * f->k), sizeof *q) : NULL;
	const int rc = p && !q ? -1 : xl_classifier_see(f->own, f->tape, (int)n, x, q, rows);

	for (int64_t i = 0; rc == 0 && p && i < n * f->k; i++)
		p[i] = (double)q[i];
	free(q);
	return rc;
}

static int see_alike(struct xl_features *f, const struct xl_tensor *const *pictures, int64_t n,
		     float *rows, double *p)
{
	const bool as_is = !f->own && f->squash == XL_SQUASH_NONE;
	const int64_t h = as_is ? pictures[0]->shape[1] : f->size;
	const int64_t w = as_is ? pictures[0]->shape[2] : f->size;
	struct sight s = {.f = f, .pictures = pictures, .each = 3 * h * w};
	int rc = -1;

	s.x = xl_alloc((size_t)(n * s.each), sizeof *s.x);
	s.is_bad = xl_alloc((size_t)n, sizeof *s.is_bad);
	if (s.x && s.is_bad) {
		xl_parallel(prepare, &s, n);
		rc = 0;
		for (int64_t i = 0; i < n; i++)
			if (s.is_bad[i])
				rc = xl_err("out of memory");
	}
	if (rc == 0)
		rc = f->own ? run_own(f, n, s.x, rows, p) : run_published(f, n, h, w, s.x, rows, p);
	free(s.x);
	free(s.is_bad);
	return rc;
}

int xl_features_see(struct xl_features *f, const struct xl_tensor *const *pictures, int64_t n,
		    float *rows, double *p)
{
	for (int64_t i = 0; i < n;) {
		const int64_t k = alike(f, pictures + i, n - i);

		if (see_alike(f, pictures + i, k, rows + i * f->d, p ? p + i * f->k : NULL))
			return -1;
		i += k;
	}
	return 0;
}
