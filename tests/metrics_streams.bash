# Streams made by hand, so that the tests of the measures need no other tool.
# Loaded by xl-ssim.bats, xl-iou.bats and xl-decode.bats.
# shellcheck disable=SC2154  # output is set by bats

be32() {
	printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' \
		$(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

# str8, bin8 TEXT
str8() { printf '%b%s' "$(printf '\\xd9\\x%02x' ${#1})" "$1"; }
bin8() { printf '%b%s' "$(printf '\\xc4\\x%02x' ${#1})" "$1"; }

# array TYPE C H W FILE
array() {
	printf '\x85'
	bin8 nd && printf '\xc3'
	bin8 type && str8 "$1"
	bin8 kind && bin8 ''
	bin8 shape && printf '\x93\xce' && be32 "$2" && printf '\xce' && be32 "$3" &&
		printf '\xce' && be32 "$4"
	bin8 data && printf '\xc6' && be32 "$(stat -c %s "$5")" && cat "$5"
}

# record KIND ID [NAME TYPE C H W FILE]...
record() {
	printf '\x84'
	str8 xl && printf '\x01'
	str8 kind && str8 "$1"
	str8 id && str8 "$2"
	shift 2
	str8 tensors && printf '%b' "$(printf '\\x%02x' $((128 + $# / 6)))"
	while [ $# -gt 0 ]; do
		str8 "$1" && array "$2" "$3" "$4" "$5" "$6"
		shift 6
	done
}

# bytes N EXPRESSION: N bytes, each the awk expression of i
bytes() {
	printf '%b' "$(awk "function max(a, b) { return a > b ? a : b }
		function min(a, b) { return a < b ? a : b }
		BEGIN { for (i = 0; i < $1; i++) printf \"\\\\x%02x\", $2 }")"
}

# floats HEX N: N little endian floats of those bits
floats() {
	printf '%b' "$(awk "BEGIN { for (i = 0; i < $2; i++)
		printf \"\\\\x%s\\\\x%s\\\\x%s\\\\x%s\", substr(\"$1\", 7, 2),
			substr(\"$1\", 5, 2), substr(\"$1\", 3, 2), substr(\"$1\", 1, 2) }")"
}

# value NAME: what a line of $output says
value() { awk -v n="$1" '$1 == n && NF == 2 { print $2 }' <<<"$output"; }

# near NAME EXPECTED: to 1e-8, since text has 10 digits and masks are floats
near() {
	local got
	got=$(value "$1")
	awk -v a="$got" -v b="$2" 'BEGIN { d = a - b; exit !(a != "" && d < 1e-8 && d > -1e-8) }' ||
		{ echo "$1 is '$got', expected $2"; return 1; }
}
