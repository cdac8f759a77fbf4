#!/usr/bin/env bats
# xl-convert: weights and statistics between formats; hostile and broken input.

bats_require_minimum_version 1.5.0

setup() {
	golden=$PWD/tests/golden
	[ -e "$golden" ] || golden=$BATS_TEST_DIRNAME/golden
	models=$BATS_TEST_DIRNAME/../models
	convert=$XL_BIN/xl-convert
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The tensors of a stream or model, as text.
tensors() {
	"$XL_BIN/xl-cat" "$1" | grep '^  [^ ]*  ' | sort
}

@test "a .pth to a model, and what it holds" {
	run -0 "$convert" "$golden/weights-zip.pth" a.msgpack
	[ "$output" = "xl-convert: 16 tensors written to a.msgpack" ]
	run -0 "$XL_BIN/xl-cat" a.msgpack
	[ "${lines[0]}" = "0 model model" ]
	[ "${lines[1]}" = "  network: weights" ]
	[ "${lines[2]}" = "  sources: $(sha256sum <"$golden/weights-zip.pth" | cut -d' ' -f1)" ]
	[ "${lines[4]}" = "1 model weights" ]
	[[ $output =~ "conv.weight "\ +"(2,3,4) <f4 "\ +"min -1  mean 0.4375  max 1.875" ]]
	[[ $output =~ "num_batches_tracked "\ +"() <i8 " ]]
	"$XL_BIN/xl-cat" --check a.msgpack
}

@test "every format gives the same tensors" {
	"$XL_BIN/xl-cat" --json "$golden/weights.msgpack" | jq -S .tensors >want
	[ "$(jq length want)" = 16 ]
	for f in weights-zip.pth weights-old.pth weights-nested.pth weights.npz weights-packed.npz \
		weights.safetensors; do
		"$convert" -q "$golden/$f" a.msgpack
		"$XL_BIN/xl-cat" --records 1: --json a.msgpack | jq -S .tensors | cmp - want
	done
}

@test "a model survives safetensors and .npz to the last bit" {
	"$convert" "$models/default.msgpack" a.safetensors
	"$convert" a.safetensors b.npz
	"$convert" b.npz c.safetensors
	"$convert" c.safetensors c.msgpack
	cmp c.msgpack "$models/default.msgpack"
	cmp a.safetensors c.safetensors
	"$convert" b.npz d.msgpack
	cmp d.msgpack "$models/default.msgpack"
	run -0 head -c 200 a.safetensors
	[[ $output == *'{"__metadata__":{"format":"pt","xl":"8'* ]]
}

@test "a stream that is no model survives" {
	"$convert" "$golden/weights.msgpack" a.npz
	"$convert" a.npz a.safetensors
	"$convert" a.safetensors a.msgpack
	cmp a.msgpack "$golden/weights.msgpack"
}

@test "the same bytes from one format, whichever way" {
	"$convert" "$golden/weights.safetensors" a.safetensors
	"$convert" "$golden/weights-zip.pth" b.safetensors
	"$convert" "$golden/weights.npz" c.safetensors
	cmp a.safetensors b.safetensors
	cmp a.safetensors c.safetensors
	"$convert" a.safetensors d.safetensors
	cmp a.safetensors d.safetensors
	"$convert" a.safetensors a.npz
	"$convert" a.npz b.npz
	cmp a.npz b.npz
}

@test "statistics: mu and sigma" {
	printf '\x85\xa2xl\x01\xa4kind\xa5stats\xa2id\xa1s\xa4meta\x81\xa1n\x02\xa7tensors\x82' >s
	for name in mu sigma; do
		printf '%b%s\x85\xc4\x02nd\xc3\xc4\x04type\xa3<f8\xc4\x04kind\xc4\x00\xc4\x05shape' \
			"\\xa${#name}" $name
		[ $name = mu ] && printf '\x91\x01\xc4\x04data\xc4\x08' || printf '\x92\x01\x01\xc4\x04data\xc4\x08'
		printf '\x00\x00\x00\x00\x00\x00\xf0\x3f'
	done >>s
	"$convert" s a.npz
	"$convert" a.npz b
	cmp s b
	python=$(command -v /usr/bin/python3 python3 | head -1)
	"$python" -c 'import numpy' || skip "no Python with numpy"
	"$python" - <<-END
		import numpy
		a = numpy.load("a.npz")
		assert a.files == ["mu", "sigma", "xl"] and a["mu"][0] == 1 and a["sigma"].shape == (1, 1)
		numpy.savez("c.npz", mu=a["mu"], sigma=a["sigma"])
	END
	"$convert" c.npz c.msgpack
	run -0 "$XL_BIN/xl-cat" c.msgpack
	[ "${lines[0]}" = "0 stats stats" ]
}

@test "torch and numpy read what is written" {
	python=$(command -v /usr/bin/python3 python3 | head -1)
	"$python" -c 'import numpy' || skip "no Python with numpy"
	"$convert" "$golden/weights-zip.pth" a.npz
	"$convert" "$golden/weights-zip.pth" a.safetensors
	"$python" - "$golden" <<-'END'
		import json, struct, sys, numpy
		a, b = numpy.load("a.npz"), numpy.load(sys.argv[1] + "/weights.npz")
		raw = open("a.safetensors", "rb").read()
		n = struct.unpack("<Q", raw[:8])[0]
		assert n % 8 == 0
		head, data = json.loads(raw[8:8 + n]), raw[8 + n:]
		types = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I32": "<i4", "I64": "<i8",
		         "U8": "|u1", "BOOL": "|b1"}
		assert a.files == b.files
		for k in a.files:
		    want = b[k].astype("<i4") if b[k].dtype.str in ("|i1", "<i2") else b[k]
		    e = head[k]
		    s = numpy.frombuffer(data[slice(*e["data_offsets"])], types[e["dtype"]])
		    for got in a[k], s.reshape(e["shape"]):
		        assert got.dtype == want.dtype and got.shape == want.shape, k
		        assert got.tobytes() == want.tobytes(), k
	END
}

