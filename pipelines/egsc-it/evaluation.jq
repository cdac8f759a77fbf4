# evaluation.jq - evaluation.json of EGSC-IT as the lines of a table: what, from A to B, and
# from B to A; of digits, or of photographs.
def digits: if . == null then "-" else . * 10000 | round / 10000 | tostring end;
def row(what; of): [what, (.ab | of | digits), (.ba | of | digits)];
["\(.model.method) \(.model.digest[:8]), \(.model["hyper.size"])x\(.model["hyper.size"]), step \(.model.step)",
	"A to B", "B to A"],
if .ab.plain then
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
	row("share of results in the exemplar's colours"; .colours.share)
else
	row("in the other domain, by a classifier"; .labels.accuracy),
	row("  doing nothing"; .input_labels.accuracy),
	row("  the classifier, of pictures held back"; .labels.held_out_accuracy),
	row("FID to pictures of the other domain"; .target.inception.fid),
	row("  doing nothing"; .input_target.inception.fid),
	row("fd_own to pictures of the other domain"; .target.own.fd_own),
	row("  doing nothing"; .input_target.own.fd_own),
	row("pairs"; .labels.images)
end,
["\(if .ab.plain then "\(.pairs) pairs of \(.set) each way" else .data end), seed \(.seed); adain \(.model["hyper.adain"]), perceptual \(.model["hyper.perceptual"])\(
	if .domain != "" then "; domain B by \(.domain)" else "" end)", "", ""],
if .held_out != "" then
	["held out by \(.held_out); no truth is known, so what takes one was not measured", "", ""]
else empty end,
if .model["hyper.perceptual"] == "trained" then
	["its perceptual network learnt from labels, which the method itself does not use", "", ""]
else empty end | @tsv
