#!/usr/bin/env bats
# xl-crop: records of pictures and sets, messages, and manners of a filter.

# shellcheck disable=SC2154  # stderr and lines are set by bats
# shellcheck disable=SC2016  # expanded by the inner shell

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	crop="$XL_BIN/xl-crop"
	cat="$XL_BIN/xl-cat"
}

# picture FILE W H GREY: a flat picture in netpbm's format
picture() {
	{
		printf 'P5\n%d %d\n255\n' "$2" "$3"
		head -c $(($2 * $3)) /dev/zero | tr '\0' "\\$(printf %03o "$4")"
	} >"$1"
}

celeba() {
	mkdir -p celeba/img
	printf '4\nBald Male\n1.pgm 1 -1\n2.pgm -1 1\n3.pgm -1 -1\n9.pgm 1 1\n' \
		>celeba/list_attr_celeba.txt
	for i in 1 2 3; do picture celeba/img/$i.pgm 6 8 $((i * 50)); done
}

cyclegan() {
	mkdir -p h2z/{trainA,trainB,testA,testB}
	for d in trainA trainB testA testB; do picture h2z/$d/$d.pgm 4 4 9; done
}

mnist() {
	mkdir -p mnist
	printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2abcdefgh' >mnist/train-images-idx3-ubyte
	printf '\0\0\10\1\0\0\0\2\7\3' | gzip >mnist/train-labels-idx1-ubyte.gz
}

ids() { jq -r .id; }

@test "help and version" {
	run -0 "$crop" --help
	[[ $output == "usage: xl-crop [options] path..."* ]]
	[ "$(wc -l <<<"$output")" -le 32 ]
	run -0 "$crop" --version
	[[ ${lines[0]} =~ ^xl-crop\ [0-9] ]]
}

@test "a picture becomes a record" {
	picture a.pgm 20 30 200
	"$crop" a.pgm | "$cat" --json >out
	jq -e '.kind == "image" and .id == "a.pgm" and .tensors.x.type == "|u1"' out
	jq -e '.tensors.x.shape == [3, 128, 128] and .tensors.x.min == 200' out
	jq -e '.tensors | has("y") | not' out
}

@test "sizes and crops" {
	picture a.pgm 20 30 1
	shape() { "$crop" "$@" a.pgm | "$cat" --json | jq -c .tensors.x.shape; }
	[ "$(shape --size 7)" = '[3,7,7]' ]
	[ "$(shape --size 9x5)" = '[3,5,9]' ]
	[ "$(shape --size 0)" = '[3,30,20]' ]
	[ "$(shape --size 0 --crop 12)" = '[3,12,12]' ]
	[ "$(shape --size 0 --crop 500 2>told)" = '[3,20,20]' ]
	[ "$(cat told)" = "xl-crop: pictures of less than --crop=500, taken as far as they go: 1" ]
	[ "$(shape --size 0 --crop 20 2>&1)" = '[3,20,20]' ]
	[ "$(shape --size 0 --crop 0)" = '[3,30,20]' ]
}

@test "a choice that fits nothing is a failure" {
	celeba
	run -1 --separate-stderr "$crop" --where Male=7 celeba
	[ -z "$output" ]
	[ "${stderr_lines[-1]}" = "xl-crop: none of 3 pictures is what was asked for" ]
	run -1 "$crop" --split train --test-count 99 celeba
	run -0 "$crop" --limit 0 celeba
}

@test "the crop is the middle, and 0 squashes" {
	# rows 0 and 1 black, 2 and 3 white, 4 and 5 black
	printf 'P5\n2 6\n255\n\0\0\0\0\377\377\377\377\0\0\0\0' >a.pgm
	x() { "$crop" "$@" a.pgm | "$cat" --json | jq -c '[.tensors.x.min, .tensors.x.max]'; }
	[ "$(x --size 0 --crop 2)" = '[255,255]' ]
	[ "$(x --size 2)" = '[255,255]' ]
	[ "$(x --size 2x3 --crop 0 | jq '.[0] < 255')" = true ]
}

@test "folders come bytewise by path, files as named" {
	mkdir -p d/b
	for f in d/b/1 d/a d/B d/c; do picture $f.pgm 2 2 1; done
	echo text >d/readme
	"$crop" --size 2 d | "$cat" --json | ids >out
	printf '%s\n' B.pgm a.pgm 1.pgm c.pgm | diff - out
	"$crop" --size 2 d/c.pgm d/a.pgm | "$cat" --json | ids >out
	printf '%s\n' c.pgm a.pgm | diff - out
	printf 'd/c.pgm\n\nd/b\n' | "$crop" --size 2 - | "$cat" --json | ids >out
	printf '%s\n' c.pgm 1.pgm | diff - out
}

