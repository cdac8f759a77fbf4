#!/usr/bin/env bats
# xl-train: a run and what it leaves, resuming and killing, refusals, broken
# input, and the dry run. Everything at the smallest size there is.

bats_require_minimum_version 1.5.0

setup() {
	train=$XL_BIN/xl-train
	cd "$BATS_TEST_TMPDIR" || return 1
	"$XL_BIN/xl-synth" faces --count 24 --size 32 --quiet >faces
	small=(lomit --preset tiny --set width=2 --batch 2)
}

# quick OUT ITERS [OPTION]...: a run on the faces
quick() {
	"$train" "${small[@]}" --out "$1" --iters "$2" "${@:3}" faces
}

usage() { # the words of a usage error
	[ "$status" -eq 2 ]
	[ "${lines[1]}" = "try 'xl-train --help'" ]
}

@test "a run writes a model, a checkpoint, and says what it did" {
	run -0 --separate-stderr quick run.msgpack 6
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = \
		"xl-train: 24 images; attributes Black_Hair, Blond_Hair, Brown_Hair, Smiling" ]
	[[ ${stderr_lines[1]} =~ ^xl-train:\ 6\ iterations\ in\ .*\ each,\ peak\ memory\ .*\ step\ 6$ ]]
	[ "${#stderr_lines[@]}" -eq 2 ]
	"$XL_BIN/xl-cat" --check run.msgpack
	"$XL_BIN/xl-cat" --check run.msgpack.ckpt
	run -0 "$XL_BIN/xl-cat" --json run.msgpack
	[[ $output == *'"step":6'* ]]
	[[ $output != *'"D"'* ]] # the critic is in the checkpoint alone
	[ -z "$(find . -name '*.tmp')" ]
}

@test "the model's name is the method's; --quiet says nothing" {
	run -0 "$train" "${small[@]}" --iters 1 --quiet <faces
	[ -z "$output" ]
	[ -e lomit.msgpack ] && [ -e lomit.msgpack.ckpt ]
	run quick - 1
	usage
	[ "${lines[0]}" = "xl-train: --out: a model and its checkpoint are files, not a stream" ]
}

@test "equal runs give equal bytes, whatever the threads" {
	quick a 6 --threads 1 --quiet
	quick b 6 --threads 2 --quiet --log b.log --samples b.d --every 2 --keep 2
	cmp a b
	cmp a.ckpt b.ckpt
	quick c 6 --seed 1 --quiet
	run ! cmp -s a c
}

@test "a run in two parts equals a run in one" {
	quick one 10 --quiet
	quick two 5 --quiet
	rm two # as if killed between the two files
	"$train" lomit --resume two --iters 10 --quiet <faces
	cmp one two
	cmp one.ckpt two.ckpt
}

@test "killed at any instant, it goes on" {
	quick one 60 --quiet
	"$train" "${small[@]}" --out two --iters 60 --quiet --every 3 --log log faces &
	pid=$!
	while [ ! -e two.ckpt ]; do sleep 0.02; done
	kill -9 $pid
	wait $pid || true
	for _ in 1 2; do
		timeout --foreground -s KILL 0.3 "$train" lomit --resume two --every 1 --quiet --log log faces || true
	done
	"$train" lomit --resume two --quiet --log log faces
	cmp one two
	cmp one.ckpt two.ckpt
	[ "$(grep -c '"method"' log)" -ge 2 ]
	tail -n 1 log | grep -q '^{"end":"done","step":60,"saved":60,'
}

@test "a signal saves, and the rest gives the same" {
	for s in TERM INT HUP; do
		rm -f two*
		# a shell ignores INT in what it starts in the background
		env --default-signal=INT,HUP "$train" "${small[@]}" --out two --iters 100000 \
			--log $s.log faces 2>err &
		pid=$!
		while ! grep -q step $s.log 2>/dev/null; do sleep 0.02; done
		kill -s $s $pid
		status=0
		wait $pid || status=$?
		[ $s != TERM ] || [ "$status" -eq 143 ]
		[ $s != INT ] || [ "$status" -eq 130 ]
		[ $s != HUP ] || [ "$status" -eq 129 ]
		[ ! -e two.lock ]
		grep -q "^xl-train: stopped by a signal; continue with lomit --resume two$" err
		n=$(sed -n 's/^{"end":"signal","step":\([0-9]*\),"saved":\1,.*/\1/p' $s.log)
		[ "$n" -gt 0 ]
	done
	n=$((n + 3))
	"$train" lomit --resume two --iters $n --quiet faces
	quick one $n --quiet
	cmp one two
	cmp one.ckpt two.ckpt
}

