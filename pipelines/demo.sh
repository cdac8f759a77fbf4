#!/usr/bin/env bash
# demo.sh [-n]: translate the pictures that come with xl by the model that comes with
# it, and put inputs, masks, exemplars and results on one sheet; -n only prints the
# commands. Set by variables:
#   MODEL       model file [XL_MODEL, else the default model]
#   PICTURES    folder of pairs, input-1.png and exemplar-1.png and so on [xl's own]
#   OUT         the sheet [demo.png]

set -euo pipefail
: "${PICTURES:=}" "${OUT:=demo.png}"

# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
find_model lomit
for dir in "$root" "$root/models"; do
	[ -n "$PICTURES" ] || [ ! -e "$dir/input-1.png" ] || PICTURES=$dir
done
[ -e "$PICTURES/input-1.png" ] || die "no input-1.png in '$PICTURES'; set PICTURES to a folder of pairs"
for file in "$MODEL" "$PICTURES"/*.png; do
	[ ! "$OUT" -ef "$file" ] || usage "$OUT: is read; set OUT to another file"
done

model=$(words --model "$MODEL")
rows="for input in $(words "$PICTURES")/input-*.png; do
	exemplar=\${input%/*}/exemplar-\${input##*/input-}
	xl-encode $model \"\$input\" \"\$exemplar\"
	for how in '' --composite=4; do
		xl-encode $model \"\$input\" | xl-hadain $model --exemplar \"\$exemplar\" |
			xl-decode $model --stream \$how | xl-encode $model
	done
done"
if [ -n "$dry" ]; then
	echo "$rows | xl-grid --show x,m --columns 4 > $(words "$OUT")"
else
	parts=$(mktemp -d "$OUT.XXXXXX")
	trap 'rm -rf "$parts"' EXIT
	(eval "$rows | xl-grid --show x,m --columns 4 > $(words "$parts/sheet")")
	mv -T "$parts/sheet" "$OUT"
	echo "demo.sh: wrote $(cd "$(dirname "$OUT")" && pwd)/$(basename "$OUT"):" \
		"input, exemplar, result, and that put into the input, each beside its mask"
fi
