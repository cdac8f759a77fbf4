#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on made faces whose true translation is known, or on
# photographs that train.sh keeps from training; -n only prints the commands. What is
# finished is not done again. Set by variables:
#   TASK        what images of domain B have, as in train.sh, but not men-hair of made
#               faces [the model's]
#   MODEL       model file [XL_MODEL, else the default model]
#   DATA        folder with list_attr_celeba.txt and pictures [made faces]
#   WHERE DOMAIN_BY   of DATA: other images, another condition for B [the task's]
#   PAIRS       inputs, each with an exemplar of its own, and as many to remove from [200; of
#               DATA 128, as it seems to be in the paper, or as many as were kept]
#   SIZE        of the pictures [the model's]
#   SEED        of made faces, others than those of training, and of pairs [1]
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000], or pictures of DATA's training
#               part [20000]
#   STEPS       of its training [3000]
#   INCEPTION   weights of FID's network (xl-convert --as inception-fid) [where tools find
#               them; none: no FID]
#   FACE        weights of the network of faces (resnet50-face), likewise
#   ALSO        folders made by this with models of other tasks, A:B:C, whose rows of the
#               published table are filled as well
#   SHOWN       pairs on the sheets of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, with what they differ in,
# and makes in OUT: evaluation.txt (both), evaluation.json (all numbers and settings),
# given.png (input, exemplar, result, truth) and removed.png (input, result, truth), each
# beside the mask of the content that the model finds in it, and the streams that were
# compared. Of photographs there are no truths, and what takes one is not measured; FID and
# KID are to as many pictures without the content of DATA's training part.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
if [ -n "${DATA:=}" ]; then : "${PAIRS:=128}" "${FACES:=20000}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}" "${INCEPTION:=}" "${FACE:=}"
: "${ALSO:=}"
: "${TASK:=}" "${PAIRS:=200}" "${SIZE:=}" "${SEED:=1}" "${SHOWN:=8}" "${OUT:=evaluated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
need_counts PAIRS SHOWN
find_data
find_model mbu
trained=
[ ! -r "$MODEL" ] || trained=$(about "$MODEL" '.meta["hyper.task"] | rtrimstr("-old")')
: "${TASK:=${trained:-glasses}}"
# shellcheck source-path=SCRIPTDIR source=task.sh
. "$(dirname "$0")/task.sh"
# shellcheck disable=SC2154  # of task.sh
[ -n "$DATA$looks" ] || usage "TASK: made faces have no true translation for $TASK"
# shellcheck disable=SC2154  # of task.sh
[ "${trained:-$weights}" = "$weights" ] || usage "TASK: $TASK, but $MODEL is trained for $trained"
find_weights INCEPTION inception-fid
find_weights FACE resnet50-face
[ ! -r "$MODEL" ] || SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}

# shellcheck disable=SC2154  # of task.sh
if [ -z "$DATA" ]; then
	WHERE=$where DOMAIN_BY=$content
else
	[ -n "${WHERE+set}" ] || WHERE=$where
	: "${DOMAIN_BY:=$content}"
fi

# The files, as words of a command: `give` is of images without the content and
# exemplars with it, `take` of images with it.
for name in give inputs exemplars truths input_codes exemplar_codes fused given \
	take having bare having_codes masks removed others; do
	declare "$name=$(words "$OUT/$name.msgpack")"
done
model=$(words --model "$MODEL")

# photographs SPLIT COUNT SEED WORD...: the command that takes so many of that part of DATA
photographs() {
	pictures "$1" --crop 0 --domain-by "$DOMAIN_BY" ${WHERE:+--where "$WHERE"} "${@:4}" \
		--shuffle --limit "$2" --seed "$3"
}

# pairs DOMAIN: the command that makes them, inputs being of that domain
pairs() {
	if [ -n "$DATA" ]; then
		photographs test "$PAIRS" "$SEED" --domain "$1" --pairs
	else
		words xl-synth faces --pairs --count "$PAIRS" --size "$SIZE" --seed "$SEED" \
			--attributes "$looks" --domain-by "$content" --where "$(of_domain "$1")"
	fi
}

