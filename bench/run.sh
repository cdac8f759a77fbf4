#!/usr/bin/env bash
# Times the kernels, and PyTorch's convolutions beside them where it is there.
#
#   XL_BUILD=build bench/run.sh [SIZE WIDTH BATCH]...
#
# RUNS (10) is the least number of runs of each, PYTHON (/usr/bin/python3) the
# Python that may have torch. XL_THREADS applies to both, XL_CPU and XL_WINOGRAD to
# ours.
# Rates, shares of the limit and ratios are those of the fastest runs: on a shared
# machine the median tells more of the neighbours, and is shown to tell of them.
# Even so machines move by tens of percent: compare within one run, never two.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${XL_BUILD:-build}/bench/bench
runs=${RUNS:-10}
python=${PYTHON:-/usr/bin/python3}
times=$(mktemp)
peer=$(mktemp)
tuned=$(mktemp)
trap 'rm -f "$times" "$peer" "$tuned"' EXIT

"$bench" -r "$runs" "$@" >"$times"
threads=$(awk -F '\t' '$1 == "cpu" { print $3 }' "$times")

torch=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || true)
if [ -n "$torch" ]; then
	bench/peer/conv.py "$threads" "$runs" <"$times" >"$peer"
	MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=4000000000 \
		MALLOC_TOP_PAD_=268435456 \
		bench/peer/conv.py "$threads" "$runs" <"$times" >"$tuned"
	echo "torch: PyTorch $torch, $threads threads; tuned: the same with a malloc that keeps" \
		"its memory; ratios of the fastest runs, above 1 where ours is faster"
else
	echo "torch: not there ($python cannot import it); no peer in this run"
fi

# Columns of each conv line after our own: torch's minimum and median, tuned's.
awk -F '\t' -v with_torch="${torch:+1}" -v tuned="$tuned" '
	function rule(  i) {
		for (i = 0; i < (with_torch ? 117 : 79); i++)
			printf "-"
		print ""
	}
	function heading() {
		printf "\n%-30s %-6s %9s %9s %9s %7s", $2, "", "min ms", "median", unit, "% limit"
		if (with_torch && $1 == "conv")
			printf " %9s %7s %9s %7s", "torch ms", "ratio", "tuned ms", "ratio"
		print ""
		rule()
	}
	{
		if (with_torch) {
			getline other <tuned # line by line the same as the main input
			split(other, t, "\t")
		}
	}
	$1 == "cpu" { printf "%s kernels, %d threads", $2, $3 }
	$1 == "fma" { fma = $3; printf "; limits: %.0f GFLOP/s (%.0f on one thread)", $3, $2 }
	$1 == "triad" { triad = $2; printf ", %.0f GB/s beyond the caches\n", $2 }
	$1 == "conv" || $1 == "memory" {
		unit = $1 == "conv" ? "GFLOP/s" : "GB/s"
		if ($1 FS $2 != group) {
			group = $1 FS $2
			heading()
		}
		rate = $8 / $6 * 1e3
		rows++
		busy += $7 > 1.5 * $6 || (with_torch && $1 == "conv" && $10 > 1.5 * $9)
		printf "%-30s %-6s %9.4f %9.4f %9.1f %6.0f%%", $3, $4 == "-" ? "" : $4, $6, $7, rate,
			100 * rate / ($1 == "conv" ? fma : triad)
		if (with_torch && $1 == "conv")
			printf " %9.4f %7.2f %9.4f %7.2f", $9, $9 / $6, t[9], t[9] / $6
		print ""
	}
	$1 == "rss" { printf "\npeak memory of the benchmark: %d MB\n", $2 }
	END {
		if (busy > rows / 10)
			printf "in %d of %d rows a median is far above its minimum: others used this " \
				"machine, do not trust the ratios\n", busy, rows
	}
' "$([ -n "$torch" ] && echo "$peer" || echo "$times")"
