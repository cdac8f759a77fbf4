# evaluation.jq - evaluation.json of EGSC-IT as the lines of a table: what, from A to B, and
# from B to A.
def digits: if . == null then "-" else . * 10000 | round / 10000 | tostring end;
def row(what; of): [what, (.ab | of | digits), (.ba | of | digits)];
["\(.model.method) \(.model.digest[:8]), \(.model["hyper.size"])x\(.model["hyper.size"]), step \(.model.step)",
	"A to B", "B to A"],
row("SSIM with the exemplar, stretched"; .table.ssim_uniform7_exemplar),
row("  its spread"; .table.ssim_uniform7_sd_exemplar),
row("  of the true translation"; .right.ssim_uniform7_exemplar),
row("  of doing nothing"; .nothing.ssim_uniform7_exemplar),
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
