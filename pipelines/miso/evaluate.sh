#!/usr/bin/env bash
# evaluate.sh [-n]: measure a model on made faces whose true translation is known, and
# on styles drawn at random; -n only prints the commands. What is finished is not done
# again. Set by variables:
#   MODEL       model file [XL_MODEL, else the default model]
#   PAIRS       inputs of both domains, each with an exemplar of the other [200]
#   SIZE        of the pictures [the model's]
#   DOMAIN      the label that makes domain B, whose look is exchanged; LABEL=0 where B
#               is without it [Blond_Hair]
#   WHERE       only inputs with these labels [Bald=0,Wearing_Hat=0]
#   SEED        other faces than those of training [1]
#   DRAWS       styles that are drawn for each input [10]
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000]
#   STEPS       of its training [3000]
#   LPIPS       weights of a network of LPIPS (xl-convert --as lpips-alex) [where tools find
#               them; none: no LPIPS]
#   SHOWN       pairs on the sheet of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs, 2 draws
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), pairs.png (input,
# exemplar, result, truth, and two drawn styles), and the streams that were compared. The
# truth takes from the exemplar what the label says; a style is of the whole picture, its
# background as well. Without LPIPS, distances are of pixels only.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}" "${DRAWS:=2}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}" "${LPIPS:=}" "${DRAWS:=10}"
: "${PAIRS:=200}" "${SIZE:=}" "${DOMAIN:=Blond_Hair}" "${SEED:=1}" "${SHOWN:=8}"
: "${OUT:=evaluated}" "${WHERE=Bald=0,Wearing_Hat=0}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=../measures.sh
. "$(dirname "$0")/../measures.sh"
need_counts PAIRS SHOWN
[[ $DRAWS =~ ^[1-9][0-9]{0,2}$ ]] || usage "DRAWS: '$DRAWS' is not a number of styles"
find_model miso
find_weights LPIPS lpips-alex
[ ! -r "$MODEL" ] || SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}

# The files, as words of a command.
for name in pairs inputs exemplars truths codes exemplar_codes fused results read \
	drawn1 drawn2 pictures1 pictures2 read1 others1 others2 drawings; do
	declare "$name=$(words "$OUT/$name.msgpack")"
done
model=$(words --model "$MODEL")

# values NAME STREAM: the command that prints a vector of each record, one a line
values() { echo "xl-cat --tensor $1 $2 | grep -v -e '^#' -e '^\$'"; }

# read_back STREAM STREAM: the command that compares z of the first with mu of the second
read_back() {
	echo "paste -d' ' <(xl-cat --json $2 | jq -r .meta.domain) \\
	<($(values z "$1")) <($(values mu "$2")) |
	jq -R -s -f $(words "$root/pipelines/miso/correlation.jq")"
}

make_dir "$OUT"
find_classifier "$SIZE" domain --seed $((SEED + 3)) ${WHERE:+--where "$WHERE"} --domain-by "$DOMAIN"
classify=$(words xl-classify --force --json --model "$CLASSIFIER")
# shellcheck disable=SC2154  # declared above
{
	into "$OUT/pairs.msgpack" "$(words xl-synth faces --pairs --count "$PAIRS" --size "$SIZE" \
		--seed "$SEED" --attributes "${DOMAIN%=[01]}" --domain-by "$DOMAIN" ${WHERE:+--where "$WHERE"})"
	into "$OUT/inputs.msgpack" "xl-cat --records 0:$PAIRS $pairs"
	into "$OUT/exemplars.msgpack" "xl-cat --records $PAIRS:$((2 * PAIRS)) $pairs"
	into "$OUT/truths.msgpack" "xl-cat --records $((2 * PAIRS)):$((3 * PAIRS)) $pairs"

	into "$OUT/codes.msgpack" "xl-encode $model < $inputs"
	into "$OUT/exemplar_codes.msgpack" "xl-encode $model < $exemplars"
	into "$OUT/fused.msgpack" "xl-hadain $model --exemplar $exemplar_codes $codes"
	into "$OUT/results.msgpack" "xl-decode $model --stream $fused"
	into "$OUT/read.msgpack" "xl-encode $model < $results"

	for i in 1 2; do
		into "$OUT/drawn$i.msgpack" "xl-hadain $model --sample 1 --seed $i $codes"
		into "$OUT/pictures$i.msgpack" \
			"xl-decode $model --stream $(words "$OUT/drawn$i.msgpack")"
		into "$OUT/others$i.msgpack" "$(words xl-synth faces --count "$PAIRS" --size "$SIZE" \
			--seed "$((SEED + i))" --where "$DOMAIN${WHERE:+,$WHERE}")"
	done
	into "$OUT/drawings.msgpack" \
		"xl-hadain $model --sample $DRAWS --seed 1 $codes | xl-decode $model --stream"
	into "$OUT/read1.msgpack" "xl-encode $model < $pictures1"

	into "$OUT/pairs.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	for stream in $inputs $exemplars $results $truths $pictures1 $pictures2; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\"
	done
done | xl-grid --columns 6"

	measure translation "xl-ssim --json --input $inputs $truths $results"
	measure kept "xl-ssim --json $inputs $pictures1"
	measure diversity "xl-ssim --json $pictures2 $pictures1"
	measure real "xl-ssim --json $others2 $others1"
	measure labels "$classify $results"
	measure drawn-labels "$classify $drawings"
	measure input-labels "$classify $inputs"
	measure exemplar-styles "$(read_back "$fused" "$read")"
	measure drawn-styles "$(read_back "$drawn1" "$read1")"
	seen drawn-seen "$inputs" "$drawings"
	seen real-seen --all --pairs $((45 * PAIRS)) "$others1"
}

evaluation pairs="$PAIRS" size="$SIZE" seed="$SEED" domain="$DOMAIN"
tables miso/evaluation.jq miso
