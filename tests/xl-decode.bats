#!/usr/bin/env bats
# xl-decode: pictures on stdout, in files, as records; hostile and broken input.

bats_require_minimum_version 1.5.0
load stages
load metrics_streams

@test "what a record has gone through is what is drawn" {
	xl-hadain --exemplar b.png a.png >fused
	xl-decode fused >out.png
	xl-decode --stream fused >out
	cmp <(tensor x out) <(tensor x <(xl-decode <fused --stream))
	xl-encode a.png | xl-decode >self.png
	run -1 cmp out.png self.png
	# An image, in a stream or not, is itself and needs no model.
	export XL_MODEL=none
	xl-crop --size 0 wide.png | xl-decode >wide2.png
	same_pixels wide.png wide2.png
	xl-decode <wide.png | cmp - wide2.png
	# One that is named is there, though, and has what is set.
	run -1 --separate-stderr xl-decode --model none wide.png
	[ -z "$output" ]
	[ "$stderr" = "xl-decode: none: cannot open: no such file or directory" ]
	run -2 --separate-stderr xl-decode --model m.msgpack --set stretch-out=1 wide.png
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "xl-decode: --set: method lomit has no 'stretch-out' to set here" ]
	# So does what has been drawn.
	sed 's/\xa1h\x85/\xa3out\x85/; s/\xa4kind\xa4code/\xa4kind\xa5image/' fused >drawn
	run -1 --separate-stderr xl-decode drawn
	[ "${stderr_lines[0]}" = "xl-decode: drawn: record 0 (a+b): out is (16,8,8) <f4, an image is (3,H,W)" ]
}

@test "a picture is PNG, in the size of the image" {
	xl-hadain --exemplar b.png a.png | xl-decode >out.png
	file out.png | grep -q "PNG image data, 32 x 32, 8-bit/color RGB"
	xl-encode --native wide.png | xl-decode | file - | grep -q "37 x 21,"
	xl-encode --native wide.png | xl-hadain --exemplar a.png | xl-decode | file - |
		grep -q "37 x 21,"
}

@test "-o names the file" {
	xl-encode a.png >a
	xl-decode <a >want.png
	run -0 xl-decode -o out.png a
	[ -z "$output" ]
	cmp out.png want.png
	echo old >out.png
	xl-decode --output=out.png a
	cmp out.png want.png
	xl-decode -o - a | cmp - want.png
	run -2 xl-decode -o out.jpg a
	[ "${lines[0]}" = "xl-decode: --output: 'out.jpg': only PNG is written" ]
	run -1 xl-decode -o none/out.png a
	[ "$output" = "xl-decode: none/out.png: cannot write: no such file or directory" ]
	run -1 xl-decode -o /dev/full a
	[ "$output" = "xl-decode: /dev/full: cannot write: no space left on device" ]
	ln -s /dev/full full.png
	run -1 xl-decode -o full.png a
	[ "$output" = "xl-decode: full.png: cannot write: no space left on device" ]
}

@test "neither an input nor the model is written over" {
	cp a.png in.png
	ln -s in.png link.png
	for name in in.png ./in.png link.png; do
		run -2 xl-decode -o $name in.png
		[ "$output" = "xl-decode: $name: is an input, and would be written over" ]
		run -2 xl-decode -o $name <in.png
		[ "$output" = "xl-decode: $name: is an input, and would be written over" ]
	done
	cmp in.png a.png
	cp m.msgpack model
	xl-encode --model model a.png >codes
	run -2 xl-decode --model model -o model codes
	[ "$output" = "xl-decode: model: is an input, and would be written over" ]
	XL_MODEL=./model run -2 xl-decode -o model <codes
	cmp model m.msgpack
}

@test "two records for one picture: nothing is written" {
	echo old >out.png
	run -2 xl-decode -o out.png a.png b.png
	[ "$output" = "xl-decode: b.png: a second picture for one output; use --dir DIR or --stream" ]
	[ "$(cat out.png)" = old ]
	run -2 --separate-stderr bash -c "xl-encode a.png b.png | xl-decode"
	[ -z "$output" ]
	[[ $stderr == "xl-decode: stdin: record 1 (b.png): a second picture "* ]]
	run -1 --separate-stderr bash -c "{ xl-encode a.png; xl-encode b.png | head -c 500; } | xl-decode"
	[ -z "$output" ]
	[[ $stderr == "xl-decode: stdin: record 1 (b.png): ends inside tensor 'x'"* ]]
	run -1 --separate-stderr xl-decode a.png none.png
	[ -z "$output" ]
	[ "$stderr" = "xl-decode: none.png: cannot open: no such file or directory" ]
}

