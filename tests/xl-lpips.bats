#!/usr/bin/env bats
# xl-lpips: which output is of which input, shapes of the output, hostile input. Weights
# are made ones, so that values are golden ones.

bats_require_minimum_version 1.5.0
load metrics_streams

setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR"
	"$XL_BUILD/tests/test_lpips" lpips-squeeze >"$BATS_FILE_TMPDIR/w"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	weights="$BATS_FILE_TMPDIR/w"
	export XDG_DATA_HOME="$BATS_TEST_TMPDIR"
}

lpips() { "$XL_BIN/xl-lpips" --net squeeze --weights "$weights" "$@"; }

# picture ID SEED: an image record of 24 x 24
picture() {
	bytes 1728 "(i * (17 + 6 * $2) + int(i / 24) * $2 * 31) % 256" >p.u1
	record image "$1" x '|u1' 3 24 24 p.u1
}

# golden_image ADD: the golden pictures of 64 x 64
golden_image() {
	awk -v add="$1" 'function differ(a, b,  r, k) {
			r = 0
			for (k = 1; k < 256; k *= 2)
				if (int(a / k) % 2 != int(b / k) % 2) r += k
			return r
		}
		BEGIN { for (c = 0; c < 3; c++) for (y = 0; y < 64; y++) for (x = 0; x < 64; x++) {
			p = 7 * x + 11 * y + 53 * c + 5 * (x * y % 17)
			p = (p + 9 * differ(int(x / 8), int(y / 8))) % 256
			if (add) p += 2 * ((5 * x + 3 * y + c) % 23)
			printf "\\x%02x", (p > 255 ? 255 : p)
		} }' >p.hex
	printf '%b' "$(cat p.hex)" >p.u1
	record image "$2" x '|u1' 3 64 64 p.u1
}

@test "help and version" {
	run -0 lpips --help
	[[ $output == "usage: xl-lpips [options] [INPUT] OUT"* ]]
	[ "$(wc -l <<<"$output")" -le 28 ]
	run -0 lpips --version
	[[ ${lines[0]} =~ ^xl-lpips\ [0-9] ]]
}

@test "golden values, and what it is called with weights of one's own" {
	golden_image 0 a.png >a
	golden_image 1 a+b.png >b
	run -0 lpips a b
	[[ ${lines[0]} =~ ^network\ lpips-squeeze\ [0-9a-f]{64}$ ]]
	near inputs 1
	near outputs 1
	awk -v d="$(value lpips_own_io)" 'BEGIN { exit !(d > 0.01186206 && d < 0.01186443) }'
	near lpips_own_io_sd 0
	[[ $output != *_oo* ]]
	run -0 lpips --unweighted a b
	awk -v d="$(value lpips_own_unweighted_io)" 'BEGIN { exit !(d > 0.22766 && d < 0.22771) }'
	run -0 lpips a a
	near lpips_own_io 0
}

@test "a picture file is the input of all" {
	picture a 1 | "$XL_BIN/xl-decode" -o a.png
	picture b 2 | "$XL_BIN/xl-decode" -o b.png
	run -0 lpips a.png b.png
	two=$(value lpips_own_io)
	near outputs 1
	{ picture b 2; picture c 3; } >o
	run -0 lpips a.png o
	near inputs 1
	near outputs 2
	near pairs 1
	run -0 lpips --each a.png o
	[ "${lines[0]}" = "lpips_own_io $two b" ]
}

