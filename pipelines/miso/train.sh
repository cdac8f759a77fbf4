#!/usr/bin/env bash
# train.sh [-n]: train MISO on made faces or on photographs of two domains; -n only
# prints the commands. What is finished is not done again, and a run that was stopped
# goes on. Set by variables:
#   DATA        folder with trainA, trainB, or with list_attr_celeba.txt [made faces]
#   COUNT       made faces to train on [20000]
#   DOMAIN      domain B is where this holds; '' where folders say [Blond_Hair of made
#               faces, else Male unless there are folders]
#   WHERE       only images with these labels [all; of made faces those with hair]
#   PRESET      paper, small or tiny [small]
#   SIZE WIDTH BATCH ITERS   instead of the preset's
#   EVERY       iterations between two saves [1000]
#   SEED        of data and training [0]
#   EXTRA       more options for xl-train, such as --ifi=sr
#   OUT         folder for what is made [miso]
#   SMOKE=1     a run of a minute, to see that everything works
# Makes in OUT: records.msgpack, model.msgpack and its checkpoint model.msgpack.ckpt,
# log.jsonl, samples/, losses.png.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then
	: "${PRESET:=tiny}" "${COUNT:=64}" "${ITERS:=40}" "${EVERY:=20}"
fi
: "${DATA:=}" "${COUNT:=20000}" "${PRESET:=small}" "${SIZE:=}" "${WIDTH:=}" "${BATCH:=}"
: "${ITERS:=}" "${EVERY:=1000}" "${SEED:=0}" "${EXTRA:=}" "${OUT:=miso}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"

case $PRESET in
paper) : "${SIZE:=128}" ;;
small) : "${SIZE:=64}" ;;
tiny) : "${SIZE:=32}" ;;
*) usage "PRESET: '$PRESET' is not paper, small or tiny" ;;
esac
[[ $SIZE =~ ^[1-9][0-9]{0,3}$ ]] || usage "SIZE: '$SIZE' is not a number of pixels"
if [ -z "$DATA" ]; then
	DOMAIN=${DOMAIN-Blond_Hair} WHERE=${WHERE-Bald=0,Wearing_Hat=0}
elif ! has_sides "$DATA"; then
	DOMAIN=${DOMAIN-Male}
fi

open_out

# CelebA is shown whole; of other sets pictures are kept larger, by 143/128, and squares of
# SIZE are cut from them
kept=$SIZE
if has_sides "$DATA"; then
	kept=$(((SIZE * 1000 + 447) / 895)) # rounded, as xl-train does
	EXTRA="--part=0.895 $EXTRA"
fi
choose=(--size "$kept" ${DOMAIN:+--domain-by "$DOMAIN"} ${WHERE:+--where "$WHERE"})
if [ -n "$DATA" ]; then
	records_into "$(words xl-crop --split train "${choose[@]}" "$DATA")"
else
	records_into "$(words xl-synth faces --count "$COUNT" --seed "$SEED" "${choose[@]}")"
fi

# shellcheck disable=SC2086  # EXTRA is a list of words
train=$(words xl-train miso --preset "$PRESET" --size "$SIZE" ${WIDTH:+--width "$WIDTH"} \
	${BATCH:+--batch "$BATCH"} ${ITERS:+--iters "$ITERS"} --seed "$SEED" --every "$EVERY" \
	--log "$OUT/log.jsonl" --samples "$OUT/samples" $EXTRA)
train_stages "$train"
