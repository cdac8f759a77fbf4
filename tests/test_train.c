/*
 * test_train.c - what a training run is fed and leaves: labels, spool, order
 * and batches; hyper-parameters from the command line; kept copies and the log.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/mem.h"
#include "data/batch.h"
#include "train/train_estimate.h"
#include "train/train_files.h"
#include "train/train_log.h"
#include "train/train_resume.h"
#include "train/train_setup.h"
#include "train/train_samples.h"

enum { SIZE = 8 };

static char scratch[] = "/tmp/test_train.XXXXXX";

#define assert_message(part)                                                                       \
	do {                                                                                       \
		if (!strstr(xl_err_msg(), part))                                                   \
			fail_msg("message '%s' has no '%s'", xl_err_msg(), part);                  \
	} while (0)

/* ---- records ----------------------------------------------------------- */

static void fill(struct xl_tensor *t, unsigned seed)
{
	uint8_t *p = t->data;

	for (int64_t i = 0; i < xl_tensor_count(t); i++)
		p[i] = (uint8_t)((unsigned)i * 7 + seed * 31);
}

/* An image with these labels, names NULL for none, and that domain or NULL. */
static struct xl_record *image(const char *id, int h, int w, const char *const *names,
			       const uint8_t *values, int n, const char *domain)
{
	struct xl_record *r = xl_record_new(XL_IMAGE, id);
	struct xl_tensor *x = xl_tensor_new(XL_U1, 3, (const int64_t[]){3, h, w});

	fill(x, (unsigned)id[0]);
	assert_int_equal(xl_record_put(r, "x", x), 0);
	if (names) {
		struct xl_tensor *y = xl_tensor_new(XL_U1, 1, (const int64_t[]){n});

		memcpy(y->data, values, (size_t)n);
		assert_int_equal(xl_record_put(r, "y", y), 0);
		assert_int_equal(xl_meta_set_strs(r, "attributes", names, n), 0);
	}
	if (domain)
		assert_int_equal(xl_meta_set_str(r, "domain", domain), 0);
	return r;
}

static enum xl_take take(struct xl_spool *s, struct xl_record *r)
{
	enum xl_take got = xl_spool_take(s, r);

	xl_record_free(r);
	return got;
}

static const char *const abc[] = {"a", "b", "c"};
static const char *const cba[] = {"c", "b", "a"};

/* ---- labels ------------------------------------------------------------ */

static void labels_follow_their_names(void **state)
{
	const struct xl_labels_want want = {.list = "c,a"};
	struct xl_record *r = image("i", 4, 4, abc, (const uint8_t[]){1, 0, 0}, 3, NULL);
	struct xl_record *q = image("j", 4, 4, cba, (const uint8_t[]){1, 1, 0}, 3, NULL);
	struct xl_labels l = {.n = 0};
	uint8_t y[2];

	(void)state;
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(xl_labels_read(&l, r, 2, y), 0);
	assert_int_equal(y[0], 0);
	assert_int_equal(y[1], 1);
	assert_int_equal(xl_labels_read(&l, q, 2, y), 0); /* joined by cat, other order */
	assert_int_equal(y[0], 1);
	assert_int_equal(y[1], 0);
	xl_labels_done(&l);
	xl_record_free(r);
	xl_record_free(q);
}

static void labels_have_defaults(void **state)
{
	static const char *const some[] = {"b", "c", NULL}, *const other[] = {"b", "z", NULL};
	struct xl_record *r = image("i", 4, 4, abc, (const uint8_t[]){1, 0, 0}, 3, "B");
	struct xl_record *bare = image("i", 4, 4, NULL, NULL, 0, "B");
	struct xl_labels_want want = {.defaults = some};
	struct xl_labels l = {.n = 0};
	uint8_t y = 0;

	(void)state;
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.names[0], "b");
	xl_labels_done(&l);
	want.defaults = other; /* not all there: all there are */
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 3);
	xl_labels_done(&l);
	want.two_domains = true;
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 0);
	xl_labels_done(&l);
	want.two_domains = false; /* no labels but a domain: that is the label */
	assert_int_equal(xl_labels_choose(&l, &want, bare), 0);
	assert_int_equal(l.n, 1);
	assert_true(l.is_domain);
	assert_int_equal(xl_labels_read(&l, bare, 1, &y), 0);
	assert_int_equal(y, 1);
	xl_labels_done(&l);
	xl_record_free(r);
	xl_record_free(bare);
}

static void labels_that_do_not_fit_are_refused(void **state)
{
	struct xl_record *r = image("i", 4, 4, abc, (const uint8_t[]){1, 7, 0}, 3, "C");
	struct xl_labels_want want = {.list = "a,z"};
	struct xl_labels l = {.n = 0};
	uint8_t y[3];

	(void)state;
	assert_int_equal(xl_labels_choose(&l, &want, r), -1);
	assert_message("domain is 'C'");
	xl_meta_drop(r, "domain");
	assert_int_equal(xl_labels_choose(&l, &want, r), -1);
	assert_message("has no attribute 'z'; there are a, b, c");
	xl_labels_done(&l);
	want.list = "a,,b";
	assert_int_equal(xl_labels_choose(&l, &want, r), -1);
	assert_message("empty name");
	xl_labels_done(&l);
	want.list = "a,a";
	assert_int_equal(xl_labels_choose(&l, &want, r), -1);
	assert_message("'a' is named twice");
	xl_labels_done(&l);
	want.list = "a,b";
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(xl_labels_read(&l, r, 2, y), -1);
	assert_message("attribute 'b' is 7, training takes 0 and 1");
	xl_labels_done(&l);
	xl_record_free(r);
}