@test "--dir names by id, numbers what is taken, replaces nothing" {
	xl-encode a.png b.png >ab
	run -0 xl-decode --dir out ab
	[ -z "$output" ]
	[ "$(ls out | paste -sd,)" = a.png,b.png ]
	run -0 xl-decode --dir out ab a.png
	[ "$output" = "xl-decode: out: 3 names were taken, so numbered" ]
	[ "$(ls out | paste -sd,)" = a-1.png,a-2.png,a.png,b-1.png,b.png ]
	cmp out/a.png out/a-1.png
	same_pixels out/a-2.png a.png
	ln -s "$PWD/elsewhere.png" out/c.png
	xl-decode --dir out c.png
	[ ! -e elsewhere.png ]
	[ -s out/c-1.png ]
	[ -z "$(find out -name '.*' -type f)" ]
	run -1 xl-decode --dir a.png b.png
	[ "$output" = "xl-decode: a.png: not a folder" ]
	run -1 xl-decode --dir none/out b.png
	[ "$output" = "xl-decode: none/out: cannot make the folder: no such file or directory" ]
}

# rename ID: the image record of a.png under another id of 5 bytes
rename() { xl-crop --size 8 a.png | sed "1s/\xa2id\xa5a\.png/\xa2id\xa5$1/"; }

@test "--dir never leaves the folder" {
	mkdir d
	{
		rename "..\/.." && rename "\/tmp\/" && rename ".abcd" && rename "a\nb\x01c"
		rename "a.b.c" && rename "v1.25" && rename "x.jpg"
	} >ids
	xl-crop --size 8 a.png | sed "1s/\xa2id\xa5a\.png/\xa2id\xa0/" >>ids
	xl-decode --dir d/e ids
	[ "$(ls d)" = e ]
	[ "$(LC_ALL=C ls d/e | paste -sd,)" = \
		"_._...png,_.png,_abcd.png,_tmp_.png,a.b.png,a_b_c.png,v1.25.png,x.png" ]
}

@test "--stream makes image records of what was drawn" {
	xl-encode --domain A a.png | xl-mask --erase 0,0,8,8 | xl-hadain --exemplar b.png >fused
	xl-decode --stream fused >out
	[ "$(has out)" = "a+b image x" ]
	[ "$(shape x out)" = "3,32,32 <f4" ]
	[ "$(meta domain out)" = A ]
	[ "$(meta exemplar out)" = b.png ]
	# An image of its own: nothing in it was edited.
	[ "$(meta mask_edited out)" = null ]
	[ "$(meta input out)" = null ]
	same_pixels <(xl-decode out) <(xl-decode fused)
	xl-decode --stream a.png >out
	[ "$(shape x out)" = "3,40,40 |u1" ]
	xl-decode --stream out | cmp - out
	xl-crop --size 8 a.png b.png | xl-decode --stream >two
	[ "$(has two | paste -sd,)" = "a.png image x,b.png image x" ]
}

@test "--composite keeps the input where the mask is 0" {
	xl-encode a.png >code
	xl-mask --erase 0,0,16,32 code | xl-hadain --exemplar b.png >half
	xl-decode --stream half >whole
	xl-decode --stream --composite 1000 half >put
	run -1 cmp -s whole put
	xl-mask --erase 0,0,32,32 code | xl-hadain --exemplar b.png | xl-decode --composite 2 >kept.png
	same_pixels kept.png <(xl-crop --size 32 a.png | xl-decode)
	# what was drawn before is put there as well
	xl-decode --composite 3 half >late.png
	same_pixels late.png <(xl-decode --composite 3 <half)
	# an image has no mask and is itself
	xl-decode --composite 1 wide.png | same_pixels wide.png -
	for bad in 0 -1 nan x; do
		run -2 xl-decode --composite=$bad half
	done
}

