# shellcheck shell=bash disable=SC2034  # used by those that source it
# digits.sh - what the pipelines of EGSC-IT say of the sets of digits: which of them SET is,
# by the size of MODEL where nothing is said, of how many pixels (side), and the condition for
# images of a domain.

if [ -z "$SET" ]; then
	SET=mnist-single
	[ ! -r "$MODEL" ] || [ "$(about "$MODEL" '.meta["hyper.size"]')" != 112 ] || SET=mnist-multi
fi
case $SET in
mnist-single) side=28 ;;
mnist-multi) side=112 ;;
*) usage "SET: '$SET' is not mnist-single or mnist-multi" ;;
esac

# need_mnist: the folder of MNIST's files is known and there
need_mnist() {
	[ -n "$MNIST" ] || usage "MNIST: name the folder of MNIST's files"
	[ -n "$dry" ] || [ -d "$MNIST" ] || die "$MNIST: no such folder"
}

# of_domain A|B: by the colour of digits, black or white, or any other
of_domain() {
	case $1 in
	A) echo 'fg=0|fg=1' ;;
	B) echo 'fg=2|fg=3|fg=4|fg=5' ;;
	esac
}
