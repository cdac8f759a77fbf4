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
#   CLASSIFIER  file that tells labels of results (xl-classify) [trained here]
#   FACES       made faces that it is trained on [5000]
#   STEPS       of its training [3000]
#   SHOWN       pairs on the sheet of pictures [8]
#   OUT         folder for what is made [evaluated]
#   SMOKE=1     8 pairs
# Prints a table, then published figures beside the model's own, and makes in OUT:
# evaluation.txt (both), evaluation.json (all numbers and settings), pairs.png (input,
# exemplar, result, truth, and two drawn styles), and the streams that were compared. The
# truth takes from the exemplar what the
# label says; a style is of the whole picture, its background as well. Distances are of
# pixels; those of the paper are LPIPS, and not to be compared.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${PAIRS:=8}" "${FACES:=120}" "${STEPS:=4}"; fi
: "${FACES:=5000}" "${STEPS:=3000}" "${CLASSIFIER:=}"
: "${PAIRS:=200}" "${SIZE:=}" "${DOMAIN:=Blond_Hair}" "${SEED:=1}" "${SHOWN:=8}"
: "${OUT:=evaluated}" "${WHERE=Bald=0,Wearing_Hat=0}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
need_jq
for name in PAIRS SHOWN; do
	[[ ${!name} =~ ^[1-9][0-9]{0,6}$ ]] || usage "$name: '${!name}' is not a number of pairs"
done
find_model
[ ! -r "$MODEL" ] || SIZE=${SIZE:-$(about "$MODEL" '.meta["hyper.size"]')}

# The files, as words of a command.
for name in pairs inputs exemplars truths codes exemplar_codes fused results read \
	drawn1 drawn2 pictures1 pictures2 read1 others1 others2; do
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
	into "$OUT/read1.msgpack" "xl-encode $model < $pictures1"

	into "$OUT/pairs.png" "for ((i = 0; i < $((SHOWN < PAIRS ? SHOWN : PAIRS)); i++)); do
	for stream in $inputs $exemplars $results $truths $pictures1 $pictures2; do
		xl-cat --records \$i:\$((i + 1)) \$stream
	done
done | xl-grid --columns 6"

	into "$OUT/translation.json" "xl-ssim --json --input $inputs $truths $results"
	into "$OUT/kept.json" "xl-ssim --json $inputs $pictures1"
	into "$OUT/diversity.json" "xl-ssim --json $pictures2 $pictures1"
	into "$OUT/real.json" "xl-ssim --json $others2 $others1"
	into "$OUT/labels.json" "$classify $results"
	into "$OUT/drawn-labels.json" "$classify $pictures1"
	into "$OUT/input-labels.json" "$classify $inputs"
	into "$OUT/exemplar-styles.json" "$(read_back "$fused" "$read")"
	into "$OUT/drawn-styles.json" "$(read_back "$drawn1" "$read1")"
}

into "$OUT/evaluation.json" "xl-cat --json --records 0:1 $(words "$MODEL") |
	jq -s $(words --arg domain "$DOMAIN" --arg size "$SIZE" --arg seed "$SEED") '{model: .[0].meta,
		pairs: $PAIRS, size: (\$size | tonumber), seed: (\$seed | tonumber), domain: \$domain,
		translation: .[1], kept: .[2], diversity: .[3], real: .[4], exemplar_styles: .[5],
		drawn_styles: .[6], labels: .[7], drawn_labels: .[8], input_labels: .[9]}' \\
		- $(words "$OUT"/{translation,kept,diversity,real,exemplar-styles,drawn-styles,{,drawn-,input-}labels}.json)"

into "$OUT/evaluation.txt" "$(tables miso/evaluation.jq miso)"
[ -n "$dry" ] || cat "$OUT/evaluation.txt"