# columns A-B PICTURE: those of each row of each channel
columns() { tensor x <(image "$2") | cut -d' ' -f"$1"; }

# 37x21 pixels lie on 12x8 cells of 4: what is kept begins with the 7th
@test "--composite: a padded picture is under its own part of the mask" {
	xl-encode --native wide.png | xl-mask --threshold 0 --keep 24,0,13,21 |
		xl-hadain --exemplar b.png >half
	xl-decode --composite 1000 half >put.png
	xl-decode half >whole.png
	cmp <(columns 1-22 put.png) <(columns 1-22 wide.png)
	cmp <(columns 25-37 put.png) <(columns 25-37 whole.png)
	run -1 cmp -s <(columns 25-37 put.png) <(columns 25-37 wide.png)
}

@test "records pictures cannot be made of are named, the rest is drawn" {
	xl-encode a.png | head -c 2000 >cut
	run -1 --separate-stderr xl-decode --dir d a.png m.msgpack cut b.png
	[ "${stderr_lines[0]}" = \
		"xl-decode: m.msgpack: record 0 (model): a model record, neither image nor code" ]
	[[ ${stderr_lines[-2]} == "xl-decode: cut: record "*"ends inside "* ]]
	[ "$(ls d | paste -sd,)" = a.png,b.png ]
	xl-crop --size 8 a.png | sed 's/\xa1x\x85/\xa1z\x85/' >none
	run -1 xl-decode none
	[ "${lines[0]}" = "xl-decode: none: record 0 (a.png): has no image x" ]
	xl-encode --model other.msgpack a.png >other
	run -1 xl-decode other
	[[ ${lines[0]} == "xl-decode: other: record 0 (a.png): codes of model "*", this is "* ]]
}

