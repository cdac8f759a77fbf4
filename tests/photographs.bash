# Folders of pictures as data sets are laid out, for tests of what reads them.

# celeba FOLDER COUNT SIZE: made faces, with the list of their attributes
celeba() {
	local faces=$BATS_TEST_TMPDIR/made-faces.msgpack
	"$XL_BIN/xl-synth" faces -q --count "$2" --size "$3" >"$faces"
	"$XL_BIN/xl-decode" --dir "$1" "$faces"
	{
		echo "$2"
		"$XL_BIN/xl-cat" --json --records 0:1 "$faces" | jq -r '.meta.attributes | join(" ")'
		paste -d' ' <("$XL_BIN/xl-cat" --json "$faces" | jq -r .id) \
			<("$XL_BIN/xl-cat" --tensor y "$faces" | grep '^[01]' | sed 's/\<0\>/-1/g')
	} >"$1/list_attr_celeba.txt"
}
