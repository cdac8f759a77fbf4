#!/usr/bin/env bats
# MISO through the tools: two domains, exemplars and draws, both directions, styles
# passed on and mixed.

bats_require_minimum_version 1.5.0
load stages
load photographs

miso() {
	"$XL_BIN/xl-train" miso --preset tiny --width 2 --iters 1 -q --out "$1" --seed "$2" \
		"${@:3}" faces.msgpack
	rm "$1.ckpt"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	"$XL_BIN/xl-synth" faces --count 12 --size 32 -q --domain-by Male >faces.msgpack
	miso m.msgpack 0
	miso other.msgpack 1
	"$XL_BIN/xl-decode" --dir made faces.msgpack
	mv made/face-000000.png a.png
	mv made/face-000001.png b.png
	mv made/face-000002.png c.png
	rm -r made
}

in_domain() { meta domain "$2" | grep -c "$1"; }
ids() { has "$1" | cut -d' ' -f1 | paste -sd,; }

@test "an image alone: the distribution of its style" {
	xl-encode a.png >a
	[ "$(has a)" = "a.png code x mu logvar" ]
	[ "$(shape mu a) $(shape logvar a)" = "8 <f4 8 <f4" ]
	[ "$(meta domain a)" = A ]
	xl-encode --domain B a.png >b
	[ "$(meta domain b)" = B ]
	run -1 cmp <(tensor mu a) <(tensor mu b)
	xl-encode a | cmp - a
	run -1 xl-encode --domain B a
	[ "$output" = "xl-encode: a: record 0 (a.png): codes of domain A, not B
xl-encode: 1 input failed" ]
}

@test "an exemplar, as a picture of the other domain" {
	xl-hadain --exemplar b.png a.png >ab
	[ "$(has ab)" = "a+b code x z h" ]
	[ "$(meta domain ab) $(meta domain_out ab)" = "A B" ]
	cmp <(tensor z ab) <(tensor mu <(xl-encode --domain B b.png))
	xl-hadain --exemplar b.png --direction ba a.png >ba
	[ "$(meta domain ba) $(meta domain_out ba)" = "B A" ]
	cmp <(tensor z ba) <(tensor mu <(xl-encode b.png))
	run -1 cmp <(tensor h ab) <(tensor h ba)
	xl-encode --domain B a.png | xl-hadain --exemplar b.png | cmp <(tensor h -) <(tensor h ba)
}

@test "stages skipped, repeated and kept give the same picture" {
	xl-hadain --exemplar b.png a.png | xl-decode >want.png
	xl-encode a.png | xl-hadain --exemplar <(xl-encode --domain B b.png) | xl-decode |
		cmp - want.png
	xl-encode a.png | xl-encode | xl-hadain --exemplar c.png | xl-encode |
		xl-hadain --exemplar b.png | xl-decode | cmp - want.png
	xl-hadain --exemplar b.png a.png | xl-decode --stream >out
	[ "$(has out)" = "a+b image x" ]
	[ "$(meta domain out) $(meta domain_out out)" = "B null" ]
	# so that it can be the exemplar of a.png, or go back
	xl-hadain --exemplar out a.png >/dev/null
	xl-hadain --exemplar a.png out >back
	[ "$(meta domain_out back)" = A ]
	xl-encode a.png | xl-decode --stream >self
	[ "$(meta domain self)" = A ]
}

@test "an exemplar of the same domain is refused" {
	xl-encode b.png >b
	run -1 --separate-stderr xl-hadain --exemplar b a.png
	[ "${stderr_lines[0]}" = \
		"xl-hadain: a.png: exemplar b.png is of domain A as well, not of the other" ]
	xl-encode --domain B a.png >a
	run -1 --separate-stderr xl-hadain --exemplar b.png --direction ab a
	[ "${stderr_lines[0]}" = "xl-hadain: a: record 0 (a.png): of domain B, --direction=ab asks for A" ]
}

@test "draws go by seed, name and number" {
	xl-hadain --sample 3 a.png >three
	[ "$(ids three)" = "a.png#0,a.png#1,a.png#2" ]
	[ "$(meta input three | uniq)" = a.png ]
	xl-hadain --sample 1 b.png a.png | xl-cat --records 1:2 | cmp - <(xl-cat --records 0:1 three)
	run -1 cmp <(tensor z <(xl-cat --records 0:1 three)) <(tensor z <(xl-cat --records 1:2 three))
	run -1 cmp <(tensor z <(xl-hadain --sample 1 a.png)) <(tensor z <(xl-hadain --sample 1 b.png))
	run -1 cmp <(tensor z three) <(tensor z <(xl-hadain --sample 3 --seed 1 a.png))
	# again, of a draw or of a pair: those of the input
	xl-cat --records 2:3 three | xl-hadain --sample 3 | cmp - three
	xl-hadain --exemplar b.png a.png | xl-hadain --sample 3 >again
	[ "$(ids again)" = "$(ids three)" ] && [ "$(meta exemplar again | uniq)" = null ]
	cmp <(tensor h again) <(tensor h three)
	xl-cat --records 0:1 three | xl-hadain --exemplar b.png >again
	[ "$(ids again) $(meta sample again)" = "a+b null" ]
	cmp <(tensor h again) <(tensor h <(xl-hadain --exemplar b.png a.png))
	xl-decode --dir out three
	[ "$(ls out | paste -sd,)" = "a#0.png,a#1.png,a#2.png" ]
}

@test "a drawn style serves other inputs, and is mixed" {
	xl-hadain --sample 2 a.png >two
	xl-hadain --all-pairs --exemplar two b.png c.png >all
	[ "$(ids all)" = "b+a#0,b+a#1,c+a#0,c+a#1" ]
	cmp <(tensor z <(xl-cat --records 0:1 all)) <(tensor z <(xl-cat --records 2:3 all))
	cmp <(tensor z <(xl-cat --records 0:2 all)) <(tensor z two)
	first=$(tensor z two | sed -n 1p) second=$(tensor z two | sed -n 3p)
	xl-hadain --exemplar <(xl-cat --records 0:1 two) --exemplar2 <(xl-cat --records 1:2 two) \
		--mix 0.25 b.png >mixed
	paste -d' ' <(tr ' ' '\n' <<<"$first") <(tr ' ' '\n' <<<"$second") \
		<(tensor z mixed | tr ' ' '\n') |
		awk 'NF == 3 { e = 0.75 * $1 + 0.25 * $2 - $3; n++; if (e * e > 1e-10) exit 1 }
		END { exit n != 8 }'
}

@test "exemplars are mixed by their means" {
	mixed() { xl-hadain --exemplar b.png --exemplar2 c.png --mix "$1" a.png; }
	[ "$(ids <(mixed 0.5))" = a+b+c ]
	cmp <(tensor h <(mixed 0)) <(tensor h <(xl-hadain --exemplar b.png a.png))
	cmp <(tensor h <(mixed 1)) <(tensor h <(xl-hadain --exemplar c.png a.png))
	xl-encode --domain B b.png >b
	xl-encode c.png >c
	run -1 --separate-stderr xl-hadain --exemplar b --exemplar2 c --mix 0.5 a.png
	[ "${stderr_lines[0]}" = "xl-hadain: b.png is of domain B, c.png of A" ]
	xl-hadain --sample 1 b.png >drawn
	run -1 --separate-stderr xl-hadain --exemplar drawn --exemplar2 c --mix 0.5 a.png
	[ "${stderr_lines[0]}" = "xl-hadain: b.png#0 holds z, c.png does not" ]
}

@test "what MISO cannot do is wrong usage" {
	run -2 xl-hadain --remove a.png
	[ "${lines[0]}" = "xl-hadain: --remove: method miso cannot" ]
	run -2 xl-mask a.png
	[ "${lines[0]}" = "xl-mask: method miso has no masks" ]
	run -2 xl-mask --exemplar b.png a.png
	[ "${lines[0]}" = "xl-mask: method miso has no masks" ]
}

@test "codes of another model are refused" {
	xl-encode --model other.msgpack a.png >other
	for stage in "xl-encode" "xl-hadain --exemplar b.png" "xl-hadain --sample 1" \
		"xl-decode --stream"; do
		run -1 bash -c "$stage <other"
		[[ ${lines[0]} == "${stage%% *}: "*": codes of model "*", this is "*" (miso, 32)" ]]
	done
}

@test "a domain that is neither A nor B is refused" {
	xl-cat --records 0:1 faces.msgpack >good
	xl-encode good >code
	xl-hadain --exemplar b.png good >fused
	for bad in Q 3; do
		[ $bad = 3 ] && value='\x03' says="is no string, A or B" ||
			value='\xa1Q' says="is 'Q', neither A nor B"
		for f in good code fused; do
			LC_ALL=C sed "s/\xa6domain\xa1[AB]/\xa6domain$value/" $f >$bad.$f
		done
		for stage in "xl-encode $bad.good" "xl-encode $bad.code" "xl-hadain --sample 1 $bad.good" \
			"xl-hadain --exemplar b.png $bad.good" "xl-hadain --exemplar $bad.good b.png" \
			"xl-hadain --exemplar $bad.code b.png" "xl-decode $bad.fused"; do
			run -1 --separate-stderr $stage
			[ -z "$output" ]
			[[ ${stderr_lines[0]} == "${stage%% *}: "*": record 0 ("*"): domain $says" ]]
		done
	done
	# told anew
	xl-encode --domain A Q.good >/dev/null
}

@test "training takes domains from records or labels" {
	cd "$BATS_FILE_TMPDIR"
	xl-synth faces --count 12 --size 32 -q >bare
	run -2 xl-train miso --preset tiny --width 2 --iters 1 bare
	[[ ${lines[0]} == "xl-train: bare: record 0 (face-000000.png): has no domain "* ]]
	run -0 xl-train miso --preset tiny --width 2 --iters 2 --out x.msgpack --domain-by Male --force \
		--samples sheets bare
	[[ ${lines[0]} =~ ^"xl-train: 12 images (A "[0-9]+", B "[0-9]+")"$ ]]
	xl-synth faces --count 12 --size 32 -q --domain-by Male | cmp - faces.msgpack
	cp x.msgpack y.msgpack
	xl-train miso --preset tiny --width 2 --iters 2 -q --out x.msgpack --force faces.msgpack
	cmp x.msgpack y.msgpack
	xl-crop --size 0 sheets/00000002.png >/dev/null
	run -2 xl-train miso --preset tiny --batch 3 faces.msgpack
	[ "${lines[0]}" = "xl-train: batch 3 is odd: its halves are for the two phases" ]
	run -2 xl-train miso --preset tiny --width 2 --batch 20 faces.msgpack
	[[ ${lines[1]} == "xl-train: too few images: "*" of domain A and "*" of B, a step takes 20 of each" ]]
}

@test "a run stopped and resumed gives the same" {
	quick() { xl-train miso --preset tiny --width 2 -q --out "$1" --iters 8 "${@:2}" faces.msgpack; }
	quick one --threads 1
	quick two --threads 2 --every 4 --keep 2
	cmp one two
	xl-train miso --resume two.00000004 --out three -q faces.msgpack
	cmp one three
	cmp one.ckpt three.ckpt
}

@test "its pipelines train, translate in drawn and given styles, and measure" {
	pipes=$BATS_TEST_DIRNAME/../pipelines/miso
	SMOKE=1 WIDTH=2 ITERS=2 EVERY=1 COUNT=24 OUT=run run -0 "$pipes/train.sh"
	[ "$(xl-cat --json --records 0:1 run/model.msgpack | jq -c '.meta | [.method, .step]')" = '["miso",2]' ]
	export MODEL=run/model.msgpack SMOKE=1
	run -0 "$pipes/translate.sh"
	[ "$(xl-cat --json translated/translated.msgpack | jq -r .meta.domain | uniq -c | tr -s ' ')" = " 4 B" ]
	[ "$(ls translated/pictures | wc -l)" = 4 ]
	xl-crop --size 0 translated/passage.png | xl-cat --json | jq -e '.tensors.x.shape[2] >= 3 * 32'
	mkdir exemplars
	cp b.png c.png exemplars
	DIRECTION=ba OUT=back INPUTS=a.png EXEMPLARS=exemplars run -0 "$pipes/translate.sh"
	[ "$(ls back/pictures | paste -sd,)" = "a+b.png,a+c.png" ]
	[ "$(xl-cat --json back/translated.msgpack | jq -r .meta.domain | sort -u)" = A ]
	run -2 env DIRECTION=aa "$pipes/translate.sh"
	[ "$output" = "translate.sh: DIRECTION: 'aa' is not ab or ba" ]
	run -0 --separate-stderr "$pipes/evaluate.sh"
	cmp <(echo "$output") evaluated/evaluation.txt
	[[ ${lines[0]} == "miso "*", 32x32, step 2 "* && $output == *"8 inputs of made faces, seed 1, domain B by Blond_Hair"* ]]
	share=$(jq '.drawn_labels.accuracy * 10000 | round / 100' evaluated/evaluation.json)
	[ "$(grep -cE "^put into the wanted domain +$share +99.35 .* classifier data domains pictures size training width\$" <<<"$output")" = 2 ]
	jq -e '.drawn_labels.images == 16 and .drawn_seen == null' evaluated/evaluation.json
	grep -qE "^lpips_own: other weights, A to B +- +- " <<<"$output"
	# weights that are not the published ones have rows of their own
	"$XL_BUILD/tests/test_lpips" lpips-alex >weights
	LPIPS=weights run -0 --separate-stderr "$pipes/evaluate.sh"
	jq -e '.drawn_seen.ab.outputs == 8 and .drawn_seen.ba.pairs == 4 and .drawn_seen.ab.lpips_own_io > 0 and
		.real_seen.a.pairs == 6' evaluated/evaluation.json
	# row NAME PATH: the value beside the name, or the name below a longer one
	row() { grep -qE "^$1 +$(jq "$2 * 10000 | round / 10000" evaluated/evaluation.json) +-" <<<"$output"; }
	row "lpips_own: other weights, A to B" .drawn_seen.ab.lpips_own_io
	row "  B to A" .drawn_seen.ba.lpips_own_io
	row "lpips_own: other weights, A to B" .drawn_seen.ab.lpips_own_oo
	row "  B to A" .drawn_seen.ba.lpips_own_oo
	row "lpips_own: other weights, B" .real_seen.b.lpips_own_oo
	row "  A" .real_seen.a.lpips_own_oo
	# of each input its own drawings, and of each direction its own inputs
	xl-lpips --json --weights weights evaluated/ba_inputs.msgpack \
		<(xl-cat --records 8:16 evaluated/drawings.msgpack) |
		jq -e --slurpfile all evaluated/evaluation.json '.lpips_own_io == $all[0].drawn_seen.ba.lpips_own_io'
	run -1 grep -E "^(Monet|photo|these)[A-Za-z, ]+[0-9]" <<<"$output"
	unset LPIPS
	LPIPS=run/model.msgpack run -2 "$pipes/evaluate.sh"
	[ "$output" = "evaluate.sh: LPIPS: run/model.msgpack holds no weights" ]
	# pairs that there are not are found before anything is trained
	DOMAIN=Male OUT=none run -2 "$pipes/evaluate.sh"
	[[ $output == *"Male"* && $output != *"xl-classify"* ]] && [ ! -e none/classifier.msgpack ]
	DRAWS=none run -2 "$pipes/evaluate.sh"
	[ "$output" = "evaluate.sh: DRAWS: 'none' is not a number of styles" ]
	run -0 --separate-stderr "$pipes/evaluate.sh"
	[ "${lines[-1]}" = "Comparable: none." ]
	# both directions are measured, each pair with an exemplar of the other domain
	[ "$(xl-cat --json evaluated/results.msgpack | jq -r .meta.domain | sort -u | paste -sd,)" = A,B ]
	jq -e '.drawn_styles.each | (.A | length) == 8 and (.B | length) == 8' evaluated/evaluation.json
	rm -r evaluated/evaluation.json evaluated/drawn-styles.json
	"$pipes/evaluate.sh" -n | bash
	cmp <(echo "$output") evaluated/evaluation.txt
	OUT="a b" "$pipes/evaluate.sh" >/dev/null
	cmp "a b/pairs.png" evaluated/pairs.png
	# a model of this method is none of another
	for script in lomit/evaluate mbu/translate; do
		run -2 "$pipes/../$script.sh"
		[ "$output" = "${script#*/}.sh: MODEL: run/model.msgpack is of miso, no model of ${script%/*}" ]
	done
	MODEL=evaluated/inputs.msgpack run -2 "$pipes/translate.sh"
	[ "$output" = "translate.sh: MODEL: evaluated/inputs.msgpack is no model of miso" ]
}

@test "evaluate.sh measures on photographs, of folders and of labels" {
	pipes=$BATS_TEST_DIRNAME/../pipelines/miso
	export SMOKE=1 MODEL=m.msgpack
	celeba faces 200 32
	DATA=faces run -0 --separate-stderr "$pipes/evaluate.sh"
	cmp <(echo "$output") evaluated/evaluation.txt
	grep -qx "8 inputs of faces, seed 1, domain B by Male" <<<"$output"
	grep -q "^held out by their names; no truth is known" <<<"$output"
	run -1 grep "true translation" evaluated/evaluation.txt
	jq -e '.translation == null and .input_labels.images == 8 and .drawn_labels.images == 16 and
		(.drawn_styles.each | (.A | length) == 8 and (.B | length) == 8)' evaluated/evaluation.json
	men() { xl-cat --tensor y "evaluated/$1.msgpack" | grep '^[01]' | awk -v k="$at" '{ print $k }' | uniq | paste -sd ''; }
	at=$(sed -n 2p faces/list_attr_celeba.txt | tr ' ' '\n' | grep -n '^Male$' | cut -d: -f1)
	[ "$(men inputs) $(men exemplars) $(men others_a) $(men others_b)" = "01 10 0 1" ]
	# two rows of each direction, five pictures wide
	[ "$(xl-crop --size 0 evaluated/pairs.png | xl-cat --json | jq '.tensors.x.shape[2] | . > 5 * 32 and . < 6 * 32')" = true ]
	# folders: of these all, and more than there are
	mkdir -p monet2photo/{train,test}{A,B}
	i=0
	for side in testA testA testB testB testB trainA trainA trainB trainB trainB trainB; do
		cp faces/face-00000$((i % 10)).png monet2photo/$side/$((i += 1)).png
	done
	"$XL_BUILD/tests/test_lpips" lpips-alex >weights
	DATA=monet2photo LPIPS=weights OUT=sides CLASSIFIER=evaluated/classifier.msgpack run -0 --separate-stderr "$pipes/evaluate.sh"
	grep -qx "5 inputs of monet2photo, seed 1" <<<"$output"
	grep -q "^held out by testA and testB; " <<<"$output"
	jq -e '.task == "monet-photo" and .drawn_seen.ab.outputs == 4 and .drawn_seen.ba.outputs == 6 and
		.real_seen.b.pairs == 3' sides/evaluation.json
	# with the published weights these fill their rows, and what they differ in is told
	jq '.drawn_seen.ab.lpips_io = 0.4321 | .size = 128 | .model.step = 200000 | .model["hyper.width"] = 64 |
		.drawn_seen.ab.settings.network = "lpips-squeeze"' sides/evaluation.json >published.json
	run -0 jq -r --rawfile published "$pipes/published.tsv" -f "$pipes/../published.jq" published.json
	grep -qE $'^Monet to photo\t0.4321\t0.4549\t.*\tnetwork pictures$' <<<"$output"
	jq '.drawn_seen.ab.settings.network = "lpips-alex" | .drawn_seen.ab.outputs = 8000' published.json >same.json
	run -0 jq -r --rawfile published "$pipes/published.tsv" -f "$pipes/../published.jq" same.json
	grep -qE $'^Monet to photo\t0.4321\t0.4549\t.*\tnothing$' <<<"$output"
	[[ ${lines[-1]} == "Comparable, if the model was trained on such data: 2 of "* ]]
	DATA=monet2photo SPLIT=all OUT=sides CLASSIFIER=evaluated/classifier.msgpack run -0 --separate-stderr "$pipes/evaluate.sh"
	grep -qx "of all pictures, those of training as well" <<<"$output"
	grep -qx "8 inputs of monet2photo, seed 1" <<<"$output"
	DATA=monet2photo SPLIT=train run -2 "$pipes/evaluate.sh"
	[ "$output" = "evaluate.sh: SPLIT: 'train' is not test or all" ]
	DATA=faces run -0 "$pipes/train.sh" -n
	[[ $output == *" --domain-by Male faces > "* && $output != *--part* ]]
	DATA=monet2photo run -0 "$pipes/train.sh" -n
	[[ $output == *"xl-crop --split train --size 36 monet2photo > "* && $output == *"--part=0.895"* ]]
}

@test "squares are cut from larger pictures, not enlarged" {
	miso() { xl-train miso --preset tiny --width 2 --iters 1 --part 0.895 --out "$@"; }
	for side in 32 36 72; do xl-synth faces --count 12 --size $side -q --domain-by Male >$side; done
	run -0 --separate-stderr miso exact 36
	[ "${stderr_lines[0]}" = "xl-train: 12 images (A $(in_domain A 36), B $(in_domain B 36))" ]
	for side in 32 72; do
		run -0 --separate-stderr miso from$side --samples sheet$side $side
		[[ ${stderr_lines[0]} == *", 12 resized from $side to 36 pixels" ]]
	done
	mkdir -p photos/trainA photos/trainB
	for size in 064 64x64 x 'n[0]' 10000; do
		DATA=photos SIZE=$size run -2 "$BATS_TEST_DIRNAME/../pipelines/miso/train.sh"
		[ "$output" = "train.sh: SIZE: '$size' is not a number of pixels" ] && [ ! -e miso ]
	done
	DATA=photos PRESET=tiny run -0 "$BATS_TEST_DIRNAME/../pipelines/miso/train.sh" -n
	[[ $output == *"xl-crop --split train --size 36 photos"*"--size 32"*"--part=0.895"* ]]
	# samples show all of a picture, at the model's size
	xl-crop --size 0 sheet72/00000001.png >cut
	xl-train miso --preset tiny --width 2 --iters 1 --samples whole --out whole.msgpack -q 72
	xl-crop --size 0 whole/00000001.png >all
	[ "$(shape x cut)" = "$(shape x all)" ]
	# what a run is resumed with must be what it began with
	run -2 xl-train miso --resume exact --part 1 36
	[[ ${lines[0]} == "xl-train: --part: exact.ckpt has 0.895"*", not 1" ]]
	xl-train miso --resume exact --iters 2 -q 36
	miso two --iters 2 -q 36
	cmp exact.ckpt two.ckpt
}

@test "styles read back are compared within each domain" {
	# z and mu agree in the first number, are opposite in the second, in each of two
	# domains that lie far apart
	for i in 1 2 3 4 5; do
		echo "A $i $i $i -$i"
		echo "B $((i + 100)) $i $i -$i"
	done >lines
	jq -R -s -c -f "$BATS_TEST_DIRNAME/../pipelines/miso/correlation.jq" lines >got
	[ "$(cat got)" = '{"mean":0,"each":{"A":[1,-1],"B":[1,-1]}}' ]
}
