#!/usr/bin/env bats
# xl-mask: masks computed, edited, painted; hostile and broken input.

bats_require_minimum_version 1.5.0
load stages

# cell FILE ROW COLUMN: one value of the mask, from 0
cell() { tensor m "$1" | sed -n "$(($2 + 1))p" | cut -d' ' -f$(($3 + 1)); }

# differs FILE FILE: "ROW COLUMN" of each cell of the mask that differs
differs() {
	paste -d' ' <(tensor m "$1") <(tensor m "$2") |
		awk '{ for (i = 1; i <= NF / 2; i++) if ($i != $(i + NF / 2)) print NR - 1, i - 1 }'
}

# factor FILE FILE ROW COLUMN WANTED: the second is that much of the first
factor() {
	awk -v a="$(cell "$1" "$3" "$4")" -v b="$(cell "$2" "$3" "$4")" -v f="$5" \
		'BEGIN { d = b - a * f; exit !(d < 1e-6 && d > -1e-6) }'
}

@test "a missing mask is computed, one that is there is kept" {
	xl-encode a.png >code
	xl-mask a.png >m
	[ "$(has m)" = "a.png code x c m" ]
	cmp <(tensor m m) <(tensor m code)
	xl-mask code | cmp - code
	xl-mask <code | cmp - code
	# Nothing to compute needs no model; one that is named must be there, and the codes its own.
	XL_MODEL=none xl-mask code | cmp - code
	xl-mask --model m.msgpack code | cmp - code
	run -1 xl-mask --model none code
	[ "$output" = "xl-mask: none: cannot open: no such file or directory" ]
	run -1 --separate-stderr xl-mask --model m.msgpack <(xl-encode --model other.msgpack a.png)
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *": record 0 (a.png): codes of model "* ]]
	xl-crop --size 32 a.png | xl-mask | cmp - m
}

@test "erase multiplies by what is not covered, and drops what is stale" {
	xl-encode a.png >code
	xl-mask --erase 2,4,8,6 code >m
	[ "$(has m)" = "a.png code x c m" ]
	[ "$(meta mask_edited m)" = true ]
	[ "$(differs code m | paste -sd,)" = "1 0,1 1,1 2,2 0,2 1,2 2" ]
	factor code m 1 0 0.5
	factor code m 1 1 0
	factor code m 1 2 0.5
	factor code m 2 0 0.75
	factor code m 2 1 0.5
	factor code m 2 2 0.75
	[ "$(cell m 1 1)" = 0 ]
	xl-mask --erase 0,0,32,32 a.png >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u)" = 0 ]
	xl-mask --erase=-5,-5,10,10 code >m
	[ "$(differs code m | paste -sd,)" = "0 0,0 1,1 0,1 1" ]
	factor code m 1 1 0.9375
}

@test "keep: several are a union" {
	xl-encode a.png >code
	xl-mask --keep 0,0,6,4 --keep 4,0,4,8 code >m
	cmp <(tensor m m) <(tensor m <(xl-mask --keep 4,0,4,8 --keep 0,0,6,4 code))
	factor code m 0 0 1
	factor code m 0 1 1
	factor code m 1 1 1
	factor code m 1 0 0
	[ "$(cell m 0 2)" = 0 ]
	xl-mask --keep 0,0,32,32 code | cmp - code
}

@test "a rectangle outside changes nothing and is told" {
	xl-encode a.png >code
	run -0 --separate-stderr bash -c "xl-mask --erase 32,0,5,5 code | cmp - code"
	[ "$stderr" = "xl-mask: a.png: a rectangle lies outside of its 32x32 pixels" ]
	run -0 --separate-stderr bash -c "xl-mask -q --erase 32,0,5,5 code | cmp - code"
	[ -z "$stderr" ]
}

@test "threshold, invert, scale, in the order of the command line" {
	xl-encode a.png >code
	v=$(cell code 3 3)
	xl-mask --threshold "$v" code >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u | paste -sd,)" = 0,1 ]
	[ "$(cell m 3 3)" = 1 ]
	xl-mask --threshold "$v" --invert code >n
	[ "$(cell n 3 3)" = 0 ]
	xl-mask --threshold "$v" m | cmp - m
	xl-mask --scale 0.5 code >m
	factor code m 5 5 0.5
	xl-mask --scale 1000 code >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u)" = 1 ]
	xl-mask --scale 0 code >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u)" = 0 ]
	xl-mask --scale 0 --invert code >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u)" = 1 ]
	xl-mask --invert --scale 0 code >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u)" = 0 ]
	xl-mask --scale 1 code | cmp - code
	xl-mask --erase 0,0,9,9 code | xl-mask --invert | cmp - <(xl-mask --erase 0,0,9,9 --invert code)
}

