/*
 * faces.c - the set `faces`: made portraits with CelebA's attributes and true
 * masks, single or as pairs with their translation. Descriptor, labels and
 * records; what a face looks like is in faces_*.c.
 */
#include "data/faces.h"

#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/synth.h"

/* Numbers of CelebA's attributes, from 0, where the code speaks of them. */
enum label {
	FIVE_O_CLOCK,
	ARCHED,
	ATTRACTIVE,
	BAGS,
	BALD,
	BANGS,
	BIG_LIPS,
	BIG_NOSE,
	BLACK,
	BLOND,
	BLURRY,
	BROWN,
	BUSHY,
	CHUBBY,
	DOUBLE_CHIN,
	EYEGLASSES,
	GOATEE,
	GRAY,
	MAKEUP,
	CHEEKBONES,
	MALE,
	MOUTH_OPEN,
	MUSTACHE,
	NARROW,
	NO_BEARD,
	OVAL,
	PALE,
	POINTY,
	RECEDING,
	ROSY,
	SIDEBURNS,
	SMILING,
	STRAIGHT,
	WAVY,
	EARRINGS,
	HAT,
	LIPSTICK,
	NECKLACE,
	NECKTIE,
	YOUNG
};

const char *const xl_face_names[XL_FACE_LABELS + 1] = {"5_o_Clock_Shadow",
						       "Arched_Eyebrows",
						       "Attractive",
						       "Bags_Under_Eyes",
						       "Bald",
						       "Bangs",
						       "Big_Lips",
						       "Big_Nose",
						       "Black_Hair",
						       "Blond_Hair",
						       "Blurry",
						       "Brown_Hair",
						       "Bushy_Eyebrows",
						       "Chubby",
						       "Double_Chin",
						       "Eyeglasses",
						       "Goatee",
						       "Gray_Hair",
						       "Heavy_Makeup",
						       "High_Cheekbones",
						       "Male",
						       "Mouth_Slightly_Open",
						       "Mustache",
						       "Narrow_Eyes",
						       "No_Beard",
						       "Oval_Face",
						       "Pale_Skin",
						       "Pointy_Nose",
						       "Receding_Hairline",
						       "Rosy_Cheeks",
						       "Sideburns",
						       "Smiling",
						       "Straight_Hair",
						       "Wavy_Hair",
						       "Wearing_Earrings",
						       "Wearing_Hat",
						       "Wearing_Lipstick",
						       "Wearing_Necklace",
						       "Wearing_Necktie",
						       "Young",
						       NULL};

int xl_face_part_of(int k)
{
	switch (k) {
	case BLACK:
	case BLOND:
	case BROWN:
	case GRAY:
		return XL_PART_HAIR;
	case SMILING:
	case MOUTH_OPEN:
		return XL_PART_MOUTH;
	case EYEGLASSES:
		return XL_PART_GLASSES;
	case FIVE_O_CLOCK:
	case GOATEE:
	case MUSTACHE:
	case NO_BEARD:
		return XL_PART_BEARD;
	default:
		return -1;
	}
}

static void hair_labels(const struct xl_face *f, uint8_t *y)
{
	static const enum label colors[4] = {BLACK, BROWN, BLOND, GRAY};
	const struct xl_face_hair *h = &f->hair;

	y[BALD] = h->cut == XL_CUT_NONE;
	if (h->cut == XL_CUT_NONE)
		return;
	y[colors[f->dye.name]] = 1;
	y[BANGS] = h->bangs > -5;
	y[RECEDING] = h->recede > 0.2f;
	y[STRAIGHT] = h->is_straight;
	y[WAVY] = h->is_wavy;
	y[SIDEBURNS] = f->is_male && h->cut == XL_CUT_SHORT && h->sideburn > 0.33f;
}

