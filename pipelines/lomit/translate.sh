#!/usr/bin/env bash
# translate.sh [-n]: translate every input by every exemplar; -n only prints the
# commands. What is finished is not done again. Set by variables:
#   INPUTS      a picture, a folder of pictures, or a stream of records [made faces]
#   EXEMPLARS   the same
#   MODEL       model file [XL_MODEL, else the default model]
#   COMPOSITE   keep the input where this times the mask is below 1 (xl-decode) [no]
#   OUT         folder for what is made [translated]
#   SMOKE=1     two inputs, two exemplars
# An input that is no picture is named, the others are translated, and the status is 1.
# Makes in OUT: inputs.msgpack and exemplars.msgpack (codes), translated.msgpack,
# pictures/INPUT+EXEMPLAR.png, grid.png (inputs down, exemplars across).

set -euo pipefail
count=5
if [ "${SMOKE:-0}" != 0 ]; then count=2; fi
: "${INPUTS:=}" "${EXEMPLARS:=}" "${COMPOSITE:=}" "${OUT:=translated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
find_model lomit
model=$(words --model "$MODEL")

synth="--count $count --size 128"
codes=$(words "$OUT/inputs.msgpack") styles=$(words "$OUT/exemplars.msgpack")
translated=$(words "$OUT/translated.msgpack") pictures=$(words "$OUT/pictures")

make_dir "$OUT/.made"
for path in "$INPUTS" "$EXEMPLARS"; do
	[ -z "$path" ] || [ -n "$dry" ] || [ -e "$path" ] || die "$path: no such file or folder"
	[ -z "$path" ] || needs+=("$path")
done
codes_into "$OUT/inputs.msgpack" "$(encode_command "$OUT/made-1" "$INPUTS" 1 --model "$MODEL")"
codes_into "$OUT/exemplars.msgpack" "$(encode_command "$OUT/made-2" "$EXEMPLARS" 2 --model "$MODEL")"
into "$OUT/translated.msgpack" \
	"xl-hadain $model --all-pairs --exemplar $styles $codes |
	xl-decode $model ${COMPOSITE:+--composite $(words "$COMPOSITE") }--stream"
stage "$OUT/pictures" "rm -rf $pictures
xl-decode --dir $pictures $translated"

into_grid "$codes" "$styles" "$translated" "cat $styles"
done_with "$OUT/grid.png and $OUT/pictures"
