#!/usr/bin/env bats
# xl-classify: training on made faces, verdicts, features, hostile input.

bats_require_minimum_version 1.5.0
load metrics_streams

# train NAME [OPTION...] < RECORDS: a small classifier
train() {
	local name=$1
	shift
	"$XL_BIN/xl-classify" --train -q --size 16 --width 4 --batch 16 --iters 250 --lr 1e-2 \
		--out "$name" "$@"
}

# Faces of 16 pixels; B is where the hair is blond. Classifiers of that, and of both.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	local synth=("$XL_BIN/xl-synth" faces --size 16 -q --attributes Blond_Hair,Black_Hair
		--where 'Blond_Hair=1|Black_Hair=1')
	"${synth[@]}" --count 300 --domain-by Blond_Hair >faces.msgpack
	"${synth[@]}" --count 60 --seed 9 --domain-by Blond_Hair >new.msgpack
	train both.msgpack faces.msgpack >both.txt
	train domain.msgpack --attributes domain --json faces.msgpack >domain.json
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BATS_FILE_TMPDIR"/* .
	PATH=$XL_BIN:$PATH
}

# of NAME LABEL: what the line of that name for that label says
of() { awk -v n="$1" -v l="$2" '$1 == n && $3 == l { print $2 }' <<<"$output"; }

# above NAME LEAST
above() { awk -v a="$(value "$1")" -v b="$2" 'BEGIN { exit !(a != "" && a > b) }' || {
	echo "$1 is $(value "$1")" && return 1; }; }

@test "help and version" {
	run -0 xl-classify --help
	[[ $output == "usage: xl-classify --train [options] [FILE...] | --model FILE"* ]]
	run -0 xl-classify --version
	[[ ${lines[0]} =~ ^xl-classify\ [0-9] ]]
}

@test "it learns the colour of hair, and is held against new faces" {
	jq -e '.metric == "held_out" and .accuracy > 0.9 and .network == "own_d32"
		and .images > 15 and .images < 50 and .settings.iters == 250
		and .images + .settings.trained_on == 300 and .settings.held_out_share == 0.1
		and (.digests.held_out | length) == 64' domain.json
	output=$(cat both.txt)
	above accuracy 0.8
	run -0 xl-classify --model domain.msgpack new.msgpack
	near images 60
	above accuracy 0.9
	above likelihood 0.7
	[ "$(of images domain=A)" -gt 0 ]
	[ $(($(of images domain=A) + $(of images domain=B))) -eq 60 ]
	run -0 xl-classify --model both.msgpack new.msgpack
	above accuracy 0.8
	[ "$(of images Black_Hair)" = 60 ]
	[ "$(of images Black_Hair=1)" = "$(of images Blond_Hair=0)" ]
}

@test "the same seed gives the same file for any number of threads" {
	for threads in 1 3; do
		train "$threads.msgpack" --threads $threads --iters 20 faces.msgpack >/dev/null
	done
	cmp 1.msgpack 3.msgpack
	train other.msgpack --seed 1 --iters 20 faces.msgpack >/dev/null
	run ! cmp -s 1.msgpack other.msgpack
	xl-cat --check 1.msgpack >/dev/null
	run -0 xl-classify --model 1.msgpack --force --threads 1 --features new.msgpack
	xl-classify --model 1.msgpack --force --threads 1 --features new.msgpack >1
	xl-classify --model 1.msgpack --force --threads 3 --features new.msgpack >3
	cmp 1 3
}

@test "what is wanted: the same of all, and nothing of labels not named" {
	run -0 xl-classify --model domain.msgpack --want domain=B new.msgpack
	is_b=$(value accuracy)
	[ "$(of images domain=B)" = 60 ]
	run -0 xl-classify --model domain.msgpack --want domain=A new.msgpack
	awk -v a="$is_b" -v b="$(value accuracy)" 'BEGIN { exit !((a + b - 1) ^ 2 < 1e-12) }'
	run -0 xl-classify --model both.msgpack --want Blond_Hair=1 new.msgpack
	[ -z "$(of images Black_Hair)" ]
	near accuracy "$(of accuracy Blond_Hair=1)"
	run -2 xl-classify --model both.msgpack --want Hat=1 new.msgpack
	[[ ${lines[0]} == "xl-classify: --want: the classifier knows no 'Hat'; it tells Blond_Hair, Black_Hair" ]]
	for want in Blond_Hair Blond_Hair= Blond_Hair=2 Blond_Hair=1, , Blond_Hair=1,Blond_Hair=0; do
		run -2 xl-classify --model both.msgpack --want "$want" new.msgpack
		[[ ${lines[0]} == "xl-classify: --want: "* ]]
	done
}

