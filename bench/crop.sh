#!/usr/bin/env bash
# Times xl-crop on 178x218 JPEG, cut to 178x178 and resized to 128x128, and Pillow
# beside it where it is there.
#
#   XL_BIN=bin XL_BUILD=build bench/crop.sh [PICTURES]
#
# RUNS (10) is the number of runs of each, in turn, PYTHON (/usr/bin/python3) the
# Python that may have PIL. Both use XL_THREADS threads or processes, by default as
# many as there are CPUs. Rates are those of the fastest runs; what xl-crop takes
# includes its start and writing to /dev/null.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-1000}
runs=${RUNS:-10}
python=${PYTHON:-/usr/bin/python3}
threads=${XL_THREADS:-$(nproc)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"${XL_BUILD:-build}/bench/jpegs" "$dir" "$count"
pil=$("$python" -c 'import numpy, PIL; print(PIL.__version__)' 2>/dev/null || true)

our_runs=() their_runs=()
for ((i = 0; i < runs; i++)); do
	start=$(date +%s.%N)
	"${XL_BIN:-bin}/xl-crop" --threads "$threads" "$dir" >/dev/null
	our_runs+=("$start $(date +%s.%N)")
	if [ -n "$pil" ]; then their_runs+=("0 $(bench/peer/crop.py "$threads" "$dir")"); fi
done

# rate "START END".. - pictures a second in the fastest run
rate() {
	printf '%s\n' "$@" | awk -v n="$count" '
		{ t = $2 - $1 }
		!min || t < min { min = t }
		END { printf "%.0f", n / min }'
}
ours=$(rate "${our_runs[@]}")
echo "xl-crop, 178x218 JPEG of $(($(cat "$dir"/*.jpg | wc -c) / count)) bytes to 128x128," \
	"$threads threads: $ours pictures/s"
if [ -n "$pil" ]; then
	theirs=$(rate "${their_runs[@]}")
	echo "Pillow $pil, $threads processes: $theirs pictures/s; ratio" \
		"$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')"
else
	echo "Pillow: not there ($python cannot import PIL and numpy); no peer in this run"
fi
