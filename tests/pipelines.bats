#!/usr/bin/env bats
# The scripts of pipelines/: what they print, make, skip and do again.

bats_require_minimum_version 1.5.0
load photographs

setup_file() {
	# one step of training is enough for all that follows
	cd "$BATS_FILE_TMPDIR" || return 1
	pipes=$(cd "$BATS_TEST_DIRNAME/../pipelines" && pwd)
	export pipes
	unset DATA COUNT ATTRIBUTES WHERE PRESET SIZE WIDTH BATCH ITERS EVERY SEED EXTRA OUT CLASSIFIER \
		MODEL XL_MODEL INPUTS EXEMPLARS PAIRS SHOWN PICTURES SMOKE XDG_DATA_HOME
	export HOME=$BATS_FILE_TMPDIR
	SMOKE=1 WIDTH=4 ITERS=1 COUNT=8 OUT=trained "$pipes/lomit/train.sh" 2>trained.log
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return 1
	model=$BATS_FILE_TMPDIR/trained/model.msgpack
}

# small NAME: a pipeline with the smallest model
small() { SMOKE=1 MODEL=$model "$pipes/lomit/$1.sh" "${@:2}"; }

@test "scripts are clean shell, wherever they are" {
	command -v shellcheck >/dev/null || skip "no shellcheck"
	cd "$BATS_TEST_DIRNAME/.."
	mapfile -t scripts < <(grep -rlE '^#!.*\<(ba)?sh$' --exclude-dir=.git --exclude-dir='build*' .)
	[ "${#scripts[@]}" -ge 9 ]
	shellcheck "${scripts[@]}"
}

@test "every method has its pipelines" {
	for method in $("$XL_BIN/xl-train" --help | sed -n '/methods:$/,/^$/s/^  \([a-z0-9-]*\): .*/\1/p'); do
		found=1
		for name in train translate evaluate; do [ -x "$pipes/$method/$name.sh" ] || return 1; done
	done
	[ "$found" ]
}

@test "--help tells the variables, and other words are refused" {
	for script in demo.sh {lomit,miso,mbu,egsc-it}/{train,translate,evaluate}.sh; do
		run -0 "$pipes/$script" --help
		[[ $output == "${script##*/} [-n]: "* && $output == *"  OUT  "* ]]
		run -2 "$pipes/$script" --force
		[ "$output" = "${script##*/}: takes -n and --help; all else is set by variables, not '--force'" ]
	done
}