@test "what is wanted: the labels of exemplars" {
	xl-cat --records 0:4 new.msgpack >four
	xl-cat --records 0:1 new.msgpack >one
	run -0 xl-classify --model both.msgpack four
	own=$output
	run -0 xl-classify --model both.msgpack --exemplar four four
	[ "$output" = "$own" ]
	cat four four >eight
	run -0 xl-classify --model both.msgpack --exemplar four eight
	[ "$(value images)" = 8 ]
	[ "$(value accuracy)" = "$(awk '$1 == "accuracy" && NF == 2 { print $2 }' <<<"$own")" ]
	run -0 xl-classify --model both.msgpack --exemplar one four
	[ "$(of images Blond_Hair)" = 4 ]
	[ "$(grep -c '^images .* Blond_Hair=' <<<"$output")" = 1 ]
	xl-cat --records 0:3 new.msgpack >three
	run -1 xl-classify --model both.msgpack --exemplar three four
	[ "$output" = "xl-classify: three: 3 exemplars for 4 pictures" ]
	: >nothing
	run -1 xl-classify --model both.msgpack --exemplar nothing four
	[ "$output" = "xl-classify: nothing: holds no exemplar" ]
	run -2 xl-classify --model both.msgpack --exemplar one --want Black_Hair=1 four
	[[ ${lines[0]} == *"exclude each other" ]]
}

@test "translations: the domain they lead to is wanted, once they are decoded" {
	xl-train miso --preset tiny --size 32 --width 4 --batch 2 --iters 1 -q \
		-o miso.msgpack faces.msgpack
	xl-cat --records 0:5 new.msgpack | xl-encode --model miso.msgpack |
		xl-hadain --model miso.msgpack --sample 2 >h
	run -1 xl-classify --model domain.msgpack h
	[[ ${lines[0]} == *"is not decoded yet; xl-decode --stream makes the picture" ]]
	xl-decode --model miso.msgpack --stream h >out
	run -0 xl-classify --model domain.msgpack out
	near images 10
	[ "$(of images domain=A)" = "$(xl-cat --json h | grep -c '"domain_out":"A"')" ]
}

@test "each picture, as text and as JSON" {
	xl-cat --records 0:2 new.msgpack >two
	run -0 xl-classify --model both.msgpack --each two
	[[ ${lines[0]} =~ ^Blond_Hair=[01]\ [01](\.[0-9]+)?\ face-[0-9]+.png$ ]]
	[[ ${lines[1]} =~ ^Black_Hair=[01]\  ]]
	run -0 xl-classify --model both.msgpack --each --json two
	[ "${#lines[@]}" = 3 ]
	jq -e '.record == 1 and (.id | startswith("face-")) and length == 4' <<<"${lines[1]}"
	jq -e '.metric == "classify_own" and .images == 2 and .skipped == 0 and .want == null
		and .held_out > 15 and (.labels.Black_Hair.images == 2)
		and (.images_digest | length) == 64' <<<"${lines[2]}"
}

@test "features records" {
	xl-cat --records 0:2 new.msgpack | xl-classify --model both.msgpack --features >f
	run -0 xl-cat --json f
	[ "${#lines[@]}" = 2 ]
	jq -e '.kind == "features" and .tensors.f.shape == [32] and .tensors.f.type == "<f4"
		and (.tensors | keys) == ["f", "y"] and .meta.network == "own_d32"
		and (.meta.network_digest | length) == 64 and .meta.domain != null' <<<"${lines[0]}"
	run -2 script -qec "'$XL_BIN/xl-classify' --model both.msgpack --features new.msgpack" /dev/null
	[[ $output == *"not writing tensors to a terminal"* ]]
}

@test "classes of one label, none mirrored" {
	for k in 0 1 2; do
		bytes 768 "i % 256 < $((64 + 64 * k)) ? 200 : 20" >x.u1
		bytes 1 "$k" >y.u1
		for i in 1 2 3 4 5 6 7 8; do
			digit "$k-$i" x.u1 "$k"
		done
	done >digits
	run -0 train digits.msgpack --batch 8 --flip 0 --held-out 0 --iters 120 digits
	[ -z "$output" ]
	run -0 xl-classify --model digits.msgpack digits
	near accuracy 1
	near images 24
	[ "$(of images digit=2)" = 8 ]
	run -0 xl-classify --model digits.msgpack --want digit=1 digits
	near accuracy 0.33333333
	run -2 xl-classify --model digits.msgpack --want digit=3 digits
	digit 5-1 x.u1 5 >five
	run -1 xl-classify --model digits.msgpack five
	[[ $output == *"five: record 0 (5-1): 'digit' is 5, a value the classifier has not seen"* ]]
}

