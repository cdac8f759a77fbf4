#!/usr/bin/env bash
# translate.sh [-n]: translate every input in every style, of exemplars or drawn at
# random, and pass from one style to another; -n only prints the commands. What is
# finished is not done again. Set by variables:
#   INPUTS      a picture, a folder of pictures, or a stream of records [made faces]
#   EXEMPLARS   the same, of the other domain [styles are drawn]
#   DRAWS       styles to draw where there are no exemplars [5]
#   DIRECTION   ab or ba: the domains of inputs and results [ab]
#   DOMAIN      made faces of domain B are those with this label; LABEL=0 where they are
#               those without [Blond_Hair]
#   STEPS       pictures on the way from the first style to the second [9]
#   SEED        of what is drawn [0]
#   MODEL       model file [XL_MODEL, else the default model]
#   OUT         folder for what is made [translated]
#   SMOKE=1     two inputs, two styles, three steps
# An input that is no picture is named, the others are translated, and the status is 1.
# Makes in OUT: inputs.msgpack (codes), styles.msgpack (codes of exemplars, or the
# first input in the styles drawn), translated.msgpack, pictures/INPUT+STYLE.png,
# grid.png (inputs down, styles across), passage.png (the first input on the way).

set -euo pipefail
count=5 domain=A other=B
if [ "${SMOKE:-0}" != 0 ]; then count=2 && : "${DRAWS:=2}" "${STEPS:=3}"; fi
: "${INPUTS:=}" "${EXEMPLARS:=}" "${DRAWS:=5}" "${DIRECTION:=ab}" "${DOMAIN:=Blond_Hair}"
: "${STEPS:=9}" "${SEED:=0}" "${OUT:=translated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
for name in DRAWS STEPS; do
	[[ ${!name} =~ ^[1-9][0-9]{0,3}$ ]] || usage "$name: '${!name}' is not a number"
done
case $DIRECTION in
ab) ;;
ba) domain=B other=A ;;
*) usage "DIRECTION: '$DIRECTION' is not ab or ba" ;;
esac
find_model miso
model=$(words --model "$MODEL")

# value: of the label, for made faces of the domain of inputs
value=1
[[ $DOMAIN != *=0 ]] || value=0
[ "$domain" = B ] || value=$((1 - value))

codes=$(words "$OUT/inputs.msgpack") styles=$(words "$OUT/styles.msgpack")
translated=$(words "$OUT/translated.msgpack")

need_sources
open_out
make_faces INPUTS 1 --count "$count" --size 128 --where "${DOMAIN%=[01]}=$value"
codes_into "$OUT/inputs.msgpack" "$INPUTS" --model "$MODEL" --domain $domain
if [ -n "$EXEMPLARS" ]; then
	codes_into "$OUT/styles.msgpack" "$EXEMPLARS" --model "$MODEL" --domain $other
	shown="cat $styles"
else
	into "$OUT/styles.msgpack" \
		"xl-cat --records 0:1 $codes | xl-hadain $model --sample $DRAWS --seed $SEED"
	shown="xl-decode $model --stream $styles"
fi
into "$OUT/translated.msgpack" \
	"xl-hadain $model --all-pairs --exemplar $styles $codes | xl-decode $model --stream"
folder_into "$OUT/pictures" "xl-decode $translated"

into_grid "$codes" "$styles" "$translated" "$shown"

# 0, 1/8, .. 1 of the second style, or of the first where there is but one; the share is the
# name of a picture, and so its label.
shares=$(words "$OUT/.made/shares.part")
into "$OUT/passage.png" "last=\$(xl-cat --json $styles | wc -l)
last=\$((last > 1 ? 1 : 0))
rm -rf $shares
mkdir $shares
for ((i = 0; i < $STEPS; i++)); do
	share=\$(awk \"BEGIN { printf \\\"%.4g\\\", \$i / $((STEPS > 1 ? STEPS - 1 : 1)) }\")
	xl-cat --records 0:1 $codes |
		xl-hadain $model --exemplar <(xl-cat --records 0:1 $styles) \\
			--exemplar2 <(xl-cat --records \$last:\$((last + 1)) $styles) --mix \$share |
		xl-decode $model -o $shares/\$share
done
xl-crop --size 0 $shares/* | xl-grid --columns $STEPS"
done_with "$OUT/grid.png, $OUT/passage.png and $OUT/pictures"