/* Of a method that takes classes, labels come although there are domains. */
static void classes_have_a_limit(void **state)
{
	struct xl_record *r = image("i", 4, 4, abc, (const uint8_t[]){9, 0, 10}, 3, "B");
	static const char *const some[] = {"a", "b", NULL};
	struct xl_labels_want want = {.two_domains = true, .classes = 10, .defaults = some};
	struct xl_labels l = {.n = 0};
	uint8_t y[3];

	(void)state;
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(xl_labels_read(&l, r, 1, y), 0);
	assert_true(y[0] == 9 && y[1] == 0);
	xl_labels_done(&l);
	want.defaults = NULL; /* else all */
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(xl_labels_read(&l, r, 1, y), -1);
	assert_message("attribute 'c' is 10, not a whole number from 0 to 9");
	xl_labels_done(&l);
	want.classes = 0;
	assert_int_equal(xl_labels_choose(&l, &want, r), 0);
	assert_int_equal(l.n, 0);
	xl_labels_done(&l);
	xl_record_free(r);
}

static void domain_comes_from_meta_or_labels(void **state)
{
	struct xl_record *r = image("i", 4, 4, abc, (const uint8_t[]){0, 5, 1}, 3, "A");

	(void)state;
	assert_int_equal(xl_labels_domain(r, NULL), 0);
	assert_int_equal(xl_labels_domain(r, "c"), 1);
	assert_int_equal(xl_labels_domain(r, "a=1|b"), 1);
	assert_int_equal(xl_labels_domain(r, "a"), 0);
	assert_int_equal(xl_labels_domain(r, "z"), -1);
	assert_message("'z'");
	xl_meta_drop(r, "domain");
	assert_int_equal(xl_labels_domain(r, NULL), 2);
	xl_record_free(r);
}

/* ---- spool ------------------------------------------------------------- */

static void begin_spool(struct xl_spool *s, const struct xl_labels_want *want)
{
	assert_int_equal(xl_spool_init(s, SIZE, want), 0);
}

static void spool_keeps_images(void **state)
{
	const struct xl_labels_want want = {.list = "b"};
	struct xl_record *first = image("p", SIZE, SIZE, abc, (const uint8_t[]){0, 1, 0}, 3, NULL);
	struct xl_tensor *x = xl_tensor_copy(xl_record_tensor(first, "x"));
	struct xl_record *real = image("q", SIZE, SIZE, abc, (const uint8_t[]){0, 0, 0}, 3, NULL);
	char text[256];
	struct xl_spool s;

	(void)state;
	assert_int_equal(xl_record_put(real, "x", xl_image_to_f4(x)), 0);
	begin_spool(&s, &want);
	assert_int_equal(take(&s, first), XL_TAKEN);
	assert_int_equal(take(&s, real), XL_TAKEN); /* floats become the same bytes */
	assert_int_equal(
		take(&s, image("r", 2 * SIZE, 2 * SIZE, abc, (const uint8_t[]){0, 0, 0}, 3, NULL)),
		XL_TAKEN);
	assert_int_equal(
		take(&s, image("t", SIZE, 2 * SIZE, abc, (const uint8_t[]){0, 0, 0}, 3, NULL)),
		XL_SKIPPED);
	assert_message("is 16 x 8 pixels, training takes squares");
	assert_int_equal(take(&s, xl_record_new(XL_IMAGE, "u")), XL_SKIPPED);
	assert_message("has no image");
	for (int k = 0; k < 2; k++) {
		struct xl_record *r =
			image("w", SIZE, SIZE, abc, (const uint8_t[]){0, 0, 0}, 3, NULL);
		struct xl_tensor *f = xl_image_to_f4(x);

		((float *)f->data)[SIZE * SIZE + 3] = k ? NAN : -INFINITY;
		assert_int_equal(xl_record_put(r, "x", f), 0);
		assert_int_equal(take(&s, r), XL_SKIPPED);
		assert_message("x holds values that are not finite");
	}
	assert_int_equal(take(&s, image("v", SIZE, SIZE, NULL, NULL, 0, NULL)), XL_REFUSED);
	assert_message("has no attribute 'b'");
	assert_int_equal(xl_spool_end(&s), 0);
	assert_int_equal(s.n, 3);
	assert_string_equal(xl_spool_id(&s, 1), "q");
	assert_memory_equal(xl_spool_image(&s, 0), x->data, 3 * SIZE * SIZE);
	assert_memory_equal(xl_spool_image(&s, 1), x->data, 3 * SIZE * SIZE);
	assert_int_equal(s.y[0], 1);
	assert_int_equal(s.y[1], 0);
	assert_string_equal(xl_spool_words(&s, text, sizeof text),
			    "3 images, 1 resized from 16 to 8 pixels; attributes b");
	s.resized++;
	s.from_more = true;
	assert_string_equal(xl_spool_words(&s, text, sizeof text),
			    "3 images, 2 resized from 16 and more to 8 pixels; attributes b");
	xl_spool_done(&s);
	xl_tensor_free(x);
}

static void digest_of(char hex[65], const char *id, uint8_t label, const char *domain)
{
	const struct xl_labels_want want = {.list = "a"};
	struct xl_spool s;

	begin_spool(&s, &want);
	assert_int_equal(
		take(&s, image(id, SIZE, SIZE, abc, (const uint8_t[]){label, 1, 0}, 3, domain)),
		XL_TAKEN);
	assert_int_equal(xl_spool_end(&s), 0);
	memcpy(hex, s.hex, 65);
	xl_spool_done(&s);
}

static void digest_is_of_data_alone(void **state)
{
	char a[65], b[65];

	(void)state;
	digest_of(a, "p", 0, "A");
	digest_of(b, "p.png", 0, "A"); /* the first letter makes the pixels */
	assert_string_equal(a, b);
	digest_of(b, "q", 0, "A");
	assert_string_not_equal(a, b);
	digest_of(b, "p", 1, "A");
	assert_string_not_equal(a, b);
	digest_of(b, "p", 0, "B");
	assert_string_not_equal(a, b);
}