@test "train.sh makes records, a model, a log, samples and a plot" {
	cd "$BATS_FILE_TMPDIR/trained"
	[ "$("$XL_BIN/xl-cat" --json records.msgpack | wc -l)" = 8 ]
	[ "$("$XL_BIN/xl-cat" --json --records 0:1 model.msgpack | jq -c '.meta | [.method, .step]')" = '["lomit",1]' ]
	[ -s model.msgpack.ckpt ]
	head -1 log.jsonl | jq -e .tool
	ls samples/*.png
	"$XL_BIN/xl-crop" --size 0 losses.png | "$XL_BIN/xl-cat"
}

@test "-n prints what would be done, and does nothing" {
	run -0 --separate-stderr env SMOKE=1 DATA='my photos' "$pipes/lomit/train.sh" -n
	[ "${lines[0]}" = "set -eo pipefail" ]
	[ "${lines[1]}" = "PATH=$XL_BIN:\$PATH" ]
	[ "${lines[2]}" = "mkdir -p lomit/.made" ]
	[ "${lines[3]}" = "xl-crop --size 32 --split train --attributes Black_Hair,Blond_Hair,Brown_Hair,Smiling --where 'Black_Hair=1|Blond_Hair=1|Brown_Hair=1' 'my photos' > lomit/records.msgpack" ]
	[[ ${lines[4]} == "xl-train lomit --preset tiny --size 32 "*" --out lomit/model.msgpack lomit/records.msgpack" ]]
	[ -z "$stderr" ]
	small translate -n >printed
	small evaluate -n >>printed
	[ "$(ls -A)" = printed ] && [ "$(grep -c '^xl-' printed)" -gt 12 ]
}

@test "what -n prints does the same" {
	export OUT="a b"
	small evaluate >printed.txt
	mv "$OUT" run
	small evaluate -n | bash
	cmp run/evaluation.txt "$OUT/evaluation.txt"
	cmp run/pairs.png "$OUT/pairs.png"
	rm -r "$OUT"
	small translate
	mv "$OUT/grid.png" grid.png
	rm -r "$OUT"
	small translate -n | bash
	cmp grid.png "$OUT/grid.png"
	# and fails where they do
	echo text >no.png
	INPUTS=no.png OUT=failed small translate -n >printed
	run -1 bash printed
	[ ! -e failed/translated.msgpack ]
}

@test "evaluate.sh compares each pair with its own truth" {
	run -0 --separate-stderr small evaluate
	cmp <(echo "$output") evaluated/evaluation.txt
	[ "$("$XL_BIN/xl-cat" --json evaluated/results.msgpack | jq -r .id | sed -n 3p)" = \
		"$("$XL_BIN/xl-cat" --json evaluated/pairs.msgpack | jq -r .id | sed -n '3p;11p' | sed 's/\.png$//' | paste -sd +)" ]
	value() { jq "$1" evaluated/evaluation.json; }
	[ "$(value .pairs)" = 8 ] && [ "$(value .size)" = 32 ] && [ "$(value .translation.records)" = 8 ]
	[ "$(value .model.step)" = 1 ]
	# doing nothing is the distance between inputs and truths
	nothing=$("$XL_BIN/xl-ssim" --json evaluated/truths.msgpack evaluated/inputs.msgpack)
	[ "$(value .translation.mae_inside_input)" = "$(jq .mae_inside <<<"$nothing")" ]
	[ "$(value .translation.change_outside)" != "$(value .translation.change_inside)" ]
	# every row of the table, beside doing nothing
	row() {
		local name=$1 of_model of_nothing
		of_model=$(value "$2 * 10000 | round / 10000") of_nothing=$(value "$3 * 10000 | round / 10000")
		grep -qE "^ *$name +$of_model +$of_nothing\$" <<<"$output" || { echo "$name" && return 1; }
	}
	row "error to the true translation, 0..1" .translation.mae .translation.mae_input
	row "where it differs from the input" .translation.mae_inside .translation.mae_inside_input
	row "elsewhere" .translation.mae_outside .translation.mae_outside_input
	row "change of the input elsewhere, 0..1" .translation.change_outside 0
	row "SSIM with the true translation" .translation.ssim_uniform7 .translation.ssim_uniform7_input
	row "PSNR with the true translation, dB" .translation.psnr .translation.psnr_input
	row "labels as the exemplar's, by a classifier" .labels.accuracy .input_labels.accuracy
	row "error of rebuilding the input, 0..1" .rebuilding.mae 0
	row "IoU of masks at 0.5, inputs" .input_masks.iou .input_masks.truth_area
	row "IoU of masks at 0.5, exemplars" .exemplar_masks.iou .exemplar_masks.truth_area
	for which in input exemplar; do
		grep -qE "^ *at $(value ".${which}_masks.best_threshold"), chosen on the other half +$(value \
			".${which}_masks.iou_tested * 10000 | round / 10000") +-\$" <<<"$output"
	done
	"$XL_BIN/xl-crop" --size 0 evaluated/pairs.png | "$XL_BIN/xl-cat"
}

@test "published figures stand beside those of a model" {
	cat >published <<-END
		Figures
		measure	this model	they	others
		one	a.b	1	2
		with its spread	a.b+-a.c	3
		of this task	this:a.b*100	4
		of another	that:a.b*100	5
		of neither	other:a.b	6
		a mean	this:a.b,that:a.b	7
		a mean of less	this:a.b,other:a.b	8
		not there	a.z+-a.c	9
		of no object	a.b.c	10
		not measured	-	11
		ours alone	a.b	-
	END
	echo '{"task": "this", "size": 64, "model": {"step": 20, "hyper.mask": 1}, "a": {"b": 0.12345, "c": 123.456},
		"also": {"that": {"size": 128, "a": {"b": 2.34}, "model": {"step": 5}}}}' >evaluation
	beside() { jq -r --rawfile published published -f "$pipes/published.jq" evaluation; }
	run -0 beside
	[ "${output//$'\t'/ }" = "Figures
measure this model they others differs in
one 0.1235 1 2 nothing
with its spread 0.1235+-123.5 3 nothing
of this task 12.35 4 nothing
of another 234 5 nothing
of neither - 6 
a mean 1.232 7 nothing
a mean of less - 8 
not there - 9 
of no object - 10 
not measured - 11 
ours alone 0.1235 - 
Comparable, if the model was trained on such data: 5 of 5 rows." ]
	# what they differ in is asked of the evaluation that a figure is from
	cat >published <<-END
		measure	this model	they
		published	size size=128	training model/step=5|20	mask model/hyper.mask=1
		ours	a.b	1
		of another	that:a.b	2
		published	size size=128	judge: our own
		of another	that:a.b	3
		both	this:a.b,that:a.b+-this:a.c	4
		published	set data=Z
		not told	a.b	5
		published
		the same	a.b	6
	END
	run -0 beside
	[ "${output//$'\t'/ }" = "measure this model they differs in
ours 0.1235 1 size
of another 2.34 2 mask
of another 2.34 3 judge
both 1.232+-123.5 4 judge size
not told 0.1235 5 set
the same 0.1235 6 nothing
What differs:
  judge: our own
  mask: not known, published 1
  set: not known, published Z
  size: 64, published 128
Comparable, if the model was trained on such data: 1 of 6 rows." ]
	echo '{}' >evaluation
	run -0 beside
	[ "${lines[-1]}" = "Comparable: none." ]
	# every table tells how its figures were made, and has a heading for each of its columns
	for table in "$pipes"/*/published.tsv; do
		grep -q "^published	data " "$table" || { echo "$table" && return 1; }
		awk -F '\t' '$1 == "measure" { n = NF } $1 != "published" && NF > n && NF > 1 { exit 1 }
			END { exit !n }' "$table" || { echo "$table" && return 1; }
	done
	small evaluate >table
	share=$(jq '.labels.accuracy * 10000 | round / 100' evaluated/evaluation.json)
	grep -qE "^all that this model exchanges +$share +-" table
	[ "$(tail -1 table)" = "Comparable: none." ]
	FACES=0 STEPS=0 CLASSIFIER=nowhere run -1 small evaluate
	[[ $output == *"evaluate.sh: nowhere: cannot be read" ]]
}

