# evaluation.jq - evaluation.json as the lines of a table: what, of the model, and of
# doing nothing, which for a mask is to mask all of the picture. What takes a truth is
# there where there was one.
def digits: if . == null then "-" else . * 10000 | round / 10000 | tostring end;
.translation as $t | .rebuilding as $r | .input_masks as $i | .exemplar_masks as $e |
["\(.model.method) \(.model.digest[:8]), \(.size)x\(.size), step \(.model.step)",
	"model", "doing nothing"],
if $t then
	["error to the true translation, 0..1", ($t.mae | digits), ($t.mae_input | digits)],
	["  where it differs from the input", ($t.mae_inside | digits), ($t.mae_inside_input | digits)],
	["  elsewhere", ($t.mae_outside | digits), ($t.mae_outside_input | digits)],
	["change of the input elsewhere, 0..1", ($t.change_outside | digits), "0"],
	["SSIM with the true translation", ($t.ssim_uniform7 | digits), ($t.ssim_uniform7_input | digits)],
	["PSNR with the true translation, dB", ($t.psnr | digits), ($t.psnr_input | digits)]
else empty end,
["labels as the exemplar's, by a classifier", (.labels.accuracy | digits), (.input_labels.accuracy | digits)],
["  the classifier, of pictures held back", (.labels.held_out_accuracy | digits), "-"],
["FID to other pictures with these labels", (.target.inception.fid | digits), (.input_target.inception.fid | digits)],
["fd_own to other pictures with these labels", (.target.own.fd_own | digits), (.input_target.own.fd_own | digits)],
["error of rebuilding the input, 0..1", ($r.mae | digits), "0"],
if $i then
	["IoU of masks at 0.5, inputs", ($i.iou | digits), ($i.truth_area | digits)],
	["  at \($i.best_threshold | digits), chosen on the other half", ($i.iou_tested | digits), "-"],
	["IoU of masks at 0.5, exemplars", ($e.iou | digits), ($e.truth_area | digits)],
	["  at \($e.best_threshold | digits), chosen on the other half", ($e.iou_tested | digits), "-"]
else empty end,
["\(.labels.images) pairs of \(.data), seed \(.seed), exchanging \(.attributes)\(
	if .composite != "" then ", composed with gain \(.composite)" else "" end)", "", ""],
if .held_out != "" then
	["held out by \(.held_out); no truth is known, so what takes one was not measured", "", ""]
else empty end | @tsv