@test "several files become one" {
	"$convert" "$golden/weights-zip.pth" "$golden/python2.pth" a.msgpack
	run -0 "$XL_BIN/xl-cat" a.msgpack
	[[ ${lines[2]} == "  sources: "*", "* ]]
	[ "$(tensors a.msgpack | wc -l)" = 18 ]
	run -1 "$convert" "$golden/weights-zip.pth" "$golden/weights-old.pth" b.msgpack
	[ "$output" = "xl-convert: $golden/weights-old.pth: two tensors are called 'conv.weight'" ]
	[ ! -e b.msgpack ]
	run -1 "$convert" "$models/default.msgpack" "$golden/weights.msgpack" b.msgpack
	[ "$output" = "xl-convert: $golden/weights.msgpack: only one of the files can come from a stream" ]
}

@test "--key: an entry of a .pth" {
	"$convert" --key state_dict "$golden/weights-nested.pth" a.msgpack
	run -1 "$convert" --key ema "$golden/weights-nested.pth" b.msgpack
	[ "$output" = "xl-convert: $golden/weights-nested.pth: has no dictionary 'ema'" ]
	[ ! -e b.msgpack ]
}

@test "formats: by name, or --to" {
	"$convert" "$golden/weights-zip.pth" a.npz
	[ "$(head -c 2 a.npz)" = PK ]
	"$convert" --to npz "$golden/weights-zip.pth" b
	cmp a.npz b
	"$convert" --to safetensors "$golden/weights-zip.pth" - | "$convert" - c.npz
	"$convert" --to safetensors "$golden/weights-zip.pth" c.safetensors
	"$convert" --to npz c.safetensors - | cmp - c.npz
	"$convert" "$golden/weights-zip.pth" - | "$XL_BIN/xl-cat" --check
	run -2 "$convert" "$golden/weights-zip.pth" a.pth
	[ "$output" = "xl-convert: a.pth: not a format that is written; torch reads safetensors" ]
	[ ! -e a.pth ]
	run -2 "$convert" --to hdf5 "$golden/weights-zip.pth" a
	[[ $output == "xl-convert: --to: 'hdf5' "* ]]
}

