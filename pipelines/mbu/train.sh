#!/usr/bin/env bash
# train.sh [-n]: train MBU on made faces or on photographs; -n only prints the
# commands. What is finished is not done again, and a run that was stopped goes on.
# Set by variables:
#   TASK        what images of domain B have: glasses, glasses-women, glasses-men, smile,
#               mouth, facial-hair, women-hair or men-hair [glasses]
#   DATA        folder with list_attr_celeba.txt and pictures [made faces]
#   COUNT       made faces to train on [20000]
#   WHERE DOMAIN_BY   other images, another condition for B [the task's]
#   PRESET      paper, small or tiny [small]
#   SIZE WIDTH BATCH ITERS   instead of the preset's
#   EVERY       iterations between two saves [1000]
#   SEED        of data and training [0]
#   EXTRA       more options for xl-train, such as --profile=paper
#   OUT         folder for what is made [mbu]
#   SMOKE=1     a run of a minute, to see that everything works
# Makes in OUT: records.msgpack, model.msgpack and its checkpoint model.msgpack.ckpt,
# log.jsonl, samples/, losses.png.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then
	: "${PRESET:=tiny}" "${COUNT:=64}" "${BATCH:=4}" "${ITERS:=40}" "${EVERY:=20}"
fi
: "${TASK:=glasses}" "${DATA:=}" "${COUNT:=20000}" "${PRESET:=small}"
: "${SIZE:=}" "${WIDTH:=}" "${BATCH:=}" "${ITERS:=}" "${EVERY:=1000}"
: "${SEED:=0}" "${EXTRA:=}" "${OUT:=mbu}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=task.sh
. "$(dirname "$0")/task.sh"
[ -n "${WHERE+set}" ] || WHERE=$where
: "${DOMAIN_BY:=$content}"

case $PRESET in
paper) : "${SIZE:=128}" ;;
small | tiny) : "${SIZE:=64}" ;;
*) usage "PRESET: '$PRESET' is not paper, small or tiny" ;;
esac

open_out

# The published code squashes the whole picture: 178x218 of CelebA.
choose=(--domain-by "$DOMAIN_BY" ${WHERE:+--where "$WHERE"})
if [ -n "$DATA" ]; then
	records_into "$(words xl-crop --size "$SIZE" --crop 0 --split train "${choose[@]}" "$DATA")"
else
	records_into "$(words xl-synth faces --count "$COUNT" --size "$SIZE" --seed "$SEED" "${choose[@]}")"
fi

# shellcheck disable=SC2086,SC2154  # EXTRA is a list of words; weights is of task.sh
train=$(words xl-train mbu --preset "$PRESET" --task "$weights" --size "$SIZE" ${WIDTH:+--width "$WIDTH"} \
	${BATCH:+--batch "$BATCH"} ${ITERS:+--iters "$ITERS"} \
	--seed "$SEED" --every "$EVERY" --log "$OUT/log.jsonl" --samples "$OUT/samples" $EXTRA)
train_stages "$train"