# faces: the command that makes those to train a classifier on
faces() {
	if [ -n "$DATA" ]; then
		photographs train "$FACES" $((SEED + 1))
	else
		words xl-synth faces --count "$FACES" --size "$SIZE" --seed $((SEED + 1)) \
			${WHERE:+--where "$WHERE"} --domain-by "$DOMAIN_BY"
	fi
}

# area STREAM: the command that measures how much of pictures their masks cover
area() {
	echo "xl-mask $model --threshold 0.1 $1 | xl-cat --json |
	jq -s -c '{mask_area: (map(.tensors.m.mean) | add / length)}'"
}

parts=3 few=()
[ -z "$DATA" ] || parts=2 few=(--pairs 100) # no truths; so many as published

# sheet STREAM...: the command that draws a row of them for each pair, each picture
# beside the mask of the content that the model finds in it
sheet() {
	echo "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	for stream in $*; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\" | xl-mask $model
	done
done | xl-grid --show x,m --columns $#"
}

open_out
find_classifier "$SIZE" domain "$(faces)"
classify=$(words xl-classify --force --json --model "$CLASSIFIER")
# shellcheck disable=SC2154  # declared above
{
	into "$OUT/give.msgpack" "$(pairs A)"
	into "$OUT/inputs.msgpack" "$(part "$give" 0 $parts)"
	into "$OUT/exemplars.msgpack" "$(part "$give" 1 $parts)"
	into "$OUT/take.msgpack" "$(pairs B)"
	into "$OUT/having.msgpack" "$(part "$take" 0 $parts)"

	into "$OUT/input_codes.msgpack" "xl-encode $model < $inputs | xl-mask $model"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/fused.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $input_codes | xl-mask $model"
	into "$OUT/given.msgpack" "xl-decode $model --stream $fused"
	into "$OUT/having_codes.msgpack" "xl-encode $model < $having"
	into "$OUT/masks.msgpack" "xl-mask $model $having_codes"
	into "$OUT/removed.msgpack" \
		"xl-hadain $model --remove $having_codes | xl-decode $model --stream"

	if [ -z "$DATA" ]; then
		into "$OUT/truths.msgpack" "$(part "$give" 2 $parts)"
		into "$OUT/bare.msgpack" "$(part "$take" 2 $parts)"
		measure giving "xl-ssim --json --input $inputs $truths $given"
		measure removing "xl-ssim --json --input $having $bare $removed"
		measure change-masks "xl-iou --json --sweep --threshold 0.1 $truths $fused"
		measure content-masks "xl-iou --json --sweep --threshold 0.1 $having $masks"
		measure input-masks "xl-iou --json --threshold 0.1 $inputs $input_codes"
		given_like=$bare removed_like=$inputs
	else
		into "$OUT/others.msgpack" "$(photographs train "$PAIRS" $((SEED + 2)) --domain A)"
		measure change-masks "$(area "$fused")"
		measure content-masks "$(area "$masks")"
		measure input-masks "$(area "$input_codes")"
		truths='' bare='' given_like=$others removed_like=$others
	fi
	measure given-labels "$classify --want domain=B $given"
	measure input-labels "$classify --want domain=B $inputs"
	measure removed-labels "$classify --want domain=A $removed"
	measure having-labels "$classify --want domain=A $having"
	# to faces without the content, of other people, as published
	distances given-set "$given_like" "$given" --kid --gamma 0.01
	distances removed-set "$removed_like" "$removed" --kid --gamma 0.01
	distances input-set "$given_like" "$inputs" --kid --gamma 0.01
	distances having-set "$removed_like" "$having" --kid --gamma 0.01
	likeness given-face "$inputs" "$given" "${few[@]}"
	likeness removed-face "$having" "$removed" "${few[@]}"

	into "$OUT/given.png" "$(sheet "$inputs" "$exemplars" "$given" ${truths:+"$truths"})"
	into "$OUT/removed.png" "$(sheet "$having" "$removed" ${bare:+"$bare"})"
}

# shellcheck disable=SC2154  # of find_data
evaluation data="$data" held_out="$held_out" pairs="$PAIRS" size="$SIZE" seed="$SEED" \
	task="$TASK"
tables mbu/evaluation.jq mbu
