#!/usr/bin/env bats
# xl-hadain: exemplars applied, one, pairwise, all with all, mixed; hostile and
# broken input.

bats_require_minimum_version 1.5.0
load stages

ids() { has "$1" | cut -d' ' -f1 | paste -sd,; }

@test "an exemplar is a picture, a stream, a FIFO, stdin" {
	xl-encode a.png >a
	xl-encode b.png >b
	xl-hadain --exemplar b.png a >fused
	[ "$(has fused)" = "a+b code x c m s_f s_b h" ]
	[ "$(meta input fused)" = a.png ]
	[ "$(meta exemplar fused)" = b.png ]
	xl-hadain --exemplar b a | cmp - fused
	xl-hadain --exemplar b.png <a | cmp - fused
	xl-hadain --exemplar <(cat b.png) a >fifo
	cmp <(tensor h fifo) <(tensor h fused)
	xl-hadain --exemplar <(cat b) a | cmp - fused
	xl-hadain --exemplar - a <b | cmp - fused
	xl-crop --size 32 b.png | xl-hadain --exemplar - a | cmp - fused
}

@test "what is missing in input or exemplar is computed" {
	xl-encode a.png | xl-hadain --exemplar b.png | xl-decode >want.png
	xl-hadain --exemplar b.png a.png | xl-decode | cmp - want.png
	xl-hadain --exemplar <(xl-mask b.png) <(xl-mask a.png) | xl-decode | cmp - want.png
	xl-crop --size 32 a.png | xl-hadain --exemplar <(xl-encode b.png) | xl-decode |
		cmp - want.png
}

@test "one exemplar serves all inputs" {
	xl-hadain --exemplar c.png a.png b.png >both
	[ "$(ids both)" = a+c,b+c ]
	cat <(xl-hadain --exemplar c.png a.png) <(xl-hadain --exemplar c.png b.png) | cmp - both
	xl-hadain --threads 1 --exemplar c.png a.png b.png | cmp - both
	# Also where masks and styles are those of the pair.
	export XL_MODEL=iclr.msgpack
	xl-hadain --exemplar c.png a.png b.png >both
	cat <(xl-hadain --exemplar c.png a.png) <(xl-hadain --exemplar c.png b.png) | cmp - both
}

@test "as many as inputs go pairwise" {
	xl-encode a.png b.png c.png >abc
	xl-encode c.png a.png b.png >cab
	xl-hadain --exemplar cab abc >pairs
	[ "$(ids pairs)" = a+c,b+a,c+b ]
	for i in 0 1 2; do
		xl-hadain --exemplar <(xl-cat --records $i:$((i + 1)) cab) \
			<(xl-cat --records $i:$((i + 1)) abc)
	done | cmp - pairs
}

@test "any other number is an error with both counts" {
	xl-encode a.png b.png >ab
	xl-encode a.png b.png c.png >abc
	run -1 --separate-stderr bash -c "xl-hadain --exemplar ab abc >out"
	[ "$stderr" = \
		"xl-hadain: ab: 2 exemplars for 3 inputs; give one, as many as inputs, or --all-pairs" ]
	[ "$(ids out)" = a+a,b+b ]
	run -1 --separate-stderr bash -c "xl-hadain --exemplar abc ab >out"
	[ "$stderr" = \
		"xl-hadain: abc: 3 exemplars for 2 inputs; give one, as many as inputs, or --all-pairs" ]
	: >empty.msgpack
	run -1 xl-hadain --exemplar empty.msgpack abc
	[ "$output" = "xl-hadain: empty.msgpack: holds no exemplar" ]
	run -0 xl-hadain --exemplar abc </dev/null
	[ -z "$output" ]
}

@test "all pairs, the exemplar fastest" {
	xl-encode a.png b.png c.png >abc
	xl-hadain --all-pairs --exemplar abc a.png b.png >all
	[ "$(ids all)" = a+a,a+b,a+c,b+a,b+b,b+c ]
	xl-hadain --exemplar c.png <(xl-encode a.png) >ac
	cmp <(tensor h ac) <(tensor h <(xl-cat --records 2:3 all))
	xl-hadain --all-pairs --exemplar c.png a.png b.png >one
	[ "$(ids one)" = a+c,b+c ]
	XL_MODEL=iclr.msgpack xl-hadain --all-pairs --exemplar <(xl-crop --size 32 b.png c.png) \
		a.png >all
	cmp <(tensor h <(xl-cat --records 1: all)) \
		<(tensor h <(XL_MODEL=iclr.msgpack xl-hadain --exemplar c.png a.png))
}

@test "fusing again replaces the exemplar" {
	xl-hadain --exemplar b.png a.png >ab
	xl-hadain --exemplar b.png ab | cmp - ab
	xl-hadain --exemplar c.png ab | cmp - <(xl-hadain --exemplar c.png a.png)
	xl-mask --erase 0,0,16,16 ab | xl-hadain --exemplar b.png >again
	[ "$(ids again)" = a+b ]
	xl-hadain --exemplar b.png --exemplar2 c.png --mix 0.5 ab | xl-hadain --exemplar b.png |
		cmp - ab
}