@test "to-png and back changes nothing, for any size" {
	xl-mask --to-png masks a.png >a
	xl-encode a.png >code
	run -0 --separate-stderr bash -c "xl-mask --to-png masks code | cmp - code"
	[ "$stderr" = "xl-mask: masks/a-1.png: the name was taken, so this one is numbered" ]
	file masks/a.png | grep -q "32 x 32, 8-bit grayscale"
	cmp <(tensor x <(image masks/a.png)) <(tensor x <(image masks/a-1.png))
	xl-mask --set masks/a.png code | cmp - code
	# The levels are those of the cells.
	awk -v v="$(cell code 0 0)" -v p="$(tensor x <(image masks/a.png) | head -1 | cut -d' ' -f1)" \
		'BEGIN { exit p != int(v * 255 + 0.5) }'
	for p in wide b; do
		xl-encode --native $p.png >code
		xl-mask --to-png masks code | cmp - code
		xl-mask --set masks/$p.png code | cmp - code
	done
	file masks/wide.png | grep -q "37 x 21,"
}

@test "painted cells take what is painted, the others keep every bit" {
	xl-encode a.png >code
	xl-mask --to-png masks code >/dev/null
	# Rows 8 to 11 white, in columns 4 to 7: one cell, and one pixel of another.
	xl-mask --to-png white --invert --scale 0 --invert code >/dev/null
	/usr/bin/python3 - <<-'EOF' || skip "no Python with PIL"
		from PIL import Image
		p = Image.open("masks/a.png")
		assert p.mode == "L"
		p.paste(255, (4, 8, 8, 12))
		q = p.getpixel((31, 31))
		p.putpixel((31, 31), q - 16)
		p.save("painted.png")
		p.convert("RGB").resize((64, 64), Image.NEAREST).save("large.png")
		p.convert("RGBA").save("alpha.png")
	EOF
	xl-mask --set painted.png code >m
	xl-mask --set - code <painted.png | cmp - m
	cat painted.png | xl-mask --set - code | cmp - m
	for p in painted large alpha; do
		xl-mask --set $p.png code >m
		[ "$(differs code m | paste -sd,)" = "2 1,7 7" ]
		[ "$(cell m 2 1)" = 1 ]
		awk -v a="$(cell code 7 7)" -v b="$(cell m 7 7)" \
			'BEGIN { d = int(a * 255 + 0.5) - 1 - b * 255; exit !(d < 1e-3 && d > -1e-3) }'
		[ "$(meta mask_edited m)" = true ]
	done
}

@test "a picture of another size is averaged over the cells" {
	xl-encode a.png >code
	xl-crop --size 1 c.png | xl-decode >dot.png
	xl-mask --set dot.png code >m
	[ "$(tensor m m | tr ' ' '\n' | sort -u | wc -l)" = 1 ]
	xl-crop --size 47x13 c.png | xl-decode >odd.png
	xl-mask --set odd.png code >m
	[ "$(meta mask_edited m)" = true ]
}

@test "masks of pairs" {
	export XL_MODEL=iclr.msgpack
	xl-encode a.png b.png >ab
	xl-mask ab >own
	xl-mask --exemplar c.png ab >pair
	[ "$(has pair | paste -sd,)" = "a.png code x c m,b.png code x c m" ]
	[ -n "$(differs own pair)" ]
	xl-mask --exemplar <(xl-encode b.png c.png) ab >each
	xl-mask --exemplar c.png b.png | tail -c 500 | cmp - <(tail -c 500 each)
	xl-mask --erase 0,0,8,8 pair >edited
	xl-mask --exemplar a.png edited | cmp - edited
	run -1 xl-mask --exemplar <(xl-encode a.png b.png) a.png b.png c.png
	[[ $output == *": 2 exemplars for 3 inputs; one for all or one each is needed" ]]
	run -1 bash -c "xl-mask --exemplar ab a.png >out"
	[ "$output" = "xl-mask: ab: 2 exemplars for 1 input; one for all or one each is needed" ]
	XL_MODEL=m.msgpack xl-mask --exemplar b.png a.png | cmp - <(XL_MODEL=m.msgpack xl-mask a.png)
}

@test "wrong usage" {
	expect() {
		local want=$1
		shift
		run -2 xl-mask "$@" a.png
		[ "${lines[0]}" = "xl-mask: $want" ] || { echo "$output" && return 1; }
	}
	n="is not a whole number from"
	expect "--erase: '1,2,x,4': width: 'x' $n 1 to 1073741824" --erase 1,2,x,4
	expect "--erase: '1,2,3' is not X,Y,W,H" --erase 1,2,3
	expect "--erase: '1,2,3,4,5' is not X,Y,W,H" --erase 1,2,3,4,5
	expect "--erase: '' is not X,Y,W,H" --erase ''
	expect "--keep: '1,2,3,0': height: '0' $n 1 to 1073741824" --keep 1,2,3,0
	expect "--keep: '99999999999,2,3,1': x: '99999999999' $n -1073741824 to 1073741824" \
		--keep 99999999999,2,3,1
	expect "--threshold: '1.5' is not a number from 0 to 1" --threshold 1.5
	expect "--scale: '-1' is not a number from 0 to 1000000" --scale=-1
	expect "--scale: 'nan' is not a number from 0 to 1000000" --scale nan
	run -1 xl-mask --set none.png a.png
	[ "$output" = "xl-mask: --set: none.png: no such file or directory" ]
	run -1 xl-mask --set m.msgpack a.png
	[[ $output == "xl-mask: --set: m.msgpack: not an image (first bytes "* ]]
}

