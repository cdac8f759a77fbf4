#!/usr/bin/env bats
# xl-cosine: values, which output is compared with which input, hostile input. Most tests
# use a small classifier; how a published network sees, test_face tells.

bats_require_minimum_version 1.5.0
load metrics_streams

# picture ID SEED [META]: an image record of 16 x 16
picture() {
	bytes 768 "(i * (17 + 6 * $2) + int(i / 16) * $2 * 31) % 256" >p.u1
	record image "$1" x '|u1' 3 16 16 p.u1
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	"$XL_BIN/xl-synth" faces --count 40 --size 16 >faces
	"$XL_BIN/xl-classify" -q --train --attributes Smiling --size 16 --width 2 --batch 4 \
		--iters 2 --held-out 0 -o own --force faces
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	own="$BATS_FILE_TMPDIR/own"
	export XDG_DATA_HOME="$BATS_TEST_TMPDIR"
}

cosine() { "$XL_BIN/xl-cosine" --model "$own" "$@"; }

@test "help and version" {
	run -0 cosine --help
	[[ $output == "usage: xl-cosine [options] INPUT OUT"* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	run -0 cosine --version
	[[ ${lines[0]} =~ ^xl-cosine\ [0-9] ]]
}

@test "1 for what has not changed, less for the rest" {
	{ picture a 1; picture b 2; } >i
	{ picture a+b 1; picture a+c 3; picture b+a 4; } >o
	run -0 cosine --each i o
	[ "${lines[0]}" = "face_cos_own 1 a+b" ]
	[[ ${lines[3]} =~ ^network\ own_d16\ [0-9a-f]{64}$ ]]
	near outputs 3
	near zeros 0
	awk '$1 == "face_cos_own" && NF == 3 { s += $2; n++; if (n > 1 && $2 >= 0.9999999) bad = 1 }
		$1 == "face_cos_own" && NF == 2 { m = $2 }
		END { d = m - s / n; exit !(n == 3 && !bad && d < 1e-9 && d > -1e-9) }' <<<"$output"
}

@test "a random choice, the same for the same seed" {
	for k in 1 2 3 4 5 6 7 8; do picture "r$k" "$k"; done >i
	for k in 1 2 3 4 5 6 7 8; do picture "r$k+a" 9; done >o
	run -0 cosine --each --pairs 3 i o
	near outputs 3
	one=$output
	# in the order of the stream
	[ "$(grep -c '^face_cos_own .* r' <<<"$output")" -eq 3 ]
	sed -n 's/^face_cos_own .* //p' <<<"$output" | sort -c
	run -0 cosine --each --pairs 3 --threads 3 i o
	[ "$one" = "$output" ]
	run -0 cosine --each --pairs 3 --seed 5 i o
	[ "$one" != "$output" ]
	run -0 cosine --each i o
	all=$output
	while read -r line; do grep -qxF "$line" <<<"$all"; done < <(grep ' r' <<<"$one")
	run -0 cosine --each --pairs 100 i o
	[ "$all" = "$output" ]
}

@test "outputs in order" {
	{ picture a 1; picture b 2; } >i
	{ picture p 3; picture q 4; picture r 5; picture s 6; } >o
	run -0 cosine --per 2 i o
	near outputs 4
	run -1 cosine i o
	[[ $output == *"xl-cosine: o: record 0 (p): no input left in i that it is of"* ]]
}

@test "JSON" {
	picture a 1 >i
	{ picture a+1 3; picture a+2 4; } >o
	run -0 cosine --each --json --seed 3 i o
	[ "${#lines[@]}" -eq 3 ]
	jq -e '.record == 1 and .id == "a+2" and .face_cos_own <= 1' <<<"${lines[1]}"
	jq -e '.metric == "face_cos_own" and .outputs == 2 and .skipped == 0 and .zeros == 0
		and .input == "i" and .out == "o" and .settings.network == "own_d16"
		and .settings.seed == 3 and .settings.network_size == 16
		and .settings.pairs == 0 and (.settings.network_digest | length) == 64
		and (.digests.input | length) == 64' <<<"${lines[2]}"
}

@test "what has no norm counts as 0" {
	# a classifier whose features are all 0: no weights at all
	"$XL_BIN/xl-convert" -q "$own" own.safetensors
	picture a 1 >i
	picture a+1 2 >o
	# the header as it is, then zeros for all weights
	header=$((8 + $(od -An -tu8 -N8 own.safetensors)))
	size=$(stat -c %s own.safetensors)
	{
		head -c "$header" own.safetensors
		head -c $((size - header)) /dev/zero
	} >zero.safetensors
	"$XL_BIN/xl-convert" -q zero.safetensors zero
	run -0 "$XL_BIN/xl-cosine" --model zero i o
	near zeros 1
	near face_cos_own 0
}

@test "no weights: how to get them" {
	picture a 1 >i
	run -1 "$XL_BIN/xl-cosine" i i
	[ "$output" = "xl-cosine: no weights of resnet50-face: make them by 'xl-convert --as resnet50-face resnet50_ft_dag.pth resnet50-face.msgpack', see xl-convert(1), and put them into ~/.local/share/xl or name the file" ]
	run -1 "$XL_BIN/xl-cosine" --weights "$own" i i
	[ "$output" = "xl-cosine: $own: not the weights of a network that describes faces (resnet50-face, vgg16-face)" ]
	"$XL_BUILD/tests/test_features" resnet50-face | head -c 3000 >face
	run -1 "$XL_BIN/xl-cosine" --weights face i i
	[[ $output == "xl-cosine: face: record 1 (resnet50-face): ends inside "* ]]
	run -1 "$XL_BIN/xl-cosine" --weights face --before-relu i i
	[ "$output" = "xl-cosine: face: resnet50-face has no numbers before a ReLU" ]
	run -2 cosine --before-relu i i
	[ "${lines[0]}" = "xl-cosine: --model and --before-relu exclude each other" ]
	run -1 cosine --model i i i
	[[ $output == "xl-cosine: i: "* ]]
}

@test "other sizes and what is no image are named, the rest is measured" {
	picture a 1 >i
	bytes 108 'i * 2' >q.u1
	{ picture a+1 2; record image a+2 x '|u1' 3 6 6 q.u1; record image a+3 x '|u1' 1 2 54 q.u1
		picture a+4 5; } >o
	run -1 cosine i o
	[[ $output == *"xl-cosine: o: record 1 (a+2): image is 6x6, others of 'a' are 16x16"* ]]
	[[ $output == *"xl-cosine: o: record 2 (a+3): x is (1,2,54) |u1, an image has 3 channels"* ]]
	near outputs 2
	near skipped 2
	record image a x '|u1' 1 2 54 q.u1 >i
	picture a+1 2 >o
	run -1 cosine i o
	near outputs 0
	near skipped 1
}

@test "empty, truncated and random streams, missing files" {
	picture a 1 >i
	: >empty
	run -1 --separate-stderr cosine i empty
	[ "$stderr" = "xl-cosine: empty: holds no pictures" ]
	[ -z "$output" ]
	run -1 cosine --json --pairs 5 empty - </dev/null
	[ "$output" = "xl-cosine: stdin: holds no pictures" ]
	head -c 500 i >cut
	run -1 --separate-stderr cosine i cut
	[[ $stderr == "xl-cosine: cut: record 0"* ]]
	[ -z "$output" ]
	run -1 cosine "$own" i
	[ "$output" = "xl-cosine: $own: record 0 (model): a model record, neither image nor code" ]
	bytes 999 '(i * 7919 + int(i / 3)) % 256' >noise
	run -1 cosine --pairs 2 i noise
	[[ $output == "xl-cosine: noise: "* ]]
	run -1 cosine nowhere i
	[[ $output == "xl-cosine: nowhere: "* ]]
}

@test "wrong usage" {
	picture a 1 >i
	run -2 cosine i
	[ "${lines[0]}" = "xl-cosine: needs two streams, INPUT and OUT; 1 given" ]
	run -2 cosine --weights x i i
	[ "${lines[0]}" = "xl-cosine: --model and --weights exclude each other" ]
	run -2 cosine - - <i
	run -2 cosine --pairs 0 i i
	run -2 script -qec "'$XL_BIN/xl-cosine' i -" /dev/null
	[[ $output == *"terminal"* ]]
}

@test "a full disk and a closed pipe" {
	picture a 1 >i
	run -1 bash -c "'$XL_BIN/xl-cosine' --model '$own' i i >/dev/full"
	[[ $output == "xl-cosine: "* ]]
	{ sleep 0.2; st=0; cosine --each i i 2>err || st=$?; echo $st >status; } | true
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}
