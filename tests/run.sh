#!/usr/bin/env bash
# Runs every unit test and every command-line test; the last line counts them.
set -u
cd "$(dirname "$0")/.." || exit 1
export XL_BIN=${XL_BIN:-bin} XL_BUILD=${XL_BUILD:-build}
XL_BIN=$(realpath "$XL_BIN") XL_BUILD=$(realpath "$XL_BUILD")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

for t in "$XL_BUILD"/tests/test_*; do
	[ -x "$t" ] || continue
	case $t in *.d) continue ;; esac
	start=$(date +%s)
	"$t" >"$log" 2>&1
	status=$?
	p=$(grep -c '^\[       OK \]' "$log")
	f=$(grep -c '^\[  FAILED  \] [^0-9]' "$log")
	s=$(grep -c '^\[  SKIPPED \] [^0-9]' "$log")
	[ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-28s %4d passed %3d failed %3d skipped %4d s\n' \
		"$(basename "$t")" "$p" "$f" "$s" $(($(date +%s) - start))
	if [ "$f" -gt 0 ]; then cat "$log"; fi
done

for t in tests/*.bats; do
	[ -e "$t" ] || continue
	start=$(date +%s)
	bats --tap "$t" >"$log" 2>&1
	status=$?
	s=$(grep -c '^ok .* # skip' "$log")
	p=$(($(grep -c '^ok ' "$log") - s))
	f=$(grep -c '^not ok ' "$log")
	[ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-28s %4d passed %3d failed %3d skipped %4d s\n' \
		"$(basename "$t")" "$p" "$f" "$s" $(($(date +%s) - start))
	if [ "$f" -gt 0 ]; then cat "$log"; fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