/* Many images, so that every list grows and the map is of many pages. */
static void spool_grows(void **state)
{
	const struct xl_labels_want want = {.two_domains = true};
	struct xl_spool s;
	char id[16];

	(void)state;
	begin_spool(&s, &want);
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof id, "%c%d", 'a' + i % 26, i);
		assert_int_equal(take(&s, image(id, SIZE, SIZE, NULL, NULL, 0, i % 3 ? "A" : "B")),
				 XL_TAKEN);
	}
	assert_int_equal(take(&s, image("z", SIZE, SIZE, NULL, NULL, 0, NULL)), XL_REFUSED);
	assert_message("has no domain");
	assert_int_equal(xl_spool_end(&s), 0);
	assert_int_equal(s.of[0], 2000);
	assert_int_equal(s.of[1], 1000);
	assert_string_equal(xl_spool_id(&s, 2999), "j2999");
	assert_int_equal(xl_spool_image(&s, 2999)[1], (uint8_t)(7 + 31 * 'j'));
	xl_spool_done(&s);
}

/* ---- order ------------------------------------------------------------- */

static void order_takes_each_image_once_an_epoch(void **state)
{
	enum { N = 23, BATCH = 3, STEPS = N / BATCH / 2 };
	const uint32_t *half[2];
	struct xl_order o;
	int64_t epoch[2];
	int met[2] = {0};

	(void)state;
	assert_int_equal(xl_order_init(&o, 5, BATCH, N, NULL, XL_PAIR_FREE), 0);
	for (int e = 0; e < 40; e++) {
		int seen[N] = {0};

		for (int i = 0; i < STEPS; i++) {
			xl_order_at(&o, e * STEPS + i, &half[0], &half[1], epoch);
			assert_int_equal(epoch[0], e);
			for (int k = 0; k < 2 * BATCH; k++)
				assert_int_equal(seen[half[k / BATCH][k % BATCH]]++, 0);
		}
		met[0] += seen[0]; /* what an epoch leaves out changes */
		met[1] += !seen[0];
	}
	assert_true(met[0] > 0 && met[1] > 0);
	xl_order_done(&o);
}

static void order_is_a_function_of_the_iteration(void **state)
{
	const uint32_t *a, *b, *c, *d;
	struct xl_order o, p;
	int64_t epoch[2];
	int differ = 0;

	(void)state;
	assert_int_equal(xl_order_init(&o, 9, 4, 50, NULL, XL_PAIR_FREE), 0);
	assert_int_equal(xl_order_init(&p, 9, 4, 50, NULL, XL_PAIR_FREE), 0);
	for (int64_t i = 0; i < 60; i++) {
		xl_order_at(&o, i, &a, &b, epoch);
		xl_order_at(&p, 59 - i, &c, &d, epoch); /* jumps between epochs */
		xl_order_at(&p, i, &c, &d, epoch);
		assert_memory_equal(a, c, 4 * sizeof *a);
		assert_memory_equal(b, d, 4 * sizeof *b);
	}
	xl_order_done(&p);
	assert_int_equal(xl_order_init(&p, 10, 4, 50, NULL, XL_PAIR_FREE), 0);
	xl_order_at(&o, 0, &a, &b, epoch);
	xl_order_at(&p, 0, &c, &d, epoch);
	for (int k = 0; k < 4; k++)
		differ += a[k] != c[k];
	assert_true(differ > 0);
	xl_order_done(&o);
	xl_order_done(&p);
}

static void order_pairs_domains(void **state)
{
	static const uint8_t domain[9] = {1, 0, 0, 2, 1, 0, 0, 0, 1};
	const uint32_t *a, *b;
	struct xl_order o;
	int64_t epoch[2];
	int seen_b[9] = {0};

	(void)state;
	assert_int_equal(xl_order_init(&o, 1, 2, 9, domain, XL_PAIR_FREE), -1); /* 2 is no domain */
	assert_message("image 3");
	xl_order_done(&o);
	assert_int_equal(xl_order_init(&o, 1, 1, 3, domain, XL_PAIR_FREE), 0);
	for (int64_t i = 0; i < 6; i++) {
		xl_order_at(&o, i, &a, &b, epoch);
		assert_int_equal(domain[*a], 0);
		assert_int_equal(domain[*b], 1);
		assert_int_equal(epoch[0], i / 2);
		assert_int_equal(epoch[1], i);
		seen_b[*b]++;
	}
	assert_int_equal(seen_b[0], 6);
	xl_order_done(&o);
}

/* In lock-step an epoch is as long as the smaller domain, and takes other images of
 * the larger one each time. */
static void order_keeps_domains_in_step(void **state)
{
	static const uint8_t domain[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
	const uint32_t *a, *b;
	struct xl_order o;
	int64_t epoch[2];
	int seen[9] = {0};

	(void)state;
	assert_int_equal(xl_order_init(&o, 1, 2, 9, domain, XL_PAIR_LOCKSTEP), 0);
	for (int64_t i = 0; i < 200; i++) {
		xl_order_at(&o, i, &a, &b, epoch);
		assert_int_equal(epoch[0], i); /* three of B make one batch of two */
		assert_int_equal(epoch[1], i);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(domain[a[k]], 0);
			assert_int_equal(domain[b[k]], 1);
			seen[a[k]]++;
		}
		assert_true(a[0] != a[1] && b[0] != b[1]);
	}
	for (int i = 0; i < 9; i++)
		assert_true(domain[i] || (seen[i] > 30 && seen[i] < 110)); /* 67 expected */
	xl_order_done(&o);
}

