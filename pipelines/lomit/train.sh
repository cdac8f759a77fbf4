#!/usr/bin/env bash
# train.sh [-n]: train LOMIT on made faces or on photographs; -n only prints the
# commands. What is finished is not done again, and a run that was stopped goes on.
# Set by variables:
#   DATA        folder with list_attr_celeba.txt and pictures, or with trainA, trainB
#               [made faces]
#   COUNT       made faces to train on [20000]
#   ATTRIBUTES  labels to exchange [Black_Hair,Blond_Hair,Brown_Hair,Smiling; of trainA,
#               trainB the domain]
#   WHERE       only images with these labels [of several hair colours, one of them]
#   PRESET      paper, small or tiny [small]
#   SIZE WIDTH BATCH ITERS   instead of the preset's
#   EVERY       iterations between two saves [1000]
#   SEED        of data and training [0]
#   EXTRA       more options for xl-train, such as --variant=iclr
#   OUT         folder for what is made [lomit]
#   SMOKE=1     a run of a minute, to see that everything works
# Makes in OUT: records.msgpack, model.msgpack and its checkpoint model.msgpack.ckpt,
# log.jsonl, samples/, losses.png.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then
	: "${PRESET:=tiny}" "${COUNT:=64}" "${WIDTH:=8}" "${BATCH:=2}" "${ITERS:=40}" "${EVERY:=20}"
fi
: "${DATA:=}" "${COUNT:=20000}" "${ATTRIBUTES:=}"
: "${PRESET:=small}" "${SIZE:=}" "${WIDTH:=}" "${BATCH:=}" "${ITERS:=}" "${EVERY:=1000}"
: "${SEED:=0}" "${EXTRA:=}" "${OUT:=lomit}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"

case $PRESET in
paper) : "${SIZE:=128}" ;;
small) : "${SIZE:=64}" ;;
tiny) : "${SIZE:=32}" ;;
*) usage "PRESET: '$PRESET' is not paper, small or tiny" ;;
esac

if [ -z "$ATTRIBUTES" ]; then
	ATTRIBUTES=Black_Hair,Blond_Hair,Brown_Hair,Smiling
	! has_sides "$DATA" || ATTRIBUTES=domain
fi
# shellcheck source-path=SCRIPTDIR source=labels.sh
. "$(dirname "$0")/labels.sh"

open_out

if [ -n "$DATA" ]; then
	records_into "$(words xl-crop --size "$SIZE" --split train "${chosen[@]}" "$DATA")"
else
	records_into "$(words xl-synth faces --count "$COUNT" --size "$SIZE" --seed "$SEED" "${chosen[@]}")"
fi

# shellcheck disable=SC2086  # EXTRA is a list of words
train=$(words xl-train lomit --preset "$PRESET" --size "$SIZE" ${WIDTH:+--width "$WIDTH"} \
	${BATCH:+--batch "$BATCH"} ${ITERS:+--iters "$ITERS"} --attributes "$ATTRIBUTES" \
	--seed "$SEED" --every "$EVERY" --log "$OUT/log.jsonl" --samples "$OUT/samples" $EXTRA)
train_stages "$train"