@test "outputs are found by the names of their inputs" {
	{ picture a.png 1; picture a2.png 2; picture x+y.jpg 3; picture n.gz#7 4; picture last 5; } >i
	{ picture a+a2 2; picture a+last.png 3; picture a2#0 1; picture a2.png#1 4; picture x+y+a 1
		picture n#7+a 2; picture n.gz#7#3 3; } >o
	run -0 lpips --each i o
	near inputs 5
	near outputs 7
	near pairs 3
	near alone 1
	[ "$(grep -c '^lpips_own_io .* ' <<<"$output")" -eq 7 ]
	[[ $output == *"lpips_own_oo "*" a"$'\n'* && $output == *" a2"$'\n'* && $output == *" n#7"$'\n'* ]]
	run -0 lpips o
	near inputs 4
	near pairs 3
	[[ $output != *_io* ]]
}

@test "the name in meta goes first" {
	picture a 1 >i
	picture b 2 >b
	{ printf '\x85'; str8 meta; printf '\x81'; str8 input; str8 a.png; tail -c +2 b; } >o
	"$XL_BIN/xl-cat" o | grep -q 'input: a.png'
	run -0 lpips i o
	near outputs 1
}

@test "outputs in order" {
	{ picture a 1; picture b 2; } >i
	{ picture p 3; picture q 4; picture r 5; picture s 6; } >o
	run -1 lpips i o
	[[ $output == *"xl-lpips: o: record 0 (p): no input left in i that it is of"* ]]
	run -0 lpips --per 2 --each i o
	near inputs 2
	near pairs 2
	[[ ${lines[3]} == "lpips_own_io "*" r" && ${lines[4]} == "lpips_own_io "*" s" ]]
	run -1 lpips --per 3 i o
	[[ $output == *"xl-lpips: o: 1 output for 'b', not 3"* ]]
	run -1 lpips --per 1 i o
	[[ $output == *"o: record 2 (r): no input left in i that it is of"* ]]
	run -0 lpips --per 2 o
	near pairs 2
	near inputs 2
}

@test "means are over outputs, and over inputs" {
	{ picture a 1; picture b 2; } >i
	{ picture a+1 3; picture a+2 4; picture a+3 5; picture b+1 6; picture b+2 7; } >o
	run -0 lpips --each i o
	awk '$1 ~ /_io$/ && NF == 3 { s += $2; n++ } $1 ~ /_oo$/ && NF == 3 { t += $2; m++ }
		$1 ~ /_io$/ && NF == 2 { io = $2 } $1 ~ /_oo$/ && NF == 2 { oo = $2 }
		function near(a, b) { return a - b < 1e-8 && b - a < 1e-8 }
		END { exit !(n == 5 && m == 2 && near(io, s / n) && near(oo, t / m)) }' <<<"$output"
	near pairs 4
	near alone 0
}

@test "random pairs, the same for the same seed" {
	for k in 1 2 3 4 5 6; do picture "r$k" $k; done >o
	run -0 lpips --all o
	near pairs 15
	run -0 lpips --all --pairs 4 --seed 1 o
	near pairs 4
	near inputs 1
	one=$output
	run -0 lpips --all --pairs 4 --seed 1 --threads 3 o
	[ "$one" = "$output" ]
	run -0 lpips --all --pairs 4 --seed 2 o
	[ "$one" != "$output" ]
	run -0 lpips --all --pairs 99 o
	near pairs 15
	awk -v sd="$(value lpips_own_oo_sd)" 'BEGIN { exit !(sd > 0) }'
}

@test "the spread of one input's pairs, wherever a lone output stands" {
	for k in 1 2 3; do picture "a+$k" $k; done >three
	picture b+1 6 >alone
	cat three alone >before
	cat alone three >after
	run -0 lpips before
	sd=$(value lpips_own_oo_sd)
	awk -v sd="$sd" 'BEGIN { exit !(sd > 0) }'
	run -0 lpips after
	[ "$(value lpips_own_oo_sd)" = "$sd" ]
}

@test "JSON" {
	picture a 1 >i
	{ picture a+1 3; picture a+2 4; } >o
	run -0 lpips --each --json --seed 3 i o
	[ "${#lines[@]}" -eq 4 ]
	jq -e '.record == 1 and .id == "a+2" and .lpips_own_io > 0' <<<"${lines[1]}"
	jq -e '.record == 0 and .id == "a" and .lpips_own_oo > 0' <<<"${lines[2]}"
	jq -e '.metric == "lpips_own" and .inputs == 1 and .outputs == 2 and .skipped == 0
		and .pairs == 1 and .input == "i" and .out == "o" and .lpips_own_oo > 0
		and .settings.network == "lpips-squeeze" and .settings.published == false
		and .settings.heads == "own" and .settings.seed == 3 and .settings.size == "24x24"
		and (.settings.network_digest | length) == 64
		and (.digests.input | length) == 64 and .digests.input != .digests.out' \
		<<<"${lines[3]}"
}

@test "no weights: how to get them" {
	picture a 1 >i
	run -1 "$XL_BIN/xl-lpips" i i
	[ "$output" = "xl-lpips: no weights of lpips-alex: make them by 'xl-convert --as lpips-alex alexnet-owt-7be5be79.pth alex.pth lpips-alex.msgpack', see xl-convert(1), and put them into ~/.local/share/xl or name the file" ]
	mkdir xl
	cp "$weights" xl/lpips-squeeze.msgpack
	run -0 "$XL_BIN/xl-lpips" --net squeeze i i
	run -1 "$XL_BIN/xl-lpips" --weights "$weights" i i
	[ "$output" = "xl-lpips: $weights: weights of 'lpips-squeeze', not 'lpips-alex'" ]
	model=$BATS_TEST_DIRNAME/../models/default.msgpack
	run -1 "$XL_BIN/xl-lpips" --weights "$model" i i
	[ "$output" = "xl-lpips: $model: not weights of lpips-alex (a model of lomit)" ]
	run -1 lpips --weights nowhere i i
	[[ $output == "xl-lpips: nowhere: "* ]]
	head -c 5000 "$weights" >cut
	run -1 lpips --weights cut i i
	[[ $output == "xl-lpips: cut: "* ]]
}

@test "other sizes and what is no image are named, the rest is measured" {
	picture a 1 >i
	bytes 108 'i * 2' >q.u1
	{ picture a+1 2; record image a+2 x '|u1' 3 6 6 q.u1; record image a+3 x '|u1' 1 2 54 q.u1
		picture a+4 5; } >o
	run -1 lpips i o
	[[ $output == *"xl-lpips: o: record 1 (a+2): image is 6x6, others of 'a' are 24x24"* ]]
	[[ $output == *"xl-lpips: o: record 2 (a+3): x is (1,2,54) |u1, an image has 3 channels"* ]]
	near outputs 2
	near skipped 2
	near pairs 1
	record image a x '|u1' 1 2 54 q.u1 >i
	run -1 lpips i o
	near skipped 3
	near pairs 1
	[[ $output != *_io* ]]
	bytes 12 'i * 2' >p.u1
	record image a x '|u1' 3 2 2 p.u1 >o
	run -1 lpips o o
	[[ $output == *"xl-lpips: outputs of 'a': lpips-squeeze: "* ]]
	near outputs 0
	near skipped 1
}

@test "empty, truncated and random streams, missing files" {
	picture a 1 >i
	: >empty
	run -1 --separate-stderr lpips i empty
	[ "$stderr" = "xl-lpips: empty: holds no pictures" ]
	[ -z "$output" ]
	run -1 lpips --json - </dev/null
	[ "$output" = "xl-lpips: stdin: holds no pictures" ]
	run -1 --separate-stderr lpips i
	[ "$stderr" = "xl-lpips: i: no input has two outputs, so there is nothing to compare" ]
	[ -z "$output" ]
	head -c 500 i >cut
	run -1 --separate-stderr lpips i cut
	[[ $stderr == "xl-lpips: cut: record 0"* ]]
	[ -z "$output" ]
	run -1 lpips "$weights" i
	[ "$output" = "xl-lpips: $weights: record 0 (model): a model record, neither image nor code" ]
	bytes 999 '(i * 7919 + int(i / 3)) % 256' >noise
	run -1 lpips i noise
	[[ $output == "xl-lpips: noise: "* ]]
	run -1 lpips nowhere i
	[[ $output == "xl-lpips: nowhere: "* ]]
}

@test "wrong usage" {
	picture a 1 >i
	run -2 lpips
	[ "${lines[0]}" = "xl-lpips: needs the outputs, OUT, and before them inputs if any; 0 given" ]
	run -2 lpips i i i
	run -2 lpips --per 1 --all i
	[ "${lines[0]}" = "xl-lpips: --per and --all exclude each other" ]
	run -2 lpips - - <i
	[ "${lines[0]}" = "xl-lpips: only one of the streams can be stdin" ]
	run -2 lpips --net resnet i
	run -2 script -qec "'$XL_BIN/xl-lpips' -" /dev/null
	[[ $output == *"terminal"* ]]
}

@test "a full disk and a closed pipe" {
	picture a 1 >i
	run -1 bash -c "'$XL_BIN/xl-lpips' --net squeeze --weights '$weights' i i >/dev/full"
	[[ $output == "xl-lpips: "* ]]
	{ sleep 0.2; st=0; lpips --each i i 2>err || st=$?; echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}
