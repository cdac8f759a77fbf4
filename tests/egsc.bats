#!/usr/bin/env bats
# EGSC-IT through the tools: both directions, noise, masks of channels, features and
# networks taken from files, what a run says of itself.

bats_require_minimum_version 1.5.0
load stages

# train OUT OPTION...: a model of three iterations, one of each stage
train() {
	local out=$1
	shift
	xl-train egsc-it --preset tiny --size 16 --width 2 --d-width 2 --batch 1 --std 0.5 \
		--pre-iters 1 --percept-iters 1 --iters 3 -q --out "$out" "$@" faces.msgpack
}

# a.png b.png c.png of 20x20, which the models take as 16x16; m.msgpack
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	PATH=$XL_BIN:$PATH
	xl-synth faces --count 12 --size 16 -q --attributes Eyeglasses,Male \
		--domain-by Male >faces.msgpack
	train m.msgpack --log log.jsonl --log-every 1
	xl-synth faces --count 3 --size 20 -q | xl-decode --dir made
	for n in 0a 1b 2c; do mv "made/face-00000${n%?}.png" "${n#?}.png"; done
	rm -r made
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BATS_FILE_TMPDIR"/*.png "$BATS_FILE_TMPDIR"/*.msgpack "$BATS_FILE_TMPDIR"/log.jsonl .
	export XL_MODEL=m.msgpack
	PATH=$XL_BIN:$PATH
}

@test "skipped, repeated and cached stages give the same bytes" {
	xl-hadain --exemplar b.png a.png | xl-decode >want.png
	xl-encode --domain B b.png >b.msgpack
	xl-encode a.png | xl-hadain --exemplar b.msgpack | xl-decode | cmp - want.png
	xl-mask a.png | xl-hadain --exemplar <(xl-mask --model m.msgpack b.msgpack) | xl-encode |
		xl-decode | cmp - want.png
	run ! cmp <(xl-hadain --exemplar c.png a.png | xl-decode) want.png
}

@test "what each stage adds" {
	xl-encode a.png >1
	[ "$(has 1)" = "a.png code x c m s" ]
	[ "$(shape c 1) $(shape m 1) $(shape s 1)" = "2,16,16 <f4 2,16,16 <f4 4 <f4" ]
	xl-hadain --exemplar b.png 1 >2
	[ "$(has 2)" = "a+b code x c m s h" ]
	[ "$(meta domain_out 2)" = B ]
	[ "$(xl-decode --stream 2 | meta domain -)" = B ]
}

@test "both directions" {
	xl-hadain --exemplar b.png a.png | xl-decode >ab.png
	xl-hadain --direction ba --exemplar b.png a.png >ba
	[ "$(meta domain ba) $(meta domain_out ba)" = "B A" ]
	run ! cmp <(xl-decode ba) ab.png
	# an exemplar of the input's own domain: its look, by its own generator
	xl-hadain --exemplar <(xl-encode b.png) a.png >aa
	[ "$(meta domain_out aa)" = A ]
	# styles mix: none of the second is the first alone
	xl-hadain --exemplar b.png --mix 0 --exemplar2 c.png a.png | xl-decode | cmp - ab.png
	run ! cmp <(xl-hadain --exemplar b.png --mix 0.5 --exemplar2 c.png a.png | xl-decode) ab.png
}

@test "noise is of the name and the seed" {
	xl-encode a.png >1
	xl-encode a.png | cmp - 1
	xl-encode --seed 0 a.png | tensor c - | cmp - <(tensor c 1)
	xl-encode --seed 4 a.png >4
	[ "$(meta noise_seed 4)" = 4 ]
	run ! cmp <(tensor c 4) <(tensor c 1)
	cmp <(tensor m 4) <(tensor m 1)
	# where a later tool computes the code, by its seed
	xl-hadain --seed 4 --exemplar b.png a.png | tensor c - | cmp - <(tensor c 4)
	cp a.png other.png
	run ! cmp <(xl-encode other.png | tensor c -) <(tensor c 1)
	# a code that is there keeps its noise, and a picture has none
	xl-encode --seed 5 4 | cmp - 4
	[ "$(xl-hadain --seed 4 --exemplar b.png a.png | xl-decode --stream | meta noise_seed -)" = null ]
}

@test "what a model was trained with is set anew for its stages" {
	xl-encode --set noise-test=0 --seed 4 a.png | tensor c - >4
	cp a.png other.png
	xl-encode --set noise-test=0 other.png | tensor c - | cmp - 4
	run ! cmp <(xl-encode a.png | tensor c -) 4
	xl-hadain --exemplar b.png a.png | xl-decode --set stretch-out=1 --stream | tensor x - >x
	tr ' ' '\n' <x | grep . | sort -g | sed -n '1p;$p' | paste -sd' ' >ends
	[ "$(cat ends)" = "-1 1" ]
	run -2 xl-decode --set iters=3 a.png
	[ "${lines[0]}" = \
		"xl-decode: --set: 'iters' is nothing that can be set here (noise-test, stretch-out)" ]
	run -2 xl-encode --set noise-test a.png
	[ "${lines[0]}" = "xl-encode: --set: 'noise-test' is not key=value" ]
	for tool in xl-encode "xl-decode --stream codes"; do
		xl-encode a.png >codes
		run -2 $tool --set noise-test=2 a.png
		[ "${lines[0]}" = \
			"${tool%% *}: --set: --noise-test: '2' is not a whole number from 0 to 1" ]
		[ "${lines[1]}" = "try '${tool%% *} --help'" ]
	done
}