# digit ID FILE LABEL: a record of 16x16 with a label
digit() {
	printf '\x85'
	str8 xl && printf '\x01'
	str8 kind && str8 image
	str8 id && str8 "$1"
	str8 meta && printf '\x81' && str8 attributes && printf '\x91' && str8 digit
	str8 tensors && printf '\x82'
	str8 x && array '|u1' 3 16 16 "$2"
	str8 y && printf '\x85' && bin8 nd && printf '\xc3' && bin8 type && str8 '|u1' &&
		bin8 kind && bin8 '' && bin8 shape && printf '\x91\x01' && bin8 data &&
		printf '\xc4\x01%b' "\\x0$3"
}

@test "options of the other mode are wrong usage" {
	for words in "--train --want Blond_Hair=1" "--train --features" "--train --each" \
		"--train --exemplar faces.msgpack" "--train --model both.msgpack" \
		"--model both.msgpack --features --json" "--model both.msgpack --features --each"; do
		# shellcheck disable=SC2086  # words
		run -2 xl-classify $words new.msgpack
		[[ ${lines[0]} == "xl-classify: --"*" and --"*" exclude each other" ]]
	done
	for word in size=32 width=4 batch=4 iters=5 lr=0.1 flip=0 held-out=0.1 out=x attributes=Male; do
		run -2 xl-classify --model both.msgpack --$word new.msgpack
		[ "${lines[0]}" = "xl-classify: --${word%=*} is for --train" ]
	done
}

@test "a poor classifier is refused, unless forced" {
	train poor.msgpack --attributes domain --iters 1 --lr 0 faces.msgpack >/dev/null
	run -2 xl-classify --model poor.msgpack new.msgpack
	[[ $output =~ ^xl-classify:\ poor.msgpack:\ right\ about\ [0-9.]+\ %\ of\ the\ pictures ]]
	run -0 xl-classify --model poor.msgpack --force new.msgpack
	near images 60
	train untested.msgpack --attributes domain --iters 1 --held-out 0 faces.msgpack >/dev/null
	run -2 xl-classify --model untested.msgpack new.msgpack
	[[ $output == *"was never tested"* ]]
}

@test "nothing is overwritten unasked" {
	run -2 train both.msgpack faces.msgpack
	[ "$output" = "xl-classify: both.msgpack: is there already; --force replaces it" ]
	cp faces.msgpack here.msgpack
	ln -s here.msgpack link.msgpack
	for name in ./here.msgpack link.msgpack; do
		run -2 train $name --force here.msgpack
		[ "$output" = "xl-classify: $name: is an input, and would be written over" ]
		run -2 train $name --force <here.msgpack
		[ "$output" = "xl-classify: $name: is an input, and would be written over" ]
	done
	cmp faces.msgpack here.msgpack
}

# refused MESSAGE STATUS OUT: training to OUT ends so, before anything is read
refused() {
	run "-$2" train "$3" nowhere
	[ "${lines[0]}" = "xl-classify: $1" ] || { echo "$output" && return 1; }
}

@test "what cannot be written is found before training" {
	refused "none/c.msgpack: cannot write: no such file or directory" 1 none/c.msgpack
	refused "/dev/full: is a device or pipe, not a file" 2 /dev/full
	mkdir folder
	refused "folder: is a folder, not a file" 2 folder
	refused "folder/: is a folder, not a file" 2 folder/
	mkfifo pipe
	refused "pipe: is a device or pipe, not a file" 2 pipe
	refused "--out: a classifier is a file, not a stream" 2 -
	refused "faces.msgpack: is there already; --force replaces it" 2 faces.msgpack
	refused "nowhere: cannot open: no such file or directory" 1 c.msgpack
	if [ "$(id -u)" != 0 ]; then
		chmod -w folder
		refused "folder/c.msgpack: cannot write: permission denied" 1 folder/c.msgpack
	fi
	[ ! -e c.msgpack ]
}

@test "progress says what xl-train says, or nothing" {
	run -124 timeout 3 xl-classify --train --progress always --size 16 --width 8 \
		--iters 20000 -o c.msgpack faces.msgpack
	[[ $output == *"/20000 iterations "*"  step "*"  loss "* ]]
	run -0 --separate-stderr xl-classify --train -q --size 16 --width 1 --iters 2 --force \
		-o c.msgpack faces.msgpack
	[ -z "$stderr" ]
}

