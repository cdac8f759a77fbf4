/*
 * xl-convert.c - weights and statistics from one format of file to another: xl,
 * safetensors, .pth (read, never executed), .npz.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/opt.h"
#include "core/tool.h"
#include "metrics/gauss.h"
#include "nn/backbone.h"
#include "tensor/weights.h"

static const char *network, *key, *to;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_ENUM, .name = "as", .target = &network, /* arg: see main */
	 .help = "check that these are the parameters of that network, all and no others"},
	{.type = XL_OPT_STR, .name = "key", .arg = "name", .target = &key,
	 .help = "entry of a .pth to read, where it has several dictionaries"},
	{.type = XL_OPT_ENUM, .name = "to", .arg = "xl|safetensors|npz", .target = &to,
	 .help = "format to write [by the ending of OUT, else xl]"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-convert",
	.synopsis = "[options] IN... OUT",
	.summary = "convert weights and statistics between xl, safetensors, .pth and .npz",
	.example = "xl-convert weights.pth weights.safetensors",
	.opts = opts,
};

static enum xl_weights_format format_of(const char *out)
{
	enum xl_weights_format f;

	if (xl_weights_format_of(out, &f))
		xl_refuse("%s", xl_err_msg());
	if (to)
		f = strcmp(to, "npz") == 0  ? XL_W_NPZ
		    : strcmp(to, "xl") == 0 ? XL_W_STREAM
					    : XL_W_SAFETENSORS;
	return f;
}

/* The parameters of the network alone; they make a new model of it. */
static void check_network(struct xl_weights *w, const char *files)
{
	const int left = xl_backbone_select(xl_backbone_find(network), w->flat);

	if (left < 0)
		xl_die("%s: %s", files, xl_err_msg());
	if (left > 0)
		xl_note("left out %d tensor%s that %s does without", left, left == 1 ? "" : "s",
			network);
	xl_weights_forget(w);
}

static void check_statistics(const struct xl_weights *w, const char *files)
{
	struct xl_gauss g;

	if (xl_gauss_read(&g, w->flat))
		xl_die("%s: %s", files, xl_err_msg());
	xl_gauss_done(&g);
}

int main(int argc, char **argv)
{
	struct xl_weights w = {.n_outline = 0};
	enum xl_weights_format format;
	char files[1024] = ""; /* which of them is at fault, not all faults tell */
	int first, last = argc - 1, n;

	opts[0].arg = xl_backbone_names();
	first = xl_opt_parse(&tool, argc, argv);
	if (argc - first < 2)
		xl_usage("needs a file to read and one to write; %d given", argc - first);
	xl_check_streams((const char *const *)argv + first, last - first);
	xl_no_terminal_out(argv[last]);
	xl_keep_inputs(argv[last], (const char *const *)argv + first, last - first);
	format = format_of(argv[last]);
	for (int i = first; i < last; i++) {
		if (xl_weights_read(&w, argv[i], key))
			xl_die("%s", xl_err_msg());
		xl_list_add(files, sizeof files, argv[i]);
	}
	if (network)
		check_network(&w, files);
	if (format == XL_W_STREAM && xl_weights_are_statistics(&w))
		check_statistics(&w, files);
	n = w.flat->n_tensors;
	if (xl_weights_write(&w, argv[last], format, network ? network : "weights"))
		xl_fail_write();
	xl_weights_done(&w);
	if (strcmp(argv[last], "-") != 0)
		xl_note("%d tensor%s written to %s", n, n == 1 ? "" : "s", argv[last]);
	if (network && format != XL_W_STREAM)
		xl_note("this format does not keep the name: --as %s makes a model of it again",
			network);
	return xl_finish();
}
