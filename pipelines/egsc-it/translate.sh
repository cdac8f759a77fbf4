#!/usr/bin/env bash
# translate.sh [-n]: draw every input in the look of every exemplar; -n only prints the
# commands. What is finished is not done again. Set by variables:
#   INPUTS      a picture, a folder of pictures, or a stream of records [digits]
#   EXEMPLARS   the same, of the other domain [digits]
#   MNIST       folder of MNIST's files, for digits that are not named
#   SET         mnist-single or mnist-multi [by the model's size]
#   DIRECTION   ab or ba: the domains of inputs and results [ab]
#   COUNT       digits of each domain, where they are not named [6]
#   SEED        of digits and of the noise on codes [0]
#   MODEL       model file [XL_MODEL, else the default model]
#   OUT         folder for what is made [translated]
#   SMOKE=1     two inputs, two exemplars
# An input that is no picture is named, the others are translated, and the status is 1.
# Makes in OUT: inputs.msgpack and exemplars.msgpack (codes), translated.msgpack,
# pictures/INPUT+EXEMPLAR.png, grid.png (inputs down, exemplars across).

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then : "${COUNT:=2}"; fi
: "${INPUTS:=}" "${EXEMPLARS:=}" "${MNIST:=}" "${SET:=}" "${DIRECTION:=ab}" "${COUNT:=6}"
: "${SEED:=0}" "${OUT:=translated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
[[ $COUNT =~ ^[1-9][0-9]{0,3}$ ]] || usage "COUNT: '$COUNT' is not a number of digits"
case $DIRECTION in
ab) domain=A other=B ;;
ba) domain=B other=A ;;
*) usage "DIRECTION: '$DIRECTION' is not ab or ba" ;;
esac
find_model egsc-it
need_jq
# shellcheck source-path=SCRIPTDIR source=digits.sh
. "$(dirname "$0")/digits.sh"
if [ -z "$INPUTS" ] || [ -z "$EXEMPLARS" ]; then need_mnist; fi

# digits OF SEED: the command that makes digits of that domain
digits() {
	words xl-synth "$SET" --mnist "$MNIST" --split test --where "$(of_domain "$1")" \
		--count "$COUNT" --seed "$2"
}

need_sources
open_out
if [ -z "$INPUTS" ]; then
	INPUTS=$OUT/made-inputs.msgpack
	into "$INPUTS" "$(digits "$domain" "$SEED")"
	needs+=("$INPUTS")
fi
if [ -z "$EXEMPLARS" ]; then
	EXEMPLARS=$OUT/made-exemplars.msgpack
	into "$EXEMPLARS" "$(digits "$other" "$((SEED + 1))")"
	needs+=("$EXEMPLARS")
fi
codes=$(words "$OUT/inputs.msgpack") exemplars=$(words "$OUT/exemplars.msgpack")
translated=$(words "$OUT/translated.msgpack")
model=$(words --model "$MODEL")

codes_into "$OUT/inputs.msgpack" "$INPUTS" --model "$MODEL" --domain "$domain" --seed "$SEED"
codes_into "$OUT/exemplars.msgpack" "$EXEMPLARS" --model "$MODEL" --domain "$other" --seed "$SEED"
into "$OUT/translated.msgpack" \
	"xl-hadain $model --all-pairs --exemplar $exemplars $codes | xl-decode $model --stream"
folder_into "$OUT/pictures" "xl-decode $translated"

into_grid "$codes" "$exemplars" "$translated" "cat $exemplars"
done_with "$OUT/grid.png and $OUT/pictures"