/* Attractive, Blurry, Double_Chin, Pointy_Nose and Wearing_Hat stay 0. */
void xl_face_labels(const struct xl_face *f, uint8_t y[XL_FACE_LABELS])
{
	enum xl_beard beard = f->beard.kind;

	memset(y, 0, XL_FACE_LABELS);
	hair_labels(f, y);
	y[FIVE_O_CLOCK] = beard == XL_BEARD_STUBBLE;
	y[GOATEE] = beard == XL_BEARD_GOATEE;
	y[MUSTACHE] =
		beard == XL_BEARD_MUSTACHE || beard == XL_BEARD_GOATEE || beard == XL_BEARD_FULL;
	y[NO_BEARD] = beard == XL_BEARD_NONE;
	y[EYEGLASSES] = f->glasses.frame != XL_FRAME_NONE;
	y[SMILING] = f->smile.strength > 0.5f;
	y[MOUTH_OPEN] = f->smile.open > 0.03f;
	y[ARCHED] = f->eyes.brow_arch > 0.1f;
	y[BUSHY] = f->eyes.brow_thick > 0.066f;
	y[NARROW] = f->eyes.open < 0.84f;
	y[BAGS] = f->skin.bags > 0.7f;
	y[BIG_LIPS] = f->lips.lower > 0.133f;
	y[BIG_NOSE] = f->nose.width > 1.12f;
	y[CHUBBY] = f->shape.jaw > 1.02f && f->shape.width > 1.0f;
	y[OVAL] = f->shape.square < 2.05f && f->shape.chin < 1;
	y[CHEEKBONES] = f->shape.cheek > 1.35f;
	y[PALE] = f->skin.tone < 0.1f;
	y[ROSY] = f->skin.rosy > 0.65f && f->skin.tone < 0.4f;
	y[MAKEUP] = f->has_makeup;
	y[LIPSTICK] = f->lips.lipstick;
	y[EARRINGS] = f->body.has_earrings && f->hair.cut < XL_CUT_BOB;
	y[NECKLACE] = f->body.has_necklace;
	y[NECKTIE] = f->body.has_tie;
	y[MALE] = f->is_male;
	y[YOUNG] = f->is_young;
}

static bool is_exchanged(int k)
{
	return xl_face_part_of(k) >= 0;
}

/* Which parts the chosen labels are about. */
static void chosen_parts(const bool *chosen, bool part[XL_PARTS])
{
	memset(part, 0, XL_PARTS * sizeof *part);
	for (int k = 0; k < XL_FACE_LABELS; k++)
		if (chosen[k] && xl_face_part_of(k) >= 0)
			part[xl_face_part_of(k)] = true;
}

/* The roles of a pair have numbers of their own, apart from single faces. */
static void draw_role(struct xl_face *f, const struct xl_synth_ask *a)
{
	struct xl_face other;
	bool part[XL_PARTS];
	bool is_exemplar = a->role == XL_SYNTH_EXEMPLAR;

	xl_face_draw(f, a->seed, a->index, a->role == XL_SYNTH_SINGLE ? 0 : is_exemplar ? 2 : 1);
	if (a->role != XL_SYNTH_TRUTH)
		return;
	xl_face_draw(&other, a->seed, a->index, 2);
	chosen_parts(a->chosen, part);
	for (int k = 0; k < XL_PARTS; k++)
		if (part[k])
			xl_face_take(f, &other, (enum xl_face_part)k);
}

static bool has_chosen_color(const bool *chosen, const uint8_t *y)
{
	return (chosen[BLACK] && y[BLACK]) || (chosen[BROWN] && y[BROWN]) ||
	       (chosen[BLOND] && y[BLOND]) || (chosen[GRAY] && y[GRAY]);
}

/*
 * Two faces make a pair if the exchange changes a chosen label and both have
 * what is exchanged: hair to colour (of the chosen colours, where there are
 * several), and a beard only between faces of one sex.
 */
static bool is_pair(const bool *chosen, const uint8_t *in, const uint8_t *ex, const uint8_t *truth)
{
	bool part[XL_PARTS], differs = false;
	int colors = chosen[BLACK] + chosen[BROWN] + chosen[BLOND] + chosen[GRAY];

	chosen_parts(chosen, part);
	if (part[XL_PART_HAIR] && (in[BALD] || ex[BALD]))
		return false;
	if (colors > 1 && !(has_chosen_color(chosen, in) && has_chosen_color(chosen, ex)))
		return false;
	if (part[XL_PART_BEARD] && in[MALE] != ex[MALE])
		return false;
	for (int k = 0; k < XL_FACE_LABELS; k++)
		differs = differs || (chosen[k] && in[k] != truth[k]);
	return differs;
}

