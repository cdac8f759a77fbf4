/*
 * faces.h - inside the set `faces`: what a made portrait is (struct xl_face,
 * drawn from random numbers in faces_draw.c) and the layers that paint it
 * (faces_*.c). Outside, only the descriptor xl_synth_faces is used.
 *
 * Units. Lengths on a face are distances between the eyes, with the origin
 * midway between them, x to the right and y down: the chin is near y = 1.85,
 * the top of the skull near -1.8. Colours are linear.
 */
#ifndef XL_DATA_FACES_H
#define XL_DATA_FACES_H

#include <stdbool.h>
#include <stdint.h>
#include "data/raster.h"

enum { XL_FACE_LABELS = 40, XL_FACE_BUMPS = 24 };

/* The parts that have a mask and can be exchanged between faces. */
enum xl_face_part { XL_PART_HAIR, XL_PART_MOUTH, XL_PART_GLASSES, XL_PART_BEARD, XL_PARTS };

enum xl_hair_color { XL_HAIR_BLACK, XL_HAIR_BROWN, XL_HAIR_BLOND, XL_HAIR_GRAY };
enum xl_hair_cut {
	XL_CUT_NONE,
	XL_CUT_BUZZ,
	XL_CUT_SHORT,
	XL_CUT_PULLED,
	XL_CUT_BOB,
	XL_CUT_LONG,
	XL_CUT_CURLY
};
enum xl_beard {
	XL_BEARD_NONE,
	XL_BEARD_STUBBLE,
	XL_BEARD_MUSTACHE,
	XL_BEARD_GOATEE,
	XL_BEARD_FULL
};
enum xl_frame {
	XL_FRAME_NONE,
	XL_FRAME_ROUND,
	XL_FRAME_BOX,
	XL_FRAME_SQUARE,
	XL_FRAME_AVIATOR,
	XL_FRAME_CAT
};
enum xl_backdrop {
	XL_BACK_GRADIENT,
	XL_BACK_BLOBS,
	XL_BACK_CLOUD,
	XL_BACK_WALL,
	XL_BACK_LEAVES,
	XL_BACK_BANDS,
	XL_BACK_HORIZON
};
enum xl_neckline { XL_NECK_CREW, XL_NECK_V, XL_NECK_WIDE, XL_NECK_COLLAR, XL_NECK_SUIT };
enum xl_pattern {
	XL_PATTERN_PLAIN,
	XL_PATTERN_STRIPES,
	XL_PATTERN_CHECKS,
	XL_PATTERN_KNIT,
	XL_PATTERN_DOTS
};

struct xl_face_pose {
	float cx, cy;     /* midway between the eyes, share of the picture */
	float unit;       /* distance between the eyes, share of the picture */
	float tilt;       /* radians */
	float yaw, pitch; /* how far the middle of the face moves, units */
};

struct xl_face_light {
	float x, y, z; /* unit vector towards the light, z to the viewer */
	struct xl_rgb key, sky, ground;
};

struct xl_face_shape {
	float width, jaw, jaw_y, chin, square, cheek; /* factors near 1; square an exponent */
	float ear, eye_gap;
	float neck, shoulder, shoulder_y;
};

struct xl_face_skin {
	struct xl_rgb color;
	float tone; /* 0 fair .. 1 deep */
	float rosy, freckles, shine, mottle;
	float wrinkles, bags;
	uint32_t seed;
};

struct xl_face_eyes {
	float size, open, slant, gaze_x, gaze_y, lid, lashes, shadow;
	struct xl_rgb iris, shadow_color;
	float brow_y, brow_thick, brow_arch, brow_slant, brow_dark;
	struct xl_rgb brow;
};

struct xl_face_nose {
	float width, length, height, bridge;
};

/* What stays of a mouth when the smile is exchanged ... */
struct xl_face_lips {
	float y, width, upper, lower, bow;
	struct xl_rgb color;
	float gloss;
	bool lipstick;
};

/* ... and what is exchanged. */
struct xl_face_smile {
	float strength; /* 0 neutral .. 1 broad */
	float open;     /* height of the opening, units */
	float teeth;    /* share of the opening that the teeth fill */
};

/* The form of the hair, which stays when the colour is exchanged. */
struct xl_face_hair {
	enum xl_hair_cut cut;
	float top, side, length, flare;    /* volume above, beside; lower end; widening */
	float part, comb;                  /* where it is parted; how far it is swept sideways */
	float line, recede, curtain;       /* hairline: height, bare temples, fall from the part */
	float opening;                     /* half width of what the hair leaves of the face */
	float wave, curl;                  /* waviness; 0..1 curly texture */
	float strand, ragged;              /* contrast of strands; unevenness of edges */
	float bangs, bangs_slant, bangs_x; /* lower end (-9: none), slope, side */
	float front;                       /* long hair lies before (1) or behind the shoulders */
	float shine, sideburn;
	bool is_wavy, is_straight;
	uint32_t seed;
};

struct xl_face_dye {
	enum xl_hair_color name;
	struct xl_rgb deep, base, light; /* shadowed, usual and sunlit strands */
	float contrast, shine;
};

