#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on test digits whose true translation is known, or on
# photographs that train.sh keeps from training, in both directions, beside the published
# table; -n only prints the commands. What is finished is not done again. Set by variables:
#   MNIST       folder of MNIST's files, plain or .gz
#   MODEL       model file [XL_MODEL, else the default model]
#   SET         mnist-single or mnist-multi [by the model's size]
#   DATA        instead of these, a folder with testA, testB, or with list_attr_celeba.txt
#   DOMAIN      of DATA, domain B is where this holds; '' where folders say [Male unless
#               there are folders]
#   WHERE       of DATA, only images with these labels [all]
#   PAIRS       inputs in each direction, each with an exemplar of its own [1000; of DATA
#               at most as many as were kept]
#   SEED        of pairs and of the noise on codes; 0 are the pairs of the authors [0]
#   CLASSIFIER  of DATA: file that tells domains of results (xl-classify) [trained here]
#   FACES       pictures of DATA's training part that it is trained on [20000]
#   STEPS       of its training [3000]
#   INCEPTION   of DATA: weights of FID's network (xl-convert --as inception-fid) [where
#               tools find them; none: no FID]
#   ALSO        folders made by this with models of other sets, A:B:C, whose rows of the
#               published table are filled as well
#   SHOWN       pairs on each sheet of pictures [12]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), ab.png and ba.png
# (input, exemplar, result, truth), and the streams that were compared.
#
# Of photographs no truth is known and no figure was published: it is measured whether
# results are of the other domain, by a classifier, and how far they are from as many
# pictures of it in DATA's training part.
#
# The published numbers compare a result, stretched to the full range, with its exemplar,
# not with the true translation: a perfect model scores 0.484 and 0.226, and one that
# ignores the exemplar 0.217 and 0.115. They were made with the perceptual loss of VGG19
# and 60,000 iterations of 5 updates: the rows of UNIT, CycleGAN and without perceptual loss
# have neither VGG19 nor labels, and can be compared with models trained so long. Whether a
# result has the colours of its exemplar says in mnist-multi mostly whether it has its ground.

# shellcheck disable=SC2154  # files are declared by their names; data is of find_data
set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
: "${MNIST:=}" "${SET:=}" "${DATA:=}" "${WHERE:=}" "${PAIRS:=1000}" "${SEED:=0}" "${SHOWN:=12}"
: "${CLASSIFIER:=}" "${FACES:=20000}" "${STEPS:=3000}" "${INCEPTION:=}" "${ALSO:=}"
: "${OUT:=evaluated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
need_counts PAIRS SHOWN
find_data
find_model egsc-it
SIZE=
[ ! -r "$MODEL" ] || SIZE=$(about "$MODEL" '.meta["hyper.size"]')
model=$(words --model "$MODEL")

# translate NAME PARTS: results of pairs, which are inputs, exemplars and, as a third part,
# truths; sets the files, as words of a command
translate() {
	local file
	for file in pairs inputs exemplars truths codes exemplar_codes results others; do
		declare -g "$file=$(words "$OUT/$1-$file.msgpack")"
	done
	into "$OUT/$1-inputs.msgpack" "$(part "$pairs" 0 "$2")"
	into "$OUT/$1-exemplars.msgpack" "$(part "$pairs" 1 "$2")"
	[ "$2" = 2 ] || into "$OUT/$1-truths.msgpack" "$(part "$pairs" 2 "$2")"
	into "$OUT/$1-codes.msgpack" "xl-encode $model --seed $SEED < $inputs"
	into "$OUT/$1-exemplar_codes.msgpack" "xl-encode $model --seed $SEED < $exemplars"
	into "$OUT/$1-results.msgpack" \
		"xl-hadain $model --exemplar $exemplar_codes $codes | xl-decode $model --stream"
}

# sheet NAME STREAM...: a row of them for each pair
sheet() {
	into "$OUT/$1.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	for stream in ${*:2}; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\"
	done
done | xl-grid --columns $(($# - 1))"
}

# digits NAME DOMAIN HALF: translates images of a domain and measures what became of them;
# HALF is half way between two colours of the other domain
digits() {
	into "$OUT/$1-pairs.msgpack" "$(words xl-synth "$SET" --mnist "$MNIST" --pairs $order \
		--count "$PAIRS" --seed "$SEED" --where "$(of_domain "$2")")"
	translate "$1" 3
	measure "$1.plain" "xl-ssim --json --input $inputs $truths $results"
	measure "$1.table" "xl-ssim --json --stretch --exemplar $exemplars $truths $results"
	measure "$1.right" "xl-ssim --json --exemplar $exemplars $truths $truths"
	measure "$1.nothing" "xl-ssim --json --exemplar $exemplars $truths $inputs"
	# nearer to the right colours than to any other, on the digits and around them
	measure "$1.colours" "xl-ssim --json --each $truths $results |
	jq -s 'map(select(.id)) | map(.mae_inside < $3 and .mae_outside < $3) |
		{share: ((map(select(.)) | length) / length)}'"
	sheet "$1" "$inputs" "$exemplars" "$results" "$truths"
}

# photographs NAME DOMAIN OTHER: the same of pictures of DATA
photographs() {
	local to=$3
	into "$OUT/$1-pairs.msgpack" "$(pictures test "${chosen[@]}" --domain "$2" --pairs \
		--limit "$PAIRS" --seed "$SEED")"
	translate "$1" 2
	into "$OUT/$1-others.msgpack" "$(pictures train "${chosen[@]}" --domain "$to" --shuffle \
		--limit "$PAIRS" --seed "$SEED")"
	measure "$1.labels" "$classify --want domain=$to $results"
	measure "$1.input-labels" "$classify --want domain=$to $inputs"
	distances "$1.target" "$others" "$results"
	distances "$1.input-target" "$others" "$inputs"
	sheet "$1" "$inputs" "$exemplars" "$results"
}

if [ -z "$DATA" ]; then
	# shellcheck source-path=SCRIPTDIR source=digits.sh
	. "$(dirname "$0")/digits.sh"
	need_mnist
	[ "${SIZE:-$side}" = "$side" ] || usage "SET: $SET is of ${side}x$side, $MODEL of ${SIZE}x$SIZE"
	open_out
	order=
	[ "$SET" = mnist-multi ] || order=--published-order
	digits ab A 1/3 # two of red, green and blue
	digits ba B 1/2 # black and white
	data=$SET
else
	find_weights INCEPTION inception-fid
	open_out
	has_sides "$DATA" || DOMAIN=${DOMAIN-Male}
	chosen=(${DOMAIN:+--domain-by "$DOMAIN"} ${WHERE:+--where "$WHERE"})
	find_classifier "$SIZE" domain "$(pictures train "${chosen[@]}" --shuffle --limit "$FACES" \
		--seed $((SEED + 1)))"
	classify=$(words xl-classify --force --json --model "$CLASSIFIER")
	photographs ab A B
	photographs ba B A
	SET=photographs
fi

evaluation data="$data" held_out="$held_out" pairs="$PAIRS" seed="$SEED" set="$SET" \
	domain="${DOMAIN:-}" task="$SET"
tables egsc-it/evaluation.jq egsc-it