@test "masks that are none" {
	xl-encode a.png | sed 's/\xa1c\x85/\xa1q\x85/; s/\xa1m\x85/\xa1c\x85/' >swapped
	run -1 xl-mask --invert swapped
	[[ ${lines[0]} == "xl-mask: swapped: record 0 (a.png): c is (1,8,8) <f4"* ]]
	# Half of the mask's bytes become a value above 1.
	run -1 xl-mask --invert <(xl-encode a.png | python_edit_mask)
	[[ ${lines[0]} == *"record 0 (a.png): m holds "*", a mask lies in 0..1" ]]
	run -1 xl-mask --invert m.msgpack
	[ "${lines[0]}" = "xl-mask: m.msgpack: record 0 (model): a model record, neither image nor code" ]
}

# Sets every value of m to -0.0078, by its bytes (shape 1,8,8).
python_edit_mask() {
	perl -0777 -pe 's/(\xa1m\x85.*?\xc4\x04data\xc5\x01\x00).{256}/$1 . ("\x00\x00\x00\xbc" x 64)/se'
}

@test "codes of another model are refused" {
	xl-encode --model other.msgpack a.png >a
	run -1 xl-mask --invert a
	[[ ${lines[0]} == "xl-mask: a: record 0 (a.png): codes of model "*", this is "*" (lomit, 32)" ]]
	run -1 xl-mask --exemplar a a.png
	[[ ${lines[0]} == "xl-mask: a: record 0 (a.png): codes of model "* ]]
}

@test "one bad input of many, in step with the exemplars" {
	export XL_MODEL=iclr.msgpack
	echo no >no.png
	xl-encode a.png b.png c.png >abc
	run -1 --separate-stderr bash -c "xl-mask --exemplar abc a.png no.png c.png >out"
	[[ ${stderr_lines[0]} == "xl-mask: no.png: not an image "* ]]
	[ "${stderr_lines[1]}" = "xl-mask: 1 input failed" ]
	cmp out <(xl-mask --exemplar a.png a.png; xl-mask --exemplar c.png c.png)
}

@test "empty, truncated and random input" {
	run -0 xl-mask --invert </dev/null
	[ -z "$output" ]
	run -0 xl-mask --exemplar a.png </dev/null
	[ -z "$output" ]
	{ xl-encode a.png; xl-encode b.png | head -c 999; } >cut
	run -1 --separate-stderr bash -c "xl-mask cut >out"
	[[ ${stderr_lines[0]} == "xl-mask: cut: record 1 (b.png): ends inside tensor 'x', "* ]]
	[ "$(has out | cut -d' ' -f1)" = a.png ]
	head -c 3000 /dev/urandom | sed '1s/^/no/' >noise
	run -1 xl-mask noise
	[[ ${lines[0]} == "xl-mask: noise: "* ]]
	: >empty.msgpack
	run -1 xl-mask --exemplar empty.msgpack a.png
	[ "$output" = "xl-mask: empty.msgpack: holds no exemplar" ]
}

@test "terminals, a full disk, a closed pipe" {
	run -2 terminal "xl-mask a.png"
	[ "${output%$'\r'}" = "xl-mask: not writing tensors to a terminal; use a pipe or > FILE" ]
	run -0 terminal "xl-mask --to-png masks a.png"
	[ -z "$output" ]
	[ -s masks/a.png ]
	run -2 terminal "xl-mask </dev/tty >out"
	[[ $output == "xl-mask: not reading tensors from a terminal"* ]]
	run -2 xl-mask --exemplar - <a.png
	[ "${lines[0]}" = "xl-mask: only one input can be stdin" ]
	run -2 xl-mask --set - <a.png
	[ "${lines[0]}" = "xl-mask: only one input can be stdin" ]
	run -2 terminal "xl-mask --set - a.png >out"
	[[ $output == "xl-mask: not reading tensors from a terminal"* ]]
	run -1 bash -c "xl-mask a.png >/dev/full"
	[ "$output" = "xl-mask: stdout: cannot write: no space left on device" ]
	run -1 xl-mask --to-png a.png b.png
	[ "$output" = "xl-mask: a.png: not a folder" ]
	closed_pipe "xl-mask a.png b.png"
}

@test "the page's examples run" {
	page xl-mask
	cmp a.msgpack painted.msgpack
	[ "$(meta mask_edited edited.msgpack)" = true ]
	same_pixels hard.png <(xl-encode a.png | xl-mask --threshold 0.5 |
		xl-hadain --exemplar b.png | xl-decode)
}
