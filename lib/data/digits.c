/*
 * digits.c - the sets `mnist-single` and `mnist-multi`: descriptors, labels, records.
 * Images 0, 2, .. are of domain A, images 1, 3, .. of domain B; of pairs, the inputs.
 * Layouts and looks are drawn in digits_draw.c and painted in digits_paint.c.
 */
#include "data/digits.h"

#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

enum { SPLITS = 2, FORMS = 4, LABELS_MANY = 2 + XL_DIGIT_CELLS };

/* ---- the files -------------------------------------------------------- */

/* The first of the names that MNIST's files go by, in dir; the caller frees it. */
static char *find_pictures(const char *dir, bool is_test)
{
	static const char *const names[SPLITS][FORMS] = {
		{"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte",
		 "train-images.idx3-ubyte.gz"},
		{"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte",
		 "t10k-images.idx3-ubyte.gz"}};

	for (int i = 0; i < FORMS; i++) {
		char *path = xl_strf("%s/%s", dir, names[is_test][i]);

		if (!path || xl_idx_kind(path) != XL_IDX_NONE)
			return path;
		free(path);
	}
	xl_err("%s: no idx file %s or %s.gz", dir, names[is_test][0], names[is_test][0]);
	return NULL;
}

static int check_digits(const struct xl_idx *x)
{
	if (!x->labels)
		return xl_err("%s: no file of labels beside it", x->path);
	if (x->n == 0)
		return xl_err("%s: holds no pictures", x->path);
	if (x->h != XL_DIGIT_SIDE || x->w != XL_DIGIT_SIDE)
		return xl_err("%s: pictures of %lldx%lld pixels, digits have %dx%d", x->path,
			      (long long)x->w, (long long)x->h, XL_DIGIT_SIDE, XL_DIGIT_SIDE);
	for (int64_t i = 0; i < x->n; i++)
		if (x->labels[i] >= XL_DIGITS)
			return xl_err("%s: label %d of picture %lld is no digit", x->path,
				      x->labels[i], (long long)i);
	return 0;
}

struct xl_digits *xl_digits_open(const struct xl_synth_job *job)
{
	struct xl_digits *d = xl_alloc(1, sizeof *d);
	const char *split = job->digits.split;
	char *path;

	if (!d)
		return NULL;
	d->idx.fd = -1;
	d->is_test = split ? strcmp(split, "test") == 0 : job->pairs;
	d->is_stretched = !job->digits.is_plain;
	path = find_pictures(job->digits.dir, d->is_test);
	if (!path || xl_idx_open(&d->idx, path) || check_digits(&d->idx)) {
		xl_digits_close(d);
		d = NULL;
	}
	free(path);
	return d;
}

void xl_digits_close(void *digits)
{
	struct xl_digits *d = digits;

	if (!d)
		return;
	for (int k = 0; k < 2; k++) {
		free(d->digit[k]);
		free(d->chance[k]);
	}
	xl_idx_close(&d->idx);
	free(d);
}

/* ---- what both sets share --------------------------------------------- */

/* Images, or pairs, of which half have their content of domain A. */
static int64_t count_of(const void *source)
{
	return 2 * ((const struct xl_digits *)source)->idx.n;
}

/* Of which domain an image takes its layout, and of which its look. */
static enum xl_digit_domain content_of(const struct xl_synth_ask *a)
{
	const enum xl_digit_domain input = a->index % 2 ? XL_DIGITS_B : XL_DIGITS_A;

	return a->role == XL_SYNTH_EXEMPLAR ? !input : input;
}

static enum xl_digit_domain style_of(const struct xl_synth_ask *a)
{
	return a->role == XL_SYNTH_TRUTH ? !content_of(a) : content_of(a);
}

static char domain_of(const struct xl_synth_ask *a)
{
	return style_of(a) == XL_DIGITS_A ? 'A' : 'B';
}

static struct xl_record *new_record(const struct xl_synth_ask *a, const char *single)
{
	static const char *const roles[] = {"", "-input", "-exemplar", "-truth"};
	char *id = xl_strf("%s-%06u%s.png", a->role == XL_SYNTH_SINGLE ? single : "pair",
			   (unsigned)a->index, roles[a->role]);
	struct xl_record *r = id ? xl_record_new(XL_IMAGE, id) : NULL;

	free(id);
	return r;
}

static struct xl_record *paint(const struct xl_synth_ask *a, const char *single,
			       const struct xl_digit_layout *layout,
			       const struct xl_digit_look *look)
{
	const int64_t side = XL_DIGIT_SIDE * layout->grid;
	const int64_t image[3] = {3, side, side}, plane[3] = {1, side, side};
	struct xl_record *r = new_record(a, single);

	if (r && !xl_record_put(r, "x", xl_tensor_new(XL_U1, 3, image)) &&
	    !xl_record_put(r, "m_true", xl_tensor_new(XL_U1, 3, plane)) &&
	    !xl_digits_paint(xl_record_tensor(r, "x"), xl_record_tensor(r, "m_true"), a->source,
			     layout, look))
		return r;
	xl_record_free(r);
	return NULL;
}

