/*
 * backbone_file.c - published networks from model files: finding them, reading them,
 * and telling whether their weights are those that were published.
 */
#include <stdlib.h>
#include <string.h>
#include "core/datafile.h"
#include "core/mem.h"
#include "nn/backbone_params.h"
#include "tensor/modelfile.h"

enum { MAX_KNOWN = 4 };

/* The files that weights are published in, and how their SHA-256 may begin, which for
 * most is a part of the name; for LPIPS, those of the features and of the heads, and
 * where we have them that of the parameters, however they came (xl_backbone_digest). */
static const struct {
	const char *network, *files, *begins[MAX_KNOWN];
} published[] = {
	{"alexnet", "alexnet-owt-7be5be79.pth", {"7be5be79", "4df8aa71"}},
	{"inception", "inception_v3_google-0cc3c7bd.pth", {"0cc3c7bd", "1a9a5a14"}},
	{"inception-fid", "pt_inception-2015-12-05-6726825d.pth", {"6726825d"}},
	{"lpips-alex",
	 "alexnet-owt-7be5be79.pth alex.pth",
	 {"7be5be79", "4df8aa71",
	  "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
	  "e3de25caf53696081cd880c2a6642ae5e77eccc9e3cd331b816bdb37a07b0dd3"}},
	{"lpips-squeeze",
	 "squeezenet1_1-b8a52dc0.pth squeeze.pth",
	 {"b8a52dc0", "f364aa15",
	  "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
	  "26442df741270c6dc2d2557d22c952e2416373bcb1482bfc8f9c27b8e49591a4"}},
	{"lpips-vgg",
	 "vgg16-397923af.pth vgg.pth",
	 {"397923af", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"}},
	{"resnet50-face", "resnet50_ft_dag.pth", {NULL}},
	{"squeezenet1_1", "squeezenet1_1-b8a52dc0.pth", {"b8a52dc0", "f364aa15"}},
	{"vgg16", "vgg16-397923af.pth", {"397923af"}},
	{"vgg16-face", "vgg_face_dag.pth", {NULL}},
	{"vgg19", "vgg19-dcbb9e9d.pth", {"dcbb9e9d"}},
};
enum { PUBLISHED = sizeof published / sizeof *published };

/* The number of the network in the list. */
static int find(const char *network)
{
	for (int i = 0; i < PUBLISHED; i++)
		if (strcmp(published[i].network, network) == 0)
			return i;
	return -1;
}

static bool is_known(const char *network, const char *digest)
{
	const int i = find(network);

	for (int k = 0; i >= 0 && k < MAX_KNOWN && published[i].begins[k]; k++)
		if (strncmp(digest, published[i].begins[k], strlen(published[i].begins[k])) == 0)
			return true;
	return false;
}

/* Whether all the files were published that a model says it was made of. */
static bool from_published(const char *network, const struct xl_record *model)
{
	const struct xl_value *v = xl_meta_get(model, "sources");

	if (!v || v->type != XL_LIST || v->n == 0)
		return false;
	for (int i = 0; i < v->n; i++)
		if (v->items[i].type != XL_STR || !is_known(network, v->items[i].str))
			return false;
	return true;
}

/* Of the parameters in order, each name with its NUL, then its numbers as <f4. */
static int digest_of(const struct xl_backbone *b, const struct xl_record *r, char hex[65])
{
	struct xl_digest d;

	xl_digest_init(&d);
	for (int i = 0; i < b->n_params; i++) {
		const char *name = b->params[i].name;
		struct xl_tensor *t = xl_tensor_to(xl_record_tensor(r, name), XL_F4);

		if (!t)
			return -1;
		xl_digest_add(&d, name, strlen(name) + 1);
		xl_digest_add(&d, t->data, xl_tensor_bytes(t));
		xl_tensor_free(t);
	}
	xl_digest_hex(&d, hex);
	return 0;
}

static struct xl_backbone *from_records(struct xl_record **records, int n,
					const struct xl_backbone_def *def)
{
	const char *network = xl_meta_str(records[0], "network", NULL);
	const char *method = xl_meta_str(records[0], "method", NULL);
	struct xl_backbone *b;

	if (!network || strcmp(network, def->name) != 0 || n != 2) {
		if (network)
			xl_err("weights of '%.100s', not '%s'", network, def->name);
		else if (method)
			xl_err("not weights of %s (a model of %.100s)", def->name, method);
		else
			xl_err("not weights of %s", def->name);
		return NULL;
	}
	b = xl_backbone_new(def, records[1]);
	if (b && digest_of(b, records[1], b->digest)) {
		xl_backbone_free(b);
		return NULL;
	}
	if (b)
		b->is_published =
			is_known(network, b->digest) || from_published(network, records[0]);
	return b;
}

struct xl_backbone *xl_backbone_load(const char *path, const struct xl_backbone_def *def)
{
	struct xl_modelfile f;
	struct xl_backbone *b;

	if (xl_modelfile_read(path, &f))
		return NULL;
	b = from_records(f.records, f.n, def);
	if (!b)
		xl_err_prefix("%s", path);
	xl_modelfile_free(&f);
	return b;
}

int xl_backbone_named(const char *path, char name[64])
{
	struct xl_reader *rd = xl_reader_open(path);
	struct xl_record *r = NULL;
	int got = rd && xl_modelfile_sniff(rd) == 0 ? xl_reader_next(rd, &r) : -1;

	name[0] = '\0';
	if (got == 0)
		got = xl_err("%s: empty", path);
	if (got > 0) {
		snprintf(name, 64, "%s", xl_meta_str(r, "network", ""));
		xl_record_free(r);
	}
	xl_reader_close(rd);
	return got > 0 ? 0 : -1;
}

char *xl_backbone_path(const struct xl_backbone_def *def)
{
	const int i = find(def->name);
	char name[64], *path;

	snprintf(name, sizeof name, "%s.msgpack", def->name);
	path = xl_data_file(name);
	if (!path)
		xl_err("no weights of %s: make them by 'xl-convert --as %s %s %s', see "
		       "xl-convert(1), and put them into ~/.local/share/xl or name the file",
		       def->name, def->name, i < 0 ? "FILE" : published[i].files, name);
	return path;
}

const char *xl_backbone_digest(const struct xl_backbone *b)
{
	return b->digest;
}

bool xl_backbone_is_published(const struct xl_backbone *b)
{
	return b->is_published;
}