@test "wrong usage" {
	run -2 xl-classify new.msgpack
	[[ ${lines[0]} == "xl-classify: --model names the classifier; --train makes one" ]]
	run -2 train x.msgpack --batch 15 faces.msgpack
	[[ ${lines[0]} == "xl-classify: a batch of 15 is odd" ]]
	run -2 train x.msgpack --attributes Hat faces.msgpack
	[[ ${lines[0]} == *"has no attribute 'Hat'; there are Blond_Hair, Black_Hair" ]]
	xl-cat --records 0:9 faces.msgpack >few
	run -2 train x.msgpack few
	[[ ${lines[0]} == *"too few images"* ]]
	[ ! -e x.msgpack ]
	run -2 xl-classify --model both.msgpack --exemplar - -
	run -2 script -qec "'$XL_BIN/xl-classify' --model both.msgpack --exemplar - new.msgpack" /dev/null
	run -2 script -qec "'$XL_BIN/xl-classify' --model both.msgpack" /dev/null
	[[ $output == *"terminal"* ]]
}

@test "no model, another model, a broken one" {
	run -1 xl-classify --model nowhere.msgpack new.msgpack
	[[ $output == "xl-classify: nowhere.msgpack: cannot open: no such file"* ]]
	run -1 xl-classify --model new.msgpack new.msgpack
	[ "$output" = "xl-classify: new.msgpack: not a model (kind image)" ]
	run -1 xl-classify --model "$BATS_TEST_DIRNAME/../models/default.msgpack" new.msgpack
	[[ $output == *"default.msgpack: not a classifier (a model of lomit)" ]]
	head -c 5000 both.msgpack >cut.msgpack
	run -1 xl-classify --model cut.msgpack new.msgpack
	[[ $output == "xl-classify: cut.msgpack: record 1 (classifier): ends inside"* ]]
}

@test "empty, broken and strange input" {
	: >nothing
	run -1 xl-classify --model both.msgpack nothing
	[ "$output" = "xl-classify: nothing: holds no pictures" ]
	run -1 xl-classify --model both.msgpack --json --want Black_Hair=1 </dev/null
	[ "$output" = "xl-classify: stdin: holds no pictures" ]
	run -0 xl-classify --model both.msgpack --features nothing
	[ -z "$output" ]
	run -2 train x.msgpack nothing
	[[ ${lines[0]} == *"too few images: 0"* ]]
	bytes 999 '(i * 7919 + int(i / 3)) % 256' >noise
	run -1 xl-classify --model both.msgpack noise
	[[ $output == "xl-classify: noise: "* ]]
	size=$(stat -Lc %s new.msgpack)
	head -c $((size / 2 + 70)) new.msgpack >cut
	run -1 --separate-stderr xl-classify --model both.msgpack cut
	[[ $stderr == "xl-classify: cut: record "* ]]
	above images 10
	bytes 1536 127 >wide.u1
	record image wide x '|u1' 3 16 32 wide.u1 >wide
	run -1 --separate-stderr xl-classify --model both.msgpack --want Black_Hair=1 wide new.msgpack
	[[ ${stderr_lines[0]} == "xl-classify: wide: record 0 (wide): is 32 x 16 pixels, a classifier takes squares"* ]]
	near images 60
	floats 7fc00000 768 >nan.f4
	record image nan x '<f4' 3 16 16 nan.f4 >nan
	run -1 xl-classify --model both.msgpack --want Black_Hair=1 nan
	[[ $output == *"x holds values that are not finite"* ]]
	cat wide wide wide >wides
	run -1 xl-classify --model both.msgpack wides
	[ "$output" = "xl-classify: wides: record 0 (wide): has no attribute 'Blond_Hair'; there are none" ]
	xl-classify --model both.msgpack --features new.msgpack >features
	run -1 --separate-stderr xl-classify -q --model both.msgpack features
	[[ $stderr == "xl-classify: features: record 0 "*": a features record, neither image nor code" ]]
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "a full disk and a closed pipe" {
	run -1 bash -c "xl-classify --model both.msgpack new.msgpack >/dev/full"
	[[ $output == "xl-classify: "* ]]
	run -1 bash -c "xl-classify --model both.msgpack --features new.msgpack >/dev/full"
	[[ $output == "xl-classify: "* ]]
	{ sleep 0.2; st=0; xl-classify --model both.msgpack --each new.msgpack 2>err || st=$?
		echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}

@test "the examples of the page run" {
	page="$BATS_TEST_DIRNAME/../man/xl-classify.1"
	mkdir celeba
	xl-decode --dir celeba --stream new.msgpack >/dev/null 2>&1 || true
	cp both.msgpack classifier.msgpack
	cp new.msgpack out.msgpack
	cp new.msgpack exemplars.msgpack
	sed -n '/^.Sh EXAMPLES/,/^.Sh DIAGNOSTICS/s/^\.Dl //p' "$page" |
		sed 's/\\e/\\/g; s/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 4 ]
	sed -i 's/Smiling=0/Black_Hair=0/' examples
	sed 1d examples | while read -r line; do
		bash -c "set -o pipefail; $line" >result
	done
	[ -s features.msgpack ]
}
