#!/usr/bin/env bats
# xl-encode: pictures and records to codes; hostile and broken input.

bats_require_minimum_version 1.5.0
load stages

@test "a picture becomes a code" {
	xl-encode a.png >a
	[ "$(has a)" = "a.png code x c m s_f s_b" ]
	[ "$(shape x a)" = "3,32,32 |u1" ]
	[ "$(shape c a)" = "16,8,8 <f4" ]
	[ "$(shape m a)" = "1,8,8 <f4" ]
	[ "$(shape s_f a)" = "8 <f4" ]
	[ "$(meta model a)" = "$(meta digest m.msgpack | head -1)" ]
	xl-encode --model iclr.msgpack a.png >a
	[ "$(has a)" = "a.png code x c" ]
}

@test "a picture gets the model's preprocessing, a record is taken as it is" {
	for p in a wide; do
		xl-encode "$p.png" >code
		xl-crop --size 32 "$p.png" >image
		cmp <(tensor x code) <(tensor x image)
		xl-encode <image | cmp - code
	done
	xl-crop --size 24x10 a.png | xl-encode >code
	[ "$(shape x code)" = "3,10,24 |u1" ]
	[ "$(shape m code)" = "1,4,8 <f4" ]
}

@test "--native keeps odd sizes and shapes" {
	xl-encode --native wide.png >code
	[ "$(shape x code)" = "3,21,37 |u1" ]
	[ "$(shape c code)" = "16,8,12 <f4" ]
	cmp <(tensor x code) <(tensor x <(image wide.png))
	xl-crop --size 2x3 a.png | xl-decode >small.png
	xl-encode --native small.png >code
	[ "$(shape x code)" = "3,3,2 |u1" ]
	[ "$(shape m code)" = "1,4,4 <f4" ]
}

@test "stdin holds a picture or a stream" {
	xl-encode a.png >code
	xl-encode <a.png >stdin
	[ "$(has stdin)" = "stdin code x c m s_f s_b" ]
	cmp <(tensor c code) <(tensor c stdin)
	xl-encode - <a.png | cmp - stdin
	xl-encode <(cat a.png) >fifo
	cmp <(tensor c code) <(tensor c fifo)
	xl-crop --size 32 a.png | xl-encode - | cmp - code
	xl-encode b.png - a.png <code >three
	[ "$(has three | cut -d' ' -f1 | paste -sd,)" = b.png,a.png,a.png ]
}

@test "repeated, in company, with other threads: the same bytes" {
	xl-encode --threads 1 a.png >a
	xl-encode --threads 3 b.png >b
	xl-encode --threads 2 a.png b.png | cmp - <(cat a b)
	cat a b | xl-encode | cmp - <(cat a b)
	xl-encode a b | cmp - <(cat a b)
}

@test "what was edited or is missing: the rest is kept" {
	xl-encode a.png >a
	xl-mask --erase 0,0,16,16 a >edited
	xl-encode edited >again
	[ "$(has again)" = "a.png code x c m s_f s_b" ]
	cmp <(tensor m again) <(tensor m edited)
	run -1 cmp <(tensor s_f again) <(tensor s_f a)
}

