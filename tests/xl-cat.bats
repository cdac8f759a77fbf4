#!/usr/bin/env bats
# xl-cat: listing, JSON, values, parts and checks; hostile and broken input.

bats_require_minimum_version 1.5.0

setup() {
	golden=$PWD/tests/golden/stream.msgpack
	[ -e "$golden" ] || golden=$BATS_TEST_DIRNAME/golden/stream.msgpack
	cat=$XL_BIN/xl-cat
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A record with one tensor c of two floats, in hexadecimal: floats ID BYTES
floats() {
	printf '\x84\xa2xl\x01\xa4kind\xa4code\xa2id\xa1%s\xa7tensors\x81\xa1c' "$1"
	printf '\x85\xc4\x02nd\xc3\xc4\x04type\xa3<f4\xc4\x04kind\xc4\x00'
	printf '\xc4\x05shape\x91\x02\xc4\x04data\xc4\x08%b' "$2"
}

# The first record of a model; with an argument, also its digest.
model() {
	printf '\x85\xa2xl\x01\xa4kind\xa5model\xa2id\xa5model\xa4meta'
	printf '%b\xa6method\xa5lomit' "$([ $# -gt 0 ] && echo '\x82' || echo '\x81')"
	if [ $# -gt 0 ]; then printf '\xa6digest\xd9\x40%s' "$1"; fi
	printf '\xa7tensors\x80'
}

network() {
	printf '\x84\xa2xl\x01\xa4kind\xa5model\xa2id\xa3net\xa7tensors\x80'
}

good='\x00\x00\x80\x3f\x00\x00\x00\x3f' # 1, 0.5

@test "listing" {
	floats a "$good" >a
	run -0 "$cat" a
	[ "$output" = "0 code a
  c  (2) <f4            min 0.5  mean 0.75  max 1" ]
	run -0 "$cat" "$golden"
	[ "${lines[0]}" = "0 image ä.png" ]
	[ "${lines[1]}" = "  domain: A" ]
	[ "${lines[2]}" = "  attributes: Black_Hair, Smiling" ]
	[ "${lines[3]}" = "  mixed: a, 1, 2.5, true, false" ]
	[ "${lines[13]}" = "  x       (3,4,5) |u1        min 0  mean 118  max 236" ]
	[[ $output == *"  none    (0,3) <f4          empty"* ]]
	[[ $output == *$'\n1 code\n2 stats many\n'* ]]
}

@test "listing of values that are not finite" {
	floats n '\x00\x00\x80\x3f\x00\x00\xc0\x7f' >n
	run -0 "$cat" n
	[ "${lines[1]}" = "  c  (2) <f4            min 1  mean 1  max 1  1 not finite" ]
}

@test "control characters do not reach the terminal" {
	floats $'\e' "$good" >e
	run -0 "$cat" e
	[ "${lines[0]}" = "0 code ?" ]
	head -c -1 e >cut
	run -1 "$cat" cut
	[[ $output != *$'\e'* ]]
}

@test "files are read one after another, - is stdin" {
	floats a "$good" >a
	floats b "$good" >b
	run -0 "$cat" a - b <a
	[ "$(grep -c . <<<"$output")" = 6 ]
	[ "${lines[0]} ${lines[2]} ${lines[4]}" = "0 code a 1 code a 2 code b" ]
}

@test "no input: no output" {
	run -0 "$cat" </dev/null
	[ -z "$output" ]
	run -0 "$cat" --records 0:9 </dev/null
	[ -z "$output" ]
}

@test "json" {
	floats a '\x00\x00\x80\x3f\x00\x00\xc0\x7f' >a
	run -0 "$cat" --json a
	[ "$output" = '{"file":"a","record":0,"kind":"code","id":"a","meta":{},"tensors":{"c":{"type":"<f4","shape":[2],"min":1,"mean":1,"max":1,"not_finite":1}}}' ]
	run -0 "$cat" --json - <"$golden"
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[0]} == '{"file":"stdin","record":0,"kind":"image","id":"ä.png","meta":{"domain":"A","attributes":["Black_Hair","Smiling"],"mixed":["a",1,2.5,true,false],"empty":[],'* ]]
	if command -v jq; then
		[ "$("$cat" --json "$golden" | jq -s -c '[.[].id]')" = '["ä.png","","many"]' ]
	fi
}

