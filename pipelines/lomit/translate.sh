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

codes=$(words "$OUT/inputs.msgpack") styles=$(words "$OUT/exemplars.msgpack")
translated=$(words "$OUT/translated.msgpack")

need_sources
open_out
make_faces INPUTS 1 --count "$count" --size 128
make_faces EXEMPLARS 2 --count "$count" --size 128
codes_into "$OUT/inputs.msgpack" "$INPUTS" --model "$MODEL"
codes_into "$OUT/exemplars.msgpack" "$EXEMPLARS" --model "$MODEL"
into "$OUT/translated.msgpack" \
	"xl-hadain $model --all-pairs --exemplar $styles $codes |
	xl-decode $model ${COMPOSITE:+--composite $(words "$COMPOSITE") }--stream"
folder_into "$OUT/pictures" "xl-decode $translated"

into_grid "$codes" "$styles" "$translated" "cat $styles"
done_with "$OUT/grid.png and $OUT/pictures"
