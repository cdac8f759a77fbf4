#!/usr/bin/env bats
# That training does what it is for: a few hundred steps of a very small model
# recolour hair, measured against the true translation.

setup() {
	cd "$BATS_TEST_TMPDIR" || exit 1
	PATH=$XL_BIN:$PATH
	hair=Black_Hair,Blond_Hair,Brown_Hair
}

@test "300 steps recolour hair: two thirds of the error inside it, or less" {
	n=60
	xl-synth faces --size 32 --count 1500 --seed 1 --attributes $hair \
		--where Bald=0,Gray_Hair=0 >train.msgpack
	xl-train lomit --quiet --preset tiny --width 8 --batch 4 --critic 1 --lr 1e-3 \
		--critic-std 0.06 --iters 300 --out m.msgpack train.msgpack
	xl-synth faces --size 32 --count $n --seed 9 --pairs --attributes $hair >pairs.msgpack
	xl-cat --records 0:$n pairs.msgpack >in.msgpack
	xl-cat --records $n:$((2 * n)) pairs.msgpack >ex.msgpack
	xl-cat --records $((2 * n)):$((3 * n)) pairs.msgpack >truth.msgpack
	xl-encode --model m.msgpack in.msgpack |
		xl-hadain --model m.msgpack --exemplar ex.msgpack |
		xl-decode --model m.msgpack --stream >out.msgpack
	run xl-ssim --input in.msgpack truth.msgpack out.msgpack
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "records $n" ]
	awk '$1 == "mae_inside" { got = $2 } $1 == "mae_inside_input" { nothing = $2 }
		END { exit !(nothing > 0.1 && got < 0.667 * nothing) }' <<<"$output"
}
