#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on made faces whose true translation is known;
# -n only prints the commands. What is finished is not done again. Set by variables:
#   TASK        what images of domain B have, as in train.sh, but not men-hair [glasses]
#   MODEL       model file [XL_MODEL, else the default model]
#   PAIRS       inputs, each with an exemplar of its own, and as many to remove from [200]
#   SIZE        of the pictures [the model's]
#   SEED        other faces than those of training [1]
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000]
#   STEPS       of its training [3000]
#   INCEPTION   weights of FID's network (xl-convert --as inception-fid) [where tools find
#               them; none: no FID]
#   FACE        weights of the network of faces (resnet50-face), likewise
#   ALSO        folders made by this with models of other tasks, whose rows of the
#               published table are filled as well
#   SHOWN       pairs on the sheets of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), given.png (input,
# exemplar, result, truth) and removed.png (input, result, truth), each beside the mask of
# the content that the model finds in it, and the streams that were compared.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}" "${INCEPTION:=}" "${FACE:=}"
: "${ALSO:=}"
: "${TASK:=glasses}" "${PAIRS:=200}" "${SIZE:=}" "${SEED:=1}" "${SHOWN:=8}" "${OUT:=evaluated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
# shellcheck source-path=SCRIPTDIR source=task.sh
. "$(dirname "$0")/task.sh"
need_counts PAIRS SHOWN
# shellcheck disable=SC2154  # of task.sh
[ -n "$looks" ] || usage "TASK: made faces have no true translation for $TASK"
find_model mbu
find_weights INCEPTION inception-fid
find_weights FACE resnet50-face
[ ! -r "$MODEL" ] || SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}

# The files, as words of a command: `give` is of images without the content and
# exemplars with it, `take` of images with it.
for name in give inputs exemplars truths input_codes exemplar_codes fused given \
	take having bare having_codes masks removed; do
	declare "$name=$(words "$OUT/$name.msgpack")"
done
model=$(words --model "$MODEL")

# pairs DOMAIN: the command that makes them, inputs being of that domain
pairs() {
	words xl-synth faces --pairs --count "$PAIRS" --size "$SIZE" --seed "$SEED" \
		--attributes "$looks" --domain-by "$content" --where "$(of_domain "$1")"
}

# part STREAM K: its inputs, exemplars or truths
part() { echo "xl-cat --records $(($2 * PAIRS)):$((($2 + 1) * PAIRS)) $1"; }

# sheet STREAM...: the command that draws a row of them for each pair, each picture
# beside the mask of the content that the model finds in it
sheet() {
	echo "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	for stream in $*; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\" | xl-mask $model
	done
done | xl-grid --show x,m --columns $#"
}

make_dir "$OUT"
# shellcheck disable=SC2154  # of task.sh
find_classifier "$SIZE" domain --seed $((SEED + 1)) ${where:+--where "$where"} --domain-by "$content"
classify=$(words xl-classify --force --json --model "$CLASSIFIER")
# shellcheck disable=SC2154  # declared above
{
	into "$OUT/give.msgpack" "$(pairs A)"
	into "$OUT/inputs.msgpack" "$(part "$give" 0)"
	into "$OUT/exemplars.msgpack" "$(part "$give" 1)"
	into "$OUT/truths.msgpack" "$(part "$give" 2)"
	into "$OUT/take.msgpack" "$(pairs B)"
	into "$OUT/having.msgpack" "$(part "$take" 0)"
	into "$OUT/bare.msgpack" "$(part "$take" 2)"

	into "$OUT/input_codes.msgpack" "xl-encode $model < $inputs | xl-mask $model"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/fused.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $input_codes | xl-mask $model"
	into "$OUT/given.msgpack" "xl-decode $model --stream $fused"
	into "$OUT/having_codes.msgpack" "xl-encode $model < $having"
	into "$OUT/masks.msgpack" "xl-mask $model $having_codes"
	into "$OUT/removed.msgpack" \
		"xl-hadain $model --remove $having_codes | xl-decode $model --stream"

	into "$OUT/given.png" "$(sheet "$inputs" "$exemplars" "$given" "$truths")"
	into "$OUT/removed.png" "$(sheet "$having" "$removed" "$bare")"

	measure giving "xl-ssim --json --input $inputs $truths $given"
	measure removing "xl-ssim --json --input $having $bare $removed"
	measure given-labels "$classify --want domain=B $given"
	measure input-labels "$classify --want domain=B $inputs"
	measure removed-labels "$classify --want domain=A $removed"
	measure having-labels "$classify --want domain=A $having"
	measure change-masks "xl-iou --json --sweep --threshold 0.1 $truths $fused"
	measure content-masks "xl-iou --json --sweep --threshold 0.1 $having $masks"
	measure input-masks "xl-iou --json --threshold 0.1 $inputs $input_codes"
	# to faces without the content, of other people, as published
	distances given-set "$bare" "$given" --kid --gamma 0.01
	distances removed-set "$inputs" "$removed" --kid --gamma 0.01
	distances input-set "$bare" "$inputs" --kid --gamma 0.01
	distances having-set "$inputs" "$having" --kid --gamma 0.01
	likeness given-face "$inputs" "$given"
	likeness removed-face "$having" "$removed"
}

evaluation pairs="$PAIRS" size="$SIZE" seed="$SEED" task="$TASK"
tables mbu/evaluation.jq mbu