@test "mixed styles" {
	xl-encode a.png >a
	mixed() { xl-hadain --exemplar b.png --exemplar2 c.png --mix "$1" a; }
	mixed 0 >m0
	mixed 1 >m1
	mixed 0.25 >m
	[ "$(ids m)" = a+b+c ]
	[ "$(meta exemplar m) $(meta exemplar2 m) $(meta mix m)" = "b.png c.png 0.25" ]
	cmp <(tensor h m0) <(tensor h <(xl-hadain --exemplar b.png a))
	cmp <(tensor h m1) <(tensor h <(xl-hadain --exemplar c.png a))
	run -1 cmp <(tensor h m) <(tensor h m0)
	run -1 cmp <(tensor h m) <(tensor h m1)
	# By hand: the style of b becomes the mixture.
	xl-hadain --exemplar c.png --exemplar2 b.png --mix 0.75 a >swapped
	cmp <(tensor h m) <(tensor h swapped)
	xl-encode b.png c.png >bc
	xl-hadain --exemplar bc --exemplar2 a.png --mix 0.5 a.png b.png >each
	[ "$(ids each)" = a+b+a,b+c+a ]
	xl-hadain --all-pairs --exemplar a.png --exemplar2 bc --mix 0.5 a.png >all
	[ "$(ids all)" = a+a+b,a+a+c ]
	run -1 xl-hadain --exemplar bc --exemplar2 <(cat bc a) --mix 0.5 bc
	[[ $output == *": 3 exemplars for 2 inputs; "* ]]
	run -1 xl-hadain --all-pairs --exemplar bc --exemplar2 <(cat bc a) --mix 0.5 a
	[[ $output == "xl-hadain: bc and "*" hold different numbers of exemplars" ]]
	XL_MODEL=iclr.msgpack run -1 xl-hadain --exemplar b.png --exemplar2 c.png --mix 0.5 a.png
	[ "${lines[0]}" = "xl-hadain: b.png: these codes hold no style to mix" ]
}

@test "a mask that was edited is kept" {
	xl-encode a.png | xl-mask --scale 0 >masked
	xl-hadain --exemplar b.png masked >fused
	cmp <(tensor m masked) <(tensor m fused)
	# Nothing of the input may change: the exemplar does not matter.
	cmp <(tensor h fused) <(tensor h <(xl-hadain --exemplar c.png masked))
	# Nothing of the exemplar is taken: what it shows does not matter.
	cmp <(tensor h <(xl-hadain --exemplar <(xl-mask --scale 0 b.png) a.png)) \
		<(tensor h <(xl-hadain --exemplar <(xl-mask --scale 0 c.png) a.png))
	XL_MODEL=iclr.msgpack xl-mask --scale 0 a.png >masked
	XL_MODEL=iclr.msgpack xl-hadain --exemplar b.png masked >fused
	[ "$(tensor m fused | tr ' ' '\n' | sort -u)" = 0 ]
}

@test "what LOMIT cannot do is wrong usage" {
	run -2 xl-hadain --remove a.png
	[ "${lines[0]}" = "xl-hadain: --remove: method lomit cannot" ]
	run -2 xl-hadain --sample 3 a.png
	[ "${lines[0]}" = "xl-hadain: --sample: method lomit cannot" ]
	run -2 xl-hadain --exemplar b.png --direction ab a.png
	[ "${lines[0]}" = "xl-hadain: --direction: method lomit does not work on two domains" ]
	[ "${lines[1]}" = "try 'xl-hadain --help'" ]
}

@test "wrong usage" {
	expect() {
		local want=$1
		shift
		run -2 xl-hadain "$@" a.png
		[ "${lines[0]}" = "xl-hadain: $want" ] || { echo "$output" && return 1; }
	}
	expect "needs --exemplar, or --remove or --sample in its place"
	for two in "--remove --exemplar b.png" "--sample 2 --exemplar b.png" "--remove --sample 2"; do
		expect "--exemplar, --remove and --sample exclude each other" $two
	done
	expect "--mix and --exemplar2 go together" --exemplar b.png --mix 0.5
	expect "--mix and --exemplar2 go together" --exemplar b.png --exemplar2 b.png
	expect "--mix: '2' is not a number from 0 to 1" --exemplar b.png --mix 2
	expect "--mix and --all-pairs need --exemplar" --remove --all-pairs
	expect "--sample: '0' is not a whole number from 1 to 1000000" --sample 0
	expect "--direction: 'aa' is not one of ab|ba" --exemplar b.png --direction aa
	run -2 xl-hadain --exemplar - <a.png
	[ "${lines[0]}" = "xl-hadain: only one input can be stdin" ]
	run -2 xl-hadain --exemplar - --exemplar2 - --mix 0.5 b.png <a.png
}