@test "a signal while the input is read leaves nothing behind" {
	mkfifo pipe
	for s in "TERM 143" "INT 130" "HUP 129"; do
		env --default-signal=INT,HUP "$train" "${small[@]}" --out two --log log pipe &
		exec 8>pipe
		while [ ! -e two.lock ] || [ ! -e log ]; do sleep 0.02; done
		head -c 40000 faces >&8
		kill -s "${s% *}" $!
		status=0
		wait $! || status=$?
		exec 8>&-
		[ "$status" = "${s#* }" ]
		[ "$(ls)" = "faces
pipe" ]
	done
}

@test "under nohup a terminal that goes away stops nothing" {
	(trap '' HUP && exec "$train" "${small[@]}" --out a --iters 40 --log log --quiet faces) &
	while ! grep -q step log 2>/dev/null; do sleep 0.02; done
	kill -s HUP $!
	wait $!
	tail -n 1 log | grep -q '^{"end":"done","step":40,'
}

@test "a finished run resumed writes what is missing of the model, and no more" {
	quick a 4 --quiet
	cp a b && rm a
	run -0 --separate-stderr "$train" lomit --resume a faces
	[[ ${stderr_lines[1]} == "xl-train: 0 iterations"* ]]
	cmp a b
	quick a 2 --quiet --force # of an earlier save, as if killed between the two files
	quick c 4 --quiet
	cp c.ckpt a.ckpt
	"$train" lomit --resume a --quiet faces
	cmp a b
	# weights and rates that nothing is learnt by are not written down
	stat -c '%i %Y %s' a a.ckpt >was
	run -0 "$train" lomit --resume a --w-self 50 --lr 1 --samples d faces
	stat -c '%i %Y %s' a a.ckpt | cmp - was
	[ -e d/00000004.png ]
	"$train" lomit --resume a --out other --w-self 50 --quiet faces
	cmp other b
	"$train" lomit --resume a --w-self 50 --iters 5 --quiet faces
	[ "$("$XL_BIN/xl-cat" --json --records 0:1 a | jq '.meta["hyper.w-self"]')" = 50 ]
}

@test "a run can go on under another name" {
	quick a 4 --every 2 --keep 2 --quiet
	[ -e a.00000002.ckpt ]
	"$train" lomit --resume a.00000002 --out b --quiet faces
	cmp a b
	run -2 "$train" lomit --resume a.00000002 --out b faces
	[ "$output" = "xl-train: b exists; --resume continues it, --force starts anew" ]
}

@test "--keep keeps the last saves" {
	quick a 8 --every 2 --keep 3 --quiet
	ls a.* >list
	[ "$(tr '\n' ' ' <list)" = "a.00000004 a.00000004.ckpt a.00000006 a.00000006.ckpt \
a.00000008 a.00000008.ckpt a.ckpt " ]
	cmp a a.00000008
}

@test "the log" {
	quick a 25 --log log --log-every 10 --quiet
	[ "$(wc -l <log)" -eq 5 ]
	head -n 1 log | grep -q '^{"tool":"xl-train","version":".*"method":"lomit","hyper":{"size":32,'
	sed -n 2p log | grep -q '^{"step":10,"time":".*Z","images_per_s":.*"D.total":.*"G.total":'
	sed -n 4p log | grep -q '^{"step":25,'
	sed -n 5p log | grep -q '^{"end":"done","step":25,"saved":25,'
	if command -v python3 >/dev/null; then
		python3 -c 'import json, sys
for l in open("log"): json.loads(l)'
	fi
	run -2 quick b 2 --log log
	[ "$output" = "xl-train: log exists; --force replaces it" ]
	[ ! -e b ]
	quick b 2 --log - --quiet >out
	[ "$(wc -l <out)" -eq 3 ]
}

@test "a sheet at every save" {
	quick a 4 --every 2 --samples d/ --quiet
	[ "$(ls d)" = "00000002.png
00000004.png" ]
	"$XL_BIN/xl-crop" --size 0 --crop 0 d/00000004.png >sheet
	run -0 "$XL_BIN/xl-cat" sheet
	[[ $output == *"(3,"* ]]
	run -1 quick b 2 --samples faces/x
	[[ $output == *"faces/x: cannot make the folder: not a directory"* ]]
}

@test "a loss that is not finite stops it" {
	quick a 4 --every 2 --quiet
	cp a.ckpt kept
	run -1 --separate-stderr quick b 4 --lr 1e30 --log log
	[[ ${stderr_lines[1]} =~ ^xl-train:\ step\ 1:\ loss\ \'[DG]\.[a-z0-9_]+\'\ is\ (nan|inf)\;\ nothing\ was\ saved\;\ last\ images\ face-[0-9]+\.png\  ]]
	[ ! -e b ] && [ ! -e b.ckpt ]
	tail -n 1 log | grep -q '^{"end":"nonfinite","message":"step 1: loss '
	# after a save: what was kept is named, and stays
	run -1 --separate-stderr "$train" "${small[@]}" --out c --iters 40 --every 1 \
		--critic 10 --lr 1e13 faces
	[[ ${stderr_lines[1]} =~ \;\ (kept\ c\ at\ step\ [0-9]+|nothing\ was\ saved)\;\ last ]]
	cmp a.ckpt kept
}

@test "nothing existing is overwritten" {
	quick a 1 --quiet
	cp a before
	run -2 quick a 1
	[ "$output" = "xl-train: a exists; --resume continues it, --force starts anew" ]
	rm a
	run -2 quick a 1
	[ "$output" = "xl-train: a.ckpt exists; --resume continues it, --force starts anew" ]
	quick a 1 --force --quiet
	cmp a before
	quick b 2 --every 1 --keep 2 --samples d --quiet
	rm b b.ckpt b.00000002.ckpt
	echo mine >b.00000001
	run -2 quick b 2 --keep 1
	[ "$output" = "xl-train: b.00000002 exists; --force replaces it" ]
	run -2 "$train" lomit --resume a --iters 2 --out b --keep 1 faces
	[ "$output" = "xl-train: b.00000002 exists; --force replaces it" ]
	rm b.00000002 b.00000001
	run -2 quick b 2 --keep 1
	[ "$output" = "xl-train: b.00000001.ckpt exists; --force replaces it" ]
	echo mine >d/00000001.png
	run -2 quick c 2 --samples d
	[ "$output" = "xl-train: d/00000002.png exists; --force replaces it" ]
	[ "$(cat d/00000001.png)" = mine ] && [ ! -e c ]
	quick b 1 --keep 1 --samples d --force --quiet
	cmp b b.00000001
	"$train" lomit --resume b --iters 2 --keep 1 --samples d --quiet faces
	[ "$(ls b b.* d)" = "b
b.00000002
b.00000002.ckpt
b.ckpt

d:
00000001.png
00000002.png" ]
	run -2 quick new 2 --keep 1 --log new.00000002
	[ "$output" = "xl-train: new.00000002: the log cannot be a numbered file of the run" ]
	[ ! -e new.00000002 ]
	mkdir folder
	run -1 quick folder 1 --force
	[ "$output" = "xl-train: folder: cannot write: is a directory" ]
	ln -s /dev/full full
	run -1 quick full 1 --force
	[ "$output" = "xl-train: full: cannot write: is a device or pipe, not a file" ]
	[ ! -e full.ckpt ] && [ -L full ]
}

@test "a new run does not replace a model that appears while it trains" {
	mkfifo late
	run_late() { "$train" "${small[@]}" --out a --iters 2 late; }
	(sleep 0.3 && quick other 1 --quiet && cp other a && cat faces) >late &
	run -1 run_late
	wait
	[[ $output == *"xl-train: a exists; --resume continues it, --force starts anew" ]]
	cmp a other
}

@test "a resumed run may learn at another rate and for other losses" {
	quick a 2 --quiet
	"$train" lomit --resume a --out same --iters 3 --log same.log --log-every 1 --quiet faces
	"$train" lomit --resume a --out given --iters 3 --lr 1e-4 --w-gp 10 --quiet faces
	cmp same.ckpt given.ckpt
	seen() { jq -c 'select(.step) | [.lr, ."D.total"]' "$1"; }
	for how in --lr=5e-4 '--decay-start=0 --decay-every=1' --w-gp=30; do
		# shellcheck disable=SC2086  # one or two options
		"$train" lomit --resume a --out b --force --iters 3 --log log --log-every 1 $how --quiet faces
		[ -n "$(seen log)" ] && [ "$(seen log)" != "$(seen same.log)" ]
	done
	run -2 "$train" lomit --resume a --w-self=-1 faces
}

@test "only the same run is resumed" {
	quick a 2 --quiet
	run "$train" lomit --resume a --width 4 faces
	usage
	[ "${lines[0]}" = "xl-train: --width: a.ckpt has 2, not 4" ]
	run "$train" lomit --resume a --preset small faces
	usage
	run "$train" lomit --resume a --seed 5 faces
	usage
	run "$train" lomit --resume a --iters 1 faces
	usage
	[ "${lines[0]}" = "xl-train: --iters: a.ckpt has done 2 already" ]
	run -2 "$train" lomit --resume a --attributes Male faces
	[[ $output == *"--attributes: a was trained with Black_Hair,Blond_Hair,Brown_Hair,Smiling"* ]]
	"$XL_BIN/xl-synth" faces --count 24 --size 32 --seed 1 --quiet >others
	run -2 "$train" lomit --resume a others
	[[ $output == *"a was trained on other data"* ]]
	run -1 "$train" lomit --resume nothing faces
	[ "$output" = "xl-train: nothing.ckpt: cannot open: no such file or directory" ]
	run -2 "$train" lomit --resume a.ckpt faces
	[ "${lines[0]}" = "xl-train: --resume: give the model's name, without the .ckpt: a" ]
	run -1 "$train" lomit --resume faces faces
	cp faces b.ckpt
	run -1 "$train" lomit --resume b faces
	[ "$output" = "xl-train: b.ckpt: not a model (kind image)" ]
	cp a c.ckpt
	run -1 "$train" lomit --resume c faces
	[ "$output" = "xl-train: c.ckpt: is a model, not a checkpoint" ]
}

@test "attributes" {
	run -0 quick a 1 --attributes Male,Young
	[ "${lines[0]}" = "xl-train: 24 images; attributes Male, Young" ]
	run quick b 1 --attributes Male,Wings
	usage
	[[ ${lines[0]} == "xl-train: faces: record 0 (face-000000.png): has no attribute 'Wings'; \
there are 5_o_Clock_Shadow, "* ]]
	run -0 quick c 1 --domain-by Male
	[[ ${lines[0]} =~ ^xl-train:\ 24\ images\ \(A\ [0-9]+,\ B\ [0-9]+\)\;\ attributes\ domain$ ]]
	"$XL_BIN/xl-synth" faces --count 24 --size 32 --quiet --attributes Male >male
	run -0 "$train" "${small[@]}" --out d --iters 1 male
	[ "${lines[0]}" = "xl-train: 24 images; attributes Male" ]
}

@test "images of another size" {
	"$XL_BIN/xl-synth" faces --count 8 --size 48 --quiet >large
	"$XL_BIN/xl-synth" faces --count 1 --size 16 --quiet >one
	cat large >>faces
	run -0 quick a 1
	[[ ${lines[0]} == "xl-train: 32 images, 8 resized from 48 to 32 pixels; "* ]]
	cat one >>faces
	run -0 quick b 1
	[[ ${lines[0]} == "xl-train: 33 images, 9 resized from 48 and more to 32 pixels; "* ]]
}

@test "too few images, or none" {
	run "$train" "${small[@]}" --batch 13 faces
	[ "$status" -eq 2 ]
	[ "${lines[1]}" = "xl-train: too few images: 24, a step takes two batches of 13" ]
	run "$train" "${small[@]}" </dev/null
	usage
	[ "${lines[0]}" = "xl-train: too few images: 0, a step takes two batches of 2" ]
	[ ! -e lomit.msgpack ]
}

@test "too few images for a step of several batches" {
	"$XL_BIN/xl-synth" faces --count 24 --size 28 --quiet --domain-by Male >both
	run -2 "$train" egsc-it --preset tiny --batch 13 both
	[[ ${lines[1]} == "xl-train: too few images: "*", a step takes 26 of each, in 2 batches" ]]
}

@test "two runs do not train one model" {
	quick a 2 --quiet
	mkfifo pipe
	"$train" "${small[@]}" --out a --iters 4 --force --quiet pipe &
	exec 9>pipe # it is there, and waits for input
	while [ ! -e a.lock ]; do sleep 0.02; done
	for how in --force '--resume a'; do
		# shellcheck disable=SC2086
		run -2 "$train" "${small[@]}" $how --out a --iters 4 faces
		[ "$output" = "xl-train: a: another run is training it" ]
	done
	ln -s a b
	run -2 "$train" "${small[@]}" --force --out b --iters 4 faces
	[ "$output" = "xl-train: b: another run is training it" ]
	cat faces >&9
	exec 9>&-
	wait $!
	[ ! -e a.lock ]
	: >a.lock # of a run that was killed
	run -0 "$train" "${small[@]}" --resume a --out a --iters 6 --quiet faces
	run -2 "$train" "${small[@]}" --force --out a faces --batch 99
	[ ! -e a.lock ]
}

@test "progress while the input is read" {
	# a second is quiet; what comes after it shows
	late() { cat faces && sleep 1.2 && cat faces; }
	run -0 bash -c "$(declare -f late)"'; late | "$@" 2>&1 | tr "\r" "\n"' - \
		"$train" "${small[@]}" --out a --iters 1 --progress always
	[[ $output == *" images read  "*"/s"* ]]
}

@test "broken input" {
	size=$(stat -c %s faces)
	head -c $((size - 100)) faces >cut
	run -1 quick a 1 --quiet cut
	[[ $output == "xl-train: cut: record 23 (face-000023.png): ends inside "* ]]
	head -c 3000 /dev/urandom >noise
	run -1 "$train" "${small[@]}" noise
	[ ! -e lomit.msgpack ]
	printf '\377\330\377\340..' >a.jpg
	for name in "$BATS_TEST_DIRNAME/../models/input-1.png" a.jpg; do
		run -1 "$train" "${small[@]}" "$name"
		[ "$output" = "xl-train: $name: a picture, not a stream of records; xl-crop makes one" ]
	done
	run -1 "$train" "${small[@]}" nothing
	[ "$output" = "xl-train: nothing: cannot open: no such file or directory" ]
	quick m 1 --quiet
	run -1 quick a 1 faces m # what is no image is named, the rest is used
	[ "${lines[0]}" = "xl-train: m: record 0 (model): has no image (tensor 'x')" ]
	[ -e a ]
}

@test "no room and no right to write" {
	run -1 quick nowhere/a 1
	[ "$output" = "xl-train: nowhere/a.ckpt: cannot write: no such file or directory" ]
	run -1 quick a 1 --log nowhere/log
	[ "$output" = "xl-train: nowhere/log: cannot write: no such file or directory" ]
	run -1 quick a 1 --log /dev/full
	[ "${lines[1]}" = "xl-train: /dev/full: log: cannot write: no space left on device" ]
	TMPDIR=$PWD/nowhere run -1 quick a 1
	[[ $output == "xl-train: $PWD/nowhere: cannot keep images there: no such file or directory"* ]]
	[ ! -e a ]
	# a file size limit is a disk that is full for us: signal 25 is ignored, write fails
	run -1 bash -c "trap '' XFSZ; ulimit -f 64; exec '$train' ${small[*]} --out a --iters 1 faces"
	[[ $output == *"cannot write: file too large" ]]
	[ ! -e a ] && [ ! -e a.ckpt ] && [ ! -e a.lock ]
	run -1 bash -c "'$train' ${small[*]} --dry-run faces >/dev/full"
	[[ $output == *"stdout: cannot write: no space left on device" ]]
}

@test "a disk that fills up loses nothing that was saved, and is said once" {
	quick a 4 --every 2 --keep 2 --quiet
	mkdir was && cp a a.* was
	kib=$(($(stat -c %s a.ckpt) / 1024 - 1))
	for kib in 76 $kib; do # for the images alone; for the model, but not for the checkpoint
		run -1 bash -c "ulimit -f $kib; exec '$train' lomit --resume a --iters 9 --every 1 --keep 2 faces"
		[ "$(grep -c 'cannot write: file too large' <<<"$output")" -eq 1 ]
		[[ ${lines[-1]} == *"; a is at step 4" ]]
		for f in a a.*; do cmp "$f" "was/$f"; done
		[ "$(ls a* | wc -l)" = "$(ls was | wc -l)" ]
	done
	run -1 bash -c "ulimit -f 76; exec '$train' ${small[*]} --out b --iters 3 --every 1 faces"
	[ "$(grep -c 'cannot write: file too large' <<<"$output")" -eq 1 ]
	[[ ${lines[-1]} == *"; nothing was saved" ]]
	[ -z "$(ls b* 2>/dev/null)" ]
	"$train" lomit --resume a --iters 6 --quiet faces
	quick whole 6 --quiet
	cmp a.ckpt whole.ckpt
}

@test "a closed log does not cost the run" {
	mkfifo pipe
	head -n 1 pipe >first &
	run -1 quick a 30 --log pipe --log-every 1
	wait
	[[ $output == *"pipe: log: cannot write: broken pipe"* ]]
	[ "$(grep -c 'broken pipe' <<<"$output")" -eq 1 ]
	grep -q '"method"' first
	[ -e a ]
}

@test "a log on a full disk costs the status, and has no half line" {
	quick b 2 --quiet
	kib=$(($(stat -c %s b.ckpt) / 1024 + 8))
	{ echo '{"tool":"x"}' && head -c $((kib * 1024 - 4000)) /dev/zero | tr '\0' '\n'; } >log
	run -1 bash -c "trap '' XFSZ; ulimit -f $kib; exec '$train' lomit --resume b --iters 20 --log-every 1 --log log faces"
	[ "$(grep -c 'log: log: cannot write: file too large' <<<"$output")" -eq 1 ]
	[[ ${lines[-1]} == *"b is at step 20" ]]
	grep -v '^$' log >written
	[ "$(wc -l <written)" -ge 3 ] && jq -e . written >/dev/null
	[ "$(tail -c 1 log | od -An -c)" = "$(printf '\n' | od -An -c)" ]
}

@test "help on a method that there is not" {
	for words in "--help foo" "foo --help" "-h foo" "--help foo --quiet" "--quiet --help foo" \
		"--threads 2 --help foo" "foo -hq" "foo lomit --help"; do
		# shellcheck disable=SC2086  # several words
		run "$train" $words
		usage
		[[ ${lines[0]} == "xl-train: 'foo' is not a method"* ]]
	done
	for words in "--help lomit" "lomit --help" "lomit --width 2 -hq faces" "lomit -h --no-such=1"; do
		# shellcheck disable=SC2086  # several words
		run -0 "$train" $words
		[[ $output == *"train lomit: "* ]]
	done
	run -0 "$train" --threads 2 --help
	[[ $output == *"train a method on image records"* ]]
}

@test "what is read is not written over" {
	cp faces keep
	for file in out out.ckpt; do
		cp keep $file
		run -2 "$train" "${small[@]}" --out out --iters 1 --force keep $file
		[ "$output" = "xl-train: $file: is an input, and would be written over" ]
		cmp $file keep
		rm $file
	done
	mkdir d
	for file in out.00000001 out.00000001.ckpt d/00000002.png; do
		cp keep $file
		run -2 "$train" "${small[@]}" --out out --iters 1 --keep 1 --samples d --force keep $file
		[ "$output" = "xl-train: $file: is an input, and would be written over" ]
		cmp $file keep
		rm $file
	done
	rmdir d
	for args in "--force" ""; do
		# shellcheck disable=SC2086  # a word or none
		run -2 quick a 1 --log faces $args
		[[ $output == "xl-train: faces"* ]]
		run -2 bash -c '"$@" <faces' - "$train" "${small[@]}" --iters 1 --log faces $args
		[[ $output == "xl-train: faces"* ]]
		cmp faces keep
	done
	[ "$(ls)" = "faces
keep" ]
	quick a 1 --quiet
	cp a.ckpt was
	for log in faces a a.ckpt; do
		run -2 "$train" lomit --resume a --iters 2 --log $log faces
		[ "$output" = "xl-train: $log: not a log of xl-train, so nothing is appended" ]
	done
	run -2 "$train" "${small[@]}" --out new --iters 2 --log new faces
	[ "$output" = "xl-train: new: the log cannot be the model or its checkpoint" ]
	[ ! -e new ]
	cmp faces keep
	cmp a.ckpt was
	# a log is replaced when the run begins, not when it is refused
	echo '{"tool":"x"}' >log
	run -2 "$train" "${small[@]}" --iters 1 --log log --force </dev/null
	[ "$(cat log)" = '{"tool":"x"}' ]
	quick b 1 --quiet --log log --force
	[[ $(head -1 log) == '{"tool":"xl-train"'* ]]
}

@test "two runs do not share a log" {
	for i in 1 2; do
		"$train" "${small[@]}" --out run$i --iters 40 --log log faces 2>err$i &
	done
	failed=0
	for _ in 1 2; do wait -n || failed=$((failed + 1)); done
	[ "$failed" -eq 1 ]
	grep -hqE "^xl-train: (log: another run writes its log there|log exists; --force replaces it)$" err1 err2
	jq -e . log >/dev/null
	[ "$(grep -c '"end":"done"' log)" -eq 1 ]
	mkfifo pipe
	"$train" "${small[@]}" --out slow --log slow.log --iters 1 <pipe &
	exec 7>pipe
	while [ ! -e slow.log ]; do sleep 0.02; done
	run -2 quick b 1 --log slow.log --force
	[ "$output" = "xl-train: slow.log: another run writes its log there" ]
	cat faces >&7
	exec 7>&-
	wait
	[ -s slow.log ] && [ -e slow ]
}

@test "the dry run costs nothing and needs no data" {
	run -0 --separate-stderr quick a 20 --dry-run
	[ ! -e a ]
	[ "${lines[0]}" = "images 24" ]
	for name in parameters_E_c parameters_D parameters_generator memory_activations_mib \
		memory_mib gmac_per_iteration seconds_per_iteration hours; do
		grep -Eq "^$name [0-9.e+-]+$" <<<"$output"
	done
	grep -q '^iterations 20$' <<<"$output"
	run -0 --separate-stderr "$train" lomit --preset tiny --dry-run </dev/null
	[ "${lines[0]}" = "images 0" ]
	[ "${lines[1]}" = "attributes 4" ]
	[ -z "$stderr" ]
}

@test "the dry run of every method, and of the smallest batch" {
	run "$train" nothing
	local methods=${lines[0]#*(}
	for method in $(tr -d ',)' <<<"$methods"); do
		run -0 --separate-stderr "$train" "$method" --preset tiny --width 2 --dry-run </dev/null
		echo "$method: $output"
		awk '$1 == "seconds_per_iteration" { took = $2 } END { exit !(took > 0 && took < 60) }' \
			<<<"$output"
	done
	run -0 --separate-stderr "$train" "${small[@]}" --batch 1 --dry-run </dev/null
}

@test "a run takes the memory that the dry run said" {
	case $XL_BUILD in *san) skip "the sanitizers take memory of their own" ;; esac
	local small=(lomit --preset tiny --batch 4)
	said=$(quick a 2 --dry-run | awk '$1 == "memory_mib" { print $2 }')
	quick a 2 --quiet --log log
	took=$(sed -n 's/.*"peak_bytes":\([0-9]*\).*/\1/p' log)
	echo "said $said MiB, took $took bytes"
	awk -v said="$said" -v took="$took" 'BEGIN {
		took /= 1048576
		exit !(took < 1.1 * said && took > 0.9 * said)
	}'
}

@test "wrong usage" {
	local need="needs a method before all else: egsc-it, lomit, mbu, miso"
	run "$train"
	usage
	[ "${lines[0]}" = "xl-train: $need" ]
	for words in faces "--iters 5 faces" "faces --iters=5" "--set iters=5 faces" "--w-adv 1"; do
		# shellcheck disable=SC2086  # several words
		run "$train" $words
		usage
		[ "${lines[0]}" = "xl-train: $need" ]
	done
	run "$train" nothing
	usage
	[[ ${lines[0]} == "xl-train: 'nothing' is not a method ("*lomit* ]]
	run "$train" lomit --width 9x faces
	usage
	[ "${lines[0]}" = "xl-train: --width: '9x' is not a whole number from 1 to 512" ]
	run "$train" lomit --set wings=2 faces
	usage
	[ "${lines[0]}" = "xl-train: --set: lomit has no hyper-parameter 'wings'" ]
	run "$train" lomit --set width faces
	usage
	run "$train" lomit --preset huge faces
	usage
	[ "${lines[0]}" = "xl-train: --preset: 'huge' is not a preset (paper, small, tiny)" ]
	run "$train" lomit --size 40 faces
	usage
}

@test "an explicit option beats the preset, whatever the order" {
	"$train" lomit --width 2 --set batch=2 --iters 1 --preset tiny --log log --quiet faces
	head -n 1 log | grep -q '"hyper":{"size":32,"width":2,"batch":2,"iters":1,'
}

@test "help lists methods, and the hyper-parameters of one" {
	run -0 "$train" --help
	[[ ${lines[0]} == "usage: xl-train METHOD"* ]]
	[[ $output == *"  lomit: "* ]]
	[[ $output != *"--variant"* ]]
	for c in "--help lomit" "lomit --help"; do
		# shellcheck disable=SC2086
		run -0 "$train" $c
		[[ $output == *"--variant=ijcai|iclr"* ]]
		[[ $(tr -s ' \n' ' ' <<<"$output") == *"--size=n "*"[128; small 64, tiny 32] --width=n "*"[64; small 32, tiny 16] --batch=n pairs per step (ICLR, appendix) [8] "* ]]
	done
}

# methods: the names of all
methods() { "$train" --help | sed -n 's/^  \([a-z-]*\): .*/\1/p'; }

# saved METHOD NAME: the first saves of a run of the smallest there is
saved() {
	"$train" "$1" --preset tiny --width 2 --out "$2" --every 1 --quiet both &
	while [ ! -e "$2" ]; do sleep 0.02; done
	kill $!
	wait $! || [ $? = 143 ]
}

@test "what every method does with what it cannot use" {
	"$XL_BIN/xl-synth" faces --count 80 --size 32 --quiet --domain-by Male >both
	"$XL_BIN/xl-cat" --records 0:3 both >few
	[ "$(methods | wc -l)" -ge 4 ]
	for m in $(methods); do
		saved "$m" a
		mkdir was && cp a a.ckpt was
		other=$(methods | grep -vx "$m" | head -1)
		run "$train" "$other" --resume a both
		usage
		[ "${lines[0]}" = "xl-train: a.ckpt was trained by method $m, not $other" ]
		run -2 "$train" "$m" --preset tiny --out b few
		[[ ${lines[1]} == "xl-train: too few images: "* ]]
		run -2 "$train" "$m" --preset tiny --batch 1000 --out b both
		[[ ${lines[1]} == "xl-train: too few images: "* ]]
		run "$train" "$m" --iters 0 both
		usage
		run "$train" "$m" --threads 0 both
		usage
		[ "${lines[0]}" = "xl-train: --threads: '0' is not a whole number from 1 to 1024" ]
		XL_THREADS=none run "$train" "$m" both
		usage
		[ "${lines[0]}" = "xl-train: XL_THREADS: 'none' is not a whole number from 1 to 1024" ]
		size=$(stat -c %s a.ckpt)
		for n in 0 1 100 $((size / 2)) $((size - 1)); do
			head -c "$n" was/a.ckpt >a.ckpt
			run -1 "$train" "$m" --resume a both
			[[ $output == "xl-train: a.ckpt: "* && $output != *$'\n'* ]]
			cmp a was/a
		done
		# two bytes of a weight
		{ head -c $((size - 4)) was/a.ckpt && printf '\252\125' && tail -c 2 was/a.ckpt; } >a.ckpt
		run -1 "$train" "$m" --resume a both
		[[ $output == "xl-train: a.ckpt: digest is "*", the content has "* ]]
		cmp a was/a
		rm -r a a.ckpt was
		[ -z "$(ls a* b 2>/dev/null)" ]
	done
}

@test "a terminal is not read" {
	run script -qec "$train ${small[*]}" /dev/null
	[ "$status" -eq 2 ]
	[[ $output == *"xl-train: not reading tensors from a terminal; use a pipe or name a file"* ]]
	[ ! -e lomit.msgpack ]
}
