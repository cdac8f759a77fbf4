# evaluation.jq - evaluation.json of EGSC-IT as the lines of a table: what, from A to B, and
# from B to A; then what was published of the same.
def digits: if . == null then "-" else . * 10000 | round / 10000 | tostring end;
def row(what; of): [what, (.ab | of | digits), (.ba | of | digits)];
def published:
	if .set == "mnist-single" then
	["published with the exemplar (table 2), EGSC-IT", "0.478", "0.232"],
	["  without mask", "0.395", "0.133"],
	["  without AdaIN", "0.208", "0.080"],
	["  without perceptual loss", "0.286", "0.093"],
	["  UNIT", "0.178", "0.074"],
	["  CycleGAN", "0.214", "0.089"],
	["  MUNIT", "0.463", "0.227"]
	else
	["published with the exemplar (table 5), EGSC-IT", "0.503", "0.495"],
	["  UNIT", "0.239", "0.234"],
	["  CycleGAN", "0.145", "0.130"],
	["  MUNIT", "0.500", "0.501"]
	end;
["\(.model.method) \(.model.digest[:8]), \(.model["hyper.size"])x\(.model["hyper.size"]), step \(.model.step)",
	"A to B", "B to A"],
row("SSIM with the exemplar, stretched"; .table.ssim_uniform7_exemplar),
row("  its spread"; .table.ssim_uniform7_sd_exemplar),
row("  of the true translation"; .right.ssim_uniform7_exemplar),
row("  of doing nothing"; .nothing.ssim_uniform7_exemplar),
published,
row("SSIM with the true translation"; .plain.ssim_uniform7),
row("  stretched"; .table.ssim_uniform7),
row("  of doing nothing"; .plain.ssim_uniform7_input),
row("error to the true translation, 0..1"; .plain.mae),
row("  on digits"; .plain.mae_inside),
row("  around them"; .plain.mae_outside),
row("  of doing nothing"; .plain.mae_input),
row("share of pixels that are close"; .plain.close),
row("  of doing nothing"; .plain.close_input),
row("share of results in the exemplar's colours"; .colours.share),
["\(.pairs) pairs of \(.set) each way, seed \(.seed); adain \(.model["hyper.adain"]), perceptual \(.model["hyper.perceptual"])", "", ""],
(if .model["hyper.perceptual"] == "trained" then ["its perceptual network learnt from labels, which the method itself does not use;", "", ""],
	["comparable are the rows without perceptual loss, UNIT and CycleGAN alone", "", ""] else empty end)
	| @tsv
