# evaluation.jq - evaluation.json of MISO as the lines of a table: what, of the model, and
# of doing nothing, or of pictures that have nothing to do with each other. What takes a
# truth is there where there was one.
def digits: if . == null then "-" else . * 10000 | round / 10000 | tostring end;
.translation as $t |
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
["in the other domain, by a classifier", "", ""],
["  of exemplars", (.labels.accuracy | digits), (.input_labels.accuracy | 1 - . | digits)],
["  drawn", (.drawn_labels.accuracy | digits), (.input_labels.accuracy | 1 - . | digits)],
["  the classifier, of pictures held back", (.labels.held_out_accuracy | digits), "-"],
["correlation of styles with those read back", "", ""],
["  of exemplars", (.exemplar_styles.mean | digits), "0"],
["  drawn", (.drawn_styles.mean | digits), "0"],
["pixels, 0..1: input to its translation", (.kept.mae | digits), "0"],
["  between two draws", (.diversity.mae | digits), "0"],
["  between two pictures of domain B", (.real.mae | digits), "-"],
["\(.input_labels.images) inputs of \(.data), seed \(.seed)\(
	if .domain != "" then ", domain B by \(.domain)" else "" end)", "", ""],
if .held_out == "" then empty
elif .split == "all" then ["of all pictures, those of training as well", "", ""]
else ["held out by \(.held_out); no truth is known, so what takes one was not measured", "", ""]
end | @tsv