@test "codes of another model are refused on both sides" {
	xl-encode --model other.msgpack a.png >other
	run -1 --separate-stderr xl-hadain --exemplar b.png other
	[[ ${stderr_lines[0]} == "xl-hadain: other: record 0 (a.png): codes of model "*", this is "* ]]
	run -1 --separate-stderr xl-hadain --exemplar other b.png
	[[ $stderr == "xl-hadain: other: record 0 (a.png): codes of model "*" (lomit, 32)" ]]
	[ -z "$output" ]
}

@test "one bad input of many: the rest is done, in step" {
	echo no >no.png
	xl-encode a.png b.png c.png >abc
	run -1 --separate-stderr bash -c "xl-hadain --exemplar b.png a.png no.png c.png >out"
	[[ ${stderr_lines[0]} == "xl-hadain: no.png: not an image "* ]]
	[ "${stderr_lines[1]}" = "xl-hadain: 1 input failed" ]
	[ "$(ids out)" = a+b,c+b ]
	run -1 bash -c "xl-hadain --exemplar abc a.png no.png c.png >out"
	[ "$(ids out)" = a+a,c+c ]
	xl-encode --model other.msgpack b.png >other
	run -1 --separate-stderr bash -c "cat abc | xl-hadain --exemplar <(xl-encode a.png
		cat other; xl-encode c.png) >out"
	[[ ${stderr_lines[0]} == *": record 1 (b.png): codes of model "* ]]
	[ "$(ids out)" = a+a,c+c ]
	run -1 bash -c "xl-hadain --all-pairs --exemplar <(xl-encode a.png; cat other) a.png >out"
	[ "$(ids out)" = a+a ]
}

@test "broken and random input" {
	{ xl-encode a.png; xl-encode b.png | head -c 999; } >cut
	run -1 --separate-stderr bash -c "xl-hadain --exemplar c.png cut >out"
	[[ ${stderr_lines[0]} == "xl-hadain: cut: record 1 (b.png): ends inside tensor 'x', "* ]]
	[ "$(ids out)" = a+c ]
	run -1 --separate-stderr xl-hadain --exemplar cut a.png
	[[ $stderr == "xl-hadain: cut: record 1 (b.png): ends inside tensor 'x', "* ]]
	xl-encode a.png b.png c.png | head -c -9 >late
	run -1 --separate-stderr bash -c "xl-hadain --exemplar late a.png b.png c.png >out"
	[[ $stderr == "xl-hadain: late: record 2 (c.png): ends inside tensor 's_b', "* ]]
	[ "$(ids out)" = a+a,b+b ]
	head -c 3000 /dev/urandom | sed '1s/^/no/' >noise
	run -1 xl-hadain --exemplar noise a.png
	[[ ${lines[0]} == "xl-hadain: noise: "* ]]
	run -1 xl-hadain --exemplar a.png noise
	[[ ${lines[0]} == "xl-hadain: noise: "* ]]
	run -1 xl-hadain --exemplar none a.png
	[ "$output" = "xl-hadain: none: cannot open: no such file or directory" ]
	run -1 xl-hadain --exemplar m.msgpack a.png
	[ "${lines[0]}" = \
		"xl-hadain: m.msgpack: record 0 (model): a model record, neither image nor code" ]
}

@test "no input: no output" {
	run -0 xl-hadain --exemplar b.png </dev/null
	[ -z "$output" ]
	run -0 xl-hadain --all-pairs --exemplar b.png </dev/null
	[ -z "$output" ]
}

@test "terminals, a full disk, a closed pipe" {
	run -2 terminal "xl-hadain --exemplar b.png a.png"
	[ "${output%$'\r'}" = "xl-hadain: not writing tensors to a terminal; use a pipe or > FILE" ]
	run -2 terminal "xl-hadain --exemplar - a.png </dev/tty >out"
	[[ $output == "xl-hadain: not reading tensors from a terminal"* ]]
	run -1 bash -c "xl-hadain --exemplar b.png a.png >/dev/full"
	[ "$output" = "xl-hadain: stdout: cannot write: no space left on device" ]
	closed_pipe "xl-hadain --exemplar b.png a.png c.png"
	closed_pipe "trap '' PIPE; xl-hadain --exemplar b.png a.png c.png"
}

@test "the page's examples run" {
	xl-synth faces --count 24 --size 32 -q --domain-by Blond_Hair |
		xl-train miso --preset tiny --width 2 --iters 1 -q --out hair.msgpack
	xl-synth faces --count 24 --size 64 -q --domain-by Eyeglasses |
		xl-train mbu --preset tiny --width 2 --batch 2 --iters 1 -q --out glasses.msgpack
	page xl-hadain
	file pairs.png | grep -q PNG
}
