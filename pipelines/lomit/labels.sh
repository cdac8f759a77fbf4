# shellcheck shell=bash disable=SC2034  # used by those that source it
# labels.sh - sets chosen, the options that choose the images and labels of ATTRIBUTES, and
# WHERE, where it is not set: the paper trains several colours of hair on images that have
# one of them. The domain is no label that an image is given.

if [ -z "${WHERE+set}" ]; then
	WHERE=$(tr , '\n' <<<"$ATTRIBUTES" | sed -n '/_Hair$/s/$/=1/p' | paste -sd '|')
	[[ $WHERE == *\|* ]] || WHERE=
fi
chosen=()
case $ATTRIBUTES in
'' | domain) ;;
*) chosen=(--attributes "$ATTRIBUTES") ;;
esac
[ -z "$WHERE" ] || chosen+=(--where "$WHERE")
