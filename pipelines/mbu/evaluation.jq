# evaluation.jq - evaluation.json of MBU as the lines of a table: what, of the model, and
# of doing nothing, which for a mask is to mask all of the picture. What takes a truth is
# there where there was one.
def digits: if . == null then "-" else . * 10000 | round / 10000 | tostring end;
def errors(what): . as $t |
["\(what), error to the truth, 0..1", ($t.mae | digits), ($t.mae_input | digits)],
["  where it differs from the input", ($t.mae_inside | digits), ($t.mae_inside_input | digits)],
["  elsewhere", ($t.mae_outside | digits), ($t.mae_outside_input | digits)],
["  change of the input elsewhere", ($t.change_outside | digits), "0"],
["  SSIM", ($t.ssim_uniform7 | digits), ($t.ssim_uniform7_input | digits)],
["  PSNR, dB", ($t.psnr | digits), ($t.psnr_input | digits)];
.change_masks as $c | .content_masks as $s | .input_masks as $i |
["\(.model.method) \(.model.digest[:8]), \(.size)x\(.size), step \(.model.step)",
	"model", "doing nothing"],
if .giving then (.giving | errors("adding")), (.removing | errors("removing")) else empty end,
["with the content, by a classifier: added", (.given_labels.accuracy | digits), (.input_labels.accuracy | digits)],
["without it: removed", (.removed_labels.accuracy | digits), (.having_labels.accuracy | digits)],
["  the classifier, of faces held back", (.given_labels.held_out_accuracy | digits), "-"],
["FID to faces without it: added", (.given_set.inception.fid | digits), (.input_set.inception.fid | digits)],
["  removed", (.removed_set.inception.fid | digits), (.having_set.inception.fid | digits)],
["fd_own to faces without it: added", (.given_set.own.fd_own | digits), (.input_set.own.fd_own | digits)],
["  removed", (.removed_set.own.fd_own | digits), (.having_set.own.fd_own | digits)],
["face_cos_own with the input: added", (.given_face.own.face_cos_own | digits), "1"],
["  removed", (.removed_face.own.face_cos_own | digits), "1"],
if .giving then
	["IoU of the content's mask at 0.1", ($s.iou | digits), ($s.truth_area | digits)],
	["  at \($s.best_threshold | digits), chosen on the other half", ($s.iou_tested | digits), "-"],
	["IoU of the change's mask at 0.1", ($c.iou | digits), ($c.truth_area | digits)],
	["  at \($c.best_threshold | digits), chosen on the other half", ($c.iou_tested | digits), "-"]
else empty end,
["area of masks at 0.1: with the content", ($s.mask_area | digits), "-"],
["  without it", ($i.mask_area | digits), "-"],
["  of its transfer", ($c.mask_area | digits), "-"],
["\(.input_labels.images) pairs of \(.data), seed \(.seed), \(.task)", "", ""],
if .held_out != "" then
	["held out by \(.held_out); no truth is known, so what takes one was not measured", "", ""]
else empty end | @tsv