struct xl_face_glasses {
	enum xl_frame frame;
	float w, h, gap, thick, rise, tint, glare;
	float half; /* the lower rim is thinner by this share */
	struct xl_rgb color, lens;
};

struct xl_face_beard {
	enum xl_beard kind;
	float density, length, cheek, droop, width, thick, soul;
	struct xl_rgb color, light;
	uint32_t seed;
};

struct xl_face_body {
	enum xl_neckline neckline;
	enum xl_pattern pattern;
	float depth, period, angle;
	struct xl_rgb color, second, inner, tie;
	bool has_tie, has_earrings, has_necklace;
	struct xl_rgb metal;
	uint32_t seed;
};

struct xl_face_back {
	enum xl_backdrop kind;
	struct xl_rgb a, b, c;
	float angle, scale, x, y;
	uint32_t seed;
};

struct xl_face_sensor {
	float blur, noise, gain, vignette;
	uint32_t seed;
};

/* One smooth bump of the face's surface: height (1 - r^2)^2 inside its ellipse. */
struct xl_face_bump {
	float x, y, rx, ry, h;
};

struct xl_face {
	bool is_male, is_young, has_makeup;
	float age;
	struct xl_face_pose pose;
	struct xl_face_light light;
	struct xl_face_shape shape;
	struct xl_face_skin skin;
	struct xl_face_eyes eyes;
	struct xl_face_nose nose;
	struct xl_face_lips lips;
	struct xl_face_smile smile;
	struct xl_face_hair hair;
	struct xl_face_dye dye;
	struct xl_face_glasses glasses;
	struct xl_face_beard beard;
	struct xl_face_body body;
	struct xl_face_back back;
	struct xl_face_sensor sensor;
	/* worked out of the above by xl_face_prepare */
	float cos_tilt, sin_tilt, px;
	struct xl_face_bump bump[XL_FACE_BUMPS];
	int n_bumps;
};

/*
 * A pixel on its way through the layers: sx, sy in the picture (0..1), bx, by
 * on the upright body, u, v on the tilted head, x, y on the turned face; px the
 * width of a pixel in units; head the signed distance to the head's outline.
 */
struct xl_spot {
	float sx, sy, bx, by, u, v, x, y, px, head;
	float nx, ny, nz;  /* the head's surface */
	struct xl_rgb lit; /* light that falls on the skin here */
};

/*
 * xl_face_draw - the face that a seed, an index and a role stand for
 * xl_face_take - give f the appearance of a part of another face
 * xl_face_labels - CelebA's 40 attributes, 0 or 1, in its order
 */
void xl_face_draw(struct xl_face *f, uint64_t seed, uint32_t index, uint32_t role);
void xl_face_take(struct xl_face *f, const struct xl_face *from, enum xl_face_part part);
void xl_face_labels(const struct xl_face *f, uint8_t y[XL_FACE_LABELS]);
extern const char *const xl_face_names[XL_FACE_LABELS + 1]; /* NULL at the end */

/* xl_face_part_of - the part that shows attribute k, or -1 */
int xl_face_part_of(int k);

/* xl_face_draw_* - parts that can be exchanged, each from numbers of its own, and
 * the form of the hair; they know of the person, nothing else */
struct xl_rng;
void xl_face_draw_hair(struct xl_face *f, struct xl_rng *r);
void xl_face_draw_dye(struct xl_face *f, struct xl_rng *r);
void xl_face_draw_smile(struct xl_face *f, struct xl_rng *r);
void xl_face_draw_glasses(struct xl_face *f, struct xl_rng *r);
void xl_face_draw_beard(struct xl_face *f, struct xl_rng *r);

/* Random numbers in the form the drawing wants them. */
float xl_draw_range(struct xl_rng *r, float lo, float hi);
float xl_draw_about(struct xl_rng *r, float mean, float sigma); /* within 2 sigma */
bool xl_draw_chance(struct xl_rng *r, float p);
/* an index with probability in proportion to w[0..n-1] */
int xl_draw_pick(struct xl_rng *r, const float *w, int n);

/*
 * xl_face_paint - paint the face on a canvas of any size
 *
 * Units    colours linear; masks in the order of enum xl_face_part
 */
void xl_face_prepare(struct xl_face *f, int size);
void xl_face_paint(const struct xl_face *f, struct xl_canvas *c);

/* The layers, back to front. Each returns at once where it has nothing. */
void xl_face_backdrop(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_hair_behind(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_body(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_ears(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_head(const struct xl_face *f, struct xl_spot *s, struct xl_paint *p);
void xl_face_eyes(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_beard(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_mouth(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_mustache(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_brows(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_glasses(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);
void xl_face_hair_front(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p);

/* xl_face_hair_shadow - how dark the hair makes the skin here, 1 for not at all */
float xl_face_hair_shadow(const struct xl_face *f, const struct xl_spot *s);

/* xl_face_shade - light on a surface with this normal; soft is how far light
 * creeps round it, as in skin (0 for none) */
struct xl_rgb xl_face_shade(const struct xl_face *f, float nx, float ny, float nz, float soft);

#endif