@test "--composite is for masks of one channel" {
	xl-encode a.png b.png >codes
	run -2 xl-decode --composite 1 --dir out codes
	[ "${lines[0]}" = "xl-decode: --composite: method egsc-it has no mask of one channel" ]
	[ "${#lines[@]}" -eq 2 ]
	# an image is itself; of what is drawn, each record is looked at
	xl-decode --composite 1 a.png | same_pixels a.png -
	xl-encode a.png | sed 's/\xa1c\x85/\xa3out\x85/' >drawn
	run -1 xl-decode --composite 1 drawn
	[ "${lines[0]}" = \
		"xl-decode: drawn: record 0 (a.png): x is (3,16,16) |u1, its translation (2,16,16) <f4" ]
}

@test "masks are edited on every channel" {
	xl-encode a.png >1
	xl-mask --erase 0,0,16,8 1 >erased
	[ "$(shape m erased) $(meta mask_edited erased)" = "2,16,16 <f4 true" ]
	tensor m erased | awk 'NF { row++; i = (row - 1) % 16
		for (k = 1; k <= NF; k++) if (i < 8 ? $k != 0 : $k < 0.5) exit 1 }'
	run ! cmp <(xl-hadain --exemplar b.png erased | xl-decode) \
		<(xl-hadain --exemplar b.png 1 | xl-decode)
	# erased altogether, nothing of the content is left to tell pictures apart by
	xl-mask --scale 0 a.png | xl-hadain --exemplar c.png | tensor h - >a
	xl-mask --scale 0 b.png | xl-hadain --exemplar c.png | tensor h - | cmp - a
	xl-mask --to-png shown 1 >/dev/null
	[ "$(xl-crop --size 0 shown/*.png | shape x -)" = "3,16,16 |u1" ]
	xl-mask --set shown/*.png 1 | tensor m - | cmp - <(tensor m 1)
}

@test "a run says what it does in each stage, and on what its results rest" {
	[ "$(jq -r 'select(.lr) | keys_unsorted[3]' log.jsonl | paste -sd' ')" = \
		"F.gan V.class G.gan" ]
	head -1 log.jsonl | jq -e '.hyper.perceptual == "trained" and .attributes[1] == "Male"'
	xl-cat m.msgpack | grep -q 'hyper.perceptual: trained'
	# scaffolding stays out of the model
	[ "$(xl-cat --json m.msgpack | jq -r .id | paste -sd' ')" = \
		"model E_A E_B S G_A G_B F_A F_B" ]
	xl-train egsc-it --preset tiny --dry-run </dev/null >costs
	grep -q '^parameters_F_A 16288$' costs
}

@test "features come from a model that was trained before" {
	train next.msgpack --pre-iters 0 --with m.msgpack --seed 7
	for net in F_A F_B; do
		cmp <(xl-cat --json m.msgpack | jq "select(.id == \"$net\")" | jq -c .tensors) \
			<(xl-cat --json next.msgpack | jq "select(.id == \"$net\")" | jq -c .tensors)
	done
	[ "$(xl-cat --json next.msgpack | jq -r 'select(.meta.adopted) | .meta.adopted')" = \
		"$(xl-cat --json m.msgpack | jq -r 'select(.meta.digest) | .meta.digest')" ]
	# a resumed run has them already
	xl-train egsc-it --resume next.msgpack --iters 4 -q faces.msgpack
}

@test "what does not go together is refused" {
	run -2 train x --pre-iters 0
	[ "${lines[0]}" = "xl-train: pre-iters=0 needs --with FILE, a model whose features to take" ]
	run -2 train x --with m.msgpack
	[ "${lines[0]}" = "xl-train: features were taken, but pre-iters is 1, not 0" ]
	run -2 train x --perceptual given
	[ "${lines[0]}" = "xl-train: perceptual=given needs --with FILE, weights by xl-convert --as" ]
	run -2 train x --pre-iters 0 --width 4 --with m.msgpack
	[ "${lines[0]}" = "xl-train: --with: m.msgpack: features of width 2 and n1 1, not 4 and 1" ]
	train stopped --pre-iters 3 --iters 6 --every 1 --keep 9
	run -2 train x --pre-iters 0 --with stopped.00000002
	[ "${lines[0]}" = "xl-train: --with: stopped.00000002: features: trained for 2 of 3 iterations" ]
	train whole --pre-iters 0 --with stopped.00000003
	# the networks and stages of a run stay what they are
	train without --lambda-s 0 --lambda-c 0
	run -2 xl-train egsc-it --resume without --lambda-s 10 --iters 9 -q --out x faces.msgpack
	[ "${lines[0]}" = "xl-train: lambda-s and lambda-c: the run was begun without a perceptual loss" ]
	run -2 xl-train egsc-it --resume whole --lambda-s 0 --lambda-c 0 --iters 9 -q --out x faces.msgpack
	[ "${lines[0]}" = "xl-train: lambda-s and lambda-c: the run was begun with a perceptual loss" ]
	xl-train egsc-it --resume whole --lambda-s 0 --iters 9 -q --out less faces.msgpack
	run -2 train x --with faces.msgpack
	[[ ${lines[0]} == "xl-train: --with: faces.msgpack: not a model"* ]]
	run -2 xl-train lomit --preset tiny --size 32 --width 2 --batch 1 --attributes Male -q --out y --with m.msgpack faces.msgpack
	[[ ${lines[0]} == *"--with: m.msgpack: method lomit takes nothing from other models" ]]
	[ ! -e x ] && [ ! -e y ]
}

@test "perceptual networks can be left out" {
	train x.msgpack --perceptual none --iters 2 --log x.jsonl --log-every 1
	[ "$(jq -r 'select(.lr and .step == 2) | has("G.style")' x.jsonl)" = false ]
	train y.msgpack --perceptual random --iters 2 --log y.jsonl --log-every 1
	[ "$(jq -r 'select(.lr and .step == 2) | has("G.style")' y.jsonl)" = true ]
}
