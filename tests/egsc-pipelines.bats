#!/usr/bin/env bats
# The pipelines of EGSC-IT: training on digits, translation in both directions, and a table
# that gives a right translation what it deserves.
# shellcheck disable=SC2154  # output, lines and stderr are set by bats

bats_require_minimum_version 1.5.0
load digits
load photographs

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	unset DATA COUNT DOMAIN WHERE PRESET SIZE WIDTH BATCH ITERS PRE PERCEPT EVERY SEED EXTRA OUT \
		MODEL XL_MODEL INPUTS EXEMPLARS PAIRS SHOWN SET DIRECTION SMOKE XDG_DATA_HOME
	mkdir mnist
	(cd mnist && both_digits)
	export HOME=$BATS_FILE_TMPDIR MNIST=$BATS_FILE_TMPDIR/mnist
	pipes=$(cd "$BATS_TEST_DIRNAME/../pipelines/egsc-it" && pwd)
	export pipes
	SMOKE=1 COUNT=40 WIDTH=2 PRE=1 PERCEPT=1 ITERS=3 EXTRA='--d-width 2 --batch 2' OUT=trained \
		"$pipes/train.sh" 2>trained.log
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return 1
	PATH=$XL_BIN:$PATH
	model=$BATS_FILE_TMPDIR/trained/model.msgpack
}

small() { SMOKE=1 MODEL=$model "$pipes/$1.sh" "${@:2}"; }

