#!/usr/bin/env bats
# xl-iou: values against golden ones, shapes of the output, hostile input.

bats_require_minimum_version 1.5.0
load metrics_streams

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	iou="$XL_BIN/xl-iou"
}

# The golden pair of 16 x 16. As bytes v = round(255 k / 63) the prediction is on
# the same side of 0.5 as k / 63.
golden() {
	bytes 256 'int(255 * ((13 * (i % 16) + 29 * int(i / 16)) % 64) / 63 + 0.5)' >p.u1
	bytes 256 '((i % 16 - 7) ^ 2 + (int(i / 16) - 9) ^ 2 < 30) * 255' >t.u1
	record image a.png m_true '|u1' 1 16 16 t.u1 >t
	record code a.png m '|u1' 1 16 16 p.u1 >p
}

# halves: true top half of 4 x 4; predictions of 2 x 2 at 1 above and 0 below,
# of the same all over, and of nothing
halves() {
	bytes 16 'i < 8 ? 128 : 127' >top.u1
	bytes 16 0 >none.u1
	{ floats 3f800000 2; floats 00000000 2; } >top.f4
	floats 3f800000 4 >all.f4
	floats 00000000 4 >none.f4
	record image 1 m_true '|u1' 1 4 4 top.u1 >truth
	record image 2 m_true '|u1' 1 4 4 none.u1 >empty
	for m in top all none; do
		record code "$m" m '<f4' 1 2 2 "$m.f4" >"$m"
	done
}

