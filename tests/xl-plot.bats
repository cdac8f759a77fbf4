#!/usr/bin/env bats
# xl-plot: pictures of logs, hostile logs, and manners of a tool that makes one
# picture.
# shellcheck disable=SC2154  # stderr and lines are set by bats
# shellcheck disable=SC2016  # expanded by the inner shell

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	plot="$XL_BIN/xl-plot"
	command -v gnuplot >/dev/null || skip "gnuplot is missing"
	awk 'BEGIN {
		print "{\"tool\":\"xl-train\",\"version\":\"0.1.0\",\"hyper\":{\"size\":32}}"
		for (i = 1; i <= 100; i++)
			printf "{\"step\":%d,\"time\":\"t\",\"images_per_s\":9,\"D.adv\":%g,\"G.cycle\":%g}\n",
				10 * i, sin(i / 9), 100 / i
		print "{\"end\":\"done\",\"step\":1000}"
	}' >a.jsonl
}

# size PNG: WIDTHxHEIGHT, from its header
size() { od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8 }'; }

@test "help and version" {
	run -0 "$plot" --help
	[[ $output == "usage: xl-plot [options] log..."* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	run -0 "$plot" --version
	[[ ${lines[0]} =~ ^xl-plot\ [0-9] ]]
}

@test "PNG and SVG by ending, PNG on standard output" {
	run -0 "$plot" a.jsonl -o a.png --width 640 --height 300
	[ -z "$output" ]
	[ "$(size a.png)" = 640x300 ]
	"$plot" --width 640 --height 300 a.jsonl >b.png
	[ "$(size b.png)" = 640x300 ]
	"$plot" a.jsonl -o a.svg
	grep -q 'D by step' a.svg
	grep -q 'G.cycle' a.svg
	"$plot" a.jsonl -o A.SVG
	cmp a.svg A.SVG
	for name in svg .svg a.svg/; do
		run -2 "$plot" a.jsonl -o "$name"
		[ "${lines[0]}" = "xl-plot: --out: '$name' ends neither in .png nor in .svg" ]
	done
	run -2 "$plot" a.jsonl -o a.pdf
	[ "${lines[0]}" = "xl-plot: --out: 'a.pdf' ends neither in .png nor in .svg" ]
}

@test "a panel for each prefix, keys by choice" {
	"$plot" a.jsonl -o a.svg --keys G.
	run -1 grep -q 'D.adv' a.svg
	"$plot" a.jsonl -o a.svg --keys images_per_s,D.adv --smooth 5 --log-scale
	grep -q 'other by step' a.svg
	run -2 "$plot" a.jsonl -o b.svg --keys E.
	[ "${lines[0]}" = "xl-plot: --keys: there is no 'E.'; there are images_per_s, D.adv, G.cycle" ]
	[ ! -e b.svg ]
}

@test "several logs in one picture" {
	cp a.jsonl b.jsonl
	"$plot" a.jsonl b.jsonl -o a.svg
	grep -q 'D.adv  b.jsonl' a.svg
	"$plot" - -o c.svg <a.jsonl
	grep -q 'D.adv' c.svg
}

@test "a hostile log is one clear line" {
	echo '<html>' >h.jsonl
	head -c 3000 /dev/urandom >r.jsonl
	run -1 "$plot" h.jsonl -o h.png
	[ "${lines[0]}" = "xl-plot: h.jsonl: line 1: not JSON (at byte 0)" ]
	[ ! -e h.png ]
	run -1 "$plot" r.jsonl a.jsonl gone.jsonl -o h.png
	[[ ${lines[0]} == "xl-plot: r.jsonl: line 1"* ]]
	[ "${lines[1]}" = "xl-plot: gone.jsonl: no such file or directory" ]
	[ "${lines[2]}" = "xl-plot: 2 inputs failed" ]
	[ "${#lines[@]}" -eq 3 ]
	[ -e h.png ]
}

@test "broken lines are left out, and said once" {
	{
		sed 4q a.jsonl
		echo '{"step":40,"D.adv":}'
		sed -n '5,$p' a.jsonl
	} >e.jsonl
	run -0 "$plot" e.jsonl -o e.svg
	[ "$output" = "xl-plot: e.jsonl: line 5: not JSON (at byte 19); it is left out" ]
	"$plot" a.jsonl -o a.svg
	cmp <(grep '<path' a.svg) <(grep '<path' e.svg)
	printf '{"st\n\0\0\0' >>e.jsonl
	sed -n '5,$p' a.jsonl >>e.jsonl
	run -0 "$plot" e.jsonl -o e.svg
	[ "$output" = "xl-plot: e.jsonl: line 5: not JSON (at byte 19); 3 such lines are left out" ]
}

@test "a log of one step shows a point in every panel" {
	sed 2q a.jsonl >one.jsonl
	"$plot" one.jsonl -o one.svg
	"$plot" a.jsonl -o a.svg
	# in each panel the point, and one in its key
	[ "$(grep -c gpPt one.svg)" -eq $(($(grep -c gpPt a.svg) + 2 * 2)) ]
}

@test "what cannot be written leaves the old picture as it was" {
	ln -s /dev/full full.png
	run -1 "$plot" -o full.png a.jsonl
	[ "$output" = "xl-plot: full.png: cannot write: no space left on device" ]
	"$plot" -o good.png a.jsonl
	cp a.jsonl log.png
	cp a.jsonl log.copy
	run -2 "$plot" -o ./log.png a.jsonl log.png
	[ "$output" = "xl-plot: ./log.png: is an input, and would be written over" ]
	cmp log.png log.copy
	cp good.png copy.png
	mkdir no
	printf '#!/bin/sh\nexit 0\n' >no/gnuplot
	chmod +x no/gnuplot
	run -1 env PATH="$PWD/no:$PATH" "$plot" -o good.png a.jsonl
	[ "$output" = "xl-plot: gnuplot: it failed without saying why" ]
	cmp good.png copy.png
	[ -z "$(find . -name '*.tmp')" ]
}

@test "gnuplot meets the limits that were set for it" {
	mkdir own
	printf '#!/bin/sh\ngrep SigIgn /proc/self/status >seen\n' >own/gnuplot
	chmod +x own/gnuplot
	run -1 env PATH="$PWD/own:$PATH" "$plot" -o a.png a.jsonl
	# bit 24 is SIGXFSZ
	ignored=$(awk '{ print $2 }' seen)
	[ -n "$ignored" ]
	[ $((16#$ignored >> 24 & 1)) -eq 0 ]
}

@test "names in a log are text to gnuplot" {
	printf '%s\n' '{"tool":"x"}' \
		'{"step":1,"D.`touch one`'"'"'\nsystem(\"touch two\")\n$(touch three)":1}' \
		'{"step":2,"D.`touch one`'"'"'\nsystem(\"touch two\")\n$(touch three)":2}' >n.jsonl
	mv n.jsonl 'n`touch four`.jsonl'
	run -0 "$plot" n*.jsonl -o n.svg
	[ ! -e one ] && [ ! -e two ] && [ ! -e three ] && [ ! -e four ]
}

@test "the log of a run that goes on" {
	head -c -40 a.jsonl | head -c -20 >cut.jsonl
	run -0 "$plot" cut.jsonl -o cut.png
	[ "$output" = "xl-plot: cut.jsonl: its last line is cut short and left out" ]
	run -1 "$plot" -o none.png /dev/null
	[ "${lines[0]}" = "xl-plot: /dev/null: has no steps yet" ]
}

@test "without gnuplot the package is named, and no file is left" {
	mkdir no
	run -1 env PATH="$PWD/no" "$plot" a.jsonl -o x.png
	[ "${lines[0]}" = "xl-plot: gnuplot is missing; it is in the package gnuplot-nox" ]
	[ -z "$(find . -name '*x.png*')" ]
}

@test "what gnuplot cannot draw is said" {
	printf '%s\n' '{"tool":"x"}' '{"step":1,"D.a":-1}' '{"step":2,"D.a":-2}' >minus.jsonl
	run -1 "$plot" --log-scale minus.jsonl -o x.png
	[ "${lines[0]}" = "xl-plot: gnuplot: all points y value undefined!" ]
	[ -z "$(find . -name '*x.png*')" ]
}

@test "at a terminal, a full disk, a closed pipe, wrong usage" {
	run -0 script -qec "$plot a.jsonl" /dev/null
	[[ $output == "xl-plot: wrote plot.png"* ]]
	[ -s plot.png ]
	run -1 bash -c '"$1" a.jsonl >/dev/full' - "$plot"
	[[ $output == "xl-plot: stdout: cannot write: no space left on device"* ]]
	run -1 bash -c '"$1" a.jsonl >&-' - "$plot"
	[[ $output == "xl-plot: stdout: cannot write: bad file descriptor"* ]]
	run -141 bash -c 'trap "" PIPE; "$1" a.jsonl | true; exit "${PIPESTATUS[0]}"' - "$plot"
	run -2 "$plot"
	[ "${lines[0]}" = "xl-plot: no logs named" ]
	run -2 "$plot" --smooth 0 a.jsonl
	[[ ${lines[0]} == "xl-plot: --smooth: '0' is not a whole number from 1 to "* ]]
}

@test "examples of the page" {
	cp a.jsonl lomit.jsonl
	cp a.jsonl other.jsonl
	"$plot" lomit.jsonl -o losses.png
	"$plot" --keys D.adv,G.cycle --smooth 25 lomit.jsonl other.jsonl -o compare.svg
	"$plot" - --log-scale --keys G. <lomit.jsonl >now.png
	[ -s losses.png ] && [ -s compare.svg ] && [ -s now.png ]
}
