#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on made faces whose true translation is known;
# -n only prints the commands. What is finished is not done again. Set by variables:
#   MODEL       model file [XL_MODEL, else the default model]
#   PAIRS       inputs, each with an exemplar of its own [200]
#   SIZE        of the pictures [the model's]
#   ATTRIBUTES  labels that are exchanged [the model's]
#   SEED        other faces than those of training [1]
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000]
#   STEPS       of its training [3000]
#   INCEPTION   weights of FID's network (xl-convert --as inception-fid) [where tools find
#               them; none: no FID]
#   ALSO        folders made by this with models of other labels, whose rows of the
#               published table are filled as well
#   COMPOSITE   keep the input where this times the mask is below 1 (xl-decode) [no]
#   SHOWN       pairs on the sheet of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), pairs.png (input,
# exemplar, result and truth, each beside the mask that the model finds in it), and the
# streams that were compared.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}" "${INCEPTION:=}" "${ALSO:=}" "${COMPOSITE:=}"
: "${PAIRS:=200}" "${SIZE:=}" "${ATTRIBUTES:=}" "${SEED:=1}" "${SHOWN:=8}" "${OUT:=evaluated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
need_counts PAIRS SHOWN
find_model lomit
find_weights INCEPTION inception-fid
if [ -r "$MODEL" ]; then
	SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}
	ATTRIBUTES=${ATTRIBUTES:-$(about "$MODEL" '.meta.attributes | join(",")')}
fi

# The files, as words of a command.
for name in pairs inputs exemplars truths input_codes exemplar_codes results rebuilt \
	other_pairs others; do
	declare "$name=$(words "$OUT/$name.msgpack")"
done
model=$(words --model "$MODEL")

# pairs SEED: the command that makes them
pairs() {
	words xl-synth faces --pairs --count "$PAIRS" --size "$SIZE" --seed "$1" \
		${ATTRIBUTES:+--attributes "$ATTRIBUTES"}
}

# Which rows of the published table are of these labels.
case $(tr , '\n' <<<"$ATTRIBUTES" | LC_ALL=C sort | paste -sd ,) in
Black_Hair,Blond_Hair,Brown_Hair,Smiling) task=hair-smile ;;
Goatee,Male,Mustache,No_Beard) task=facial-hair-gender ;;
Heavy_Makeup,Young) task=makeup-age ;;
Goatee,Mustache,No_Beard) task=facial-hair ;;
Male) task=gender ;;
Wearing_Lipstick) task=lipstick ;;
Heavy_Makeup,Wearing_Lipstick) task=makeup-lipstick ;;
*) task=none ;;
esac

make_dir "$OUT"
find_classifier "$SIZE" "$ATTRIBUTES" --seed $((SEED + 1)) ${ATTRIBUTES:+--attributes "$ATTRIBUTES"}
classify=$(words xl-classify --force --json --model "$CLASSIFIER")
# shellcheck disable=SC2154  # declared above
{
	into "$OUT/pairs.msgpack" "$(pairs "$SEED")"
	into "$OUT/inputs.msgpack" "xl-cat --records 0:$PAIRS $pairs"
	into "$OUT/exemplars.msgpack" "xl-cat --records $PAIRS:$((2 * PAIRS)) $pairs"
	into "$OUT/truths.msgpack" "xl-cat --records $((2 * PAIRS)):$((3 * PAIRS)) $pairs"

	# real faces of the domains that results should be of: what others would be changed to
	into "$OUT/other_pairs.msgpack" "$(pairs $((SEED + 2)))"
	into "$OUT/others.msgpack" "xl-cat --records $PAIRS:$((2 * PAIRS)) $other_pairs"

	into "$OUT/input_codes.msgpack" "xl-encode $model < $inputs"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/results.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $input_codes |
	xl-decode $model ${COMPOSITE:+--composite $(words "$COMPOSITE") }--stream"
	into "$OUT/rebuilt.msgpack" "xl-decode $model --stream $input_codes"

	into "$OUT/pairs.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	xl-cat --records \$i:\$((i + 1)) $input_codes
	xl-cat --records \$i:\$((i + 1)) $exemplar_codes
	xl-cat --records \$i:\$((i + 1)) $results | xl-encode $model
	xl-cat --records \$i:\$((i + 1)) $truths | xl-encode $model
done | xl-grid --show x,m --columns 4"

	measure translation "xl-ssim --json --input $inputs $truths $results"
	measure labels "$classify --exemplar $exemplars $results"
	measure input-labels "$classify --exemplar $exemplars $inputs"
	measure rebuilding "xl-ssim --json $inputs $rebuilt"
	measure input-masks "xl-iou --json --sweep --threshold 0.5 $inputs $input_codes"
	measure exemplar-masks "xl-iou --json --sweep --threshold 0.5 $exemplars $exemplar_codes"
	distances target "$others" "$results"
	distances input-target "$others" "$inputs"
	scores scores "$results"
}

evaluation pairs="$PAIRS" size="$SIZE" seed="$SEED" attributes="$ATTRIBUTES" \
	composite="$COMPOSITE" task="$task"
tables lomit/evaluation.jq lomit