@test "what other networks measure has rows of its own" {
	# weights that are not the published ones fill no row of FID
	"$XL_BUILD/tests/test_features" squeezenet1_1 >squeeze
	INCEPTION=squeeze small evaluate >table
	# shown ROW PATH: the value beside three dashes is that of evaluation.json
	shown() {
		local of
		of=$(awk -v row="$1" 'index($0, row) == 1 && $NF $(NF - 1) $(NF - 2) == "---" { print $(NF - 3) }' table)
		jq -e --arg of "$of" "$2 / (\$of | split(\"+-\")[0] | tonumber) | . > 0.99 and . < 1.01" \
			evaluated/evaluation.json || { echo "$1 $of" && return 1; }
	}
	shown "fd_own: " .target.own.fd_own
	shown "is_kl_own: " .scores.is_kl_own
	grep -qE "^hair colours and smile +- +21.82 " table
	grep -qE "^these labels +- +- " table
	jq -e '.task == "hair-smile" and .target.own.settings.features == 128 and
		.target.inception.fd_own_d512 > 0 and .target.own.real == "evaluated/others.msgpack"' \
		evaluated/evaluation.json
	# those that were published would, and others fill theirs and the average
	for task in facial-hair-gender makeup-age; do
		mkdir $task
		jq '{task: "'$task'", target: {inception: {fid: 22.5}}, model}' evaluated/evaluation.json \
			>$task/evaluation.json
	done
	mv facial-hair-gender 'facial hair, gender'
	mkdir bin
	ln -s "$XL_BIN"/xl-* bin
	rm bin/xl-fid
	printf '#!/bin/sh\ncase " $* " in *" --features inception "*) echo "{\\"fid\\": 21.0}" ;;\n*) exec %s/xl-fid "$@" ;; esac\n' \
		"$XL_BIN" >bin/xl-fid
	chmod +x bin/xl-fid
	cp squeeze inception
	ALSO='facial hair, gender:makeup-age' INCEPTION=inception XL_BIN=$PWD/bin small evaluate >table
	grep -qE "^hair colours and smile +21 +21.82 .* data pictures size training width\$" table
	grep -qx "  data: made faces, published CelebA" table
	grep -qx "  training: 1, published 200000" table
	grep -qE "^facial hair and gender +22.5 +19.31 " table
	grep -qE "^average +22 +22.38 " table
	# and again when they change
	sed -i 's/22\.5/25.5/' makeup-age/evaluation.json
	touch -d '+1 min' makeup-age/evaluation.json
	ALSO='facial hair, gender:makeup-age' INCEPTION=inception XL_BIN=$PWD/bin small evaluate >table 2>done
	grep -qE "^average +23 +22.38 " table
	grep -q "target.inception.json is there" done
	touch -d '+1 min' inception
	ALSO='facial hair, gender:makeup-age' INCEPTION=inception XL_BIN=$PWD/bin small evaluate 2>done
	grep -q "results.msgpack is there" done
	run -1 grep "target.inception.json is there" done
	INCEPTION=nowhere run -1 small evaluate
	[ "$output" = "evaluate.sh: nowhere: cannot be read" ]
	ALSO=nowhere run -1 small evaluate
	[ "$output" = "evaluate.sh: nowhere/evaluation.json: cannot be read" ]
	# what is of another kind is refused before anything is made
	sed -i 's/"lomit"/"mbu"/' makeup-age/evaluation.json
	ALSO=makeup-age OUT=new run -2 small evaluate
	[ "$output" = "evaluate.sh: ALSO: makeup-age holds no evaluation of lomit" ]
	INCEPTION=$model OUT=new run -2 small evaluate
	[ "$output" = "evaluate.sh: INCEPTION: $model holds no weights" ]
	CLASSIFIER=squeeze OUT=new run -2 small evaluate
	[ "$output" = "evaluate.sh: CLASSIFIER: squeeze holds weights of squeezenet1_1, not of classifier" ]
	[ -z "$(find new -name '*.msgpack')" ]
}