@test "train.sh makes records of two domains, a model, a log, samples and a plot" {
	cd "$BATS_FILE_TMPDIR/trained"
	[ "$(xl-cat --json records.msgpack | jq -r .meta.domain | sort | uniq -c | tr -s ' \n' ' ')" = \
		" 20 A 20 B " ]
	xl-cat --json --records 0:1 model.msgpack | jq -e '.meta | .method == "egsc-it" and .step == 3 and
		.["hyper.size"] == 28 and .["hyper.n1"] == 1 and .attributes == ["digit", "fg", "bg"]'
	[ -s model.msgpack.ckpt ] && ls samples/*.png
	xl-crop --size 0 losses.png >/dev/null
}

@test "train.sh is set by what it trains on" {
	SET=mnist-multi run -0 "$pipes/train.sh" -n
	[[ $output == *"xl-synth mnist-multi --mnist $MNIST --count 20000 "* ]]
	[[ $output == *"--preset small --task multi --n1 3 --size 112 --attributes fg,bg "* ]]
	mkdir -p photos/trainA
	DATA=photos run -0 "$pipes/train.sh" -n
	[[ $output == *"xl-crop --size 64 --split train photos > "* ]]
	[[ $output == *"--preset small --task faces --n1 3 --size 64 "* ]]
	DATA=celeba PRESET=paper run -0 "$pipes/train.sh" -n
	[[ $output == *"xl-crop --size 128 --split train --domain-by Male celeba > "* ]]
	[[ $output == *"--task faces --n1 3 --size 128 --iters 61200 --pre-iters 30000 "* ]]
	SET=mnist-single PRESET=paper run -0 "$pipes/train.sh" -n
	[[ $output != *--iters* && $output != *--pre-iters* ]]
	# the published models that have no switch of their own are trained as said
	for model in "UNIT is all three" "CycleGAN these and"; do "$pipes/train.sh" --help | grep -q "$model"; done
	cycle='--mask 0 --adain none --perceptual none --shared 0 --noise 0 --w-vae 0 --w-kl 0 --w-cyc-kl 0'
	SMOKE=1 COUNT=24 ITERS=1 WIDTH=2 EXTRA="$cycle --d-width 2 --batch 2" OUT=cycle "$pipes/train.sh"
	xl-cat --json --records 0:1 cycle/model.msgpack | jq -e '.meta["hyper.shared"] == 0'
	run -2 env -u MNIST "$pipes/train.sh"
	[ "$output" = "train.sh: MNIST: name the folder of MNIST's files" ]
	MNIST=nowhere run -1 "$pipes/train.sh"
	[ "$output" = "train.sh: nowhere: no such folder" ]
	SET=letters run -2 "$pipes/train.sh"
	[ "$output" = "train.sh: SET: 'letters' is not mnist-single or mnist-multi" ]
	PRESET=huge run -2 "$pipes/train.sh"
}

@test "translate.sh draws inputs in the look of exemplars, both ways" {
	small translate
	[ "$(ls translated/pictures | wc -l)" -eq 4 ]
	[ "$(xl-cat --json translated/translated.msgpack | jq -r .meta.domain | sort -u)" = B ]
	xl-crop --size 0 translated/grid.png >/dev/null
	mv translated run
	small translate -n | bash
	cmp run/grid.png translated/grid.png
	DIRECTION=ba OUT=back small translate
	[ "$(xl-cat --json back/translated.msgpack | jq -r .meta.domain | sort -u)" = A ]
	# pictures of one's own
	xl-decode --dir own translated/made-inputs.msgpack
	INPUTS=own EXEMPLARS=translated/exemplars.msgpack OUT=third MNIST='' small translate
	xl-cat --tensor x third/translated.msgpack | grep -v '^#' | cmp - \
		<(xl-cat --tensor x translated/translated.msgpack | grep -v '^#')
	DIRECTION=aa run -2 small translate
}

# With these tools, a model would translate as NAME says: truths, or inputs.
pretend() {
	mkdir -p bin
	ln -sf "$XL_BIN"/xl-* bin
	rm bin/xl-decode
	cat >bin/xl-decode <<-END
		#!/bin/sh
		cat >fused
		case \$(xl-cat --json --records 0:1 fused | jq -r .meta.domain) in
		A) cat evaluated/ab-$1.msgpack ;;
		B) cat evaluated/ba-$1.msgpack ;;
		esac
	END
	chmod +x bin/xl-decode
	export XL_BIN=$PWD/bin
}

row() { grep -E -A"${2:-0}" "^$1 " evaluated/evaluation.txt | tail -1 | sed -E 's/.*  +([^ ]+) +([^ ]+)$/\1 \2/'; }

@test "evaluate.sh: a right translation is right, whatever it scores with the exemplar" {
	pretend truths
	run -0 --separate-stderr small evaluate
	cmp <(echo "$output") evaluated/evaluation.txt
	[ "$(row 'SSIM with the true translation')" = "1 1" ]
	[ "$(row 'error to the true translation, 0..1')" = "0 0" ]
	[ "$(row 'share of pixels that are close')" = "1 1" ]
	[ "$(row "share of results in the exemplar's colours")" = "1 1" ]
	[ "$(row 'SSIM with the exemplar, stretched')" = "$(row 'SSIM with the exemplar, stretched' 2)" ]
	[ "$(row 'SSIM with the exemplar, stretched')" != "1 1" ]
	grep -qx "8 pairs of mnist-single each way, seed 0; adain std, perceptual trained" <<<"$output"
	grep -q "^its perceptual network learnt from labels" <<<"$output"
	# the published rows of this set have the spread as well, those of others nothing
	ssim=$(jq -r '.ab.table | [.ssim_uniform7_exemplar, .ssim_uniform7_sd_exemplar] |
		map(. * 10000 | round / 10000 | tostring) | join("\\+-")' evaluated/evaluation.json)
	[ "$(grep -cE "^A to B +$ssim +0.478\+-0.090 " <<<"$output")" = 3 ]
	grep -qE "^A to B +- +0.503\+-0.035 " <<<"$output"
	grep -qE "^B to A .* 0.188\+-0.118 +0.063\+-0.084  perceptual pictures training width\$" <<<"$output"
	grep -qx "  pictures: 8, published 1000" <<<"$output"
	grep -qx "  perceptual: trained, published given|none" <<<"$output"
	[ "$(tail -1 <<<"$output")" = "Comparable: none." ]
	xl-crop --size 0 evaluated/ab.png >/dev/null
	jq -e '.ab.table.settings.stretch and (.ab.plain.settings.stretch | not) and .pairs == 8 and
		.ab.plain.records == 8 and .model.step == 3' evaluated/evaluation.json
}

@test "evaluate.sh: doing nothing has none of the exemplar's colours" {
	pretend inputs
	small evaluate >/dev/null
	[ "$(row "share of results in the exemplar's colours")" = "0 0" ]
	[ "$(row 'SSIM with the true translation')" = "$(row 'SSIM with the true translation' 2)" ]
	[ "$(row 'share of pixels that are close')" = "0 0" ]
}

@test "evaluate.sh measures the model, and what is finished is not done again" {
	small evaluate >/dev/null
	cmp <(xl-encode --model "$model" --seed 0 evaluated/ba-inputs.msgpack) evaluated/ba-codes.msgpack
	[ "$(xl-cat --json evaluated/ab-results.msgpack | jq -r .id | sed -n 2p)" = \
		pair-000002-input+pair-000002-exemplar ]
	[ "$(jq .ab.plain.mae evaluated/evaluation.json)" = \
		"$(xl-ssim --json evaluated/ab-truths.msgpack evaluated/ab-results.msgpack | jq .mae)" ]
	run -0 small evaluate
	[ "$(grep -c ' is there$' <<<"$output")" -eq 28 ]
	mv evaluated run
	small evaluate -n | bash
	cmp run/evaluation.txt evaluated/evaluation.txt
	OUT="a b" small evaluate >/dev/null
	for sheet in ab ba; do cmp "a b/$sheet.png" run/$sheet.png; done
	rm -r evaluated && mv run evaluated
	# what was measured of the other set fills its rows
	mkdir many
	jq '.task = "mnist-multi" | .ab.table.ssim_uniform7_exemplar = 0.501' evaluated/evaluation.json \
		>many/evaluation.json
	ALSO=many small evaluate >table
	grep -qE "^A to B +0.501\+-[0-9.]+ +0.503\+-0.035 " table
	ALSO=none run -1 small evaluate
	[ "$output" = "evaluate.sh: none/evaluation.json: cannot be read" ]
	SET=mnist-multi run -2 small evaluate
	[ "$output" = "evaluate.sh: SET: mnist-multi is of 112x112, $model of 28x28" ]
	SET=mnist-multi MODEL=later run -0 "$pipes/evaluate.sh" -n
	[[ $output == *"xl-synth mnist-multi --mnist $MNIST --pairs --count 1000 --seed 0 "* ]]
	PAIRS=0 run -2 small evaluate
	[ "$output" = "evaluate.sh: PAIRS: '0' is not a number of pairs" ]
}

@test "evaluate.sh: photographs of two domains, both ways" {
	celeba faces 120 32
	export SMOKE=1 DATA=faces
	ITERS=3 PRE=1 PERCEPT=1 WIDTH=2 EXTRA='--d-width 2 --batch 2' OUT=male "$pipes/train.sh"
	export MODEL=male/model.msgpack
	DOMAIN=Smiling run -0 --separate-stderr "$pipes/evaluate.sh"
	cmp <(echo "$output") evaluated/evaluation.txt
	grep -qE "^in the other domain, by a classifier +[01][0-9.]* +[01][0-9.]*\$" <<<"$output"
	grep -qE "^fd_own to pictures of the other domain +[0-9.]+ +[0-9.]+\$" <<<"$output"
	grep -qE "^FID to pictures of the other domain +- +-\$" <<<"$output"
	grep -qx "faces, seed 0; adain std, perceptual trained; domain B by Smiling" <<<"$output"
	grep -qx "held out by their names; no truth is known, so what takes one was not measured" <<<"$output"
	[ "${lines[-1]}" = "Comparable: none." ]
	run -1 grep -E "SSIM|error" evaluated/evaluation.json
	# inputs of one side, exemplars, results and what they are compared with of the other
	smiles() { xl-cat --tensor y "evaluated/$1.msgpack" | grep '^[01]' | awk -v k="$at" '{ print $k }' | uniq; }
	at=$(sed -n 2p faces/list_attr_celeba.txt | tr ' ' '\n' | grep -n '^Smiling$' | cut -d: -f1)
	[ "$(smiles ab-inputs)$(smiles ab-exemplars)$(smiles ab-others)" = 011 ]
	[ "$(smiles ba-inputs)$(smiles ba-exemplars)$(smiles ba-others)" = 100 ]
	[ "$(xl-cat --json evaluated/ab-results.msgpack | jq -r .meta.domain | sort -u)" = B ]
	[ -z "$(join <(xl-cat --json evaluated/ab-inputs.msgpack evaluated/ba-inputs.msgpack | jq -r .id | sort) \
		<(xl-cat --json evaluated/ab-others.msgpack evaluated/ba-others.msgpack | jq -r .id | sort))" ]
	xl-crop --size 0 evaluated/ba.png >/dev/null
	mv evaluated run
	DOMAIN=Smiling "$pipes/evaluate.sh" -n | bash
	cmp run/evaluation.txt evaluated/evaluation.txt
	# folders tell domains
	mkdir -p sides/testA
	DATA=sides run -0 "$pipes/evaluate.sh" -n
	[[ $output == *"xl-crop --size 64 --split test --domain A --pairs --limit 8 --seed 0 sides > "* ]]
	[[ $output == *"xl-crop --size 64 --split train --domain B --shuffle --limit 8 --seed 0 sides > "* ]]
	[[ $output == *"--arg data sides --arg held_out 'testA and testB' "* ]]
}