static void too_few_images_are_counted(void **state)
{
	static const uint8_t domain[4] = {0, 0, 0, 1};
	struct xl_order o;

	(void)state;
	assert_int_equal(xl_order_init(&o, 0, 8, 15, NULL, XL_PAIR_FREE), -1);
	assert_message("too few images: 15, a step takes two batches of 8");
	assert_int_equal(xl_order_init(&o, 0, 8, 16, NULL, XL_PAIR_FREE), 0);
	xl_order_done(&o);
	assert_int_equal(xl_order_init(&o, 0, 2, 4, domain, XL_PAIR_FREE), -1);
	assert_message("3 of domain A and 1 of B, a step takes 2 of each");
	assert_int_equal(xl_order_init(&o, 0, 2, 0, NULL, XL_PAIR_FREE), -1);
}

/* 3 images of A and 5 of B: five pairs an epoch, always the same ones. */
static void pairs_stay_together(void **state)
{
	static const uint8_t domain[] = {0, 1, 1, 0, 1, 1, 0, 1};
	static const uint32_t of_a[] = {0, 3, 6, 0, 3}, of_b[] = {1, 2, 4, 5, 7};
	const uint32_t *a, *b;
	int64_t epoch[2];
	int seen[5] = {0}, moved = 0;
	struct xl_order o;

	(void)state;
	assert_int_equal(xl_order_init(&o, 2, 1, 8, domain, XL_PAIR_FIXED), 0);
	for (int64_t i = 0; i < 40; i++) {
		int k = 0;
		xl_order_at(&o, i, &a, &b, epoch);
		assert_true(epoch[0] == i / 5 && epoch[1] == i / 5);
		while (k < 5 && of_b[k] != *b)
			k++;
		assert_true(k < 5);
		assert_int_equal(*a, of_a[k]);
		seen[k]++;
		moved += k != i % 5;
	}
	for (int k = 0; k < 5; k++)
		assert_int_equal(seen[k], 8);
	assert_true(moved > 10);
	xl_order_done(&o);
}

static bool flips(uint64_t seed, int64_t epoch, uint32_t image, double p)
{
	const struct xl_augmenting how = {.flip = p};

	return xl_order_augment(seed, epoch, image, &how, SIZE, SIZE).flip;
}

static void flips_are_as_frequent_as_asked(void **state)
{
	int n = 0, same = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		n += flips(3, 0, i, 0.5);
		same += flips(3, 0, i, 0.5) == flips(3, 1, i, 0.5);
		assert_false(flips(3, 0, i, 0));
		assert_true(flips(3, 0, i, 1));
	}
	assert_in_range(n, 1850, 2150);    /* 4.7 standard deviations */
	assert_in_range(same, 1850, 2150); /* epochs are independent */
}

static void parts_are_within_the_image(void **state)
{
	const struct xl_augmenting how = {.flip = 0.5, .zoom = 0.5};
	double left = 0, top = 0;
	int n = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		const struct xl_augment a = xl_order_augment(3, 0, i, &how, SIZE, SIZE);
		assert_int_equal(a.flip, flips(3, 0, i, 0.5)); /* whether or not there are parts */
		assert_true(a.side >= 0.8 && a.side <= 1);
		assert_true(a.left >= 0 && a.left <= SIZE * (1 - a.side));
		assert_true(a.top >= 0 && a.top <= SIZE * (1 - a.side));
		n += a.side < 1;
		left = fmax(left, a.left);
		top = fmax(top, a.top);
	}
	assert_in_range(n, 1850, 2150);
	assert_true(left > 0.19 * SIZE && top > 0.19 * SIZE && left != top);
}

/* Of larger images, whole pixels, at each of the places equally often. */
static void cuts_lie_anywhere(void **state)
{
	enum { SPARE = 3, PLACES = SPARE + 1 };
	const struct xl_augmenting how = {.flip = 0.5};
	int left[PLACES] = {0}, top[PLACES] = {0}, both = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		const struct xl_augment a = xl_order_augment(3, 0, i, &how, SIZE + SPARE, SIZE);
		assert_int_equal(a.flip, flips(3, 0, i, 0.5));
		assert_true(a.side == 1 && a.left == floor(a.left) && a.top == floor(a.top));
		assert_true(a.left >= 0 && a.left <= SPARE && a.top >= 0 && a.top <= SPARE);
		left[(int)a.left]++;
		top[(int)a.top]++;
		both += a.left == a.top;
	}
	for (int i = 0; i < PLACES; i++) {
		assert_in_range(left[i], 870, 1130); /* 4.7 standard deviations */
		assert_in_range(top[i], 870, 1130);
	}
	assert_in_range(both, 870, 1130);
}

/* ---- batches ----------------------------------------------------------- */

static void batches_hold_the_images_named(void **state)
{
	enum { N = 12, BATCH = 2, BYTES = 3 * SIZE * SIZE };
	static uint8_t pixels[N * BYTES], y[2 * N];
	const struct xl_spool s = {.size = SIZE, .n = N, .x = pixels, .y = y, .labels = {.n = 2}};
	int flipped = 0;
	struct xl_batcher b;

	(void)state;
	for (int i = 0; i < N * BYTES; i++)
		pixels[i] = (uint8_t)(i * 5 + i / BYTES);
	for (int i = 0; i < 2 * N; i++)
		y[i] = i % 3 == 0;
	assert_int_equal(xl_batch_enough(&s, BATCH), 0);
	assert_int_equal(xl_batcher_init(&b, &s,
					 &(struct xl_batching){.n = BATCH,
							       .size = SIZE,
							       .seed = 4,
							       .augmenting.flip = 0.5}),
			 0);
	for (int64_t iter = 0; iter < 20; iter++) {
		const struct xl_batch *t = xl_batcher_fetch(&b, iter);

		for (int k = 0; k < 2 * BATCH; k++) {
			const int side = k / BATCH, at = k % BATCH;
			const uint32_t image_at = b.image[side][at];
			const bool is_flipped = flips(4, b.epoch[side], image_at, 0.5);
			const uint8_t *p = pixels + image_at * BYTES;

			flipped += is_flipped;
			for (int i = 0; i < BYTES; i++) {
				int from = is_flipped ? i - i % SIZE + SIZE - 1 - i % SIZE : i;

				assert_true(t->x[side][at * BYTES + i] ==
					    (float)p[from] / 127.5f - 1.0f);
			}
			for (int j = 0; j < 2; j++)
				assert_true(t->y[side][at * 2 + j] ==
					    y[image_at * 2 + (uint32_t)j]);
		}
	}
	assert_in_range(flipped, 20, 60);
	xl_batcher_done(&b);
}