@test "CelebA's layout gives labels" {
	celeba
	run -0 --separate-stderr "$crop" --size 2 celeba
	[ "$stderr" = "xl-crop: celeba/list_attr_celeba.txt: 1 of 4 listed files are absent" ]
	"$crop" -q --size 2 celeba 2>&1 >out.msgpack | diff - /dev/null
	"$cat" --json <out.msgpack | jq -c .meta.attributes | sort -u >out
	echo '["Bald","Male"]' | diff - out
	"$cat" --tensor y <out.msgpack | grep '^[^#]' >out
	printf '1 0\n0 1\n0 0\n' | diff -b - out
}

@test "labels choose records, columns and domains" {
	celeba
	"$crop" -q --size 2 --where Male=0 celeba | "$cat" --json | ids >out
	printf '%s\n' 1.pgm 3.pgm | diff - out
	"$crop" -q --size 2 --where 'Male=1|Bald=1' --attributes Male --domain-by Male celeba |
		"$cat" --json | jq -c '[.id, .meta.domain, .tensors.y.shape, .tensors.y.max]' >out
	printf '%s\n' '["1.pgm","A",[1],0]' '["2.pgm","B",[1],1]' | diff - out
	run -2 "$crop" --where Hat=1 celeba
	[[ ${lines[-2]} == "xl-crop: --where: "*"'Hat'"*"Bald, Male"* ]]
	[ "${lines[-1]}" = "try 'xl-crop --help'" ]
	run -2 "$crop" --attributes Male,Hat celeba
	[[ $output == *"--attributes: "*"'Hat'"*"Bald, Male"* ]]
	picture z.pgm 2 2 1
	run -2 "$crop" --domain-by Male z.pgm
	[[ $output == "xl-crop: --domain-by: these pictures have no labels"* ]]
}

@test "CelebA's own parts, and pairs of them" {
	celeba
	printf '1.pgm 0\n2.pgm 1\n3.pgm 2\n' >celeba/list_eval_partition.txt
	[ "$("$crop" -q --size 2 --split test celeba | "$cat" --json | ids)" = 3.pgm ]
	[ "$("$crop" -q --size 2 --split train celeba | "$cat" --json | ids)" = 1.pgm ]
	"$crop" -q --size 2 --pairs --attributes Male celeba >pairs
	paste -d' ' <("$cat" --tensor y pairs | grep '^[01]' | head -3) \
		<("$cat" --tensor y pairs | grep '^[01]' | tail -3) |
		awk '$1 == $2 { exit 1 } END { exit NR != 3 }'
	[ "$("$crop" -q --size 2 --pairs --domain-by Male --domain B celeba | "$cat" --json |
		jq -r '.id + .meta.domain' | sed 's/^[13].pgmA/otherA/' | paste -sd ' ')" = "2.pgmB otherA" ]
	echo 9.pgm 4 >>celeba/list_eval_partition.txt
	run -1 "$crop" celeba
	[ "${lines[0]}" = "xl-crop: celeba/list_eval_partition.txt: line 4: not a file name and 0, 1 or 2" ]
	rm celeba/list_eval_partition.txt
	run -2 "$crop" -q --pairs --attributes Male --where Male=1 celeba
	[ "${lines[0]}" = "xl-crop: --pairs: one picture alone makes no pair" ]
}

@test "CycleGAN's layout gives domain and split" {
	cyclegan
	line() { "$cat" --json | jq -r '.id + .meta.domain' | tr '\n' ' '; }
	[ "$("$crop" --size 2 h2z | line)" = "testA.pgmA testB.pgmB trainA.pgmA trainB.pgmB " ]
	[ "$("$crop" --size 2 --split train h2z | line)" = "trainA.pgmA trainB.pgmB " ]
	[ "$("$crop" --size 2 --split test --domain B h2z | line)" = "testB.pgmB " ]
	[ "$("$crop" --size 2 --domain B h2z/trainA | line)" = "trainA.pgmB " ]
}

@test "idx files, plain and gzip" {
	mnist
	"$crop" --size 0 mnist | "$cat" --json >out
	[ "$(jq -c '[.id, .tensors.x.shape, .tensors.x.min, .tensors.y.max]' <out | head -n 1)" = \
		'["train-images-idx3-ubyte#00000",[3,2,2],97,7]' ]
	[ "$(wc -l <out)" -eq 2 ]
	[ "$("$crop" --size 0 mnist/* --where digit=3 | "$cat" --json | jq .tensors.x.min)" = 101 ]
	gzip mnist/train-images-idx3-ubyte
	"$crop" --size 0 mnist | "$cat" --json | jq -c .tensors | diff - <(jq -c .tensors out)
	# unpacked in TMPDIR, which is what is full, not the folder of the data
	mkdir full
	run -1 bash -c "trap '' XFSZ; ulimit -f 0; TMPDIR=full '$crop' mnist"
	[ "${lines[0]}" = "xl-crop: full: cannot write: file too large" ]
	truncate -s -1 mnist/train-images-idx3-ubyte.gz
	run -1 "$crop" mnist
	[[ $output == *"train-images-idx3-ubyte.gz: damaged gzip, or it ends early"* ]]
}

