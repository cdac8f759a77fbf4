#!/usr/bin/env bash
# translate.sh [-n]: give every input the content of every exemplar, and take it out
# of the exemplars; -n only prints the commands. What is finished is not done again.
# Set by variables:
#   INPUTS      pictures without the content: one, a folder, or a stream [made faces]
#   EXEMPLARS   pictures with it, likewise [made faces]
#   TASK        of made faces, as in train.sh [glasses]
#   MODEL       model file [XL_MODEL, else the default model]
#   OUT         folder for what is made [translated]
#   SMOKE=1     two inputs, two exemplars
# An input that is no picture is named, the others are translated, and the status is 1.
# Makes in OUT: inputs.msgpack and exemplars.msgpack (codes), translated.msgpack and
# removed.msgpack, pictures/INPUT+EXEMPLAR.png, grid.png (inputs down, exemplars
# across), masks.png (where each was changed), removed.png (each exemplar, and without
# its content, beside the mask of what content the model finds).

set -euo pipefail
count=5
if [ "${SMOKE:-0}" != 0 ]; then count=2; fi
: "${INPUTS:=}" "${EXEMPLARS:=}" "${TASK:=glasses}" "${OUT:=translated}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=task.sh
. "$(dirname "$0")/task.sh"
find_model mbu
model=$(words --model "$MODEL")

codes=$(words "$OUT/inputs.msgpack") styles=$(words "$OUT/exemplars.msgpack")
translated=$(words "$OUT/translated.msgpack") removed=$(words "$OUT/removed.msgpack")

need_sources
open_out
make_faces INPUTS 1 --count "$count" --size 128 --where "$(of_domain A)"
make_faces EXEMPLARS 2 --count "$count" --size 128 --where "$(of_domain B)"
codes_into "$OUT/inputs.msgpack" "$INPUTS" --model "$MODEL" --domain A
codes_into "$OUT/exemplars.msgpack" "$EXEMPLARS" --model "$MODEL" --domain B
into "$OUT/fused.msgpack" \
	"xl-hadain $model --all-pairs --exemplar $styles $codes | xl-mask $model"
fused=$(words "$OUT/fused.msgpack")
into "$OUT/translated.msgpack" "xl-decode $model --stream $fused"
into "$OUT/removed.msgpack" "xl-hadain $model --remove $styles | xl-decode $model --stream"
folder_into "$OUT/pictures" "xl-decode $translated"

into_grid "$codes" "$styles" "$translated" "cat $styles"
into "$OUT/masks.png" "xl-grid --show m $fused"
into "$OUT/removed.png" "rows=\$(xl-cat --json $styles | wc -l)
for ((i = 0; i < rows; i++)); do
	for stream in $styles $removed; do
		xl-cat --records \$i:\$((i + 1)) \"\$stream\" | xl-mask $model
	done
done | xl-grid --show x,m --columns 2"
done_with "$OUT/grid.png, $OUT/masks.png, $OUT/removed.png and $OUT/pictures"