# AlexNet's features in zeros, as safetensors, with SHAPE for its last bias.
alexnet() {
	local at=0 header='{"classifier.6.bias":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' name shape n
	while read -r name shape; do
		n=$((4 * ${shape//,/*}))
		header+=",\"features.$name\":{\"dtype\":\"F32\",\"shape\":[$shape],\"data_offsets\":[$at,$((at + n))]}"
		at=$((at + n))
	done <<-END
		0.weight 64,3,11,11
		0.bias 64
		3.weight 192,64,5,5
		3.bias 192
		6.weight 384,192,3,3
		6.bias 384
		8.weight 256,384,3,3
		8.bias 256
		10.weight 256,256,3,3
		10.bias $1
	END
	safetensors "$header}"
	head -c $at /dev/zero
}

# safetensors HEADER: what comes before the numbers
safetensors() {
	printf "\\x$(printf %02x $((${#1} & 255)))\\x$(printf %02x $((${#1} >> 8)))\\0\\0\\0\\0\\0\\0"
	printf %s "$1"
}

# statistics D NUMBERS: mu (1) and sigma (D,D), safetensors of floats, as printf writes them
statistics() {
	local at=$((4 + 4 * $1 * $1))
	safetensors "{\"mu\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"sigma\":{\"dtype\":\"F32\",\"shape\":[$1,$1],\"data_offsets\":[4,$at]}}"
	# shellcheck disable=SC2059  # it is a format
	printf "$2"
}

@test "a file without tensors is named" {
	safetensors '{}' >a.safetensors
	safetensors '{"__metadata__":{"a":"b"}}' >b.safetensors
	printf 'PK\005\006\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >c.npz
	echo old >out.msgpack
	alexnet 256 >some.safetensors
	for file in a.safetensors b.safetensors c.npz; do
		run -1 "$convert" some.safetensors $file out.msgpack
		[ "$output" = "xl-convert: $file: holds no tensors" ]
	done
	[ "$(cat out.msgpack)" = old ]
}

@test "statistics that are none are not written as such" {
	local zero='\0\0\0\0' nan='\xff\xff\xff\xff' minus='\0\0\x80\xbf'
	statistics 1 "$zero$zero" >a.safetensors
	"$convert" -q a.safetensors a.msgpack
	statistics 1 "$zero$nan" >nan.safetensors
	run -1 "$convert" nan.safetensors b.msgpack
	[ "$output" = "xl-convert: nan.safetensors: holds numbers that are not finite" ]
	statistics 1 "$zero$minus" >minus.safetensors
	run -1 "$convert" minus.safetensors b.msgpack
	[ "$output" = "xl-convert: minus.safetensors: its covariance has the variance -1" ]
	statistics 2 "$zero$zero$zero$zero$zero" >two.safetensors
	run -1 "$convert" two.safetensors b.msgpack
	[ "$output" = "xl-convert: two.safetensors: mu is (1) <f4 and sigma (2,2) <f4, not (d) and (d,d)" ]
	[ ! -e b.msgpack ]
	run -0 "$convert" -q two.safetensors two.npz # as it is
}

@test "--as: the parameters of a network, all and no others" {
	alexnet 256 >a.safetensors
	run -0 "$convert" --as alexnet a.safetensors a.msgpack
	[ "$output" = "xl-convert: left out 1 tensor that alexnet does without
xl-convert: 10 tensors written to a.msgpack" ]
	run -0 "$XL_BIN/xl-cat" --records 0:1 --json a.msgpack
	[ "$(jq -r .meta.network <<<"$output")" = alexnet ]
	run -0 "$XL_BIN/xl-cat" a.msgpack
	[ "${lines[4]}" = "1 model alexnet" ]
	"$convert" --as alexnet a.msgpack b.safetensors
	"$convert" --as alexnet b.safetensors c.safetensors
	cmp b.safetensors c.safetensors
}

@test "--as: a format that does not keep the name says so" {
	alexnet 256 >a.safetensors
	for out in b.npz b.safetensors; do
		run -0 "$convert" --as alexnet a.safetensors $out
		[ "${lines[2]}" = "xl-convert: this format does not keep the name: --as alexnet makes a model of it again" ]
	done
	run -0 "$convert" a.safetensors c.npz
	[ "${#lines[@]}" = 1 ]
}

@test "--as: what is missing, unknown or of another shape is named" {
	alexnet 128 >a.safetensors
	run -1 "$convert" --as alexnet a.safetensors b.msgpack
	[ "$output" = "xl-convert: a.safetensors: not alexnet: 'features.10.bias' is (128) <f4, not (256) <f4" ]
	run -1 "$convert" --as squeezenet1_1 "$golden/python2.pth" b.msgpack
	[ "$output" = "xl-convert: $golden/python2.pth: not squeezenet1_1: lacks 'features.0.weight' (and 49 more); 'lin0.model.1.weight' is no parameter of it (and 1 more)" ]
	alexnet 256 >a.safetensors
	run -1 "$convert" --as alexnet a.safetensors "$golden/python2.pth" b.msgpack
	[[ $output == "xl-convert: a.safetensors, $golden/python2.pth: not alexnet: 'lin0.model.1.weight' is no parameter of it"* ]]
	[ ! -e b.msgpack ]
	run -2 "$convert" --as resnet a.safetensors b.msgpack
	[[ ${lines[0]} == "xl-convert: --as: 'resnet' is not "*inception-fid* ]]
}

@test "a failure loses nothing" {
	echo old >out.msgpack
	head -c 1000 "$golden/weights-zip.pth" >cut.pth
	run -1 "$convert" cut.pth out.msgpack
	[ "$output" = "xl-convert: cut.pth: is a zip archive without an end (cut off?)" ]
	[ "$(cat out.msgpack)" = old ]
	run -1 "$convert" "$golden/missing.pth" out.msgpack
	[[ $output == "xl-convert: $golden/missing.pth: "* ]]
	[ "$(cat out.msgpack)" = old ]
	[ "$(find . -name '.*tmp' | wc -l)" = 0 ]
	run -1 "$convert" . out.msgpack
	run -1 "$convert" /dev/null out.msgpack
	[ "$output" = "xl-convert: /dev/null: empty" ]
}

@test "an input is not written over" {
	cp "$golden/weights.npz" a.npz
	ln -s a.npz link.npz
	for out in a.npz ./a.npz link.npz; do
		run -2 "$convert" a.npz $out
		[ "$output" = "xl-convert: $out: is an input, and would be written over" ]
		run -2 "$convert" "$golden/weights-zip.pth" a.npz $out
		run -2 "$convert" - $out <a.npz
		[ "$output" = "xl-convert: $out: is an input, and would be written over" ]
	done
	cmp a.npz "$golden/weights.npz"
}

@test "a name that no file may have is not written to .npz" {
	header='{"../x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
	printf "\\x$(printf %x ${#header})\\0\\0\\0\\0\\0\\0\\0%sx" "$header" >a.safetensors
	"$convert" a.safetensors a.msgpack
	run -1 "$convert" a.safetensors a.npz
	[ "$output" = "xl-convert: a.npz: cannot write: entry '../x.npy' leads out of the archive" ]
	[ ! -e a.npz ]
}

@test "a pickle that would act does not" {
	printf '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M\xe9\x03.' >evil.pth
	printf '\x80\x02}U\x0dlittle_endian\x88s.' >>evil.pth
	printf '\x80\x02cposix\nsystem\nU\x0atouch done\x85R.' >>evil.pth
	run -1 "$convert" evil.pth a.msgpack
	[ "$output" = "xl-convert: evil.pth: byte 2 of the pickle: asks for posix.system, which is never called (a state dictionary needs no such thing)" ]
	[ ! -e done ]
	[ ! -e a.msgpack ]
}

@test "usage" {
	run -2 "$convert" "$golden/weights-zip.pth"
	[ "${lines[0]}" = "xl-convert: needs a file to read and one to write; 1 given" ]
	run -2 "$convert" - - out
	[ "${lines[0]}" = "xl-convert: only one of the streams can be stdin" ]
}

@test "full disk, closed pipe, terminal" {
	for to in xl npz safetensors; do
		run -1 bash -c '"$1" --to "$2" "$3" - >/dev/full' - "$convert" $to "$golden/weights-zip.pth"
		[ "$output" = "xl-convert: stdout: cannot write: no space left on device" ]
		run -141 bash -c 'set -o pipefail; (trap "" PIPE; exec "$1" --to "$2" "$3" -) | :' - "$convert" $to "$models/default.msgpack"
		[ -z "$output" ]
	done
	command -v script >/dev/null || skip "no script"
	run -2 script -qec "$convert $golden/weights-zip.pth -" /dev/null
	[[ $output == "xl-convert: not writing tensors to a terminal"* ]]
}
