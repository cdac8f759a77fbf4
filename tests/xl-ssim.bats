#!/usr/bin/env bats
# xl-ssim: values against golden ones, shapes of the output, hostile input.

bats_require_minimum_version 1.5.0
load metrics_streams

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ssim="$XL_BIN/xl-ssim"
}

# The golden pictures of 16 x 16: a.u1, b.u1; and the disc that is the mask.
golden() {
	local p='(17 * (i % 16) + 31 * int(i / 16) + 13 * ((i % 16) * int(i / 16) % 7)) % 256'
	local d='4 * ((7 * (i % 16) + 3 * int(i / 16)) % 11 - 5)'
	local r='((i - i % 16) + (i + 15) % 16)'
	bytes 256 "$p" >a0
	bytes 256 "min(255, max(0, $p + $d))" >b0
	bytes 256 "3 * ($p) % 256" >a1
	bytes 256 "3 * min(255, max(0, $p + $d)) % 256" >b1
	bytes 256 "255 - $p" >a2
	# Rolled right by one column: the value at the column before.
	local pr=${p//i/j} dr=${d//i/j}
	pr=${pr//jnt/int} dr=${dr//jnt/int}
	bytes 256 "255 + 0 * (j = $r) - min(255, max(0, $pr + $dr))" >b2
	cat a0 a1 a2 >a.u1
	cat b0 b1 b2 >b.u1
	bytes 256 '((i % 16 - 8) ^ 2 + (int(i / 16) - 8) ^ 2 < 16) * 255' >disc.u1
	record image a.png x '|u1' 3 16 16 a.u1 >a
	record image b.png x '|u1' 3 16 16 b.u1 >b
	record image a.png x '|u1' 3 16 16 a.u1 m_true '|u1' 1 16 16 disc.u1 >am
}

# flat NAME BYTE: a picture of one value
flat() {
	bytes 768 "$2" >"$1.u1"
	record image "$1" x '|u1' 3 16 16 "$1.u1" >"$1"
}

@test "help and version" {
	run -0 "$ssim" --help
	[[ $output == "usage: xl-ssim [options] TRUTH OUT"* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	run -0 "$ssim" --version
	[[ ${lines[0]} =~ ^xl-ssim\ [0-9] ]]
}

@test "golden values of a colour picture" {
	golden
	run -0 "$ssim" a b
	near records 1
	near ssim_uniform7 0.5950344020438691
	near ssim_gauss11 0.5596085051067806
	near ssim_uniform7_sd 0
	[[ $output != *mae_inside* ]]
	run -0 "$ssim" a a
	near ssim_uniform7 1
	near mae 0
	[ "$(value psnr)" = inf ]
	near identical 1
}

@test "golden errors inside and outside the mask" {
	golden
	cat a0 a0 a0 >a.u1
	cat b0 b0 b0 >b.u1
	record image a x '|u1' 3 16 16 a.u1 m_true '|u1' 1 16 16 disc.u1 >a
	record code b x '|u1' 3 16 16 b.u1 >b
	run -0 "$ssim" a b
	near ssim_uniform7 0.9855601346261618
	near ssim_gauss11 0.9808431922166384
	near psnr 26.27193074824131
	near mae 0.041666666666666664
	near mae_inside 0.04217864923747277
	near mae_outside 0.041557476071000065
	near masked 1
	run -0 "$ssim" --luma a b
	near ssim_uniform7 0.9855601346261618
}

@test "out goes before x, and floats are -1..1" {
	golden
	floats 3f800000 768 >one.f4
	flat white 255
	record code b x '|u1' 3 16 16 b.u1 out '<f4' 3 16 16 one.f4 >b
	run -0 "$ssim" white b
	near mae 0
}

@test "means are over records, masks pool over pixels by coverage" {
	flat black 0
	flat grey 51
	flat white 255
	bytes 256 51 >fifth.u1
	bytes 256 255 >all.u1
	record image 1 x '|u1' 3 16 16 black.u1 m_true '|u1' 1 16 16 fifth.u1 >t
	record image 2 x '|u1' 3 16 16 black.u1 m_true '|u1' 1 16 16 all.u1 >>t
	cat white grey >o
	run -0 "$ssim" t o
	near records 2
	near mae 0.6
	near mae_inside 0.33333333333
	near mae_outside 1
	near psnr 6.989700043
}

@test "records without a mask count for the rest only" {
	flat black 0
	flat grey 51
	flat white 255
	bytes 256 255 >all.u1
	{ record image 1 x '|u1' 3 16 16 black.u1 m_true '|u1' 1 16 16 all.u1; cat black; } >t
	cat grey white >o
	run -0 "$ssim" t o
	near records 2
	near masked 1
	near mae 0.6
	near mae_inside 0.2
	[ "$(value mae_outside)" = nan ]
}

@test "a named mask of lower resolution is enlarged, and must be there" {
	flat grey 51
	flat black 0
	floats 3e800000 4 >quarter.f4
	record code c x '|u1' 3 16 16 black.u1 m '<f4' 1 2 2 quarter.f4 >t
	run -0 "$ssim" --mask m t grey
	near mae_inside 0.2
	run -1 "$ssim" --mask q t grey
	[ "$output" = "xl-ssim: t: record 0 (c): has no tensor 'q'" ]
}

@test "doing nothing and change" {
	flat black 0
	flat grey 51
	flat white 255
	bytes 256 'i < 128 ? 255 : 0' >top.u1
	record image t x '|u1' 3 16 16 black.u1 m_true '|u1' 1 16 16 top.u1 >t
	run -0 "$ssim" --input white t grey
	near mae 0.2
	near mae_input 1
	near mae_inside_input 1
	near mae_outside_input 1
	near change 0.8
	near change_inside 0.8
	near change_outside 0.8
	[[ $output == *ssim_uniform7_input* ]]
	run -0 "$ssim" --input - t grey <white
	near change 0.8
}

@test "against the exemplars, alone and with inputs" {
	flat black 0
	flat grey 51
	flat white 255
	bytes 256 'i < 128 ? 255 : 0' >top.u1
	record image t x '|u1' 3 16 16 black.u1 m_true '|u1' 1 16 16 top.u1 >t
	run -0 "$ssim" --exemplar white t grey
	near mae 0.2
	near mae_exemplar 0.8
	[[ $output == *ssim_uniform7_sd_exemplar* && $output != *mae_inside_exemplar* ]]
	[[ $output != *_input* ]]
	run -0 "$ssim" --exemplar grey --input white t grey
	near ssim_uniform7_exemplar 1
	near mae_input 1
	near change 0.8
	run -0 "$ssim" --json --exemplar - --input white t grey <black
	jq -e '.input == "white" and .exemplar == "stdin" and .mae_exemplar == 0.2 and
		(.digests | keys == ["exemplar", "input", "out", "truth"])' <<<"$output"
	run -0 "$ssim" --json --exemplar white t grey
	jq -e '.exemplar == "white" and (has("input") | not) and (.settings.stretch | not)' <<<"$output"
	cat white white >two
	run -1 "$ssim" --exemplar two --input white t grey
	[ "$output" = "xl-ssim: t has 1 record, grey has 1, white has 1, two has 2" ]
	run -2 "$ssim" --exemplar - --input - t grey <white
}

@test "close pixels, and a stretch of what was made only" {
	bytes 768 'i < 256 ? 100 : i < 384 ? 1 : 0' >near.u1
	record image near x '|u1' 3 16 16 near.u1 >n
	flat black 0
	run -0 "$ssim" black n
	near close 0.5
	bytes 768 'i % 2 ? 60 : 40' >pale.u1
	bytes 768 'i % 2 ? 255 : 0' >full.u1
	record image pale x '|u1' 3 16 16 pale.u1 >p
	record image full x '|u1' 3 16 16 full.u1 >f
	run -0 "$ssim" --stretch f p
	near mae 0
	near close 1
	run -0 "$ssim" --stretch --json p f
	jq -e '.mae > 0.4 and .settings.stretch' <<<"$output"
	run -0 "$ssim" f p
	near close 0
}

@test "each record, as text and as JSON" {
	flat black 0
	flat grey 51
	cat black black >t
	cat grey black >o
	run -0 "$ssim" --each t o
	[[ $output == *$'\nmae 0.2 grey\n'* ]]
	[[ $output == *$'\nmae 0 black\n'* ]]
	near mae 0.1
	run -0 "$ssim" --each --json t o
	[ "${#lines[@]}" -eq 3 ]
	jq -e '.record == 0 and .id == "grey" and .mae == 0.2' <<<"${lines[0]}"
	jq -e '.psnr == null and .nonfinite != null' <<<"${lines[1]}"
	jq -e '.metric == "ssim" and .records == 2 and .skipped == 0 and .masked == 0
		and .truth == "t" and .settings.range == 255
		and (.digests.out | length) == 64' <<<"${lines[2]}"
}

@test "the digest tells pictures apart" {
	flat black 0
	flat grey 51
	run -0 "$ssim" --json black grey
	jq -e '.digests.truth != .digests.out' <<<"$output"
	one=$(jq -r .digests.out <<<"$output")
	run -0 "$ssim" --json black black
	[ "$one" != "$(jq -r .digests.out <<<"$output")" ]
}

@test "different counts are an error with both" {
	flat black 0
	cat black black black >t
	cat black black >o
	run -1 --separate-stderr "$ssim" t o
	[ "$stderr" = "xl-ssim: t has 3 records, o has 2" ]
	[ -z "$output" ]
	run -1 "$ssim" o t
	[ "$output" = "xl-ssim: o has 2 records, t has 3" ]
	run -1 "$ssim" --input black o o
	[ "$output" = "xl-ssim: o has 2 records, o has 2, black has 1" ]
	: >empty
	run -1 "$ssim" black empty
	[ "$output" = "xl-ssim: black has 1 record, empty has 0" ]
}

@test "different shapes are named, the rest is measured" {
	flat black 0
	bytes 1536 0 >wide.u1
	record image wide x '|u1' 3 16 32 wide.u1 >wide
	cat black black >t
	cat wide black >o
	run -1 --separate-stderr "$ssim" t o
	[[ $stderr == *"xl-ssim: o: record 0 (wide): image is (3,16,32) |u1, that of t is (3,16,16) |u1"* ]]
	near records 1
	near skipped 1
}

@test "picture files measure as their records do" {
	golden
	"$XL_BIN/xl-decode" -o a.png a
	"$XL_BIN/xl-decode" -o b.png b
	run -0 "$ssim" --json --input a.png a.png b.png
	jq -e '.truth == "a.png" and .out == "b.png" and .records == 1' <<<"$output"
	found=$(jq .ssim_uniform7,.psnr,.change <<<"$output")
	run -0 "$ssim" --json --input a a - <b.png
	[ "$found" = "$(jq .ssim_uniform7,.psnr,.change <<<"$output")" ]
	cat b b >two
	run -1 "$ssim" a.png two
	[ "$output" = "xl-ssim: a.png has 1 record, two has 2" ]
	: >empty.png
	run -1 "$ssim" a.png empty.png
	[ "$output" = "xl-ssim: empty.png: not an image (it is empty)" ]
}

@test "no records are no measurement" {
	: >empty
	run -1 --separate-stderr "$ssim" empty empty
	[ "$stderr" = "xl-ssim: empty has 0 records, empty has 0" ]
	[ -z "$output" ]
	run -1 "$ssim" --json - empty </dev/null
	[ "$output" = "xl-ssim: stdin has 0 records, empty has 0" ]
}

@test "what is no image is named" {
	flat black 0
	golden
	floats 7fc00000 768 >nan.f4
	bytes 75 0 >tiny.u1
	record image nan out '<f4' 3 16 16 nan.f4 >nan
	record image one x '|u1' 1 16 16 a0 >one
	record image tiny x '|u1' 3 5 5 tiny.u1 >tiny
	record stats s m_true '|u1' 1 16 16 disc.u1 >s
	record image g x '|u1' 3 16 16 a.u1 m_true '|u1' 3 16 16 a.u1 >g
	run -1 "$ssim" black nan
	[[ $output == *"nan: record 0 (nan): out holds values that are not finite"* ]]
	run -1 "$ssim" black one
	[[ $output == *"one: record 0 (one): x is (1,16,16) |u1, an image has 3 channels"* ]]
	run -1 "$ssim" tiny tiny
	[[ $output == *"tiny: record 0 (tiny): (3,5,5) |u1 is smaller than the 7x7 window of SSIM"* ]]
	run -1 "$ssim" s black
	[ "$output" = "xl-ssim: s: record 0 (s): a stats record, neither image nor code" ]
	cat g g g >ggg
	run -1 "$ssim" --mask q ggg ggg
	[ "$output" = "xl-ssim: ggg: record 0 (g): has no tensor 'q'" ]
	run -1 "$ssim" g black
	[[ $output == *"g: record 0 (g): m_true is (3,16,16) |u1, a mask has 1 channel"* ]]
}

@test "truncated and random streams, missing files" {
	golden
	head -c 500 b >cut
	run -1 --separate-stderr "$ssim" a cut
	[[ $stderr == "xl-ssim: cut: record 0"* ]]
	[ -z "$output" ]
	bytes 999 '(i * 7919 + int(i / 3)) % 256' >noise
	run -1 "$ssim" a noise
	[[ $output == "xl-ssim: noise: "* ]]
	run -1 "$ssim" a nowhere
	[[ $output == "xl-ssim: nowhere: "* ]]
	[ "${#lines[@]}" -eq 1 ]
	{ cat b; head -c 300 b; } >cut
	cat a a >t
	run -1 "$ssim" t cut
	[[ $output == "xl-ssim: cut: record 1"* ]]
}

@test "wrong usage" {
	golden
	run -2 "$ssim" a
	[ "${lines[0]}" = "xl-ssim: needs two streams, TRUTH and OUT; 1 given" ]
	[ "${lines[1]}" = "try 'xl-ssim --help'" ]
	run -2 "$ssim" a b a
	run -2 "$ssim" - - <a
	[ "${lines[0]}" = "xl-ssim: only one of the streams can be stdin" ]
	run -2 "$ssim" --input - a - <b
	run -2 "$ssim" --frobnicate a b
	run -2 script -qec "'$ssim' a -" /dev/null
	[[ $output == *"terminal"* ]]
}

@test "a full disk and a closed pipe" {
	golden
	run -1 bash -c "'$ssim' a b >/dev/full"
	[[ $output == "xl-ssim: "* ]]
	run -1 bash -c "'$ssim' --each --json a b >/dev/full"
	{ sleep 0.2; st=0; "$ssim" --each a b 2>err || st=$?; echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	{ trap '' PIPE; sleep 0.2; st=0; "$ssim" --each --json a b 2>>err || st=$?; echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}

@test "hostile ids stay harmless" {
	flat black 0
	record image $'a\e[2J\nmae 7' x '|u1' 3 16 16 black.u1 >o
	run -0 "$ssim" --each black o
	[[ $output != *$'\e'* ]]
	near mae 0
	[[ $output == *$'\nmae 0 a?[2J?mae 7\n'* ]]
}

@test "threads change nothing" {
	golden
	run -0 "$ssim" --threads 1 --json am b
	one=$output
	run -0 "$ssim" --threads 5 --json am b
	[ "$one" = "$output" ]
}

@test "the page lists the options, its examples run" {
	page="$BATS_TEST_DIRNAME/../man/xl-ssim.1"
	mandoc -T lint -W warning "$page"
	diff <("$ssim" --help-mdoc) <(sed -n '/^.Sh OPTIONS/,/^.Sh ENVIRONMENT/p' "$page" | sed '1d;$d')
	golden
	cp am truth.msgpack
	cp b out.msgpack
	cp b in.msgpack
	cp b exemplars.msgpack
	"$XL_BIN/xl-decode" -o a.png am
	"$XL_BIN/xl-decode" -o b.png b
	sed -n '/^.Sh EXAMPLES/,/^.Sh DIAGNOSTICS/s/^\.Dl //p' "$page" | sed 's/\\e/\\/g; s/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 3 ]
	while read -r line; do
		run -0 env PATH="$XL_BIN:$PATH" bash -c "set -o pipefail; $line"
		[ -n "$output" ]
	done <examples
}
