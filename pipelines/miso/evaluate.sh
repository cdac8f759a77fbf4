#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on made faces whose true translation is known, or on
# photographs that train.sh keeps from training, and on styles drawn at random; -n only
# prints the commands. What is finished is not done again. Set by variables:
#   MODEL       model file [XL_MODEL, else the default model]
#   DATA        folder with testA, testB, or with list_attr_celeba.txt [made faces]
#   PAIRS       inputs of each domain, each with an exemplar of the other [100; of
#               list_attr_celeba.txt 300, of folders 800, or as many as were kept]
#   SIZE        of the pictures [the model's]
#   DOMAIN      the label that makes domain B, whose look is exchanged; of made faces
#               LABEL=0 where B is without it [Blond_Hair; of DATA Male unless folders say]
#   WHERE       only inputs with these labels [of made faces Bald=0,Wearing_Hat=0]
#   SPLIT       all to take pictures that were trained with as well, as the published
#               figures of Monet must, whose test part has 121 [test]
#   SEED        of made faces, others than those of training, and of pairs [1]
#   DRAWS       styles that are drawn for each input [10]
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000], or pictures of DATA's training
#               part [20000]
#   STEPS       of its training [3000]
#   LPIPS       weights of a network of LPIPS (xl-convert --as lpips-alex) [where tools find
#               them; none: no LPIPS]
#   ALSO        folders made by this with models of other data, A:B:C, whose rows of the
#               published table are filled as well
#   SHOWN       pairs of each direction on the sheet of pictures [4]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     4 pairs of each direction, 2 draws
# Prints a table, then published figures beside the model's own, with what they differ in,
# and makes in OUT: evaluation.txt (both), evaluation.json (all numbers and settings),
# pairs.png (input, exemplar, result, where it is known truth, and two drawn styles), and
# the streams that were compared. The truth takes from the exemplar what the label says; a
# style is of the whole picture, its background as well. Without LPIPS, distances are of
# pixels only. Of photographs nothing is measured that takes a truth.

# shellcheck disable=SC2154  # files are declared by their names; data is of find_data
set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=4}" "${FACES:=120}" "${STEPS:=4}" "${DRAWS:=2}"; fi
: "${DATA:=}" "${SPLIT:=test}" "${STEPS:=3000}" "${CLASSIFIER:=}" "${LPIPS:=}" "${DRAWS:=10}"
: "${SIZE:=}" "${SEED:=1}" "${SHOWN:=4}" "${ALSO:=}" "${OUT:=evaluated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
parts=2 # of pairs: inputs, exemplars
if [ -z "$DATA" ]; then
	parts=3 # truths
	: "${PAIRS:=100}" "${FACES:=5000}" "${DOMAIN:=Blond_Hair}" "${WHERE=Bald=0,Wearing_Hat=0}"
elif has_sides "$DATA"; then
	: "${PAIRS:=800}"
else
	: "${PAIRS:=300}" "${DOMAIN=Male}"
fi
: "${FACES:=20000}" "${DOMAIN:=}" "${WHERE:=}"
need_counts PAIRS SHOWN
[[ $DRAWS =~ ^[1-9][0-9]{0,2}$ ]] || usage "DRAWS: '$DRAWS' is not a number of styles"
[[ $SPLIT =~ ^(test|all)$ ]] || usage "SPLIT: '$SPLIT' is not test or all"
find_data
find_model miso
find_weights LPIPS lpips-alex
[ ! -r "$MODEL" ] || SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}

# The files, as words of a command.
for name in ab_pairs ba_pairs ab_inputs ba_inputs inputs exemplars truths codes exemplar_codes fused results \
	read drawn1 drawn2 pictures1 pictures2 read1 others_a others_b others_b2 drawings; do
	declare "$name=$(words "$OUT/$name.msgpack")"
done
model=$(words --model "$MODEL")

# take SPLIT DOMAIN COUNT SEED WORD...: the command that takes so many pictures of that
# domain, or where it is empty of both
take() {
	local value=1 options
	if [ -n "$DATA" ]; then
		options=(${DOMAIN:+--domain-by "$DOMAIN"} ${WHERE:+--where "$WHERE"} ${2:+--domain "$2"})
		pictures "$1" "${options[@]}" "${@:5}" --shuffle --limit "$3" --seed "$4"
		return
	fi
	[[ $DOMAIN != *=0 ]] || value=0
	[ "$2" = B ] || value=$((1 - value))
	options=(${2:+"${DOMAIN%=[01]}=$value"} ${WHERE:+"$WHERE"})
	options=(--domain-by "$DOMAIN" --where "$(IFS=, && echo "${options[*]}")")
	words xl-synth faces --size "$SIZE" "${options[@]}" "${@:5}" --count "$3" --seed "$4"
}

# of_way ab|ba STREAM N: the command that passes on what is of those inputs, N records of each
of_way() {
	local range=":\$((n * $3))"
	[ "$1" = ab ] || range="\$((n * $3)):"
	echo "n=\$(xl-cat --json $ab_inputs | wc -l)
xl-cat --records $range $2"
}

