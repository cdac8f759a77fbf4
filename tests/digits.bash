# Files of digits as MNIST has them, for tests.

# digits: 20 test pictures in t10k-*: bars, of labels 0, 1, ..
digits() {
	{
		printf '\0\0\10\3\0\0\0\24\0\0\0\34\0\0\0\34'
		for i in {1..20}; do
			head -c $((28 * i)) /dev/zero | tr '\0' '\377'
			head -c $((784 - 28 * i)) /dev/zero
		done
	} >t10k-images-idx3-ubyte
	{
		printf '\0\0\10\1\0\0\0\24'
		for i in {0..19}; do printf "\\$((i % 10 / 8))$((i % 10 % 8))"; done
	} >t10k-labels-idx1-ubyte
}

# both_digits: the same as training pictures as well
both_digits() {
	digits
	for f in t10k-*; do cp "$f" "train${f#t10k}"; done
}
