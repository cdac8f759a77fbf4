#!/usr/bin/env bats
# xl-tsne: layouts, groups, pictures, hostile input.

bats_require_minimum_version 1.5.0
load metrics_streams

# cluster NAME LEVEL COUNT FIRST: records of 2x2 pixels around a grey level
cluster() {
	local i
	for ((i = 0; i < $3; i++)); do
		bytes 12 "$2 + (i * 7 + $((i + $4)) * 13) % 9" >x.u1
		record image "$1-$i" x '|u1' 3 2 2 x.u1
	done
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	cluster dark 20 8 0 >dark.msgpack
	cluster light 200 9 5 >light.msgpack
	"$XL_BIN/xl-synth" faces --count 12 --size 16 -q --domain-by Smiling >faces.msgpack
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BATS_FILE_TMPDIR"/*.msgpack .
	PATH=$XL_BIN:$PATH
}

@test "help and version" {
	run -0 xl-tsne --help
	[[ $output == "usage: xl-tsne [options] [FILE...]"* ]]
	run -0 xl-tsne --version
	[[ ${lines[0]} =~ ^xl-tsne\ [0-9] ]]
}

@test "two clusters come apart, and each stream is a group" {
	run -0 xl-tsne --json dark.msgpack light.msgpack
	jq -e '.metric == "tsne" and .points == 17 and .numbers == 12 and .agreement == 1
		and .kl > 0 and .kl < 0.7 and .skipped == 0 and .settings.perplexity == 5
		and .settings.rate == 50 and .settings.theta == 0 and .settings.components == 0
		and .groups == {"dark.msgpack": 8, "light.msgpack": 9}
		and (.digest | length) == 64' <<<"$output"
	run -0 xl-tsne dark.msgpack light.msgpack
	[ "$(value points)" = 17 ]
	near agreement 1
	run -0 bash -c 'cat dark.msgpack light.msgpack | xl-tsne'
	[ "$(value points)" = 17 ]
	[[ $output != *agreement* ]]
}

@test "each point, as text and as JSON" {
	run -0 xl-tsne --each dark.msgpack light.msgpack
	[ "${#lines[@]}" = 21 ]
	[[ ${lines[8]} =~ ^y\ -?[0-9.e-]+\ -?[0-9.e-]+\ light.msgpack\ light-0$ ]]
	run -0 xl-tsne --each --json dark.msgpack light.msgpack
	[ "${#lines[@]}" = 18 ]
	jq -e '.record == 8 and .id == "light-0" and .group == "light.msgpack"
		and (.y0 | type) == "number" and length == 5' <<<"${lines[8]}"
	jq -es '(map(.y0 // 0) | add | fabs) < 1e-6' <<<"$output"
}

@test "the same bits for any number of threads; another start, another layout" {
	for theta in 0 0.5; do
		xl-tsne --each --theta $theta --threads 1 dark.msgpack light.msgpack >1
		xl-tsne --each --theta $theta --threads 3 dark.msgpack light.msgpack >3
		cmp 1 3
	done
	xl-tsne --each --init random --seed 1 --theta 0.5 dark.msgpack light.msgpack >3
	run ! cmp -s 1 3
	run cat 3
	near agreement 1
}

@test "groups: domains by themselves, labels when asked for" {
	run -0 xl-tsne --json faces.msgpack
	jq -e '.groups | keys == ["domain=A", "domain=B"] and add == 12' <<<"$output"
	run -0 xl-tsne --json --by Male faces.msgpack
	jq -e '.groups | keys == ["Male=0", "Male=1"] and add == 12' <<<"$output"
	run -0 xl-tsne --json --by file faces.msgpack
	jq -e '.groups == {"faces.msgpack": 12} and .agreement == null' <<<"$output"
	run -2 xl-tsne --by Hat faces.msgpack
	[[ ${lines[0]} == "xl-tsne: --by: faces.msgpack: record 0 "*"has no attribute 'Hat'"* ]]
	[ "${lines[1]}" = "try 'xl-tsne --help'" ] && [ "${#lines[@]}" = 2 ]
	run -2 xl-tsne --by Male,Young nowhere
	[ "${lines[0]}" = "xl-tsne: --by: 'Male,Young' is more than one label" ]
}

@test "any tensor; components of many numbers" {
	run -0 xl-tsne --json --tensor y faces.msgpack
	jq -e '.numbers == 40 and .settings.tensor == "y" and .settings.components == 0' <<<"$output"
	run -0 xl-tsne --json --components 5 --tensor m_true faces.msgpack
	jq -e '.numbers == 256 and .settings.components == 5' <<<"$output"
	run -1 xl-tsne --tensor c faces.msgpack
	[ "$output" = "xl-tsne: faces.msgpack: record 0 (face-000000.png): has no tensor 'c'" ]
	run -1 xl-tsne "$BATS_TEST_DIRNAME/../models/default.msgpack"
	[[ $output == "xl-tsne: "*"default.msgpack: record 0 (model): has no tensor 'x'" ]]
}