/* Every pixel of a part, by the formula, and the edge beyond the last. */
static void batches_hold_parts_enlarged(void **state)
{
	enum { N = 8, BATCH = 2, BYTES = 3 * SIZE * SIZE };
	static uint8_t pixels[N * BYTES];
	const struct xl_spool s = {.size = SIZE, .n = N, .x = pixels};
	const struct xl_batching how = {
		.n = BATCH, .size = SIZE, .seed = 4, .augmenting = {.flip = 0.5, .zoom = 0.9}};
	struct xl_batcher b;
	int parts = 0, mirrored = 0;

	(void)state;
	for (int i = 0; i < N * BYTES; i++)
		pixels[i] = (uint8_t)(i * 37 + i / 3);
	assert_int_equal(xl_batcher_init(&b, &s, &how), 0);
	for (int k = 0; k < 12 * 2 * BATCH; k++) {
		const struct xl_batch *t = xl_batcher_fetch(&b, k / 2 / BATCH);
		const int half = k / BATCH % 2, place = k % BATCH;
		const uint32_t image = b.image[half][place];
		const struct xl_augment a =
			xl_order_augment(4, b.epoch[half], image, &how.augmenting, SIZE, SIZE);

		parts += a.side < 1;
		mirrored += a.side < 1 && a.flip;
		for (int i = 0; i < BYTES; i++) {
			const double last = SIZE - 1, y0 = a.top + a.side * (i / SIZE % SIZE);
			const double x0 = a.left + a.side * (i % SIZE), y = fmin(y0, last);
			const double x = a.flip ? last - fmin(x0, last) : fmin(x0, last);
			double want = 0;
			for (int r = 0; r < SIZE; r++)
				for (int c = 0; c < SIZE; c++)
					want += fmax(0, 1 - fabs(y - r)) *
						fmax(0, 1 - fabs(x - c)) *
						pixels[image * BYTES +
						       i / (SIZE * SIZE) * SIZE * SIZE + r * SIZE +
						       c];
			assert_true(fabs((double)t->x[half][place * BYTES + i] -
					 (want / 127.5 - 1)) < 1e-5);
		}
	}
	assert_true(parts > 30 && parts < 48 && mirrored > 10);
	xl_batcher_done(&b);
}

/* Of larger images the bytes themselves, none of them blurred. */
static void batches_hold_cuts(void **state)
{
	enum { N = 8, BATCH = 2, WHOLE = SIZE + 3, BYTES = 3 * WHOLE * WHOLE, STEPS = 12 };
	static uint8_t pixels[N * BYTES];
	const struct xl_spool s = {.size = WHOLE, .n = N, .x = pixels};
	const struct xl_batching how = {
		.n = BATCH, .size = SIZE, .seed = 4, .augmenting.flip = 0.5};
	int moved = 0, mirrored = 0;
	struct xl_batcher b;

	(void)state;
	for (int i = 0; i < N * BYTES; i++)
		pixels[i] = (uint8_t)(i * 37 + i / 3);
	assert_int_equal(xl_batcher_init(&b, &s, &how), 0);
	for (int k = 0; k < STEPS * 2 * BATCH; k++) {
		const struct xl_batch *t = xl_batcher_fetch(&b, k / 2 / BATCH);
		const int half = k / BATCH % 2;
		const uint32_t image = b.image[half][k % BATCH];
		const float *x = t->x[half] + (ptrdiff_t)(k % BATCH) * 3 * SIZE * SIZE;
		const struct xl_augment a =
			xl_order_augment(4, b.epoch[half], image, &how.augmenting, WHOLE, SIZE);
		const int top = (int)a.top, left = (int)a.left;

		moved += top != left;
		mirrored += a.flip;
		for (int c = 0; c < 3; c++)
			for (int i = 0; i < SIZE; i++)
				for (int j = 0; j < SIZE; j++) {
					const int col = a.flip ? WHOLE - 1 - left - j : left + j;
					const uint8_t p =
						pixels[image * BYTES +
						       (c * WHOLE + top + i) * WHOLE + col];
					assert_true(x[(c * SIZE + i) * SIZE + j] ==
						    (float)p / 127.5f - 1.0f);
				}
	}
	assert_true(moved > 20 && mirrored > 10 && mirrored < STEPS * 2 * BATCH - 10);
	xl_batcher_done(&b);
}

/* ---- settings ---------------------------------------------------------- */

static const struct xl_method *lomit(void)
{
	const struct xl_method *m = xl_method_find("lomit");

	assert_non_null(m);
	return m;
}