@test "help and version" {
	run -0 "$iou" --help
	[[ $output == "usage: xl-iou [options] TRUTH PRED"* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	run -0 "$iou" --version
	[[ ${lines[0]} =~ ^xl-iou\ [0-9] ]]
}

@test "golden values" {
	golden
	run -0 "$iou" t p
	near records 1
	near iou 0.2742857142857143
	near iou_pooled 0.2742857142857143
	near dice 0.4304932735426009
	near mask_area 0.4921875
	near truth_area 0.37890625
	run -0 "$iou" --threshold 0.1 t p
	near iou 0.35714285714285715
	run -0 "$iou" --threshold 0.9 t p
	near iou 0.10714285714285714
}

@test "labels: golden values over two records, and what is no label" {
	local truth='int(i % 16 / 4) + int(int(i / 16) / 5)'
	bytes 256 "(i % 16 + int(i / 16)) % 13 == 0 ? 255 : ($truth) % 5" >t.u1
	bytes 256 '(int(i % 16 / 4) + int((int(i / 16) + i % 16 % 3) / 5)) % 5' >p.u1
	record image t m_true '|u1' 1 16 16 t.u1 >t
	record code p m '|u1' 1 16 16 p.u1 >p
	cat t t >tt
	cat p p >pp
	run -0 "$iou" --classes 5 tt pp
	near records 2
	near miou 0.693015746653836
	near pixel_accuracy 0.8177966101694916
	near class_accuracy 0.8200786456240665
	near iou_class_1 0.74
	near ignored 40
	run -0 "$iou" --classes 19 --json t p
	jq -e '.metric == "miou" and .classes == 5 and .iou_class_7 == null and .records == 1
		and .settings.classes == 19 and (.digests.pred | length) == 64' <<<"$output"
	run -1 "$iou" --classes 4 t p
	[ "${lines[0]}" = "xl-iou: t: record 0 (t): truth has label 4, of 4 classes" ]
	near records 0
	bytes 256 3 >three.u1
	record image t m_true '|u1' 1 16 16 three.u1 >three
	run -1 "$iou" --classes 4 three p
	[ "${lines[0]}" = "xl-iou: p: record 0 (p): prediction has label 4, of 4 classes" ]
	record image t m_true '|u1' 4 8 8 three.u1 >four
	run -1 "$iou" --classes 4 four p
	[ "${lines[0]}" = "xl-iou: four: record 0 (t): truth is (4,8,8) |u1, labels are (1,H,W) |u1" ]
	run -1 "$iou" --classes 5 --mask q t p
	[ "$output" = "xl-iou: p: record 0 (p): has no tensor 'q'" ]
	run -1 "$iou" --mask q t p
	[ "$output" = "xl-iou: p: record 0 (p): has no tensor 'q'" ]
	for option in --sweep --each --threshold=0.3; do
		run -2 "$iou" --classes 5 $option t p
		[ "${lines[0]}" = "xl-iou: --classes and ${option%=*} exclude each other" ]
	done
	run -2 "$iou" --classes 49 t p
}

@test "a small mask is enlarged bilinearly, truth divides at 128" {
	halves
	run -0 "$iou" truth top
	near iou 1
	run -0 "$iou" --threshold 0.1 truth top
	near iou 0.6666666666667
	run -0 "$iou" --threshold 0.8 truth top
	near iou 0.5
	run -0 "$iou" truth all
	near iou 0.5
}

@test "a model's mask reaches into the padding, truth does not" {
	local size
	PATH=$XL_BIN:$PATH
	export XL_MODEL=$BATS_TEST_DIRNAME/../models/default.msgpack
	xl-synth faces --count 1 -q | xl-decode >a.png
	for size in 36x36 40x40 50x37 64x48; do
		local w=${size%x*} h=${size#*x}
		xl-crop --size "$size" a.png | xl-encode | xl-mask --threshold 0 --keep "0,0,28,$h" >p
		bytes $((w * h)) "i % $w < 28 ? 255 : 0" >t.u1
		record image a.png m_true '|u1' 1 "$h" "$w" t.u1 >t
		run -0 "$iou" t p
		near iou 1
		near mask_area "$(awk "BEGIN { printf \"%.17g\", 28 / $w }")"
	done
	bytes $((4 * w * h)) "i % $((2 * w)) < 56 ? 255 : 0" >t.u1
	record image a.png m_true '|u1' 1 $((2 * h)) $((2 * w)) t.u1 >t
	run -0 "$iou" t p
	near iou 1
}

@test "mean over records, pooled, and empty masks" {
	halves
	cat truth truth empty >t
	cat top none none >p
	run -0 "$iou" t p
	near records 3
	near iou 0.6666666666667
	near iou_sd 0.4714045208
	near iou_pooled 0.5
	near empty 1
	run -0 "$iou" empty none
	near iou 1
	near iou_pooled 1
	near dice 1
}

@test "tensors can be named" {
	halves
	bytes 16 'i < 8 ? 255 : 0' >m.u1
	record image q painted '|u1' 1 4 4 m.u1 >p
	run -0 "$iou" --mask painted p p --truth painted
	near iou 1
	run -1 "$iou" truth p
	[ "$output" = "xl-iou: p: record 0 (q): has no tensor 'm'" ]
	run -1 "$iou" top top
	[[ $output == *"xl-iou: top: record 0 (top): has no tensor 'm_true'"* ]]
}

@test "sweep: half of the records chooses, the other half tests" {
	halves
	floats 3eb851ec 4 >low.f4     # 0.36
	floats 3f28f5c3 4 >high.f4    # 0.66
	bytes 16 255 >full.u1
	record image f m_true '|u1' 1 4 4 full.u1 >f
	record code low m '<f4' 1 2 2 low.f4 >low
	record code high m '<f4' 1 2 2 high.f4 >high
	cat f f >t
	cat high low >p
	run -0 "$iou" --sweep t p
	near iou_at_0.35 1
	near iou_at_0.40 0.5
	near iou_at_0.70 0
	near best_threshold 0.05
	near iou_chosen 1
	near iou_tested 1
	[ "$(grep -c '^iou_at_' <<<"$output")" -eq 19 ]
	run -0 "$iou" --sweep f low
	[[ $output != *iou_tested* ]]
}

@test "each record, as text and as JSON" {
	halves
	cat truth truth >t
	cat top all >p
	run -0 "$iou" --each t p
	[[ $output == *$'iou 1 top\n'* ]]
	[[ $output == *$'\niou 0.5 all\n'* ]]
	near iou 0.75
	run -0 "$iou" --each --json --sweep t p
	[ "${#lines[@]}" -eq 3 ]
	jq -e '.record == 1 and .id == "all" and .iou == 0.5' <<<"${lines[1]}"
	jq -e '.metric == "iou" and .records == 2 and .skipped == 0 and .iou == 0.75
		and .settings.threshold == 0.5 and .settings.mask == "m" and .pred == "p"
		and .iou_tested != null and (.digests.truth | length) == 64' <<<"${lines[2]}"
}

@test "stdin is either stream, not both" {
	halves
	run -0 "$iou" truth - <top
	near iou 1
	run -0 "$iou" - top <truth
	near iou 1
	run -2 "$iou" - - <truth
	[ "${lines[0]}" = "xl-iou: only one of the streams can be stdin" ]
	[ "${lines[1]}" = "try 'xl-iou --help'" ]
	run -2 script -qec "'$iou' truth -" /dev/null
	[[ $output == *"terminal"* ]]
}

@test "wrong usage" {
	halves
	run -2 "$iou" truth
	[ "${lines[0]}" = "xl-iou: needs two streams, TRUTH and PRED; 1 given" ]
	run -2 "$iou" --threshold 1.5 truth top
	[[ $output == *"1.5"* ]]
	run -2 "$iou" --threshold nan truth top
	run -2 "$iou" --threshold= truth top
}

@test "different counts are an error with both" {
	halves
	cat truth truth >t
	run -1 --separate-stderr "$iou" t top
	[ "$stderr" = "xl-iou: t has 2 records, top has 1" ]
	[ -z "$output" ]
	: >nothing
	run -1 "$iou" --json nothing nothing
	[ "$output" = "xl-iou: nothing has 0 records, nothing has 0" ]
	run -1 "$iou" --classes 5 nothing nothing
	[ "$output" = "xl-iou: nothing has 0 records, nothing has 0" ]
}

@test "what is no mask is named, the rest is measured" {
	halves
	floats 40000000 4 >two.f4
	floats 7fc00000 4 >nan.f4
	record code two m '<f4' 1 2 2 two.f4 >two
	record code nan m '<f4' 1 2 2 nan.f4 >nan
	record code wide m '<f4' 4 1 1 all.f4 >wide
	record code whole m '<i4' 1 2 2 none.f4 >whole
	: >zero.f4
	record code zero m '<f4' 1 0 2 zero.f4 >zero
	cat truth truth truth truth truth truth >t
	cat two nan wide whole zero top >p
	run -1 --separate-stderr "$iou" t p
	[[ $stderr == *"p: record 0 (two): m holds 2, a mask lies in 0..1"* ]]
	[[ $stderr == *"p: record 1 (nan): m holds "*"nan, a mask lies in 0..1"* ]]
	[[ $stderr == *"p: record 2 (wide): m is (4,1,1) <f4, a mask has 1 channel"* ]]
	[[ $stderr == *"p: record 3 (whole): m is (1,2,2) <i4, a mask is |u1, |b1 or floats"* ]]
	[[ $stderr == *"p: record 4 (zero): m is (1,0,2) <f4, without a pixel"* ]]
	near records 1
	near skipped 5
	near iou 1
}

@test "truncated and random streams, missing files" {
	halves
	head -c 70 top >cut
	run -1 --separate-stderr "$iou" truth cut
	[[ $stderr == "xl-iou: cut: record 0"* ]]
	[ -z "$output" ]
	bytes 999 '(i * 7919 + int(i / 3)) % 256' >noise
	run -1 "$iou" noise top
	[[ $output == "xl-iou: noise: "* ]]
	run -1 "$iou" nowhere top
	[[ $output == "xl-iou: nowhere: "* ]]
}

@test "a full disk and a closed pipe" {
	halves
	run -1 bash -c "'$iou' truth top >/dev/full"
	[[ $output == "xl-iou: "* ]]
	{ sleep 0.2; st=0; "$iou" --sweep truth top 2>err || st=$?; echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}

@test "the page lists the options, its examples run" {
	page="$BATS_TEST_DIRNAME/../man/xl-iou.1"
	mandoc -T lint -W warning "$page"
	diff <("$iou" --help-mdoc) <(sed -n '/^.Sh OPTIONS/,/^.Sh ENVIRONMENT/p' "$page" | sed '1d;$d')
	halves
	cat truth truth >images.msgpack
	cat top all >masks.msgpack
	record image 1 m_true '|u1' 1 4 4 none.u1 >truth.msgpack
	record code 1 m '|u1' 1 4 4 none.u1 >labels.msgpack
	sed -n '/^.Sh EXAMPLES/,/^.Sh DIAGNOSTICS/s/^\.Dl //p' "$page" | sed 's/\\e/\\/g; s/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 3 ]
	while read -r line; do
		run -0 env PATH="$XL_BIN:$PATH" bash -c "set -o pipefail; $line"
		[ -n "$output" ]
	done <examples
}
