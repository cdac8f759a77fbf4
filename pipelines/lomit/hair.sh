# shellcheck shell=bash
# hair.sh - sets WHERE, where it is not set, to what the pipelines of LOMIT choose images by:
# the paper trains several colours of hair on images that have one of them.

if [ -z "${WHERE+set}" ]; then
	WHERE=$(tr , '\n' <<<"$ATTRIBUTES" | sed -n '/_Hair$/s/$/=1/p' | paste -sd '|')
	[[ $WHERE == *\|* ]] || WHERE=
fi
