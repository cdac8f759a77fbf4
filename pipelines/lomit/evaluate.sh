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
#   SHOWN       pairs on the sheet of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), pairs.png (input,
# exemplar, result and truth, each beside the mask that the model finds in it), and the
# streams that were compared.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}"
: "${PAIRS:=200}" "${SIZE:=}" "${ATTRIBUTES:=}" "${SEED:=1}" "${SHOWN:=8}" "${OUT:=evaluated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
need_jq
for name in PAIRS SHOWN; do
	[[ ${!name} =~ ^[1-9][0-9]{0,6}$ ]] || usage "$name: '${!name}' is not a number of pairs"
done
find_model
if [ -r "$MODEL" ]; then
	SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}
	ATTRIBUTES=${ATTRIBUTES:-$(about "$MODEL" '.meta.attributes | join(",")')}
fi

# The files, as words of a command.
for name in pairs inputs exemplars truths input_codes exemplar_codes results rebuilt; do
	declare "$name=$(words "$OUT/$name.msgpack")"
done
model=$(words --model "$MODEL")

make_dir "$OUT"
find_classifier "$SIZE" "$ATTRIBUTES" --seed $((SEED + 1)) ${ATTRIBUTES:+--attributes "$ATTRIBUTES"}
classify=$(words xl-classify --force --json --model "$CLASSIFIER")
# shellcheck disable=SC2154  # declared above
{
	into "$OUT/pairs.msgpack" "$(words xl-synth faces --pairs --count "$PAIRS" --size "$SIZE" \
		--seed "$SEED" ${ATTRIBUTES:+--attributes "$ATTRIBUTES"})"
	into "$OUT/inputs.msgpack" "xl-cat --records 0:$PAIRS $pairs"
	into "$OUT/exemplars.msgpack" "xl-cat --records $PAIRS:$((2 * PAIRS)) $pairs"
	into "$OUT/truths.msgpack" "xl-cat --records $((2 * PAIRS)):$((3 * PAIRS)) $pairs"

	into "$OUT/input_codes.msgpack" "xl-encode $model < $inputs"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/results.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $input_codes | xl-decode $model --stream"
	into "$OUT/rebuilt.msgpack" "xl-decode $model --stream $input_codes"

	into "$OUT/pairs.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	xl-cat --records \$i:\$((i + 1)) $input_codes
	xl-cat --records \$i:\$((i + 1)) $exemplar_codes
	xl-cat --records \$i:\$((i + 1)) $results | xl-encode $model
	xl-cat --records \$i:\$((i + 1)) $truths | xl-encode $model
done | xl-grid --show x,m --columns 4"

	into "$OUT/translation.json" "xl-ssim --json --input $inputs $truths $results"
	into "$OUT/labels.json" "$classify --exemplar $exemplars $results"
	into "$OUT/input-labels.json" "$classify --exemplar $exemplars $inputs"
	into "$OUT/rebuilding.json" "xl-ssim --json $inputs $rebuilt"
	into "$OUT/input-masks.json" "xl-iou --json --threshold 0.5 $inputs $input_codes"
	into "$OUT/exemplar-masks.json" "xl-iou --json --threshold 0.5 $exemplars $exemplar_codes"
}

into "$OUT/evaluation.json" "xl-cat --json --records 0:1 $(words "$MODEL") |
	jq -s $(words --arg attributes "$ATTRIBUTES" --arg size "$SIZE" --arg seed "$SEED") '{model: .[0].meta,
		pairs: $PAIRS, size: (\$size | tonumber), seed: (\$seed | tonumber), attributes: \$attributes,
		translation: .[1], rebuilding: .[2], input_masks: .[3], exemplar_masks: .[4],
		labels: .[5], input_labels: .[6]}' \\
		- $(words "$OUT"/{translation,rebuilding,input-masks,exemplar-masks,labels,input-labels}.json)"

into "$OUT/evaluation.txt" "$(tables evaluation.jq lomit)"
[ -n "$dry" ] || cat "$OUT/evaluation.txt"
