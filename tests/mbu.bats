#!/usr/bin/env bats
# MBU through the tools: transfer, removal, swap, one after another, mixing, masks of
# content and of pairs, training on two domains, its pipelines.

bats_require_minimum_version 1.5.0
load stages
load photographs

# a.png b.png c.png of 80x64, which the models squash; m.msgpack and other.msgpack, of
# one step
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	PATH=$XL_BIN:$PATH
	xl-synth faces --count 24 --size 64 -q --attributes Eyeglasses,Male \
		--domain-by Eyeglasses >faces.msgpack
	for seed in 0 1; do
		xl-train mbu --preset tiny --width 4 --batch 2 --iters 1 -q --seed $seed \
			--out $seed.msgpack faces.msgpack
	done
	mv 0.msgpack m.msgpack
	mv 1.msgpack other.msgpack
	xl-synth faces --count 3 --size 80 -q | xl-decode --dir made
	for n in 0a 1b 2c; do
		xl-crop --size 80x64 "made/face-00000${n%?}.png" | xl-decode >"${n#?}.png"
	done
	rm -r made ./*.ckpt
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BATS_FILE_TMPDIR"/*.png "$BATS_FILE_TMPDIR"/*.msgpack .
	export XL_MODEL=m.msgpack
	PATH=$XL_BIN:$PATH
}

# out FILE: the picture of a record, as numbers
out() { xl-decode --stream "$@" | xl-cat --tensor x - | grep -v '^#'; }

@test "skipped, repeated and cached stages give the same bytes" {
	xl-hadain --exemplar b.png a.png | xl-decode >want.png
	xl-encode b.png >b.msgpack
	xl-encode a.png | xl-hadain --exemplar b.msgpack | xl-decode | cmp - want.png
	xl-mask a.png | xl-hadain --exemplar <(xl-mask b.png) | xl-decode | cmp - want.png
	xl-mask --exemplar b.png a.png | xl-encode | xl-hadain --exemplar b.msgpack | xl-mask |
		xl-hadain --exemplar b.png | xl-encode | xl-decode | cmp - want.png
	# a picture is squashed: the whole of it at the model's size
	xl-crop --size 64 --crop 0 a.png | xl-hadain --exemplar b.msgpack | xl-decode | cmp - want.png
	run ! cmp <(xl-crop --size 64 a.png | xl-hadain --exemplar b.msgpack | xl-decode) want.png
}

@test "what each stage adds" {
	xl-encode a.png >1
	[ "$(has 1)" = "a.png code x c s" ]
	[ "$(shape c 1) $(shape s 1)" = "48,1,1 <f4 16,1,1 <f4" ]
	xl-mask 1 >2
	[ "$(has 2)" = "a.png code x c s m" ]
	[ "$(shape m 2)" = "1,64,64 <f4" ]
	xl-hadain --exemplar b.png 2 >3
	[ "$(has 3)" = "a+b code x c s h" ] # the mask was of a alone
	[ "$(shape h 3)" = "64,1,1 <f4" ]
	xl-mask 3 >4
	[ "$(has 4)" = "a+b code x c s h m" ]
	cmp <(tensor m 4) <(xl-mask --exemplar b.png a.png | tensor m -)
}

@test "any size, and exemplars of another one" {
	xl-encode --native a.png | xl-hadain --exemplar b.png | tee fused | xl-decode --stream >out
	[ "$(shape x out)" = "3,64,80 <f4" ]
	[ "$(shape h fused) $(xl-mask fused | shape m -)" = "64,1,2 <f4 1,64,128 <f4" ]
	xl-encode --native b.png c.png >native
	run -1 xl-hadain --exemplar <(xl-cat --records 0:1 native) --mix 0.5 \
		--exemplar2 <(xl-cat --records 1:2 native) a.png
	[[ $output == *"a.png: exemplars of 80x64 pixels, mixed, do not fit an input of 64x64"* ]]
}

@test "outside of a mask the picture keeps every bit" {
	xl-crop --size 64 --crop 0 a.png >a.msgpack
	# erased altogether, before or after the exemplar is applied
	xl-mask --erase 0,0,64,64 a.msgpack | xl-hadain --exemplar b.png | xl-decode >1.png
	xl-hadain --exemplar b.png a.msgpack | xl-mask --threshold 1 | xl-decode >2.png
	xl-mask --erase 0,0,64,64 a.msgpack | xl-hadain --remove | xl-decode >3.png
	for i in 1 2 3; do same_pixels a.msgpack $i.png; done
	# rows 16 to 31, left half: nothing else
	xl-mask --invert --scale 0 --invert --keep 0,16,32,16 a.msgpack |
		xl-hadain --exemplar b.png | xl-decode >4.png
	paste -d' ' <(tensor x a.msgpack | tr ' ' '\n' | grep .) \
		<(tensor x <(image 4.png) | tr ' ' '\n' | grep .) >both
	[ "$(wc -l <both)" = $((3 * 64 * 64)) ]
	awk '{ i = (NR - 1) % 4096; inside = i % 64 < 32 && int(i / 64) >= 16 && int(i / 64) < 32
		if (!inside && $1 != $2) exit 1
		changed += inside && $1 != $2 } END { exit changed < 100 }' both
}

@test "results are of the domain they are translated to" {
	xl-hadain --exemplar b.png a.png >given
	[ "$(meta domain given) $(meta domain_out given)" = "A B" ]
	xl-encode --domain B b.png | xl-hadain --remove >bare
	[ "$(meta domain bare) $(meta domain_out bare)" = "B A" ]
	for r in "given B" "bare A"; do
		xl-decode --stream ${r% *} >out
		[ "$(meta domain out) $(meta domain_out out)" = "${r#* } null" ]
		# as long as the mask alone is edited
		xl-mask --erase 0,0,32,32 ${r% *} | xl-decode --stream >out
		[ "$(meta domain out)" = "${r#* }" ]
	done
	# the mask of another pair ends it
	xl-mask --exemplar c.png given >other
	[ "$(meta domain_out other)" = null ]
	run -1 xl-decode other
	[[ ${lines[0]} == *": its mask changed after it was fused: xl-hadain has to be applied again" ]]
	xl-hadain --exemplar c.png other | xl-decode | cmp - <(xl-hadain --exemplar c.png a.png | xl-decode)
}

@test "removal" {
	xl-encode a.png | xl-hadain --remove >1
	[ "$(has 1)" = "a.png code x c s h" ]
	[ "$(meta remove 1)" = true ]
	xl-decode 1 >want.png
	xl-hadain --remove a.png | xl-decode | cmp - want.png
	xl-mask a.png | xl-hadain --remove | xl-mask | xl-encode | xl-hadain --remove | xl-decode |
		cmp - want.png
	# its mask is hard
	[ "$(xl-mask 1 | tensor m - | tr ' ' '\n' | grep . | sort -u)" = 1 ]
	# a record that was to lose its content may be given another's all the same
	xl-hadain --exemplar b.png 1 >2
	[ "$(meta remove 2)" = null ]
	xl-hadain --exemplar b.png a.png | xl-decode | cmp - <(xl-decode 2)
	run -2 xl-hadain --sample 2 a.png
	[ "${lines[0]}" = "xl-hadain: --sample: method mbu cannot" ]
	run -2 xl-hadain --exemplar b.png --direction ba a.png
	[ "${lines[0]}" = "xl-hadain: --direction: method mbu does not translate both ways" ]
}

@test "swap, and one transfer after another, through pipes" {
	xl-hadain --remove a.png | xl-decode --stream >bare
	[ "$(has bare)" = "a.png image x" ]
	[ "$(meta remove bare)" = null ]
	xl-hadain --exemplar b.png bare | xl-decode >want.png
	xl-encode a.png | xl-hadain --remove | xl-decode --stream | xl-encode |
		xl-hadain --exemplar b.png | xl-decode | cmp - want.png
	# by two models: each refuses the codes of the other, not its pictures
	xl-hadain --exemplar b.png a.png | xl-decode --stream |
		xl-hadain --model other.msgpack --exemplar c.png | xl-decode --model other.msgpack >two.png
	xl-crop --size 0 two.png >/dev/null
	xl-hadain --exemplar b.png a.png >fused
	run -1 xl-hadain --model other.msgpack --exemplar c.png fused
	[[ ${lines[0]} == *": codes of model "*", this is "*" (mbu, 64)" ]]
	run -1 xl-decode --model other.msgpack fused
}

@test "mixing ends at plain transfers" {
	xl-encode b.png >b.msgpack
	xl-encode c.png >c.msgpack
	mix() { xl-hadain --exemplar b.msgpack --exemplar2 c.msgpack --mix "$1" a.png; }
	xl-hadain --exemplar b.msgpack a.png >b.fused
	xl-hadain --exemplar c.msgpack a.png >c.fused
	cmp <(mix 0 | tensor h -) <(tensor h b.fused)
	cmp <(mix 1 | tensor h -) <(tensor h c.fused)
	mix 0 | xl-decode | cmp - <(xl-decode b.fused)
	mix 1 | xl-decode | cmp - <(xl-decode c.fused)
	run ! cmp <(mix 0.5 | tensor h -) <(tensor h b.fused)
}

@test "training wants two domains" {
	xl-synth faces --count 8 --size 64 -q --attributes Male >plain
	run -2 xl-train mbu --preset tiny --out x plain
	[[ ${lines[0]} == *"record 0 (face-000000.png): has no domain"* ]]
	run -0 xl-train mbu --preset tiny --batch 2 --iters 1 --domain-by Male --out x plain
	[[ ${lines[0]} =~ ^xl-train:\ 8\ images\ \(A\ [0-9],\ B\ [0-9]\)$ ]]
	run -2 xl-train mbu --preset tiny --batch 20 --out y faces.msgpack
	[[ $output == *"too few images: "*" of domain A and "*" of B, a step takes 20 of each"* ]]
	run -2 xl-train mbu --size 96
	[ "${lines[0]}" = "xl-train: size 96 is not a multiple of 64" ]
}

@test "a run in two parts equals a run in one, with samples" {
	run_mbu() { xl-train mbu --preset tiny --width 4 --batch 2 -q "$@" faces.msgpack; }
	run_mbu --iters 6 --out one --threads 1
	run_mbu --iters 3 --out two --threads 2 --samples d
	[ "$(ls d)" = 00000003.png ]
	xl-train mbu --resume two --iters 6 -q faces.msgpack
	cmp one two
	cmp one.ckpt two.ckpt
	xl-cat --check one
	[ "$(xl-cat --json one | jq -r .id | tr '\n' ' ')" = "model E_c E_s D_A D_B " ]
	[[ $(xl-cat --json --records 0:1 one | jq -r .meta.preprocess) == "whole picture, "* ]]
}

# ---- pipelines ----

pipes=$BATS_TEST_DIRNAME/../pipelines/mbu

@test "pipelines" {
	export SMOKE=1
	WIDTH=4 ITERS=1 COUNT=24 OUT=trained "$pipes/train.sh"
	[ "$(xl-cat --json --records 0:1 trained/model.msgpack | jq -r .meta.method)" = mbu ]
	[ "$(xl-cat --json trained/records.msgpack | jq -r .meta.domain | sort -u | tr '\n' ' ')" = "A B " ]
	ls trained/samples/*.png
	WIDTH=4 ITERS=2 COUNT=24 OUT=trained run -0 "$pipes/train.sh"
	[[ $output == *"--resume trained/model.msgpack"* ]]
	export MODEL=trained/model.msgpack
	"$pipes/translate.sh"
	[ "$(ls translated/pictures | wc -l)" = 4 ]
	for sheet in grid masks removed; do xl-crop --size 0 translated/$sheet.png >/dev/null; done
	OUT="a b" "$pipes/translate.sh"
	for sheet in grid masks removed; do cmp "a b/$sheet.png" translated/$sheet.png; done
	run -0 "$pipes/translate.sh"
	[ "$(grep -c ' is there$' <<<"$output")" = 11 ]
	run -0 --separate-stderr "$pipes/evaluate.sh"
	cmp <(echo "$output") evaluated/evaluation.txt
	[[ $output == "mbu "*"doing nothing"*"8 pairs of made faces, seed 1, glasses"* ]]
	# of the published figures, those of this task have a value beside them
	share=$(jq '.given_labels.accuracy * 10000 | round / 100' evaluated/evaluation.json)
	[ "$(grep -cE "^glasses +$share +96.2 +94.8 " <<<"$output")" = 1 ]
	[ "$(grep -cE "^(smile|beard) +- +9" <<<"$output")" -ge 1 ]
	grep -qE "^glasses +$share +96.2 +94.8 .* classifier data size training width\$" <<<"$output"
	grep -qx "  training: 2, published 150000" <<<"$output"
	[ "${lines[-1]}" = "Comparable: none." ]
	# without other weights, only our classifier's rows of other names
	for row in fd_own kid_own face_cos_own; do
		[ "$(grep -cE "^$row: the same, our classifier +-?[0-9.]+" <<<"$output")" = 2 ]
	done
	run -1 grep -E "^this task +[0-9]" <<<"$output"
	jq -e '.given_set.own.real == "evaluated/bare.msgpack" and .given_set.own.settings.gamma == 0.01 and
		.removed_set.own.real == "evaluated/inputs.msgpack" and .given_face.own.outputs == 8 and
		.given_face.face == null' evaluated/evaluation.json
	# what weights of faces see, which nobody knows to be the published ones, has a row too
	jq '.given_face.face.face_cos_own = 0.4321 | .removed_face.face.face_cos_own = 0.1234 |
		.given_set.inception = {kid: 0.05, kid_sd: 0.01}' evaluated/evaluation.json >faces.json
	run -0 jq -r --rawfile published "$pipes/published.tsv" -f "$pipes/../published.jq" faces.json
	grep -qE $'^face_cos_own: the same, weights of FACE\t0.4321\t-' <<<"$output"
	grep -qE $'^face_cos_own: the same, weights of FACE\t0.1234\t-' <<<"$output"
	# nobody knows the scale of published KIDs
	grep -qE $'^glasses\t0.05\\+-0.01\t5.2.* scale( |$)' <<<"$output"
	grep -qx "  scale: KID is not times 100; whether theirs is, is not said" <<<"$output"
	for sheet in given removed; do xl-crop --size 0 evaluated/$sheet.png >/dev/null; done
	# doing nothing is the distance between inputs and truths
	value() { jq "$1" evaluated/evaluation.json; }
	for of in "giving inputs truths" "removing having bare"; do
		read -r name from to <<<"$of"
		nothing=$(xl-ssim --json "evaluated/$to.msgpack" "evaluated/$from.msgpack")
		[ "$(value ".$name.mae_inside_input")" = "$(jq .mae_inside <<<"$nothing")" ]
	done
	# inputs lack what is given, and have what is taken away
	of() { tensor y "evaluated/$1.msgpack" | tr -d ' ' | grep . | sort -u; }
	[ "$(of inputs) $(of exemplars) $(of truths) $(of having) $(of bare)" = "0 1 1 1 0" ]
	OUT="a b" "$pipes/evaluate.sh" -n >printed
	bash printed
	cmp "a b/evaluation.txt" evaluated/evaluation.txt
	for sheet in given removed; do cmp "a b/$sheet.png" evaluated/$sheet.png; done
	TASK=men-hair run -2 "$pipes/evaluate.sh"
	[ "$output" = "evaluate.sh: TASK: made faces have no true translation for men-hair" ]
	TASK=wings run -2 "$pipes/train.sh"
	[[ $output == "train.sh: TASK: 'wings' is not glasses, "* ]]
}

@test "evaluate.sh measures on photographs what takes no truth" {
	celeba faces 160 64
	export SMOKE=1 DATA=faces
	TASK=smile WIDTH=4 ITERS=1 OUT=trained "$pipes/train.sh"
	export MODEL=trained/model.msgpack
	run -0 --separate-stderr "$pipes/evaluate.sh"
	cmp <(echo "$output") evaluated/evaluation.txt
	grep -qx "8 pairs of faces, seed 1, smile" <<<"$output"
	grep -qx "held out by their names; no truth is known, so what takes one was not measured" <<<"$output"
	run -1 grep -E "error to the truth|^IoU of the (content|change)" evaluated/evaluation.txt
	of() { tensor y "evaluated/$1.msgpack" | grep '^[01]' | awk -v k="$at" '{ print $k }' | uniq | paste -sd ''; }
	at=$(sed -n 2p faces/list_attr_celeba.txt | tr ' ' '\n' | grep -n '^Smiling$' | cut -d: -f1)
	[ "$(of inputs) $(of exemplars) $(of having) $(of others)" = "0 1 1 0" ]
	names() { for set; do xl-cat --json "evaluated/$set.msgpack"; done | jq -r .id | sort -u; }
	[ -z "$(comm -12 <(names inputs exemplars having) <(names others))" ]
	# of masks their area, over the whole picture
	area=$(tensor m evaluated/fused.msgpack | tr ' ' '\n' | grep . | awk '$1 >= 0.1 { n++ } END { print n / NR }')
	jq -e --argjson area "$area" '.change_masks.mask_area - $area | . < 1e-5 and . > -1e-5' evaluated/evaluation.json
	jq -e '.giving == null and .input_labels.images == 8 and .given_set.own.real == "evaluated/others.msgpack" and
		.removed_set.own.real == "evaluated/others.msgpack" and .given_set.own.settings.gamma == 0.01 and
		.given_face.own.settings.pairs == 100 and .given_face.own.outputs == 8' evaluated/evaluation.json
	share=$(jq '.removed_labels.accuracy * 10000 | round / 100' evaluated/evaluation.json)
	grep -qE "^smile +$share +96.9 .* classifier data pictures size training width\$" evaluated/evaluation.txt
	# a row of three pictures and two, each beside its mask
	width() { xl-crop --size 0 "evaluated/$1.png" | xl-cat --json | jq '.tensors.x.shape[2] / 64 | floor'; }
	[ "$(width given) $(width removed)" = "6 4" ]
	mv evaluated run
	"$pipes/evaluate.sh" -n | bash
	cmp run/evaluation.txt evaluated/evaluation.txt
	# what made faces cannot show is measured on photographs; other images, another condition
	TASK=men-hair run -2 "$pipes/evaluate.sh"
	[ "$output" = "evaluate.sh: TASK: men-hair, but trained/model.msgpack is trained for smile" ]
	TASK=men-hair MODEL=later run -0 "$pipes/evaluate.sh" -n
	[[ $output == *"--where 'Male=1,Wearing_Hat=0,"* ]]
	WHERE=Male=1 DOMAIN_BY=Goatee run -0 "$pipes/evaluate.sh" -n
	[[ $output == *"xl-crop --size 64 --split test --crop 0 --domain-by Goatee --where Male=1 --domain B --pairs --shuffle --limit 8 --seed 1 faces > "* ]]
}

# The rules of the published code, on attributes of 0 and 1: which domain a row is of.
rules='
function domain() {
	if (task == "glasses-women") return male ? "" : glasses ? "B" : "A"
	if (task == "glasses-men") return !male ? "" : glasses ? "B" : "A"
	if (task == "glasses") return glasses ? "B" : "A"
	if (task == "smile") return smile ? "B" : "A"
	if (task == "mouth") return mouth ? "B" : "A"
	if (task == "facial-hair") {
		if (male && !stubble && (mustache || goatee || !shaven)) return "B"
		return male && shaven && !stubble ? "A" : ""
	}
	if (task == "women-hair")
		return male ? "" : !blond && black ? "B" : blond && !black ? "A" : ""
	if (male && !bald && !hat && !young) return "B"
	return male && bald && !hat && !receding && !gray ? "A" : ""
}
{
	i = 2
	stubble = $(i++); bald = $(i++); black = $(i++); blond = $(i++); glasses = $(i++)
	goatee = $(i++); gray = $(i++); male = $(i++); mouth = $(i++); mustache = $(i++)
	shaven = $(i++); receding = $(i++); smile = $(i++); hat = $(i++); young = $(i++)
	if (domain() != "") print $1, domain()
}'

@test "tasks choose the images that the published lists do" {
	mkdir celeba
	xl-synth faces --count 1 --size 16 -q | xl-decode >one.png
	awk 'BEGIN { srand(7); for (i = 0; i < 400; i++) {
		printf "%06d.png", i
		for (k = 0; k < 15; k++) printf " %d", rand() < 0.5
		print "" } }' >rows
	{
		wc -l <rows
		echo 5_o_Clock_Shadow Bald Black_Hair Blond_Hair Eyeglasses Goatee Gray_Hair Male \
			Mouth_Slightly_Open Mustache No_Beard Receding_Hairline Smiling Wearing_Hat Young
		sed 's/ 0/ -1/g' rows
	} >celeba/list_attr_celeba.txt
	cut -d' ' -f1 rows | while read -r name; do ln one.png "celeba/$name"; done
	for task in glasses glasses-women glasses-men smile mouth facial-hair women-hair men-hair; do
		TASK=$task PRESET=tiny DATA=celeba OUT=$task "$pipes/train.sh" -n |
			grep '^xl-crop' | sed 's/ --split train//; s/ > .*//' >command
		bash command | xl-cat --json | jq -r '.id + " " + .meta.domain' >chosen
		awk -v task=$task "$rules" rows | cmp - chosen
		[ "$(cut -d' ' -f2 chosen | sort -u | tr '\n' ' ')" = "A B " ]
	done
}
