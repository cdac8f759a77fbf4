#!/usr/bin/env bash
# Times whole training steps, translations and the cold pipe, and PyTorch's beside
# them where it is there.
#
#   XL_BIN=bin XL_BUILD=build bench/steps.sh [SIZE WIDTH BATCH]...
#
# RUNS (5) is the least number of runs of each, LONG=1 adds 128 64 8, which takes
# minutes, PYTHON (/usr/bin/python3) is the Python that may have torch. The peers are
# the work as published, with malloc as it is and with one that keeps its memory
# (tuned), and tuned with the work that we avoid avoided too (shared). G is what a
# generator's step adds to an iteration. Times are those of the fastest runs.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${XL_BIN:-bin}
steps=${XL_BUILD:-build}/bench/steps
runs=${RUNS:-5}
python=${PYTHON:-/usr/bin/python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ $# -gt 0 ] || set -- 32 16 8 64 32 8 ${LONG:+128 64 8}
torch=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || true)

tuned() {
	MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=4000000000 \
		MALLOC_TOP_PAD_=268435456 "$@"
}

# Lines of steps.c, with times of the peers in further columns.
table() {
	awk -F '\t' -v with_torch="${torch:+1}" -v "name=$1" '
		function row(what, ms, median, gflop, a, b, c) {
			printf "%-22s %10.2f %10.2f", what, ms, median
			if (gflop)
				printf " %9.1f %6.0f%%", gflop / ms * 1e3, 100 * gflop / ms * 1e3 / fma
			else
				printf " %9s %7s", "", ""
			if (with_torch)
				printf " %10.1f %6.2f %10.1f %6.2f %10.1f %6.2f", a, a / ms, b, b / ms, c, c / ms
			print ""
		}
		FILENAME != ARGV[1] {
			if ($1 == "step")
				peer[FILENAME, $2] = $3
			else if ($1 == "rss")
				peer[FILENAME, "rss"] = $2
			next
		}
		$1 == "fma" { fma = $2 }
		$1 == "step" { ms[$3] = $4; median[$3] = $5; gflop[$3] = $6 }
		$1 == "rss" { rss = $3 }
		function line(what) {
			row(what, ms[what], median[what], gflop[what], peer[ARGV[2], what],
				peer[ARGV[3], what], peer[ARGV[4], what])
		}
		END {
			for (i = 2; i <= 4; i++)
				peer[ARGV[i], "G"] = peer[ARGV[i], "D + G"] - peer[ARGV[i], "D"]
			ms["G"] = ms["D + G"] - ms["D"]
			median["G"] = median["D + G"] - median["D"]
			gflop["G"] = gflop["D + G"] - gflop["D"]
			printf "\n%-22s %10s %10s %9s %7s", name, "min ms", "median", "GFLOP/s", "% limit"
			if (with_torch)
				printf " %10s %6s %10s %6s %10s %6s", "torch ms", "ratio", "tuned ms", "ratio",
					"shared ms", "ratio"
			print ""
			line("D")
			line("G")
			line("D + G")
			line("translation")
			printf "%-22s %10d", "peak memory, MB", rss
			if (with_torch)
				printf " %39d %17d %17d", peer[ARGV[2], "rss"], peer[ARGV[3], "rss"],
					peer[ARGV[4], "rss"]
			print ""
		}
	' "$tmp/own" "$tmp/published" "$tmp/tuned" "$tmp/shared"
}

for ((i = 1; i <= $#; i += 3)); do
	size=("${@:i:3}")
	"$steps" -r "$runs" -v iclr "${size[@]}" >"$tmp/own"
	threads=$(awk -F '\t' '$1 == "cpu" { print $3 }' "$tmp/own")
	touch "$tmp/published" "$tmp/tuned" "$tmp/shared"
	if [ -n "$torch" ]; then
		peer=(bench/peer/lomit.py published "$threads" "$runs" "${size[@]}")
		"${peer[@]}" >"$tmp/published"
		tuned "${peer[@]}" >"$tmp/tuned"
		tuned bench/peer/lomit.py shared "$threads" "$runs" "${size[@]}" >"$tmp/shared"
	fi
	if ((i == 1)); then
		awk -F '\t' '$1 == "cpu" { printf "%s kernels, %d threads", $2, $3 }
			$1 == "fma" { printf "; limit: %.0f GFLOP/s\n", $2 }' "$tmp/own"
		echo "torch: ${torch:-not there ($python cannot import it); no peer in this run}"
	fi
	table "$(IFS=/ && echo "${size[*]}")"
done

# The least wall time of a command line, of 10.
wall() {
	for ((i = 0; i < 10; i++)); do
		start=$EPOCHREALTIME
		bash -c "$1"
		end=$EPOCHREALTIME
		echo $((${end/./} - ${start/./}))
	done | sort -n | awk -v "name=$2" 'NR == 1 { printf "%-48s %8.3f s\n", name, $1 / 1e6 }'
}

echo
"$bin/xl-synth" faces --count 2 --size 128 --quiet |
	"$bin/xl-train" lomit --batch 1 --iters 1 --out "$tmp/wide" --quiet
"$bin/xl-synth" faces --count 2 --size 178 --quiet |
	"$bin/xl-decode" --dir "$tmp" --quiet
set -- "$tmp"/*.png
pipe="'$bin/xl-encode' '$1' MODEL | '$bin/xl-hadain' --exemplar '$2' MODEL |
	'$bin/xl-decode' MODEL >'$tmp/out'"
wall "${pipe//MODEL/}" "cold pipe, default model"
wall "${pipe//MODEL/--model $tmp/wide}" "cold pipe, 128, width 64"
if [ -n "$torch" ]; then
	wall "bench/peer/lomit.py once 2 1 128 64 1" "one cold PyTorch process, 128, width 64"
fi