static bool labels_of(const struct xl_synth_ask *a, uint8_t *y)
{
	struct xl_face f;
	struct xl_synth_ask b = *a;
	uint8_t in[XL_FACE_LABELS], ex[XL_FACE_LABELS], truth[XL_FACE_LABELS];

	draw_role(&f, a);
	xl_face_labels(&f, y);
	if (a->role == XL_SYNTH_SINGLE)
		return true;
	b.role = XL_SYNTH_INPUT;
	draw_role(&f, &b);
	xl_face_labels(&f, in);
	b.role = XL_SYNTH_EXEMPLAR;
	draw_role(&f, &b);
	xl_face_labels(&f, ex);
	b.role = XL_SYNTH_TRUTH;
	draw_role(&f, &b);
	xl_face_labels(&f, truth);
	return is_pair(a->chosen, in, ex, truth);
}

/* The masks of one painted face, those of parts that are not chosen left out. */
static int paint(const struct xl_synth_ask *a, struct xl_canvas *c, struct xl_tensor **x,
		 struct xl_tensor *mask[XL_PARTS])
{
	struct xl_face f;

	draw_role(&f, a);
	xl_face_prepare(&f, (int)a->size);
	xl_face_paint(&f, c);
	for (int k = 0; k < XL_PARTS; k++) {
		mask[k] = xl_canvas_mask(c, k);
		if (mask[k] == NULL)
			return -1;
	}
	if (x == NULL)
		return 0;
	*x = xl_canvas_image(c, f.sensor.noise, f.sensor.seed);
	return *x != NULL ? 0 : -1;
}

/* The larger of two coverages of the same part; the sum over parts, which share
 * a pixel between them. */
static struct xl_tensor *join(struct xl_tensor *const own[XL_PARTS],
			      struct xl_tensor *const input[XL_PARTS], const bool part[XL_PARTS])
{
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, own[0]->shape);
	int64_t n = xl_tensor_count(own[0]);

	if (t == NULL)
		return NULL;
	uint8_t *out = t->data;
	for (int k = 0; k < XL_PARTS; k++) {
		const uint8_t *p = own[k]->data, *q = input[k] != NULL ? input[k]->data : p;

		for (int64_t i = 0; part[k] && i < n; i++) {
			int v = out[i] + (p[i] > q[i] ? p[i] : q[i]);

			out[i] = (uint8_t)(v > 255 ? 255 : v);
		}
	}
	return t;
}

static struct xl_record *new_record(const struct xl_synth_ask *a)
{
	static const char *const roles[] = {"", "-input", "-exemplar", "-truth"};
	char *id = xl_strf("%s-%06u%s.png", a->role == XL_SYNTH_SINGLE ? "face" : "pair",
			   (unsigned)a->index, roles[a->role]);
	struct xl_record *r = id != NULL ? xl_record_new(XL_IMAGE, id) : NULL;

	free(id);
	return r;
}

/* Pixels of a truth outside its m_true equal the input's. */
static struct xl_record *make(const struct xl_synth_ask *a)
{
	static const char *const names[XL_PARTS] = {"m_hair", "m_mouth", "m_glasses", "m_beard"};
	struct xl_tensor *x = NULL, *own[XL_PARTS] = {NULL}, *input[XL_PARTS] = {NULL};
	struct xl_canvas *c = xl_canvas_new((int)a->size);
	struct xl_record *r = new_record(a);
	struct xl_synth_ask before = *a;
	bool part[XL_PARTS];
	int status = -1;

	before.role = XL_SYNTH_INPUT;
	chosen_parts(a->chosen, part);
	if (c == NULL || r == NULL || paint(a, c, &x, own) < 0)
		goto out;
	if (a->role == XL_SYNTH_TRUTH && paint(&before, c, NULL, input) < 0)
		goto out;
	status = xl_record_put(r, "x", x);
	x = NULL;
	if (status == 0 && (part[0] || part[1] || part[2] || part[3]))
		status = xl_record_put(r, "m_true", join(own, input, part));
	for (int k = 0; k < XL_PARTS && status == 0; k++) {
		status = xl_record_put(r, names[k], own[k]);
		own[k] = NULL;
	}
out:
	for (int k = 0; k < XL_PARTS; k++) {
		xl_tensor_free(own[k]);
		xl_tensor_free(input[k]);
	}
	xl_tensor_free(x);
	xl_canvas_free(c);
	if (status < 0) {
		xl_record_free(r);
		r = NULL;
	}
	return r;
}

const struct xl_synth_set xl_synth_faces = {
	.name = "faces",
	.summary = "made portraits with the attributes of CelebA and true masks",
	.labels = xl_face_names,
	.usual_size = 128,
	.min_size = 16,
	.max_size = 1024,
	.is_exchanged = is_exchanged,
	.labels_of = labels_of,
	.make = make,
};