@test "test and train are disjoint and do not depend on the seed" {
	mkdir d
	for i in $(seq 1 30); do picture "d/$i.pgm" 1 1 1; done
	"$crop" --size 1 --split test d | "$cat" --json | ids | sort >test.txt
	"$crop" --size 1 --split train --seed 4 d | "$cat" --json | ids | sort >train.txt
	[ "$(wc -l <test.txt)" -eq 3 ] && [ "$(wc -l <train.txt)" -eq 27 ]
	[ -z "$(comm -12 test.txt train.txt)" ]
	[ "$("$crop" --size 1 --split test --test-count 7 d | "$cat" --json | wc -l)" -eq 7 ]
}

@test "shuffle, limit, flip and random depend on the seed, not on threads" {
	mkdir d
	for i in $(seq 1 30); do
		{ printf 'P5\n8 3\n255\n' && head -c 24 <<<"abcdefghijklmnop$i........"; } >"d/$i.pgm"
	done
	cut() { "$crop" --size 3 --shuffle --flip --random --crop 2 --limit 20 "$@" d | sha256sum; }
	[ "$(cut --threads 1)" = "$(cut --threads 4)" ]
	[ "$(cut --seed 1)" != "$(cut --seed 2)" ]
	[ "$("$crop" --size 1 --limit 5 d | "$cat" --json | wc -l)" -eq 5 ]
	[ "$("$crop" --size 1 --limit 0 d | wc -c)" -eq 0 ]
}

@test "a picture that cannot be read is named and the rest is done" {
	picture a.pgm 2 2 1
	echo '<!DOCTYPE html>' >b.jpg
	: >c.png
	run -1 --separate-stderr bash -c '"$1" --size 2 a.pgm b.jpg c.png d.png a.pgm | "$2" --json |
		wc -l; exit "${PIPESTATUS[0]}"' - "$crop" "$cat"
	[ "$output" -eq 2 ]
	[ "${stderr_lines[0]}" = "xl-crop: d.png: no such file or directory" ]
	[ "${stderr_lines[1]}" = "xl-crop: b.jpg: not an image (first bytes 3c 21)" ]
	[ "${stderr_lines[2]}" = "xl-crop: c.png: not an image (it is empty)" ]
	[ "${stderr_lines[3]}" = "xl-crop: 3 inputs failed" ]
}

@test "more pictures than are decoded at once stay in order, on any threads" {
	mkdir d
	for i in $(seq 101 180); do printf 'P5\n1 1\n255\n%s' "${i:2}" >"d/$i.pgm"; done
	echo no >d/133.jpg
	echo no >d/177.jpg
	for t in 1 2 5; do
		run -1 --separate-stderr bash -c '"$1" --size 1 --threads "$3" d | "$2" --json |
			jq -r .id; exit "${PIPESTATUS[0]}"' - "$crop" "$cat" "$t"
		[ "$output" = "$(printf '%s.pgm\n' $(seq 101 180))" ]
		[ "${#stderr_lines[@]}" -eq 3 ]
		[[ ${stderr_lines[0]} == "xl-crop: d/133.jpg: not an image"* ]]
		[[ ${stderr_lines[1]} == "xl-crop: d/177.jpg: not an image"* ]]
	done
	run -0 bash -c '"$1" --size 64 $(yes d/101.pgm | head -200) | head -c 1 | wc -c
		[ "${PIPESTATUS[0]}" -eq 141 ]' - "$crop"
}

@test "nothing in, nothing out" {
	run -0 "$crop" - </dev/null
	[ -z "$output" ]
	run -2 "$crop"
	[ "${lines[0]}" = "xl-crop: no pictures named" ]
	mkdir e
	run -1 "$crop" e
	[ "${lines[0]}" = "xl-crop: e: no pictures in this folder" ]
}

@test "wrong values are quoted" {
	run -2 "$crop" --size 9q a.png
	[[ ${lines[0]} == "xl-crop: --size: '9q' is not a size: "* ]]
	run -2 "$crop" --crop -1 a.png
	[[ ${lines[0]} == "xl-crop: --crop: '-1' is not a whole number from 0 to "* ]]
	run -2 "$crop" --split some a.png
	[[ ${lines[0]} == "xl-crop: --split: 'some'"* ]]
}