static void settings_beat_the_preset(void **state)
{
	struct xl_settings s = {.method = lomit(), .preset = "tiny"};
	struct xl_model *m;

	(void)state;
	assert_int_equal(xl_settings_add(&s, "size", "64"), 0);
	assert_int_equal(xl_settings_pair(&s, "set", "variant=iclr"), 0);
	assert_int_equal(xl_settings_add(&s, "compat", NULL), 0);
	assert_int_equal(xl_settings_pair(&s, "set", "batch=3"), 0);
	assert_int_equal(xl_settings_add(&s, "batch", "5"), 0); /* the last one counts */
	assert_int_equal(xl_settings_pair(&s, "set", "novalue"), -1);
	assert_message("'novalue' is not key=value");
	m = xl_settings_model(&s);
	assert_non_null(m);
	assert_int_equal(xl_model_int(m, "size"), 64);
	assert_int_equal(xl_model_int(m, "batch"), 5);
	assert_true(xl_model_int(m, "width") < 64);
	xl_model_free(m);
	assert_int_equal(xl_settings_pair(&s, "set", "nothing=1"), 0);
	assert_null(xl_settings_model(&s));
	assert_message("lomit has no hyper-parameter 'nothing'");
	xl_settings_done(&s);
}

static void method_is_found_among_options(void **state)
{
	static const struct xl_opt own[] = {
		{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file"},
		{.type = XL_OPT_FLAG, .name = "force"},
		{.type = XL_OPT_END},
	};
	char *const after[] = {"t", "--size", "64", "--force", "lomit"};
	char *const value[] = {"t", "--out", "lomit", "-o", "lomit", "--out=lomit"};

	(void)state;
	assert_ptr_equal(xl_settings_find(own, 5, (char **)after), lomit());
	assert_null(xl_settings_find(own, 6, (char **)value));
}

/* No method may take the name of an option of xl-train's. */
static void tables_do_not_clash(void **state)
{
	static const char *const own[] = {"preset",    "set",     "attributes", "domain-by", "out",
					  "resume",    "force",   "every",      "keep",      "log",
					  "log-every", "samples", "dry-run",    "threads",   "seed",
					  "progress",  "quiet",   "help",       "version"};
	static const char *const needed[] = {"size", "width", "batch", "iters"};

	(void)state;
	for (int i = 0; xl_method_at(i); i++) {
		const struct xl_method *m = xl_method_at(i);
		size_t found = 0;

		for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++) {
			for (size_t k = 0; o->name && k < sizeof own / sizeof *own; k++)
				if (strcmp(o->name, own[k]) == 0)
					fail_msg("%s: --%s is the tool's", m->name, o->name);
			for (size_t k = 0; o->name && k < 4; k++)
				found += strcmp(o->name, needed[k]) == 0;
		}
		assert_int_equal(found, 4);
	}
}

/* What -1 leaves to another option takes nothing else below 0. */
static void only_minus_one_leaves_a_number_open(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; xl_method_at(i); i++) {
		struct xl_model *m = xl_model_new(xl_method_at(i));

		for (struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++) {
			if (o->type != XL_OPT_NUM || strcmp(o->def, "-1") != 0)
				continue;
			n++;
			assert_int_equal(xl_model_set(m, o->name, "-0.5"), -1);
			assert_message(", or -1");
			assert_int_equal(xl_model_set(m, o->name, "0"), 0);
			assert_int_equal(xl_model_set(m, o->name, "-1"), 0);
		}
		xl_model_free(m);
	}
	assert_true(n > 0);
}

/* ---- models and files -------------------------------------------------- */

static struct xl_model *small_model(struct xl_spool *s)
{
	struct xl_settings set = {.method = lomit(), .preset = "tiny"};
	const struct xl_labels_want want = {.list = "a"};
	struct xl_model *m;

	assert_int_equal(xl_settings_add(&set, "width", "2"), 0);
	assert_int_equal(xl_settings_add(&set, "batch", "2"), 0);
	m = xl_settings_model(&set);
	assert_non_null(m);
	assert_int_equal(xl_spool_init(s, 32, &want), 0);
	for (int i = 0; i < 6; i++) {
		const char id[3] = {(char)('a' + i), '\0'};

		assert_int_equal(
			take(s, image(id, 32, 32, abc, (const uint8_t[]){i > 2, 0, 0}, 3, NULL)),
			XL_TAKEN);
	}
	assert_int_equal(xl_spool_end(s), 0);
	s->want.list = NULL;
	assert_int_equal(xl_setup_build(m, s, 7), 0);
	xl_settings_done(&set);
	return m;
}

static bool is_there(const char *name)
{
	return access(name, F_OK) == 0;
}

static void saves_are_kept_by_number(void **state)
{
	struct xl_spool s;
	struct xl_model *m = small_model(&s);
	struct xl_settings set = {.method = lomit()};
	bool is_usage;

	(void)state;
	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(xl_train_exists("m"), 0);
	for (m->step = 10; m->step <= 40; m->step += 10)
		assert_int_equal(xl_train_save(m, "m", 2), 0);
	assert_int_equal(xl_train_exists("m"), 1);
	assert_message("m exists; --resume continues it");
	assert_true(is_there("m.ckpt") && is_there("m.00000040") && is_there("m.00000040.ckpt"));
	assert_true(is_there("m.00000030") && is_there("m.00000030.ckpt"));
	assert_false(is_there("m.00000020") || is_there("m.00000020.ckpt"));
	assert_false(is_there("m.00000010"));
	xl_model_free(m);

	m = xl_settings_resume(&set, "m.00000030", NULL, &is_usage);
	assert_non_null(m);
	assert_int_equal(m->step, 30);
	assert_int_equal(xl_setup_same_data(m, &s, "m"), 0);
	s.hex[0] ^= 1;
	assert_int_equal(xl_setup_same_data(m, &s, "m"), -1);
	assert_message("other data");
	m->nets[1]->value[3] = NAN;
	assert_int_equal(xl_train_save(m, "bad", 0), -1);
	assert_message("is nan");
	assert_false(is_there("bad") || is_there("bad.ckpt"));
	xl_model_free(m);
	xl_spool_done(&s);
}