# values NAME STREAM: the command that prints a vector of each record, one a line
values() { echo "xl-cat --tensor $1 $2 | grep -v -e '^#' -e '^\$'"; }

# read_back STREAM STREAM: the command that compares z of the first with mu of the second
read_back() {
	echo "paste -d' ' <(xl-cat --json $2 | jq -r .meta.domain) \\
	<($(values z "$1")) <($(values mu "$2")) |
	jq -R -s -f $(words "$root/pipelines/miso/correlation.jq")"
}

# Which rows of the published table are of these domains.
case "$data $DOMAIN" in
"monet2photo "*) task=monet-photo ;;
"CelebA Male") task=faces ;;
*) task=none ;;
esac

open_out
{
	looks=()
	[ -n "$DATA" ] || looks=(--attributes "${DOMAIN%=[01]}")
	into "$OUT/ab_pairs.msgpack" "$(take "$SPLIT" A "$PAIRS" "$SEED" --pairs "${looks[@]}")"
	into "$OUT/ba_pairs.msgpack" "$(take "$SPLIT" B "$PAIRS" $((SEED + 4)) --pairs "${looks[@]}")"
	# trained when it is known that there are pairs
	find_classifier "$SIZE" domain "$(take train '' "$FACES" $((SEED + 3)))"
	classify=$(words xl-classify --force --json --model "$CLASSIFIER")
	for way in ab ba; do
		into "$OUT/${way}_inputs.msgpack" "$(part "$(words "$OUT/${way}_pairs.msgpack")" 0 $parts)"
	done
	into "$OUT/inputs.msgpack" "cat $ab_inputs $ba_inputs"
	into "$OUT/exemplars.msgpack" "cat <($(part "$ab_pairs" 1 $parts)) \\
	<($(part "$ba_pairs" 1 $parts))"

	into "$OUT/codes.msgpack" "xl-encode $model < $inputs"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/fused.msgpack" "xl-hadain $model --exemplar $exemplar_codes $codes"
	into "$OUT/results.msgpack" "xl-decode $model --stream $fused"
	into "$OUT/read.msgpack" "xl-encode $model < $results"

	for i in 1 2; do
		into "$OUT/drawn$i.msgpack" "xl-hadain $model --sample 1 --seed $i $codes"
		into "$OUT/pictures$i.msgpack" \
			"xl-decode $model --stream $(words "$OUT/drawn$i.msgpack")"
	done
	into "$OUT/drawings.msgpack" \
		"xl-hadain $model --sample $DRAWS --seed 1 $codes | xl-decode $model --stream"
	into "$OUT/read1.msgpack" "xl-encode $model < $pictures1"
	into "$OUT/others_a.msgpack" "$(take "$SPLIT" A "$PAIRS" $((SEED + 1)))"
	into "$OUT/others_b.msgpack" "$(take "$SPLIT" B "$PAIRS" $((SEED + 1)))"
	into "$OUT/others_b2.msgpack" "$(take "$SPLIT" B "$PAIRS" $((SEED + 2)))"

	if [ -z "$DATA" ]; then
		into "$OUT/truths.msgpack" "cat <($(part "$ab_pairs" 2 $parts)) \\
	<($(part "$ba_pairs" 2 $parts))"
		measure translation "xl-ssim --json --input $inputs $truths $results"
	else
		truths=
	fi
	measure kept "xl-ssim --json $inputs $pictures1"
	measure diversity "xl-ssim --json $pictures2 $pictures1"
	measure real "xl-ssim --json $others_b2 $others_b"
	measure labels "$classify $results"
	measure drawn-labels "$classify $drawings"
	measure input-labels "$classify $inputs"
	measure exemplar-styles "$(read_back "$fused" "$read")"
	measure drawn-styles "$(read_back "$drawn1" "$read1")"
	for way in ab ba; do
		seen "drawn-seen.$way" "$(words "$OUT/${way}_inputs.msgpack")" \
			"- < <($(of_way $way "$drawings" "$DRAWS"))"
	done
	seen real-seen.a --all --pairs $((45 * PAIRS)) "$others_a"
	seen real-seen.b --all --pairs $((45 * PAIRS)) "$others_b"

	# from A to B and back by turns
	into "$OUT/pairs.png" "n=\$(xl-cat --json $ab_inputs | wc -l)
for ((k = 0; k < $((2 * (SHOWN < PAIRS ? SHOWN : PAIRS))); k++)); do
	i=\$((k / 2 + k % 2 * n))
	for stream in $inputs $exemplars $results $truths $pictures1 $pictures2; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\"
	done
done | xl-grid --columns $((3 + parts))"
}

evaluation data="$data" held_out="$held_out" split="$SPLIT" pairs="$PAIRS" size="$SIZE" \
	seed="$SEED" domain="$DOMAIN" task="$task"
tables miso/evaluation.jq miso