@test "no tensors to a terminal, a full disk, a closed pipe" {
	picture a.pgm 2 2 1
	run -2 script -qec "$crop a.pgm" /dev/null
	[[ $output == "xl-crop: not writing tensors to a terminal"* ]]
	run -1 bash -c '"$1" a.pgm >/dev/full' - "$crop"
	[[ $output == "xl-crop: stdout: cannot write: no space left on device"* ]]
	for _ in $(seq 1 200); do echo a.pgm; done >list
	run -141 bash -c 'trap "" PIPE; "$1" - <list | head -c 1 >first; exit "${PIPESTATUS[0]}"' - "$crop"
	[ -z "$output" ]
}

@test "memory does not grow with the set" {
	picture a.pgm 100 100 1
	for _ in $(seq 1 1500); do echo a.pgm; done >list
	mkfifo out
	# 295 MB of records; all but the last have passed when the peak is read.
	ASAN_OPTIONS=quarantine_size_mb=1 "$crop" --threads 2 --size 256 - <list >out 3>&- &
	exec 4<out
	head -c 290000000 <&4 >/dev/null
	peak=$(awk '/VmHWM/ { print $2 }' /proc/$!/status)
	cat <&4 >/dev/null
	wait $!
	[ "$peak" -lt 200000 ]
}

@test "examples of the page" {
	celeba
	cyclegan
	mkdir photos
	picture photos/me.pgm 9 9 1
	"$crop" photos/me.pgm >me.msgpack
	"$crop" -q --attributes Bald,Male --split train celeba >train.msgpack
	"$crop" -q --where 'Male=1|Bald=1' --domain-by Male celeba >two.msgpack
	"$crop" h2z --split train --shuffle >h2z.msgpack
	"$crop" -q --split test --test-count 2 --attributes Male,Bald --pairs --limit 2000 celeba >pairs.msgpack
	find photos -name '*.pgm' | sort | "$crop" --size 256x192 --crop 0 - >wide.msgpack
	[ "$("$cat" --json train.msgpack two.msgpack h2z.msgpack wide.msgpack me.msgpack | wc -l)" -eq 9 ]
}

@test "names ended by zero bytes" {
	"$XL_BIN/xl-synth" faces --count 1 --size 16 | "$XL_BIN/xl-decode" >plain.png
	cp plain.png $'with\nnewline.png'
	find . -maxdepth 1 -name '*.png' -print0 | LC_ALL=C sort -z >list
	"$XL_BIN/xl-crop" - <list >out
	[ "$("$XL_BIN/xl-cat" --json out | jq -r .id)" = "plain.png
with
newline.png" ]
	echo ./plain.png | "$XL_BIN/xl-crop" - | "$XL_BIN/xl-cat" --json | jq -e '.id == "plain.png"'
	run -2 bash -c '"$XL_BIN/xl-crop" - <plain.png'
	[ "$output" = "xl-crop: stdin: a picture, not a list of paths; name it as /dev/stdin" ]
	run -2 bash -c '"$XL_BIN/xl-crop" - <out'
	[ "$output" = "xl-crop: stdin: records, not a list of paths" ]
}

@test "an idx file cut while it is read is one line" {
	{ printf '\0\0\10\3\0\0\2\0\0\0\0\2\0\0\0\2' && head -c 2048 /dev/zero; } >digits
	mkfifo pipe
	"$XL_BIN/xl-crop" --threads 1 digits >pipe 2>err &
	exec 7<pipe
	head -c 100 <&7 >/dev/null
	truncate -s 100 digits
	cat <&7 >/dev/null
	exec 7<&-
	rc=0
	wait $! || rc=$?
	[ "$rc" -eq 1 ]
	[ "$(wc -l <err)" -eq 2 ]
	grep -qE '^xl-crop: digits: has become shorter while it was read \([0-9]+ pictures\)$' err
	grep -q '^xl-crop: 1 input failed$' err
}

@test "what has no end is refused by its first bytes" {
	run -1 timeout 60 "$XL_BIN/xl-crop" /dev/zero
	[ "${lines[0]}" = "xl-crop: /dev/zero: not an image (first bytes 00 00)" ]
	run -1 timeout 60 bash -c 'yes | "$XL_BIN/xl-encode"'
	[ "${lines[0]}" = "xl-encode: stdin: not an image (first bytes 79 0a)" ]
	run -1 timeout 60 "$XL_BIN/xl-convert" /dev/zero x.npz
	[[ $output == "xl-convert: /dev/zero: neither a stream of xl nor safetensors"* ]]
	[ ! -e x.npz ]
}