@test "a whole stream of the wrong kind is said in one line, and the next is read" {
	xl-encode --model other.msgpack a.png b.png c.png >codes
	for stage in xl-encode "xl-mask --invert" "xl-hadain --exemplar b.png" "xl-decode --stream"; do
		run -1 --separate-stderr bash -c "$stage -q codes >none"
		[[ $stderr == "${stage%% *}: codes: record 0 (a.png): codes of model "*"; the rest of its stream is left out" ]]
		[ "${#stderr_lines[@]}" = 1 ] && [ ! -s none ]
		run -1 --separate-stderr bash -c "$stage -q m.msgpack >none"
		[ "$stderr" = "${stage%% *}: m.msgpack: record 0 (model): a model record, neither image nor code" ]
		run -1 --separate-stderr bash -c "$stage -q codes m.msgpack a.png >some"
		[ "${#stderr_lines[@]}" = 2 ]
		[ "$(xl-cat --json some | wc -l)" = 1 ]
	done
	xl-hadain -q --model other.msgpack --exemplar a.png codes >fused
	run -1 xl-decode -q --stream fused
	[ "${#lines[@]}" = 1 ]
	run -1 --separate-stderr bash -c "cat codes | xl-hadain -q --exemplar <(xl-encode a.png b.png c.png)"
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "what is not finite is no picture" {
	floats 7fc00000 192 >nan.f4
	record image nan out '<f4' 3 8 8 nan.f4 >nan
	run -1 xl-decode -o out.png nan
	[ "${lines[0]}" = "xl-decode: nan: record 0 (nan): out holds values that are not finite" ]
	[ ! -e out.png ]
	run -1 xl-decode --dir d nan a.png
	[ "$(ls d)" = a.png ]
}

@test "what is no image is refused by whatever reads it first" {
	xl-encode a.png >code
	for bad in "7fc00000 holds values that are not finite" "7f800000 holds values that are not finite" \
		"437f0000 holds 255, an image of floats lies in -1..1"; do
		floats "${bad%% *}" 192 >x.f4
		record image bad x '<f4' 3 8 8 x.f4 >bad
		for tool in "xl-encode bad" "xl-mask bad" "xl-hadain --exemplar b.png bad" \
			"xl-hadain --exemplar bad code" "xl-decode bad" "xl-grid bad" "xl-tsne bad"; do
			run -1 --separate-stderr $tool
			[ -z "$output" ]
			[[ ${stderr_lines[0]} == "${tool%% *}: "*": x ${bad#* }" ]]
		done
	done
	# one step of bytes outside is rounding
	floats 3f810000 192 >x.f4 # 1 + 1 / 128
	record image ok x '<f4' 3 8 8 x.f4 | xl-encode | xl-decode >ok.png
}

@test "no input: no picture" {
	run -0 xl-decode </dev/null
	[ -z "$output" ]
	run -0 xl-decode -o out.png </dev/null
	[ ! -e out.png ]
	run -0 xl-decode --stream </dev/null
	[ -z "$output" ]
	run -0 xl-decode --dir d </dev/null
	[ -z "$(ls d)" ]
}

@test "random bytes and missing files" {
	head -c 4096 /dev/urandom | sed '1s/^/no/' >noise
	run -1 xl-decode noise
	[[ $output == "xl-decode: noise: "* ]]
	run -1 xl-decode none
	[ "$output" = "xl-decode: none: cannot open: no such file or directory" ]
	run -1 xl-decode .
	[ "$output" = "xl-decode: .: cannot read: is a directory" ]
}

@test "a terminal gets a file, and its name" {
	xl-encode a.png >code
	run -0 terminal "xl-decode code"
	[ "${output%$'\r'}" = "xl-decode: wrote a-1.png" ]
	cmp a-1.png <(xl-decode code)
	run -0 terminal "xl-decode -q code"
	[ -z "$output" ]
	[ -s a-2.png ]
	run -2 terminal "xl-decode code code"
	[ ! -e a-3.png ]
	run -2 terminal "xl-decode --stream code"
	[ "${output%$'\r'}" = "xl-decode: not writing tensors to a terminal; use a pipe or > FILE" ]
	run -2 terminal "xl-decode -o - code"
	run -2 terminal "xl-decode </dev/tty"
	[[ $output == "xl-decode: not reading tensors from a terminal"* ]]
}

@test "wrong usage, a full disk, a closed pipe" {
	run -2 xl-decode --stream --dir d a.png
	[ "${lines[0]}" = "xl-decode: -o, --dir and --stream exclude each other" ]
	run -2 xl-decode -o x.png --dir d a.png
	run -2 xl-decode - - <a.png
	run -1 bash -c "xl-decode a.png >/dev/full"
	[ "$output" = "xl-decode: stdout: cannot write: no space left on device" ]
	run -1 bash -c "xl-decode --stream a.png >/dev/full"
	[ "$output" = "xl-decode: stdout: cannot write: no space left on device" ]
	closed_pipe "xl-decode a.png"
	closed_pipe "trap '' PIPE; xl-decode a.png"
	closed_pipe "trap '' PIPE; xl-decode --stream a.png b.png"
}

@test "a picture that cannot be made is named, the rest is written" {
	head -c 50331651 /dev/zero >wide.u1
	head -c 192 /dev/zero >small.u1
	{
		record image wide.png x '|u1' 3 1 16777217 wide.u1
		record image small.png x '|u1' 3 8 8 small.u1
	} >two
	run -1 xl-decode --dir out two
	[ "$output" = "xl-decode: two: record 0 (wide.png): (3,1,16777217) |u1 cannot be saved as a picture, which is (3,H,W) or (1,H,W)
xl-decode: 1 input failed" ]
	[ "$(ls out)" = small.png ]
}

@test "a folder that is full is said once, of the picture's own name" {
	"$XL_BIN/xl-synth" faces --count 3 --size 64 >three
	for command in "xl-decode --dir d" "xl-mask --model m.msgpack --to-png d"; do
		run -1 bash -c "ulimit -f 0; exec \"\$XL_BIN\"/$command three >/dev/null"
		[ "$output" = "${command%% *}: d/face-000000.png: cannot write: file too large" ]
		[ -z "$(ls -A d)" ]
	done
}

@test "the page's examples run" {
	page xl-decode
	[ "$(ls results | paste -sd,)" = a+c.png,b+c.png ]
	xl-hadain --exemplar b.png a.png | xl-decode --stream >once
	[ "$(has <(xl-hadain --exemplar c.png once) | cut -d' ' -f1)" = a+b+c ]
}
