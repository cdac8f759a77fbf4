#!/usr/bin/env bats
# That training does what it is for: a few hundred steps of very small models recolour
# hair, measured against the true translation.

setup() {
	cd "$BATS_TEST_TMPDIR" || exit 1
	PATH=$XL_BIN:$PATH
	hair=Black_Hair,Blond_Hair,Brown_Hair
	set -o pipefail
}

# starts N LEARNS: whether N of three starts learn; a training that dies ends it
starts() {
	local seed status learnt=0
	for seed in 0 1 2; do
		status=0
		"$2" $seed || status=$?
		[ $status -le 1 ] || return $status
		learnt=$((learnt + 1 - status))
		[ $learnt -lt "$1" ] || return 0
	done
	return 1
}

# recolours SEED: whether 300 steps from there leave two thirds of the error inside hair
recolours() {
	xl-train lomit --quiet --preset tiny --width 8 --batch 4 --critic 1 --lr 1e-3 \
		--critic-std 0.06 --iters 300 --seed "$1" --force --out m.msgpack train.msgpack &&
		xl-encode --model m.msgpack in.msgpack |
		xl-hadain --model m.msgpack --exemplar ex.msgpack |
			xl-decode --model m.msgpack --stream >out.msgpack &&
		xl-ssim --input in.msgpack truth.msgpack out.msgpack | tee seen &&
		[ "$(head -1 seen)" = "records $n" ] || return 2
	awk '$1 == "mae_inside" { got = $2 } $1 == "mae_inside_input" { nothing = $2 }
		END { exit !(nothing > 0.1 && got < 0.667 * nothing) }' seen
}

# One start in ten fails (of ten: 0.84 once, else 0.44 to 0.58), and which one changes with
# the last bit of a sum; two of three hardly ever do.
@test "300 steps recolour hair: two thirds of the error inside it, or less" {
	n=60
	xl-synth faces --size 32 --count 1500 --seed 1 --attributes $hair \
		--where Bald=0,Gray_Hair=0 >train.msgpack
	xl-synth faces --size 32 --count $n --seed 9 --pairs --attributes $hair >pairs.msgpack
	xl-cat --records 0:$n pairs.msgpack >in.msgpack
	xl-cat --records $n:$((2 * n)) pairs.msgpack >ex.msgpack
	xl-cat --records $((2 * n)):$((3 * n)) pairs.msgpack >truth.msgpack
	starts 2 recolours
}

# learns SEED: whether 600 steps of MISO from there give hair of the other domain, keep
# the rest, and give styles that are read back
learns() {
	xl-train miso --quiet --preset tiny --lr 1e-3 --w-adv 0.2 --iters 600 --decay-start 300 \
		--seed "$1" --force --out m.msgpack train.msgpack &&
		xl-hadain --exemplar ex.msgpack in.msgpack | xl-decode --stream >out.msgpack &&
		xl-ssim --input in.msgpack truth.msgpack out.msgpack | tee seen || return 2
	awk '$1 == "mae_inside" { got = $2 } $1 == "mae_inside_input" { nothing = $2 }
		END { exit !(nothing > 0.1 && got < 0.667 * nothing) }' seen || return 1
	# of the rest, it is nearer to its own input than to another
	own=$(outside in.msgpack) && other=$(outside next.msgpack) || return 2
	echo "seed $1: $own $other"
	awk -v own="$own" -v other="$other" 'BEGIN { exit !(own < 0.85 * other) }' || return 1
	xl-hadain --sample 1 in.msgpack >drawn.msgpack &&
		xl-decode --stream drawn.msgpack | xl-encode >read.msgpack || return 2
	mean=$(paste -d' ' <(xl-cat --json read.msgpack | jq -r .meta.domain) \
		<(vectors z drawn.msgpack) <(vectors mu read.msgpack) |
		jq -R -s -f "$BATS_TEST_DIRNAME/../pipelines/miso/correlation.jq" | jq .mean) || return 2
	echo "$mean"
	awk -v mean="$mean" 'BEGIN { exit !(mean > 0.1) }'
}

# outside TRUTH: the error where hair is not
outside() { xl-ssim "$1" out.msgpack | awk '$1 == "mae_outside" { print $2 }'; }

vectors() { xl-cat --tensor "$1" "$2" | grep -v -e '^#' -e '^$'; }

# A translation there and back can also turn backgrounds over, which the cycle does not
# see: about one start in five ends so after so few steps, three in a row one in a hundred.
@test "600 steps of MISO: hair of the other domain, content kept, styles read back" {
	n=60
	xl-synth faces --size 32 --count 1500 --seed 1 --domain-by Blond_Hair \
		--where 'Bald=0,Wearing_Hat=0,Black_Hair=1|Blond_Hair=1' >train.msgpack
	xl-synth faces --size 32 --count $n --seed 9 --pairs --attributes Blond_Hair \
		--domain-by Blond_Hair --where Bald=0,Wearing_Hat=0 >pairs.msgpack
	xl-cat --records 0:$n pairs.msgpack >in.msgpack
	xl-cat --records 1:$n pairs.msgpack >next.msgpack
	xl-cat --records 0:1 pairs.msgpack >>next.msgpack
	xl-cat --records $n:$((2 * n)) pairs.msgpack >ex.msgpack
	xl-cat --records $((2 * n)):$((3 * n)) pairs.msgpack >truth.msgpack
	export XL_MODEL=m.msgpack
	starts 1 learns
}