@test "evaluate.sh measures on photographs what takes no truth" {
	celeba celeba 90 40
	sed -n '3,$s/ .*//p' celeba/list_attr_celeba.txt | awk '{ print $1, NR <= 60 ? 0 : NR <= 70 ? 1 : 2 }' \
		>celeba/list_eval_partition.txt
	DATA=celeba small evaluate >table
	cmp table evaluated/evaluation.txt
	ids() { "$XL_BIN/xl-cat" --json "evaluated/$1.msgpack" | jq -r .id; }
	part_of() { join <(ids "$1" | sort) <(sort celeba/list_eval_partition.txt) | cut -d' ' -f2 | sort -u; }
	[ "$(part_of inputs) $(part_of exemplars) $(part_of others)" = "2 2 0" ]
	for set in inputs exemplars others; do [ "$(ids $set | wc -l)" = 8 ]; done
	# each exemplar has other labels, and hair of one of the colours
	labels() { "$XL_BIN/xl-cat" --tensor y "evaluated/$1.msgpack" | grep '^[01]'; }
	paste -d, <(labels inputs) <(labels exemplars) |
		awk -F, '$1 == $2 || $1 ~ /^0 0 0/ { exit 1 } END { exit NR != 8 }'
	grep -qE "^labels as the exemplar's, by a classifier +[0-9.]+ +[0-9.]+\$" table
	grep -qE "^fd_own to other pictures with these labels +[0-9.]+ +[0-9.]+\$" table
	grep -qx "8 pairs of celeba, seed 1, exchanging Black_Hair,Blond_Hair,Brown_Hair,Smiling" table
	grep -q "^held out by list_eval_partition.txt; no truth is known" table
	run -1 grep -E "true translation|IoU" table
	jq -e '.data == "celeba" and .held_out == "list_eval_partition.txt" and .translation == null and
		.input_masks == null and .labels.images == 8 and .rebuilding.records == 8' evaluated/evaluation.json
	# what is measured as it was published is called comparable, all else is told
	jq '.data = "CelebA" | .size = 128 | .model.step = 200000 | .model["hyper.width"] = 64 | .target.inception = {fid: 21.5, n_fake: 2000}' \
		evaluated/evaluation.json >as-published.json
	run -0 jq -r --rawfile published "$pipes/lomit/published.tsv" -f "$pipes/published.jq" as-published.json
	grep -qE $'^hair colours and smile\t21.5\t21.82\t.*\tnothing$' <<<"$output"
	[ "${lines[-1]}" = "Comparable, if the model was trained on such data: 1 of 1 rows." ]
	jq '.model["hyper.variant"] = "iclr" | .target.inception.n_fake = 8' as-published.json >other.json
	run -0 jq -r --rawfile published "$pipes/lomit/published.tsv" -f "$pipes/published.jq" other.json
	grep -qE $'^hair colours and smile\t21.5\t21.82\t.*\tpictures version$' <<<"$output"
	grep -qx "  pictures: 8, published 2000" <<<"$output"
	# a row of input, exemplar and result, each beside its mask
	"$XL_BIN/xl-crop" --size 0 evaluated/pairs.png | "$XL_BIN/xl-cat" --json |
		jq -e '.tensors.x.shape[2] | . > 6 * 32 and . < 7 * 32'
	mv evaluated run
	DATA=celeba small evaluate -n | bash
	cmp run/evaluation.txt evaluated/evaluation.txt
	rm -r evaluated # no script made it
	# as many as were kept, where they are fewer
	DATA=celeba PAIRS=500 FACES=40 STEPS=4 MODEL=$model "$pipes/lomit/evaluate.sh" >table
	grep -qE "^1?[0-9] pairs of celeba" table
	DATA=nowhere run -1 small evaluate
	[ "$output" = "evaluate.sh: nowhere: no such folder" ]
	# CelebA is known by the number of its pictures
	mkdir -p whole/Anno whole/Eval
	yes 000001.jpg 1 | head -202599 >whole/Anno/list_attr_celeba.txt
	touch whole/Eval/list_eval_partition.csv
	DATA=whole run -0 small evaluate -n
	[[ $output == *"--arg data CelebA --arg held_out list_eval_partition.csv "* ]]
	mkdir -p whole/sides/testA
	DATA=whole/sides run -0 small evaluate -n
	[[ $output == *"--arg data sides --arg held_out 'testA and testB' "* ]]
	DATA='' run -0 small evaluate -n
	[[ $output == *"--arg data 'made faces' --arg held_out '' "* ]]
}