/* ---- one digit -------------------------------------------------------- */

static const char *const labels_one[] = {"digit", "fg", "bg", NULL};

static void *open_one(const struct xl_synth_job *job)
{
	struct xl_digits *d = xl_digits_open(job);

	for (int k = 0; d && k < 2; k++) {
		d->digit[k] = xl_alloc((size_t)d->idx.n, sizeof *d->digit[k]);
		d->chance[k] = xl_alloc((size_t)d->idx.n, sizeof *d->chance[k]);
		if (!d->digit[k] || !d->chance[k]) {
			xl_digits_close(d);
			d = NULL;
		}
	}
	if (d)
		xl_digits_draw(d->digit, d->chance, (uint32_t)d->idx.n, job->seed, d->is_test,
			       job->digits.is_published);
	return d;
}

static void draw_one(struct xl_digit_layout *layout, struct xl_digit_look *look,
		     const struct xl_synth_ask *a)
{
	xl_digit_layout_one(layout, a->source, content_of(a), a->index / 2);
	xl_digit_look_one(look, a->source, style_of(a), a->index / 2);
}

static bool label_one(const struct xl_synth_ask *a, uint8_t *y)
{
	const struct xl_digits *d = a->source;
	struct xl_digit_layout layout;
	struct xl_digit_look look;

	draw_one(&layout, &look, a);
	y[0] = d->idx.labels[layout.row[0]];
	y[1] = look.fg;
	y[2] = look.bg;
	return true;
}

static struct xl_record *make_one(const struct xl_synth_ask *a)
{
	struct xl_digit_layout layout;
	struct xl_digit_look look;

	draw_one(&layout, &look, a);
	return paint(a, "digit", &layout, &look);
}

const struct xl_synth_set xl_synth_mnist_single = {
	.name = "mnist-single",
	.summary = "digits of MNIST: A black and white, B in two of three colours",
	.labels = labels_one,
	.usual_size = XL_DIGIT_SIDE,
	.min_size = XL_DIGIT_SIDE,
	.max_size = XL_DIGIT_SIDE,
	.has_published_order = true,
	.open = open_one,
	.close = xl_digits_close,
	.count_of = count_of,
	.domain_of = domain_of,
	.labels_of = label_one,
	.make = make_one,
};

/* ---- many digits ------------------------------------------------------ */

/* Colours, then the digit of each cell, 10 for none. */
static const char *const labels_many[LABELS_MANY + 1] = {
	"fg",     "bg",     "cell0",  "cell1",  "cell2", "cell3",  "cell4",
	"cell5",  "cell6",  "cell7",  "cell8",  "cell9", "cell10", "cell11",
	"cell12", "cell13", "cell14", "cell15", NULL};

static void *open_many(const struct xl_synth_job *job)
{
	return xl_digits_open(job);
}

static void draw_many(struct xl_digit_layout *layout, struct xl_digit_look *look,
		      const struct xl_synth_ask *a)
{
	xl_digit_layout_many(layout, a->source, a->seed, content_of(a), a->index / 2);
	xl_digit_look_many(look, a->source, a->seed, style_of(a), a->index / 2);
}

static bool label_many(const struct xl_synth_ask *a, uint8_t *y)
{
	const struct xl_digits *d = a->source;
	struct xl_digit_layout layout;
	struct xl_digit_look look;

	draw_many(&layout, &look, a);
	y[0] = look.fg;
	y[1] = look.bg;
	for (int i = 0; i < XL_DIGIT_CELLS; i++)
		y[2 + i] = layout.row[i] < 0 ? XL_DIGITS : d->idx.labels[layout.row[i]];
	return true;
}

static struct xl_record *make_many(const struct xl_synth_ask *a)
{
	struct xl_digit_layout layout;
	struct xl_digit_look look;

	draw_many(&layout, &look, a);
	return paint(a, "digits", &layout, &look);
}

const struct xl_synth_set xl_synth_mnist_multi = {
	.name = "mnist-multi",
	.summary = "ten digits of MNIST: A black and white, B with a hue for each digit",
	.labels = labels_many,
	.usual_size = XL_DIGIT_GRID * XL_DIGIT_SIDE,
	.min_size = XL_DIGIT_GRID * XL_DIGIT_SIDE,
	.max_size = XL_DIGIT_GRID * XL_DIGIT_SIDE,
	.open = open_many,
	.close = xl_digits_close,
	.count_of = count_of,
	.domain_of = domain_of,
	.labels_of = label_many,
	.make = make_many,
};