@test "a picture" {
	run -0 xl-tsne -o map.png dark.msgpack light.msgpack
	[[ $(file map.png) == *"PNG image data, 1000 x 1024, 8-bit/color RGB"* ]]
	run -0 xl-tsne -o one.png dark.msgpack
	[[ $(file one.png) == *"1000 x 1000"* ]]
	for name in map.jpg map .png; do
		run -2 xl-tsne -o "$name" dark.msgpack light.msgpack
		[[ $output == "xl-tsne: --out: '$name' ends neither in .png nor in .svg"* ]]
	done
	run -2 xl-tsne --theta -0.5 dark.msgpack
	[[ $output == "xl-tsne: --theta: '-0.5' is not a number from 0 to 1, or -1"* ]]
	run -0 xl-tsne -o map.svg dark.msgpack light.msgpack
	run -0 xl-tsne -o map.SVG dark.msgpack light.msgpack
	cmp map.svg map.SVG
	[ "$(grep -c '<circle' map.svg)" = 9 ] # and one in the legend
	[ "$(grep -c '<path' map.svg)" = 10 ]
	grep -q '>light.msgpack</text>' map.svg
	cp dark.msgpack '<&>'
	run -0 xl-tsne -o odd.svg '<&>' light.msgpack
	grep -q '>&#60;&#38;&#62;</text>' odd.svg
	cp dark.msgpack dark.png
	ln -s dark.png link.png
	for name in dark.png ./dark.png link.png; do
		run -2 xl-tsne -o $name light.msgpack dark.png
		[ "$output" = "xl-tsne: $name: is an input, and would be written over" ]
	done
	run -2 xl-tsne -o dark.png <dark.png
	[ "$output" = "xl-tsne: dark.png: is an input, and would be written over" ]
	cmp dark.png dark.msgpack
	# what cannot be written is found before the layout
	run -1 xl-tsne -o nowhere/map.png dark.msgpack
	[ "$output" = "xl-tsne: nowhere/map.png: cannot write: no such file or directory" ]
	mkdir folder.png
	run -2 xl-tsne -o folder.png dark.msgpack
	[ "$output" = "xl-tsne: folder.png: is a folder, not a file" ]
}

@test "too little, and all the same" {
	: >nothing
	run -1 xl-tsne nothing
	[ "$output" = "xl-tsne: no records, so no layout" ]
	xl-cat --records 0:3 dark.msgpack >three
	run -1 xl-tsne three
	[ "$output" = "xl-tsne: 3 points; a layout takes 4 at least" ]
	xl-cat --records 0:1 dark.msgpack >one
	cat one one one one one >same
	run -1 xl-tsne same
	[ "$output" = "xl-tsne: all 5 points are the same" ]
	cat one one dark.msgpack >some
	run -0 xl-tsne some
	[ "$(value points)" = 10 ]
}

@test "what does not fit is named, the rest laid out" {
	bytes 27 100 >wide.u1
	record image wide x '|u1' 3 3 3 wide.u1 >wide
	floats 7fc00000 12 >nan.f4
	record features nan f '<f4' 12 1 1 nan.f4 >nan
	bytes 9 100 >mask.u1
	record image bare m_true '|u1' 1 3 3 mask.u1 >bare
	cat dark.msgpack wide nan bare light.msgpack >mixed
	run -1 --separate-stderr xl-tsne mixed
	[[ ${stderr_lines[0]} == "xl-tsne: mixed: record 8 (wide): has 27 numbers, the first 12" ]]
	[[ ${stderr_lines[1]} == "xl-tsne: mixed: record 9 (nan): holds values that are not finite" ]]
	[[ ${stderr_lines[2]} == "xl-tsne: mixed: record 10 (bare): has no tensor 'x'" ]]
	near points 17
}

@test "broken streams, missing files, wrong usage" {
	head -c $(($(stat -Lc %s dark.msgpack) - 9)) dark.msgpack >cut
	run -1 --separate-stderr xl-tsne cut
	[[ $stderr == "xl-tsne: cut: record "* ]]
	[ -n "$output" ]
	bytes 999 '(i * 7919 + int(i / 3)) % 256' >noise
	run -1 xl-tsne noise
	[[ $output == "xl-tsne: noise: "* ]]
	run -1 xl-tsne nowhere
	[[ $output == "xl-tsne: nowhere: cannot open"* ]]
	run -2 xl-tsne - -
	run -2 xl-tsne --perplexity 0.5 dark.msgpack
	run -2 xl-tsne --init best dark.msgpack
	run -2 xl-tsne -o - dark.msgpack
	[[ ${lines[0]} == "xl-tsne: --out: the picture is a file; standard output has the results" ]]
	run -2 script -qec xl-tsne /dev/null
	[[ $output == *"terminal"* ]]
	for ((i = 0; i < 21; i++)); do ln -s light.msgpack "l$i"; done
	run -2 xl-tsne l*
	[[ ${lines[0]} == "xl-tsne: more than 20 groups; --by chooses what groups are" ]]
}

@test "a full disk and a closed pipe" {
	run -1 bash -c "xl-tsne dark.msgpack >/dev/full"
	[[ $output == "xl-tsne: "* ]]
	{ sleep 0.2; st=0; xl-tsne --each dark.msgpack 2>err || st=$?; echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}

@test "the examples of the page run" {
	page="$BATS_TEST_DIRNAME/../man/xl-tsne.1"
	cat dark.msgpack light.msgpack >real.msgpack
	cp light.msgpack translated.msgpack
	xl-encode --model "$BATS_TEST_DIRNAME/../models/default.msgpack" <faces.msgpack >codes.msgpack
	xl-classify --train -q --size 16 --width 1 --batch 4 --iters 2 --held-out 0 \
		--attributes domain --out classifier.msgpack faces.msgpack
	sed -n '/^.Sh EXAMPLES/,/^.Sh DIAGNOSTICS/s/^\.Dl //p' "$page" |
		sed 's/\\e/\\/g; s/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 4 ]
	while read -r line; do
		run -0 env PATH="$XL_BIN:$PATH" bash -c "set -o pipefail; $line"
	done <examples
	[ "$(wc -l <map.jsonl)" = 13 ]
	[ -s map.png ]
}
