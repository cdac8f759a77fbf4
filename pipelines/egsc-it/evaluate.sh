#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on test digits whose true translation is known, in both
# directions, beside the published table; -n only prints the commands. What is finished is
# not done again. Set by variables:
#   MNIST       folder of MNIST's files, plain or .gz
#   MODEL       model file [XL_MODEL, else the default model]
#   SET         mnist-single or mnist-multi [by the model's size]
#   PAIRS       inputs in each direction, each with an exemplar of its own [1000]
#   SEED        of pairs and of the noise on codes; 0 are the pairs of the authors [0]
#   ALSO        folders made by this with models of other sets, whose rows of the
#               published table are filled as well
#   SHOWN       pairs on each sheet of pictures [12]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), ab.png and ba.png
# (input, exemplar, result, truth), and the streams that were compared.
#
# The published numbers compare a result, stretched to the full range, with its exemplar,
# not with the true translation: a perfect model scores 0.484 and 0.226, and one that
# ignores the exemplar 0.217 and 0.115. They were made with the perceptual loss of VGG19
# and 60,000 iterations of 5 updates: the rows of UNIT, CycleGAN and without perceptual loss
# have neither VGG19 nor labels, and can be compared with models trained so long. Whether a
# result has the colours of its exemplar says in mnist-multi mostly whether it has its ground.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}"; fi
: "${MNIST:=}" "${SET:=}" "${PAIRS:=1000}" "${SEED:=0}" "${SHOWN:=12}" "${OUT:=evaluated}"
: "${ALSO:=}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
need_counts PAIRS SHOWN
find_model egsc-it
# shellcheck source-path=SCRIPTDIR source=digits.sh
. "$(dirname "$0")/digits.sh"
need_mnist
order=
[ "$SET" = mnist-multi ] || order=--published-order
model=$(words --model "$MODEL")

# part STREAM K: its inputs, exemplars or truths
part() { echo "xl-cat --records $(($2 * PAIRS)):$((($2 + 1) * PAIRS)) $1"; }

# direction NAME DOMAIN HALF: translates images of a domain and measures what became of
# them; HALF is half way between two colours of the other domain
direction() {
	local file pairs inputs exemplars truths codes exemplar_codes results
	for file in pairs inputs exemplars truths codes exemplar_codes results; do
		local "$file=$(words "$OUT/$1-$file.msgpack")"
	done
	into "$OUT/$1-pairs.msgpack" "$(words xl-synth "$SET" --mnist "$MNIST" --pairs $order \
		--count "$PAIRS" --seed "$SEED" --where "$(of_domain "$2")")"
	into "$OUT/$1-inputs.msgpack" "$(part "$pairs" 0)"
	into "$OUT/$1-exemplars.msgpack" "$(part "$pairs" 1)"
	into "$OUT/$1-truths.msgpack" "$(part "$pairs" 2)"

	into "$OUT/$1-codes.msgpack" "xl-encode $model --seed $SEED < $inputs"
	into "$OUT/$1-exemplar_codes.msgpack" "xl-encode $model --seed $SEED < $exemplars"
	into "$OUT/$1-results.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $codes | xl-decode $model --stream"

	into "$OUT/$1.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	for stream in $inputs $exemplars $results $truths; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\"
	done
done | xl-grid --columns 4"

	measure "$1.plain" "xl-ssim --json --input $inputs $truths $results"
	measure "$1.table" "xl-ssim --json --stretch --exemplar $exemplars $truths $results"
	measure "$1.right" "xl-ssim --json --exemplar $exemplars $truths $truths"
	measure "$1.nothing" "xl-ssim --json --exemplar $exemplars $truths $inputs"
	# nearer to the right colours than to any other, on the digits and around them
	measure "$1.colours" "xl-ssim --json --each $truths $results |
	jq -s 'map(select(.id)) | map(.mae_inside < $3 and .mae_outside < $3) |
		{share: ((map(select(.)) | length) / length)}'"
}

make_dir "$OUT"
direction ab A 1/3 # two of red, green and blue
direction ba B 1/2 # black and white

evaluation pairs="$PAIRS" seed="$SEED" set="$SET" task="$SET"
tables egsc-it/evaluation.jq egsc-it
