#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on made faces whose true translation is known, or on
# photographs that train.sh keeps from training; -n only prints the commands. What is
# finished is not done again. Set by variables:
#   MODEL       model file [XL_MODEL, else the default model]
#   DATA        folder with list_attr_celeba.txt and pictures, or with testA, testB [made
#               faces]
#   DIRECTION   of testA, testB: ab or ba, the domains of inputs and exemplars [both]
#   WHERE       only pictures of DATA with these labels [as train.sh has it]
#   PAIRS       inputs, each with an exemplar of its own that has other labels [200; of
#               DATA 2000, or as many as were kept]
#   SIZE        of the pictures [the model's]
#   ATTRIBUTES  labels that are exchanged [the model's]
#   SEED        of made faces, others than those of training, and of pairs [1]
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000], or pictures of DATA's training
#               part [20000]
#   STEPS       of its training [3000]
#   INCEPTION   weights of FID's network (xl-convert --as inception-fid) [where tools find
#               them; none: no FID]
#   ALSO        folders made by this with models of other labels, A:B:C, whose rows of the
#               published table are filled as well
#   COMPOSITE   keep the input where this times the mask is below 1 (xl-decode) [no]
#   SHOWN       pairs on the sheet of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, with what they differ in,
# and makes in OUT: evaluation.txt (both), evaluation.json (all numbers and settings),
# pairs.png (input, exemplar, result and, where it is known, truth, each beside the mask
# that the model finds in it), and the streams that were compared. Of photographs nothing
# is measured that takes a truth, and sets are compared with as many pictures of DATA's
# training part that are chosen as exemplars are.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
if [ -n "${DATA:=}" ]; then : "${PAIRS:=2000}" "${FACES:=20000}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}" "${INCEPTION:=}" "${ALSO:=}" "${COMPOSITE:=}"
: "${PAIRS:=200}" "${SIZE:=}" "${ATTRIBUTES:=}" "${SEED:=1}" "${SHOWN:=8}" "${OUT:=evaluated}"
: "${DIRECTION:=}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
need_counts PAIRS SHOWN
find_data
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

[ -n "$DATA" ] || WHERE= # pairs of made faces have hair of these colours
# shellcheck source-path=SCRIPTDIR source=labels.sh
. "$(dirname "$0")/labels.sh"
case $DIRECTION in
ab) inputs_of=A ;;
ba) inputs_of=B ;;
'') inputs_of= ;;
*) usage "DIRECTION: '$DIRECTION' is not ab or ba" ;;
esac

# pairs SPLIT SEED: the command that makes them, of the test or the training part of DATA
pairs() {
	if [ -n "$DATA" ]; then
		pictures "$1" "${chosen[@]}" --pairs ${inputs_of:+--domain $inputs_of} --limit "$PAIRS" --seed "$2"
	else
		words xl-synth faces --pairs --count "$PAIRS" --size "$SIZE" --seed "$2" "${chosen[@]}"
	fi
}

# faces: the command that makes those to train a classifier on
faces() {
	if [ -n "$DATA" ]; then
		pictures train "${chosen[@]}" --shuffle --limit "$FACES" --seed $((SEED + 1))
	else
		words xl-synth faces --count "$FACES" --size "$SIZE" --seed $((SEED + 1)) "${chosen[@]}"
	fi
}

parts=3
[ -z "$DATA" ] || parts=2 # the truths of photographs are not known

# Which rows of the published table are of these labels, or of these folders.
case $(tr , '\n' <<<"$ATTRIBUTES" | LC_ALL=C sort | paste -sd ,) in
domain) task=$data-${DIRECTION:-both} ;;
Black_Hair,Blond_Hair,Brown_Hair,Smiling) task=hair-smile ;;
Goatee,Male,Mustache,No_Beard) task=facial-hair-gender ;;
Heavy_Makeup,Young) task=makeup-age ;;
Goatee,Mustache,No_Beard) task=facial-hair ;;
Male) task=gender ;;
Wearing_Lipstick) task=lipstick ;;
Heavy_Makeup,Wearing_Lipstick) task=makeup-lipstick ;;
*) task=none ;;
esac

open_out
find_classifier "$SIZE" "$ATTRIBUTES" "$(faces)"
classify=$(words xl-classify --force --json --model "$CLASSIFIER")
# shellcheck disable=SC2154  # declared above
{
	into "$OUT/pairs.msgpack" "$(pairs test "$SEED")"
	into "$OUT/inputs.msgpack" "$(part "$pairs" 0 $parts)"
	into "$OUT/exemplars.msgpack" "$(part "$pairs" 1 $parts)"

	# real faces of the domains that results should be of: what others would be changed to
	into "$OUT/other_pairs.msgpack" "$(pairs train $((SEED + 2)))"
	into "$OUT/others.msgpack" "$(part "$other_pairs" 1 $parts)"

	into "$OUT/input_codes.msgpack" "xl-encode $model < $inputs"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/results.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $input_codes |
	xl-decode $model ${COMPOSITE:+--composite $(words "$COMPOSITE") }--stream"
	into "$OUT/rebuilt.msgpack" "xl-decode $model --stream $input_codes"

	if [ -z "$DATA" ]; then
		into "$OUT/truths.msgpack" "$(part "$pairs" 2 $parts)"
		measure translation "xl-ssim --json --input $inputs $truths $results"
		measure input-masks "xl-iou --json --sweep --threshold 0.5 $inputs $input_codes"
		measure exemplar-masks "xl-iou --json --sweep --threshold 0.5 $exemplars $exemplar_codes"
	else
		truths=
	fi
	measure labels "$classify --exemplar $exemplars $results"
	measure input-labels "$classify --exemplar $exemplars $inputs"
	measure rebuilding "xl-ssim --json $inputs $rebuilt"
	distances target "$others" "$results"
	distances input-target "$others" "$inputs"
	scores scores "$results"

	into "$OUT/pairs.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	xl-cat --records \$i:\$((i + 1)) $input_codes
	xl-cat --records \$i:\$((i + 1)) $exemplar_codes
	for stream in $results $truths; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\" | xl-encode $model
	done
done | xl-grid --show x,m --columns $((1 + parts))"
}

# shellcheck disable=SC2154  # of find_data
evaluation data="$data" held_out="$held_out" pairs="$PAIRS" size="$SIZE" seed="$SEED" \
	attributes="$ATTRIBUTES" composite="$COMPOSITE" task="$task"
tables lomit/evaluation.jq lomit