@test "LOMIT between two folders of photographs" {
	celeba faces 60 32
	mkdir -p apple2orange/{train,test}{A,B}
	i=0
	for file in faces/*.png; do
		sides=(trainA trainB trainA trainB testA testB)
		cp "$file" apple2orange/${sides[i % 6]}/$((i += 1)).png
	done
	export DATA=apple2orange SMOKE=1
	WIDTH=4 ITERS=1 OUT=folders "$pipes/lomit/train.sh"
	"$XL_BIN/xl-cat" --json --records 0:1 folders/model.msgpack | jq -e '.meta.attributes == ["domain"]'
	for way in ab ba; do
		PAIRS=3 DIRECTION=$way OUT=$way MODEL=folders/model.msgpack ALSO=$([ $way = ab ] || echo ab) \
			CLASSIFIER=$([ $way = ab ] || echo ab/classifier.msgpack) "$pipes/lomit/evaluate.sh" >table
	done
	domains() { "$XL_BIN/xl-cat" --json "$1.msgpack" | jq -r .meta.domain | uniq; }
	[ "$(domains ab/inputs)$(domains ab/exemplars)$(domains ab/others)" = ABB ]
	[ "$(domains ba/inputs)$(domains ba/exemplars)$(domains ba/others)" = BAA ]
	grep -qx "3 pairs of apple2orange, seed 1, exchanging domain" table
	grep -q "^held out by testA and testB; " table
	jq -e '.task == "apple2orange-ba" and .also["apple2orange-ab"].labels.images == 3' ba/evaluation.json
	jq '.target.inception.fid = 100 | .also["apple2orange-ab"].target.inception.fid = 200 |
		.also["horse2zebra-ab"] = (.also["apple2orange-ab"] | .data = "horse2zebra" | .size = 128) |
		.also["horse2zebra-ba"] = .' ba/evaluation.json >four.json
	run -0 jq -r --rawfile published "$pipes/lomit/published.tsv" -f "$pipes/published.jq" four.json
	grep -qE $'^apple to orange\t200\t124.31\t170.83\tsize training width$' <<<"$output"
	grep -qE $'^orange to apple\t100\t91.21\t110.61\tsize training width$' <<<"$output"
	grep -qE $'^horse to zebra\t200\t49.6' <<<"$output"
	grep -qE $'^average\t150\t88.72\t120.99\tsize training width$' <<<"$output"
	DIRECTION=aa MODEL=folders/model.msgpack run -2 "$pipes/lomit/evaluate.sh"
	[ "$output" = "evaluate.sh: DIRECTION: 'aa' is not ab or ba" ]
}

@test "translate.sh translates every input by every exemplar" {
	"$XL_BIN/xl-synth" faces --count 3 --size 40 | "$XL_BIN/xl-decode" --dir "in puts"
	echo text >"in puts/notes.txt"
	INPUTS="in puts" EXEMPLARS="in puts/face-000001.png" small translate
	[ "$(ls translated/pictures)" = "face-000000+face-000001.png
face-000001+face-000001.png
face-000002+face-000001.png" ]
	INPUTS="in puts" EXEMPLARS=translated/inputs.msgpack OUT=all small translate
	[ "$(ls all/pictures | wc -l)" = 9 ]
	for script in translate evaluate; do
		COMPOSITE=4 MODEL="$model" OUT=put "$pipes/lomit/$script.sh" -n | grep "xl-decode" | grep -q -- "--composite 4 --stream"
	done
	# a row of exemplars and three of an input with its pictures, of 32 pixels each
	"$XL_BIN/xl-crop" --size 0 all/grid.png | "$XL_BIN/xl-cat" --json | jq -e '.tensors.x.shape[1] > 4 * 32'
	run -1 env INPUTS=no-such OUT=none MODEL="$model" "$pipes/lomit/translate.sh"
	[ "$output" = "translate.sh: no-such: no such file or folder" ]
}

@test "an input that is no picture is named, and the rest is translated" {
	"$XL_BIN/xl-synth" faces --count 3 --size 32 | "$XL_BIN/xl-decode" --dir in
	for name in "$pipes"/*/translate.sh; do
		run -1 grep -n 'xl-encode\|say "made' "$name" # but by codes_into, done_with
	done
	echo text >in/face-000001.png
	for inputs in in in/face-000000.png; do
		run -1 --separate-stderr env SMOKE=1 MODEL="$model" INPUTS="$inputs" EXEMPLARS=in \
			OUT=rest "$pipes/lomit/translate.sh"
		[ "$(grep -c "^xl-encode: in/face-000001.png: not an image" <<<"$stderr")" -ge 1 ]
		[ "${stderr_lines[-1]}" = "translate.sh: without the inputs named above" ]
	done
	[ "$(ls rest/pictures)" = "face-000000+face-000000.png
face-000000+face-000002.png" ]
	# a name may be of two lines
	mkdir odd
	cp in/face-000000.png $'odd/a\nb.png'
	cp in/face-000001.png $'odd/c\nd.png'
	run -1 --separate-stderr env SMOKE=1 MODEL="$model" INPUTS=odd EXEMPLARS=odd OUT=strange \
		"$pipes/lomit/translate.sh"
	grep -q "^xl-encode: odd/c?d.png: not an image" <<<"$stderr"
	[ "$(ls strange/pictures)" = a_b+a_b.png ]
	# nothing of it is a picture: what was made before stays
	mkdir none
	sums() { find rest -type f -not -path '*/.made/*' -print0 | xargs -0 sha256sum; }
	for inputs in none in/face-000001.png /dev/null; do
		before=$(sums)
		run -1 --separate-stderr env SMOKE=1 MODEL="$model" INPUTS="$inputs" EXEMPLARS=in \
			OUT=rest "$pipes/lomit/translate.sh"
		[ "${stderr_lines[-1]}" = "translate.sh: the stage that makes rest/inputs.msgpack failed" ]
		[[ $inputs == in/* || ${stderr_lines[-2]} == *": rest/inputs.msgpack: nothing to put there" ]]
		[ "$(sums)" = "$before" ]
	done
	# a stream that ends inside a record is no input that failed, nor is a full disk
	"$XL_BIN/xl-synth" faces --count 3 --size 32 | head -c -100 >cut
	before=$(sums)
	run -1 env SMOKE=1 MODEL="$model" INPUTS=cut EXEMPLARS=in OUT=rest "$pipes/lomit/translate.sh"
	[ "${lines[-1]}" = "translate.sh: the stage that makes rest/inputs.msgpack failed" ]
	[[ ${lines[-3]} == "xl-encode: cut: record 2 (face-000002.png): ends inside "* ]]
	run -1 bash -c "ulimit -f 8; SMOKE=1 MODEL='$model' INPUTS=in EXEMPLARS=in OUT=rest '$pipes/lomit/translate.sh'"
	[ "${lines[-1]}" = "translate.sh: the stage that makes rest/inputs.msgpack failed" ]
	[ "$(sums)" = "$before" ]
	[ -z "$(find rest -name '*.part')" ]
}

@test "a name that begins with a dash is a name" {
	"$XL_BIN/xl-synth" faces --count 2 --size 32 | "$XL_BIN/xl-decode" --dir ./-in
	cp ./-in/face-000000.png ./-f.png
	cp "$model" ./-m
	INPUTS=-in EXEMPLARS=-f.png MODEL=-m OUT=-P "$pipes/lomit/translate.sh"
	[ "$(ls ./-P/pictures | wc -l)" = 2 ]
	INPUTS=-f.png EXEMPLARS=-in XL_MODEL=-m OUT=-P "$pipes/lomit/translate.sh"
	[ "$(ls ./-P/pictures | wc -l)" = 2 ] && [ -s ./-P/grid.png ]
	DATA=-in run -0 small evaluate -n
	[[ $output == *" ./-in > evaluated/pairs.msgpack"* ]]
}

@test "what a script did not make itself stays" {
	"$XL_BIN/xl-synth" faces --count 2 --size 32 | "$XL_BIN/xl-decode" --dir pictures
	echo note >pictures/notes.txt
	sums() { find "$@" -type f -not -path '*/.made/*' -print0 | sort -z | xargs -0 sha256sum; }
	before=$(sums pictures)
	mkdir own
	cp -r pictures own
	(cd own && INPUTS=pictures EXEMPLARS=pictures OUT=. run -2 small translate &&
		[ "${lines[-1]}" = "translate.sh: ./pictures: is there, and not made by this script; move it, or set OUT to another folder" ] &&
		[ "$(sums pictures)" = "$before" ])
	for name in made-1 inputs.msgpack grid.png; do
		mkdir $name
		echo mine >$name/$name
		OUT=$name run -2 small translate
		[[ ${lines[-1]} == "translate.sh: $name/$name: is there, and "* ]]
		[ "$(cat $name/$name)" = mine ]
	done
	for name in classifier.msgpack classifier.txt; do
		mkdir $name
		echo mine >$name/$name
		OUT=$name run -2 small evaluate
		[ "$output" = "evaluate.sh: $name/$name: is there, and not made by this script; move it, or set OUT to another folder" ]
		[ "$(cat $name/$name)" = mine ]
	done
	mkdir lomit
	echo mine >lomit/log.jsonl
	SMOKE=1 WIDTH=4 ITERS=1 COUNT=8 run -2 "$pipes/lomit/train.sh"
	[[ $output == *"xl-train: lomit/log.jsonl exists"* ]] && [ "$(cat lomit/log.jsonl)" = mine ]
	# nor is anything put into what was made, and lost
	small translate
	echo note >translated/pictures/notes.txt
	COMPOSITE=3 run -2 small translate
	[ "${lines[-1]}" = "translate.sh: translated/pictures: holds notes.txt, not made by this script; move it, or set OUT to another folder" ]
	[ "$(cat translated/pictures/notes.txt)" = note ]
	rm translated/pictures/notes.txt
	COMPOSITE=3 small translate
	# what is read is not replaced, though a script made it
	before=$(sums translated/pictures translated/exemplars.msgpack)
	INPUTS=$PWD/translated/pictures/face-000000+face-000001.png run -2 small translate
	[[ ${lines[-1]} == "translate.sh: translated/pictures: is to be made, and $PWD/translated/pictures/face-000000+face-000001.png is read; move it,"* ]]
	INPUTS=translated/exemplars.msgpack EXEMPLARS=pictures run -2 small translate
	[[ ${lines[-1]} == "translate.sh: translated/exemplars.msgpack: is to be made, and translated/exemplars.msgpack is read; move it,"* ]]
	[ "$(sums translated/pictures translated/exemplars.msgpack)" = "$before" ]
	# a run that is killed has made what it leaves
	rm translated/translated.msgpack
	: >translated/.made/translated.msgpack
	: >translated/.made/pictures
	small translate
}

@test "a run has its folder alone, and leaves nothing half when it is stopped" {
	mkdir -p translated/.made
	exec 9>translated/.made/lock
	flock 9
	run -2 small translate
	[ "$output" = "translate.sh: translated: another run is making it" ]
	exec 9>&-
	mkdir bin
	ln -s "$XL_BIN"/xl-* bin
	rm bin/xl-hadain
	printf '#!/bin/sh\nhead -c 100 /dev/zero; ls translated/.made/*.part >was; kill -INT 0; sleep 9\n' >bin/xl-hadain
	chmod +x bin/xl-hadain
	XL_BIN=$PWD/bin SMOKE=1 MODEL=$model run -130 setsid -w "$pipes/lomit/translate.sh"
	[ "${lines[-1]}" = "translate.sh: stopped; run again, it goes on" ]
	[ -s was ] && [ "$(ls -A translated)" = ".made
exemplars.msgpack
inputs.msgpack
made-1
made-2" ]
	[ -z "$(find translated -name '*.part')" ]
	run -0 small translate
	[[ $output == *"translated/exemplars.msgpack is there"* ]]
}

@test "the empty cell of a grid has no label" {
	[ -e "$pipes/../models/default.msgpack" ] || skip "no default model"
	SMOKE=1 run -0 "$pipes/lomit/translate.sh"
	# values COLUMNS: in the rows of labels, of one channel
	"$XL_BIN/xl-crop" --size 0 translated/grid.png | "$XL_BIN/xl-cat" --tensor x >pixels
	values() { grep '^[0-9]' pixels | head -10 | cut -d' ' -f"$1" | tr ' ' '\n' | sort -u; }
	[ "$(values 1-64)" = 255 ] && [ "$(values 65-)" != 255 ]
}

@test "what is finished is not done again" {
	small translate
	before=$(stat -c '%n %y' translated/*)
	run -0 small translate
	[ "$(grep -c ' is there$' <<<"$output")" = 7 ]
	[ "$(stat -c '%n %y' translated/*)" = "$before" ]
}

@test "a change of settings, input or model is seen, from its stage on" {
	SIZE=32 small evaluate >/dev/null
	export FACES=120 STEPS=5
	run -0 --separate-stderr env PAIRS=7 SIZE=32 MODEL="$model" "$pipes/lomit/evaluate.sh"
	[[ $stderr != *"is there"* && $output == *"7 pairs of made faces"* ]]
	run -0 --separate-stderr env PAIRS=7 SHOWN=2 SIZE=32 MODEL="$model" "$pipes/lomit/evaluate.sh"
	[ "$(grep -c 'is there$' <<<"$stderr")" = 20 ]
	touch -d '+1 min' "$model"
	run -0 --separate-stderr env PAIRS=7 SHOWN=2 SIZE=32 MODEL="$model" "$pipes/lomit/evaluate.sh"
	[[ $stderr != *"is there"* ]]
	touch "$model"
}

@test "a stage that fails ends the pipeline and leaves no result" {
	mkdir bin
	cp "$XL_BIN"/xl-* bin
	printf '#!/bin/sh\nhead -c 100; exit 3\n' >bin/xl-decode
	XL_BIN=$PWD/bin run -3 small evaluate
	[ ! -e evaluated/results.msgpack ] && [ ! -e evaluated/evaluation.txt ]
	[[ ${lines[-2]} == *"xl-decode "* ]]
	[ "${lines[-1]}" = "evaluate.sh: the stage that makes evaluated/results.msgpack failed" ]
	cp "$XL_BIN/xl-decode" bin
	XL_BIN=$PWD/bin run -0 small evaluate
	[[ $output == *"evaluated/exemplar_codes.msgpack is there"* ]]
	[ -s evaluated/evaluation.txt ]
}

@test "train.sh goes on where it was stopped, and further when asked" {
	cp -a "$BATS_FILE_TMPDIR/trained" trained
	export SMOKE=1 WIDTH=4 COUNT=8 OUT=trained
	ITERS=1 run -0 "$pipes/lomit/train.sh"
	[[ $output == *"trained/model.msgpack is there"* ]]
	ITERS=2 run -0 "$pipes/lomit/train.sh"
	[[ $output == *"--resume trained/model.msgpack"* ]]
	[ "$("$XL_BIN/xl-cat" --json --records 0:1 trained/model.msgpack | jq .meta.step)" = 2 ]
	rm trained/.made/model.msgpack # as after a kill
	ITERS=2 "$pipes/lomit/train.sh"
	# what it cannot go on with changes nothing
	before=$(sha256sum trained/*.msgpack*)
	ITERS=2 SEED=1 run -2 "$pipes/lomit/train.sh"
	[ "$output" = "train.sh: trained was trained on records made with --seed 0, not --seed 1; set OUT to another folder" ]
	ITERS=2 WHERE='' run -2 "$pipes/lomit/train.sh"
	[[ $output == "train.sh: trained was trained on records made with --where '"*"', not less; "* ]]
	ITERS=2 BATCH=3 run -2 "$pipes/lomit/train.sh"
	[[ $output == *"--batch"* ]]
	ITERS=2 run -0 "$pipes/lomit/train.sh"
	[ "$(sha256sum trained/*.msgpack*)" = "$before" ]
}

@test "the demonstration draws a sheet and says where" {
	run -0 env MODEL="$model" "$pipes/demo.sh"
	[ "$output" = "demo.sh: wrote $PWD/demo.png: input, exemplar, result, and that put into the input, each beside its mask" ]
	"$XL_BIN/xl-crop" --size 0 demo.png | "$XL_BIN/xl-cat" --json | jq -e '.tensors.x.shape[2] > 8 * 32'
	[ "$(ls)" = demo.png ]
	printf 'nothing' >broken
	run -1 env MODEL=broken OUT=other.png "$pipes/demo.sh"
	[ "$(echo *.png*)" = demo.png ]
	# what it reads is not replaced
	cp "$pipes"/../models/{input,exemplar}-1.png .
	before=$(sha256sum input-1.png)
	MODEL=$model PICTURES=. OUT=input-1.png run -2 "$pipes/demo.sh"
	[ "$output" = "demo.sh: input-1.png: is read; set OUT to another file" ]
	[ "$(sha256sum input-1.png)" = "$before" ]
}

@test "the default model translates the bundled pictures" {
	[ -e "$pipes/../models/default.msgpack" ] || skip "no default model"
	run -0 "$pipes/demo.sh"
	[ -s demo.png ]
}

@test "tools are found beside the pipelines, in XL_BIN, or in PATH" {
	cp -r "$pipes" pipelines
	run -2 env XL_BIN=nowhere pipelines/demo.sh
	[ "$output" = "demo.sh: XL_BIN: there is no xl-cat in 'nowhere'" ]
	run -1 env -u XL_BIN pipelines/lomit/evaluate.sh
	[[ $output == "evaluate.sh: the tools of xl are neither built nor in PATH: run make in "* ]]
	PATH=$XL_BIN:$PATH MODEL=$model run -0 env -u XL_BIN pipelines/lomit/evaluate.sh -n
	[ "${lines[1]}" = "mkdir -p evaluated/.made" ]
	mkdir bin
	ln -s "$XL_BIN/xl-cat" bin
	MODEL=$model run -0 env -u XL_BIN pipelines/lomit/evaluate.sh -n
	[ "${lines[1]}" = "PATH=$PWD/bin:\$PATH" ]
}

@test "without a model, or with a bad number, nothing is begun" {
	cp -r "$pipes" pipelines
	run -2 pipelines/lomit/translate.sh
	[ "$output" = "translate.sh: no model: set MODEL to a file" ]
	MODEL=none run -1 pipelines/lomit/evaluate.sh
	[ "$output" = "evaluate.sh: none: cannot be read" ]
	PAIRS='1; ls' MODEL=$model run -2 pipelines/lomit/evaluate.sh
	[ "$output" = "evaluate.sh: PAIRS: '1; ls' is not a number of pairs" ]
	for seed in x -1 08 1.5; do
		SEED=$seed MODEL=$model run -2 pipelines/lomit/evaluate.sh
		[ "$output" = "evaluate.sh: SEED: '$seed' is not a whole number of 0 or more" ]
	done
	PRESET=huge run -2 pipelines/lomit/train.sh
	[ "$output" = "train.sh: PRESET: 'huge' is not paper, small or tiny" ]
}

@test "the examples of translation in xl(7) work" {
	export XL_MODEL=$model PATH=$XL_BIN:$PATH
	for name in a b c in/a in/b ex/c; do
		mkdir -p "$(dirname $name)"
		xl-synth faces --count 1 --size 64 --seed ${#name} | xl-decode >$name.png
	done
	xl-synth faces --count 24 --size 32 --domain-by Blond_Hair |
		xl-train miso --preset tiny --width 2 --iters 1 --out hair.msgpack
	xl-synth faces --count 24 --size 64 --domain-by Eyeglasses |
		xl-train mbu --preset tiny --width 2 --batch 2 --iters 1 --out glasses.msgpack
	sed -n 's/^\.Dl \(xl-encode\|xl-mask\|xl-hadain\)/\1/p' "$pipes/../man/xl.7" |
		sed 's/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 12 ]
	bash -euxo pipefail examples
	xl-crop out.png | xl-cat
	xl-crop --size 0 all.png >/dev/null
}

@test "README begins with the two commands and names every tool and method" {
	cd "$BATS_TEST_DIRNAME/.."
	[ "$(grep -oE '\./deps\.sh make (demo|check)' README.md | head -2)" = "./deps.sh make demo
./deps.sh make check" ]
	for t in tools/xl-*.c; do
		t=$(basename "$t" .c)
		grep -q "\`$t\`" README.md && grep -q "^\.It Xr $t 1\$" man/xl.7 || { echo "$t" && return 1; }
	done
	# and none that is not there
	for t in $(grep -ohE '\bxl-[a-z]+' README.md man/xl.7 | sort -u); do
		[ -e "tools/$t.c" ] || [ -e "man/$t.5" ] || { echo "$t" && return 1; }
	done
}

@test "the commands of README work" {
	PATH=$XL_BIN:$PATH
	celeba celeba 90 40
	cp celeba/face-000000.png a.png
	cp celeba/face-000001.png b.png
	sed -n '/^xl-crop celeba/,/^```$/{/^```$/!p}' "$pipes/../README.md" >lines
	[ "$(grep -c '^xl-' lines)" = 2 ]
	# as written, but for the cost
	sed 's/--preset small/--preset tiny --width 2 --iters 1/' lines >cheap
	[ "$(diff lines cheap | grep -c '^>')" = 1 ]
	bash -euxo pipefail cheap
	xl-crop out.png | xl-cat
	grep -hE '^PRESET=.*/train.sh$|^DATA=.*/evaluate.sh$' "$pipes/../README.md" |
		sed "s:PRESET=paper:PRESET=tiny WIDTH=4 ITERS=1 EVERY=1:; s: pipelines/: $pipes/:" >measure
	[ "$(wc -l <measure)" = 2 ]
	awk 'NR > 2 { print $1, NR <= 62 ? 0 : 2 }' celeba/list_attr_celeba.txt >celeba/list_eval_partition.txt
	env -u MODEL SMOKE=1 bash -euxo pipefail measure
	grep -q "^held out by list_eval_partition.txt; " hair-table/evaluation.txt
	# and every option the text names is one of its tool
	grep -oE '`xl-[^`]+`' "$pipes/../README.md" | tr -d '`' | while read -r tool words; do
		for word in $words; do
			[[ $word != --* ]] || "$tool" --help | grep -qe "$word\b" || { echo "$tool $word" && exit 1; }
		done
	done
}