@test "values of a tensor" {
	run -0 "$cat" --tensor i4 "$golden"
	[ "$output" = "# 0 i4 (2,3) <i4
-2 -1 0
1 2 3" ]
	run -0 "$cat" --tensor x "$golden"
	[ "${#lines[@]}" = 13 ]
	[ "$(grep -c '^$' <<<"$output")" = 2 ]
	run -0 "$cat" --tensor f8 "$golden"
	[ "${lines[1]}" = 0.1 ]
	run -0 "$cat" --tensor f2 "$golden"
	[ "${lines[1]}" = "0 0.5 -2 6.55e+04" ]
	run -0 "$cat" --tensor i8 "$golden"
	[ "${lines[1]}" = "4611686018427387904 -5" ]
	run -0 "$cat" --tensor scalar "$golden"
	[ "${lines[1]}" = 7 ]
	run -1 --separate-stderr "$cat" --tensor q "$golden"
	[ "$stderr" = "xl-cat: no record has a tensor 'q'
xl-cat: 1 input failed" ]
}

@test "records, as a slice of Python" {
	"$cat" --records : "$golden" | cmp - "$golden"
	"$cat" --records 0: - <"$golden" | cmp - "$golden"
	"$cat" --records :3 "$golden" | cmp - "$golden"
	"$cat" --records 0:1 "$golden" >a
	"$cat" --records 1:2 "$golden" >b
	"$cat" --records 2:99 "$golden" >c
	cat a b c | cmp - "$golden"
	"$cat" --records 2:4 "$golden" "$golden" >d
	cat c a | cmp - d
	[ -z "$("$cat" --records 2:2 "$golden" | tr -d '\0')" ]
	run -2 "$cat" --records 5:2 "$golden"
	[ "${lines[0]}" = "xl-cat: --records: '5:2' ends before it begins" ]
	run -0 "$cat" --records 2:3 --json "$golden"
	[ "${#lines[@]}" = 1 ]
	[[ $output == *'"record":2,"kind":"stats"'* ]]
}

@test "what is after the part is not read" {
	floats a "$good" >a
	{ cat a a && echo damage; } >b
	"$cat" --records 0:2 b | cmp - <(cat a a)
}

@test "check" {
	floats a "$good" >a
	run -0 "$cat" --check a "$golden"
	[ "$output" = "xl-cat: a: 1 record read
xl-cat: $golden: 3 records read" ]
	run -0 "$cat" --check -q a
	[ -z "$output" ]
	floats n '\x00\x00\x80\x7f\x00\x00\xc0\x7f' >>a
	run -1 "$cat" --check a
	[ "${lines[0]}" = "xl-cat: a: record 1 (n): tensor 'c' has 2 values that are not finite" ]
}

@test "check of a model's digest" {
	digest=$({ model && network; } | sha256sum | cut -d' ' -f1)
	{ model "$digest" && network; } >m
	run -0 "$cat" --check m
	cat m m >two
	run -0 "$cat" --check two
	{ model "$digest" && network && network; } >longer
	run -1 "$cat" --check longer
	[[ ${lines[0]} == "xl-cat: longer: the model says its digest is $digest, its content has "* ]]
	{ model && network; } >none
	run -1 "$cat" --check none
	[ "${lines[0]}" = "xl-cat: none: record 0 (model): the model has no digest" ]
}

@test "broken input is named, the rest is read" {
	floats a "$good" >a
	head -c -3 a >cut
	run -1 --separate-stderr "$cat" cut a missing /
	[ "$output" = "0 code a
  c  (2) <f4            min 0.5  mean 0.75  max 1" ]
	[ "$stderr" = "xl-cat: cut: record 0 (a): ends inside tensor 'c', 3 bytes missing
xl-cat: missing: cannot open: no such file or directory
xl-cat: /: cannot read: is a directory
xl-cat: 3 inputs failed" ]
	printf 'P6 3 3 255\n' >ppm
	run -1 "$cat" ppm
	[ "${lines[0]}" = "xl-cat: ppm: not a tensor stream (first bytes 50 36 20 33)" ]
	head -c 100000 /dev/urandom >random
	run -1 "$cat" - <random
	[[ ${lines[0]} == "xl-cat: stdin: "* ]]
}

@test "wrong usage" {
	run -2 "$cat" --records 5 "$golden"
	[ "$output" = "xl-cat: --records: '5' is not a range A:B
try 'xl-cat --help'" ]
	run -2 "$cat" --records=-1:2 "$golden"
	[ "${lines[0]}" = "xl-cat: --records: '-1' is not a whole number of 0 or more" ]
	run -2 "$cat" --records
	[ "${lines[0]}" = "xl-cat: option '--records' needs a value (A:B)" ]
	run -2 "$cat" --json --check "$golden"
	[ "${lines[0]}" = "xl-cat: --json, --tensor and --check exclude each other" ]
	run -2 "$cat" --check --records 0:1 "$golden"
	[ "${lines[0]}" = "xl-cat: --records and --check exclude each other" ]
	run -2 "$cat" --quiet=3
	[ "${lines[0]}" = "xl-cat: option '--quiet' takes no value" ]
	run -2 "$cat" -x
	[ "${lines[0]}" = "xl-cat: unknown option '-x'" ]
	run -2 "$cat" -qx
	[ "${lines[0]}" = "xl-cat: unknown option '-x'" ]
	run -2 "$cat" --tread 3
	[ "${lines[0]}" = "xl-cat: unknown option '--tread'" ]
	run -2 "$cat" --t 3
	[ "${lines[0]}" = "xl-cat: option '--t' is the beginning of 2 options" ]
	run -2 "$cat" --threads=0
	[ "${lines[0]}" = "xl-cat: --threads: '0' is not a whole number from 1 to 1024" ]
	run -2 "$cat" --progress=perhaps
	[ "${lines[0]}" = "xl-cat: --progress: 'perhaps' is not one of auto|always|never" ]
	XL_THREADS=many run -2 "$cat" "$golden"
	[ "${lines[0]}" = "xl-cat: XL_THREADS: 'many' is not a whole number from 1 to 1024" ]
}

@test "options stand anywhere, -- ends them" {
	floats a "$good" >--json
	run -0 "$cat" -- --json
	[ "${lines[0]}" = "0 code a" ]
	run -0 "$cat" "$golden" --tensor scalar --quiet
	[ "${lines[1]}" = 7 ]
}

@test "full disk, closed pipe" {
	run -1 bash -c '"$1" "$2" >/dev/full' - "$cat" "$golden"
	[ "$output" = "xl-cat: stdout: cannot write: no space left on device" ]
	run -1 bash -c '"$1" --json "$2" >/dev/full' - "$cat" "$golden"
	[ "$output" = "xl-cat: stdout: cannot write: no space left on device" ]
	run -1 bash -c '"$1" --records : "$2" >/dev/full' - "$cat" "$golden"
	[ "$output" = "xl-cat: stdout: cannot write: no space left on device" ]
	for i in {1..50}; do cat "$golden"; done >many
	run -1 bash -c '"$1" many >/dev/full' - "$cat"
	[ "$output" = "xl-cat: stdout: cannot write: no space left on device" ]
	run -1 bash -c '"$1" --help >/dev/full' - "$cat"
	[ "$output" = "xl-cat: stdout: cannot write: no space left on device" ]
	for mode in --json --quiet --records=:; do
		run -0 bash -c '"$1" $2 many | head -c 1 >/dev/null
			[ "${PIPESTATUS[0]}" = 141 ]' - "$cat" "$mode"
		[ -z "$output" ]
		# where SIGPIPE was inherited as ignored, the status is the same
		run -0 bash -c 'trap "" PIPE; "$1" $2 many | head -c 1 >/dev/null
			[ "${PIPESTATUS[0]}" = 141 ]' - "$cat" "$mode"
		[ -z "$output" ]
	done
}

@test "terminals" {
	command -v script >/dev/null || skip "no script(1) to make a terminal with"
	run -2 script -qec "'$cat'" /dev/null
	[[ $output == *"xl-cat: not reading tensors from a terminal; use a pipe or name a file"* ]]
	run -2 script -qec "'$cat' --records 0:1 '$golden'" /dev/null
	[[ $output == *"xl-cat: not writing tensors to a terminal; use a pipe or > FILE"* ]]
}

@test "round trip through Python" {
	python=$(command -v /usr/bin/python3 python3 | head -1)
	"$python" -c 'import msgpack, numpy' || skip "no Python with msgpack and numpy"
	"$python" "$BATS_TEST_DIRNAME/golden/stream.py" made
	cmp made "$golden"
	"$cat" --records : made | cmp - made
}
