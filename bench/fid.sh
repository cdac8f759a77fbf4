#!/usr/bin/env bash
# Times what xl-fid does: Inception's features of 16 pictures of 128x128, and the distance
# of 2 x 2,000 x 2048 features; PyTorch, numpy and scipy beside it where they are there.
#
#   XL_BUILD=build bench/fid.sh
#
# RUNS (10) is the number of runs of the features, a third of it that of the distance;
# PYTHON (/usr/bin/python3) the Python that may have torch and scipy. Both use XL_THREADS
# threads, by default as many as there are CPUs. Rates are those of the fastest runs.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-10}
python=${PYTHON:-/usr/bin/python3}
threads=${XL_THREADS:-$(nproc)}
ours=$("${XL_BUILD:-build}/bench/distance" "$threads" "$runs")
theirs=
torch=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || true)
if [ -n "$torch" ]; then theirs=$(bench/peer/fid.py "$threads" "$runs"); fi

# seconds WHAT LINES
seconds() { awk -v what="$1" '$1 == what { print $2 }' <<<"$2"; }

# line WHAT UNITS NAME UNIT PEER: units of work a second, and beside the peer
line() {
	awk -v a="$(seconds "$1" "$ours")" -v b="$(seconds "$1" "$theirs")" -v n="$2" -v name="$3" \
		-v unit="$4" -v peer="$5" 'BEGIN {
		printf "%s: %.2f %s", name, (n > 1 ? n / a : a), unit
		if (b > 0)
			printf "; %s %.2f, ratio %.2f", peer, (n > 1 ? n / b : b), b / a
		print ""
	}'
}
line features 16 "Inception features, 128x128 to 299x299, $threads threads" "pictures/s" \
	"PyTorch $torch"
line distance 1 "Frechet distance of 2 x 2000 x 2048 features" "s" "numpy and scipy"
if [ -z "$torch" ]; then
	echo "torch: not there ($python cannot import it); no peer in this run"
elif [ -z "$(seconds distance "$theirs")" ]; then
	echo "scipy: not there ($python cannot import it); no peer of the distance"
fi