static void another_run_is_not_resumed(void **state)
{
	struct xl_settings set = {.method = lomit()};
	const uint64_t seed = 8;
	struct xl_model *m;
	bool is_usage;

	(void)state;
	assert_null(xl_settings_resume(&set, "m", &seed, &is_usage));
	assert_true(is_usage);
	assert_message("--seed: m.ckpt has 7, not 8");
	assert_int_equal(xl_settings_add(&set, "iters", "77"), 0);
	m = xl_settings_resume(&set, "m", NULL, &is_usage);
	assert_non_null(m);
	assert_int_equal(xl_model_int(m, "iters"), 77);
	xl_model_free(m);
	assert_int_equal(xl_settings_add(&set, "iters", "39"), 0);
	assert_null(xl_settings_resume(&set, "m", NULL, &is_usage));
	assert_message("has done 40 already");
	assert_int_equal(xl_settings_add(&set, "iters", "77"), 0);
	assert_int_equal(xl_settings_add(&set, "beta1", "0.25"), 0);
	assert_null(xl_settings_resume(&set, "m", NULL, &is_usage));
	assert_message("--beta1: m.ckpt has 0.5");
	assert_null(xl_settings_resume(&set, "none", NULL, &is_usage));
	assert_false(is_usage);
	xl_settings_done(&set);
}

/* small.ckpt, of the least there is of a method, after an iteration. */
static void save_small(const struct xl_method *method)
{
	struct xl_model *m = xl_model_new(method);

	assert_non_null(m);
	assert_int_equal(xl_model_preset(m, "tiny"), 0);
	assert_int_equal(xl_model_set(m, "width", "2"), 0);
	assert_int_equal(xl_model_set(m, "iters", "100000"), 0);
	assert_int_equal(xl_model_attributes(m, abc, method->two_domains ? 0 : 3), 0);
	assert_int_equal(xl_model_build(m, 1, true), 0);
	m->step = 1;
	assert_int_equal(xl_model_save_checkpoint(m, "small.ckpt"), 0);
	xl_model_free(m);
}

static double value_in(const struct xl_model *m, const struct xl_opt *of_method)
{
	const struct xl_opt *o = m->opts + (of_method - m->method->opts);

	return o->type == XL_OPT_INT ? (double)*(int64_t *)o->target : *(double *)o->target;
}

/* Whether a resumed run takes another number of this kind than it began with. */
static bool takes_another(const struct xl_method *method, const struct xl_opt *o)
{
	struct xl_settings set = {.method = method};
	char value[32], refusal[64];
	bool is_usage;
	struct xl_model *m = xl_settings_resume(&set, "small", NULL, &is_usage);

	assert_non_null(m);
	const double was = value_in(m, o), now = was + 1 <= o->max       ? was + 1
						 : o->type == XL_OPT_INT ? was - 1
									 : was / 2;
	xl_model_free(m);
	snprintf(value, sizeof value, "%.17g", now);
	assert_int_equal(xl_settings_add(&set, o->name, value), 0);
	m = xl_settings_resume(&set, "small", NULL, &is_usage);
	xl_settings_done(&set);
	snprintf(refusal, sizeof refusal, "--%s: small.ckpt has ", o->name);
	if (!m) {
		assert_message(refusal);
		return false;
	}
	assert_true(value_in(m, o) == now);
	xl_model_free(m);
	return true;
}

/* Of every method: rates, weights, and how long it learns; of the rest, nothing. */
static void tables_say_what_may_change(void **state)
{
	(void)state;
	assert_int_equal(chdir(scratch), 0);
	for (int i = 0; xl_method_at(i); i++) {
		const struct xl_method *method = xl_method_at(i);
		int free_ones = 0, fixed = 0;

		save_small(method);
		for (const struct xl_opt *o = method->opts; o->type != XL_OPT_END; o++) {
			const bool says = strncmp(o->help, "weight of ", 10) == 0 ||
					  strncmp(o->help, "learning rate", 13) == 0 ||
					  strstr(o->name, "-lr") || strcmp(o->name, "iters") == 0;

			if (says != o->may_change && strncmp(o->name, "decay", 5) != 0)
				fail_msg("%s: --%s", method->name, o->name);
			if (o->type != XL_OPT_INT && o->type != XL_OPT_NUM) {
				assert_false(o->may_change);
				continue;
			}
			const bool is_taken = takes_another(method, o);
			if (is_taken != o->may_change)
				fail_msg("%s: --%s may %schange", method->name, o->name,
					 o->may_change ? "" : "not ");
			*(is_taken ? &free_ones : &fixed) += 1;
		}
		assert_true(free_ones > 5 && fixed > 5);
	}
}

static void a_torn_log_is_mended(void **state)
{
	struct xl_spool s;
	struct xl_model *m = small_model(&s);
	struct xl_loss_means a = {.sum = {3, NAN}, .n = {2, 1}, .steps = 2};
	struct xl_run_log l;
	char buf[4096] = "", words[512];
	FILE *f;

	(void)state;
	assert_int_equal(chdir(scratch), 0);
	f = fopen("log", "w");
	fputs("{\"tool\":\"xl-train\"}\n{\"st", f);
	fclose(f);
	assert_int_equal(xl_run_log_open(&l, "log", false, false), 1);
	assert_message("log exists; --force replaces it");
	assert_int_equal(xl_run_log_open(&l, "log", true, false), 0);
	const struct xl_run_settings run = {.out = "m"};
	assert_int_equal(xl_run_log_first(&l, m, &s, &run), 0);
	assert_int_equal(xl_run_log_step(&l, m, &a, 8), 0);
	xl_run_log_close(&l);
	f = fopen("log", "r");
	assert_true(fread(buf, 1, sizeof buf - 1, f) > 0);
	fclose(f);
	assert_non_null(strstr(buf, "{\"tool\":\"xl-train\"}\n{\"st\n{\"tool\":"));
	assert_non_null(strstr(buf, "}\n{\"step\":0,"));
	assert_non_null(strstr(buf, "\"images_per_s\":8,\"D.adv\":1.5,\"D.cls\":null,"
				    "\"nonfinite\":\"D.cls\"}\n"));
	assert_string_equal(xl_loss_words(words, sizeof words, &a, m->method, 8, 12),
			    "step 12  D.adv 1.5  D.cls nan  8 img/s");
	xl_model_free(m);
	xl_spool_done(&s);
}

