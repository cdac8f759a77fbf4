/*
 * digits.h - inside the sets `mnist-single` and `mnist-multi`: digits of MNIST painted
 * flat on a flat ground, in two domains that share their digits and differ in their
 * colours. What an image is made of is a layout (which digits, where) and a look (which
 * colours); a true translation is the layout of one image in the look of another.
 * Outside, only the descriptors xl_synth_mnist_single and _multi are used.
 *
 * Source   Ma et al. 2019, section 5.1, and their program
 */
#ifndef XL_DATA_DIGITS_H
#define XL_DATA_DIGITS_H

#include "data/sets_idx.h"
#include "data/synth.h"

enum {
	XL_DIGITS = 10,
	XL_DIGIT_SIDE = 28,
	XL_DIGIT_GRID = 4, /* cells across and down of many digits */
	XL_DIGIT_CELLS = XL_DIGIT_GRID * XL_DIGIT_GRID
};

enum xl_digit_domain { XL_DIGITS_A, XL_DIGITS_B };

/* Colours as labels. */
enum xl_digit_color { XL_BLACK, XL_WHITE, XL_RED, XL_GREEN, XL_BLUE, XL_MANY };

/* Which digit is in each cell, a picture of the idx file; -1 for none. */
struct xl_digit_layout {
	int grid; /* cells across and down: 1 or XL_DIGIT_GRID */
	int64_t row[XL_DIGIT_CELLS];
};

struct xl_digit_look {
	enum xl_digit_color fg, bg;
	uint8_t ground[3], ink[XL_DIGITS][3]; /* RGB, the ink of each label */
	bool is_stretched;                    /* to 0..255 over the whole image */
};

/* What images are made of: a file of digits, and for one digit an image the draws of
 * each domain: which digit image i shows, and the chance that decides its colours. */
struct xl_digits {
	struct xl_idx idx;
	bool is_test, is_stretched;
	uint32_t *digit[2]; /* n each, or NULL */
	double *chance[2];  /* 0..1 */
};

/*
 * xl_digits_open - the digits of job->digits
 *
 * Owns     the caller ends it with xl_digits_close
 * Errors   NULL with xl_err set: no file of digits with labels 0..9, of 28x28 pixels
 */
struct xl_digits *xl_digits_open(const struct xl_synth_job *job);
void xl_digits_close(void *digits);

/*
 * xl_digits_draw - digits and chances of n images of both domains, by seed or, where
 * is_published, in the order of the authors (seed 0 is theirs)
 *
 * Shapes   digit, chance: 2 x (n), permutations of 0..n-1, and 0 <= chance < 1
 */
void xl_digits_draw(uint32_t *const digit[2], double *const chance[2], uint32_t n, uint64_t seed,
		    bool is_test, bool is_published);

/* Image i of a domain, for i from 0 to n - 1, of one digit and of many. */
void xl_digit_layout_one(struct xl_digit_layout *l, const struct xl_digits *d,
			 enum xl_digit_domain domain, uint32_t i);
void xl_digit_look_one(struct xl_digit_look *l, const struct xl_digits *d,
		       enum xl_digit_domain domain, uint32_t i);
void xl_digit_layout_many(struct xl_digit_layout *l, const struct xl_digits *d, uint64_t seed,
			  enum xl_digit_domain domain, uint32_t i);
void xl_digit_look_many(struct xl_digit_look *l, const struct xl_digits *d, uint64_t seed,
			enum xl_digit_domain domain, uint32_t i);

/* xl_digit_hue - hue 0..1, saturation 0..1, value 0..1 as RGB bytes */
void xl_digit_hue(uint8_t rgb[3], double hue, double saturation, double value);

/*
 * xl_digits_paint - paint a layout in a look; a pixel of 128 or more is digit
 *
 * Shapes   x: (3,S,S) |u1, mask: (1,S,S) |u1 0 or 255 where a digit is, S = 28 * grid
 * Errors   0, or -1 with xl_err set
 */
int xl_digits_paint(struct xl_tensor *x, struct xl_tensor *mask, const struct xl_digits *d,
		    const struct xl_digit_layout *layout, const struct xl_digit_look *look);

#endif
