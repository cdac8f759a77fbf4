/*
 * digits_draw.c - layouts and looks of made images of digits, drawn from (seed, index),
 * or for one digit in the order of its authors.
 */
#include <math.h>
#include <string.h>

#include "core/mersenne.h"
#include "core/rng.h"
#include "data/digits.h"

/* What the draws of an image are for; with split and domain, the index of its key. */
enum part { ORDER, CHANCE, LAYOUT, LOOK };

static uint32_t key_of(enum part part, bool is_test, int domain)
{
	return 4 * (uint32_t)part + 2 * is_test + (uint32_t)domain;
}

static const uint8_t colors[XL_MANY][3] = {[XL_BLACK] = {0, 0, 0},
					   [XL_WHITE] = {255, 255, 255},
					   [XL_RED] = {255, 0, 0},
					   [XL_GREEN] = {0, 255, 0},
					   [XL_BLUE] = {0, 0, 255}};

/* ---- one digit -------------------------------------------------------- */

/* One generator after the other: both orders, then both lists of chances. */
static void draw_published(uint32_t *const digit[2], double *const chance[2], uint32_t n,
			   uint32_t seed)
{
	struct xl_mersenne m;

	xl_mersenne_init(&m, seed);
	for (int k = 0; k < 2; k++)
		xl_mersenne_permute(&m, digit[k], n);
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; i < n; i++)
			chance[k][i] = xl_mersenne_uniform(&m);
}

static void draw_by_seed(uint32_t *digit, double *chance, uint32_t n, uint64_t seed, bool is_test,
			 int domain)
{
	struct xl_rng r;

	xl_rng_init(&r, seed, XL_RNG_SYNTH, 0, key_of(ORDER, is_test, domain));
	xl_rng_permute(&r, digit, n);
	for (uint32_t i = 0; i < n; i++) {
		xl_rng_init(&r, seed, XL_RNG_SYNTH, i, key_of(CHANCE, is_test, domain));
		chance[i] = xl_rng_uniform(&r);
	}
}

void xl_digits_draw(uint32_t *const digit[2], double *const chance[2], uint32_t n, uint64_t seed,
		    bool is_test, bool is_published)
{
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; i < n; i++)
			digit[k][i] = i;
	if (is_published) {
		draw_published(digit, chance, n, (uint32_t)seed);
		return;
	}
	for (int k = 0; k < 2; k++)
		draw_by_seed(digit[k], chance[k], n, seed, is_test, k);
}

void xl_digit_layout_one(struct xl_digit_layout *l, const struct xl_digits *d,
			 enum xl_digit_domain domain, uint32_t i)
{
	l->grid = 1;
	l->row[0] = d->digit[domain][i];
}

static void look_flat(struct xl_digit_look *l, enum xl_digit_color fg, enum xl_digit_color bg)
{
	*l = (struct xl_digit_look){.fg = fg, .bg = bg};
	memcpy(l->ground, colors[bg], 3);
	for (int k = 0; k < XL_DIGITS; k++)
		memcpy(l->ink[k], colors[fg], 3);
}

void xl_digit_look_one(struct xl_digit_look *l, const struct xl_digits *d,
		       enum xl_digit_domain domain, uint32_t i)
{
	/* foreground and background of domain B, by sixths of the chance */
	static const enum xl_digit_color pairs[6][2] = {{XL_RED, XL_GREEN},  {XL_GREEN, XL_RED},
							{XL_RED, XL_BLUE},   {XL_BLUE, XL_RED},
							{XL_GREEN, XL_BLUE}, {XL_BLUE, XL_GREEN}};
	const double chance = d->chance[domain][i];
	int k;

	if (domain == XL_DIGITS_A) {
		look_flat(l, chance < 0.5 ? XL_BLACK : XL_WHITE,
			  chance < 0.5 ? XL_WHITE : XL_BLACK);
		return;
	}
	/* in training, 5 to 9 are seen in one pair of colours alone */
	k = !d->is_test && d->idx.labels[d->digit[domain][i]] >= 5 ? 0 : (int)(6 * chance);
	look_flat(l, pairs[k][0], pairs[k][1]);
}

/* ---- many digits ------------------------------------------------------ */

/* The first picture met of each label, in any order. Few images lack a label. */
static int pick_digits(int64_t row[XL_DIGITS], const struct xl_digits *d, struct xl_rng *r,
		       enum xl_digit_domain domain)
{
	const int tries = domain == XL_DIGITS_A ? 100 : 200;
	bool seen[XL_DIGITS] = {false};
	int n = 0;

	for (int i = 0; i < tries && n < XL_DIGITS; i++) {
		const uint32_t k = xl_rng_below(r, (uint32_t)d->idx.n);

		if (seen[d->idx.labels[k]])
			continue;
		seen[d->idx.labels[k]] = true;
		row[n++] = k;
	}
	return n;
}

void xl_digit_layout_many(struct xl_digit_layout *l, const struct xl_digits *d, uint64_t seed,
			  enum xl_digit_domain domain, uint32_t i)
{
	uint32_t cell[XL_DIGIT_CELLS];
	int64_t row[XL_DIGITS];
	struct xl_rng r;

	xl_rng_init(&r, seed, XL_RNG_SYNTH, i, key_of(LAYOUT, d->is_test, (int)domain));
	const int n = pick_digits(row, d, &r, domain);

	l->grid = XL_DIGIT_GRID;
	for (uint32_t k = 0; k < XL_DIGIT_CELLS; k++) {
		l->row[k] = -1;
		cell[k] = k;
	}
	/* a random cell for each is a random order as well */
	xl_rng_permute(&r, cell, XL_DIGIT_CELLS);
	for (int k = 0; k < n; k++)
		l->row[cell[k]] = row[k];
}

void xl_digit_hue(uint8_t rgb[3], double hue, double saturation, double value)
{
	for (int c = 0; c < 3; c++) {
		/* from the primary on a circle of six: full up to 1, least from 2 on */
		const double away = fabs(fmod(6 * hue + 9 - 2 * c, 6) - 3);
		const double v = value * (1 - saturation * fmin(fmax(away - 1, 0), 1));

		rgb[c] = (uint8_t)floor(255 * v + 0.5);
	}
}

void xl_digit_look_many(struct xl_digit_look *l, const struct xl_digits *d, uint64_t seed,
			enum xl_digit_domain domain, uint32_t i)
{
	struct xl_rng r;

	xl_rng_init(&r, seed, XL_RNG_SYNTH, i, key_of(LOOK, d->is_test, (int)domain));
	if (xl_rng_uniform(&r) < 0.5)
		look_flat(l, XL_BLACK, XL_WHITE);
	else
		look_flat(l, XL_WHITE, XL_BLACK);
	l->is_stretched = d->is_stretched;
	if (domain == XL_DIGITS_A)
		return;
	l->fg = XL_MANY;
	for (int k = 0; k < XL_DIGITS; k++) {
		const double s = 0.5 * (0.6 + 0.8 * xl_rng_uniform(&r));
		const double v = 0.5 * (0.6 + 0.8 * xl_rng_uniform(&r));

		xl_digit_hue(l->ink[k], k / 10.0, s, v);
	}
}