@test "codes of another model are refused, by name" {
	xl-encode --model other.msgpack a.png >a
	run -1 --separate-stderr xl-encode a
	mine=$(meta digest m.msgpack | head -c 4)
	theirs=$(meta model a | head -c 4)
	[ "$stderr" = "xl-encode: a: record 0 (a.png): codes of model $theirs.., this is $mine.. (lomit, 32)
xl-encode: 1 input failed" ]
	[ -z "$output" ]
}

@test "--domain is noted" {
	xl-encode --domain B a.png >a
	[ "$(meta domain a)" = B ]
	xl-encode a.png >a
	[ "$(meta domain a)" = null ]
	run -2 xl-encode --domain C a.png
	[ "${lines[0]}" = "xl-encode: --domain: 'C' is not one of A|B" ]
	xl-encode --domain A a.png >a
	run -1 xl-encode --domain B a
	[ "${lines[0]}" = "xl-encode: a: record 0 (a.png): codes of domain A, not B" ]
}

@test "one bad file of many: it is named, the rest is done" {
	echo '<html>' >page.png
	head -c 300 a.png >cut.png
	: >empty.png
	xl-encode a.png | head -c -5 >cut.msgpack
	run -1 --separate-stderr bash -c 'xl-encode a.png page.png cut.png empty.png none.png . \
		cut.msgpack b.png >out'
	[[ ${stderr_lines[0]} == "xl-encode: page.png: not an image (first bytes 3c 68"* ]]
	[[ ${stderr_lines[1]} == "xl-encode: cut.png: "* ]]
	[ "${stderr_lines[2]}" = "xl-encode: empty.png: not an image (it is empty)" ]
	[ "${stderr_lines[3]}" = "xl-encode: none.png: cannot open: no such file or directory" ]
	[ "${stderr_lines[4]}" = "xl-encode: .: cannot read: is a directory" ]
	[ "${stderr_lines[5]}" = \
		"xl-encode: cut.msgpack: record 0 (a.png): ends inside tensor 's_b', 5 bytes missing" ]
	[ "${stderr_lines[6]}" = "xl-encode: 6 inputs failed" ]
	[ "$(has out | cut -d' ' -f1 | paste -sd,)" = a.png,b.png ]
}

@test "no input: no output" {
	run -0 xl-encode </dev/null
	[ -z "$output" ]
	: >empty.msgpack
	run -0 xl-encode empty.msgpack /dev/null
	[ -z "$output" ]
}

@test "random bytes, a wrong kind, no image" {
	head -c 4096 /dev/urandom | sed '1s/^/no/' >noise
	run -1 xl-encode noise
	[[ ${lines[0]} == "xl-encode: noise: "* ]]
	run -1 xl-encode <noise
	[[ ${lines[0]} == "xl-encode: stdin: "* ]]
	run -1 xl-encode m.msgpack
	[ "${lines[0]}" = "xl-encode: m.msgpack: record 0 (model): a model record, neither image nor code" ]
}

@test "models that cannot be read" {
	run -1 --separate-stderr xl-encode --model none.msgpack a.png
	[[ $stderr == "xl-encode: none.msgpack: "* ]]
	[ "${#stderr_lines[@]}" = 1 ]
	run -1 --separate-stderr xl-encode --model a.png a.png
	[ "$stderr" = "xl-encode: a.png: not a model (a picture)" ]
	for of in "\xa7network\xa5vgg19 weights of 'vgg19'" "\xa3key\xa5lomit it names no method"; do
		LC_ALL=C sed "s/\xa6method\xa5lomit/${of%% *}/" m.msgpack >weights
		run -1 --separate-stderr xl-encode --model weights a.png
		[ "$stderr" = "xl-encode: weights: not a model (${of#* })" ]
	done
	head -c 9999 m.msgpack >cut
	run -1 --separate-stderr xl-encode --model cut a.png
	[[ $stderr == "xl-encode: cut: record "*"ends inside "* ]]
	run -1 --separate-stderr env -u XL_MODEL XDG_DATA_HOME=none HOME=none \
		bash -c 'cp "$XL_BIN/xl-encode" . && ./xl-encode a.png'
	[ "$stderr" = "xl-encode: no model: give --model FILE, or set XL_MODEL" ]
	mkdir -p data/xl && cp m.msgpack data/xl/default.msgpack
	xl-encode a.png >a
	env -u XL_MODEL XDG_DATA_HOME=data xl-encode a.png | cmp - a
}

@test "a damaged model makes no codes" {
	# the first weight, of the encoder of content
	perl -0777 -pe 's/(\xc4\x04data\xc5..)..../$1\xff\xff\xff\xff/s' m.msgpack >damaged
	run -1 xl-cat --check damaged
	for tool in xl-encode xl-mask "xl-hadain --exemplar b.png"; do
		run -1 --separate-stderr $tool --model damaged a.png
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == "${tool%% *}: "[ab]".png: c is not finite: the model may be damaged, \
which xl-cat --check tells" ]]
	done
}

@test "ids are file names, what is not UTF-8 is escaped" {
	mkdir -p d
	cp a.png "d/ä b.png"
	cp a.png "$(printf 'd/x\xff\xc3.png')"
	xl-encode d/* >out
	[ "$(has out | cut -d' ' -f1,2 | head -1)" = "x%FF%C3.png code" ]
	[[ $(has out | tail -1) == "ä b.png code"* ]]
}

@test "terminals, a full disk, a closed pipe" {
	run -2 terminal "xl-encode a.png"
	[ "${output%$'\r'}" = "xl-encode: not writing tensors to a terminal; use a pipe or > FILE" ]
	run -2 terminal "xl-encode </dev/tty >out"
	[ "${output%$'\r'}" = "xl-encode: not reading tensors from a terminal; use a pipe or name a file" ]
	run -2 xl-encode - - <a.png
	[ "${lines[0]}" = "xl-encode: only one of the operands can be stdin" ]
	run -1 bash -c "xl-encode a.png >/dev/full"
	[ "$output" = "xl-encode: stdout: cannot write: no space left on device" ]
	closed_pipe "xl-encode a.png b.png"
	closed_pipe "trap '' PIPE; xl-encode a.png b.png"
}

@test "the page's examples run" {
	mkdir pictures && cp ./*.png pictures
	page xl-encode
	same_pixels out.png <(xl-hadain --exemplar b.png a.png | xl-decode)
	file large.png | grep -q "40 x 40"
	[ "$(has codes.msgpack | wc -l)" = 4 ]
}

@test "XL_CPU and XL_WINOGRAD are obeyed, within rounding, or refused" {
	xl-encode a.png >a
	XL_CPU=generic xl-encode a.png >generic
	XL_WINOGRAD=2 xl-encode a.png >two
	XL_WINOGRAD=0 xl-encode a.png >none
	run -1 cmp -s a two
	run -1 cmp -s a none
	for f in generic two none; do
		paste -d' ' <(tensor c a | tr ' ' '\n') <(tensor c "$f" | tr ' ' '\n') |
			awk 'NF == 2 { n++; if (($1 - $2)^2 > 1e-8) exit 1 } END { exit n < 100 }'
	done
	XL_CPU=quantum run -2 xl-encode a.png
	[ "${lines[0]}" = "xl-encode: XL_CPU: 'quantum' is not a kind of CPU this program can use here (avx512, avx2, generic)" ]
	XL_WINOGRAD=3 run -2 xl-encode a.png
	[ "${lines[0]}" = "xl-encode: XL_WINOGRAD: '3' is not a Winograd form (4, 2, or 0 for none)" ]
	for tool in xl-decode xl-hadain xl-mask 'xl-train lomit'; do
		XL_CPU=quantum run -2 $tool </dev/null
		[[ ${lines[0]} == "${tool%% *}: XL_CPU: 'quantum' is not"* ]]
		[ "${lines[1]}" = "try '${tool%% *} --help'" ]
	done
	XL_CPU=quantum run -0 xl-encode --help
}