static void a_sheet_pairs_unlike_images(void **state)
{
	struct xl_spool s;
	struct xl_model *m = small_model(&s);
	struct xl_samples sheet;

	(void)state;
	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(xl_samples_init(&sheet, &s, "sheets"), 0);
	assert_true(sheet.n >= 1);
	assert_int_equal(sheet.image[0][0], 0);
	assert_int_equal(sheet.image[0][1], 3); /* the first with another label */
	m->step = 5;
	assert_int_equal(xl_samples_write(&sheet, m), 0);
	assert_true(is_there("sheets/00000005.png"));
	assert_int_equal(m->nets[0]->bn, XL_BN_TRAIN);
	xl_samples_done(&sheet);
	xl_model_free(m);
	xl_spool_done(&s);
}

static void an_estimate_counts_a_step(void **state)
{
	struct xl_spool s;
	struct xl_model *m = small_model(&s);
	struct xl_estimate e;

	(void)state;
	assert_int_equal(xl_estimate(&e, m, &s), 0);
	assert_true(e.gmac > 1e-4 && e.gmac < 1);
	assert_true(e.activations > (size_t)1 << 16);
	assert_true(e.blocks >=
		    16 * (xl_model_params(m, XL_GENERATOR) + xl_model_params(m, XL_CRITIC)));
	assert_true(e.program > (size_t)1 << 16 && e.seconds > 0);
	assert_int_equal(m->step, 0);
	xl_model_free(m);
	xl_spool_done(&s);
}

static int make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
	char *cmd = xl_strf("rm -r %s", scratch);
	int rc = cmd ? system(cmd) : -1;

	(void)state;
	free(cmd);
	return rc;
}

/* A checkpoint is a file like any other: its numbers are not trusted. */
static void counts_of_a_checkpoint_are_checked(void **state)
{
	struct xl_settings set = {.method = lomit()};
	const char *names[XL_MAX_ATTRIBUTES + 1];
	struct xl_spool s;
	struct xl_model *m = small_model(&s), *other;
	bool is_usage;

	(void)state;
	assert_int_equal(chdir(scratch), 0);
	m->step = -5;
	assert_int_equal(xl_model_save_checkpoint(m, "negative.ckpt"), 0);
	assert_null(xl_settings_resume(&set, "negative", NULL, &is_usage));
	assert_message("negative.ckpt: step is -5, not a number of steps");
	assert_false(is_usage);
	m->step = 5;
	m->adam_t[XL_CRITIC] = INT64_MAX;
	assert_int_equal(xl_model_save_checkpoint(m, "endless.ckpt"), 0);
	assert_null(xl_settings_resume(&set, "endless", NULL, &is_usage));
	assert_message("updates.critic is 9223372036854775807");
	xl_model_free(m);
	xl_spool_done(&s);

	for (int i = 0; i <= XL_MAX_ATTRIBUTES; i++)
		names[i] = "a";
	other = xl_model_new(lomit());
	assert_non_null(other);
	assert_int_equal(xl_model_attributes(other, names, XL_MAX_ATTRIBUTES + 1), -1);
	assert_message("257 attributes, a model takes at most 256");
	assert_int_equal(xl_model_attributes(other, names, XL_MAX_ATTRIBUTES), 0);
	xl_model_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_follow_their_names),
		cmocka_unit_test(labels_have_defaults),
		cmocka_unit_test(labels_that_do_not_fit_are_refused),
		cmocka_unit_test(classes_have_a_limit),
		cmocka_unit_test(domain_comes_from_meta_or_labels),
		cmocka_unit_test(spool_keeps_images),
		cmocka_unit_test(digest_is_of_data_alone),
		cmocka_unit_test(spool_grows),
		cmocka_unit_test(order_takes_each_image_once_an_epoch),
		cmocka_unit_test(order_is_a_function_of_the_iteration),
		cmocka_unit_test(order_pairs_domains),
		cmocka_unit_test(order_keeps_domains_in_step),
		cmocka_unit_test(too_few_images_are_counted),
		cmocka_unit_test(pairs_stay_together),
		cmocka_unit_test(flips_are_as_frequent_as_asked),
		cmocka_unit_test(parts_are_within_the_image),
		cmocka_unit_test(cuts_lie_anywhere),
		cmocka_unit_test(batches_hold_the_images_named),
		cmocka_unit_test(batches_hold_parts_enlarged),
		cmocka_unit_test(batches_hold_cuts),
		cmocka_unit_test(settings_beat_the_preset),
		cmocka_unit_test(method_is_found_among_options),
		cmocka_unit_test(tables_do_not_clash),
		cmocka_unit_test(only_minus_one_leaves_a_number_open),
		cmocka_unit_test(saves_are_kept_by_number),
		cmocka_unit_test(another_run_is_not_resumed),
		cmocka_unit_test(counts_of_a_checkpoint_are_checked),
		cmocka_unit_test(tables_say_what_may_change),
		cmocka_unit_test(a_torn_log_is_mended),
		cmocka_unit_test(a_sheet_pairs_unlike_images),
		cmocka_unit_test(an_estimate_counts_a_step),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
