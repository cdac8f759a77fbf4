#!/usr/bin/env bash
# train.sh [-n]: train EGSC-IT on digits of MNIST in two domains, or on pictures; -n only
# prints the commands. What is finished is not done again, and a run that was stopped
# goes on. Set by variables:
#   MNIST       folder of MNIST's files, plain or .gz
#   SET         mnist-single or mnist-multi [mnist-single]
#   DATA        instead of these, a folder with trainA, trainB, or with
#               list_attr_celeba.txt
#   DOMAIN      of DATA, domain B is where this holds; '' where folders say [Male unless
#               there are folders]
#   WHERE       of DATA, only images with these labels [all]
#   COUNT       digits to train on [all of mnist-single, 20000 of mnist-multi]
#   PRESET      paper, small or tiny [tiny for mnist-single, else small]
#   SIZE        of pictures of DATA [128 for paper, else 64]
#   WIDTH BATCH instead of the preset's
#   ITERS       iterations in all; of these PRE for the networks of masks and statistics
#               and PERCEPT for the network of the perceptual loss [the preset's]
#   EVERY       iterations between two saves [1000]
#   SEED        of data and training [0]
#   EXTRA       more options for xl-train. VGG19 for the perceptual loss, as in the paper:
#               --with=vgg19.msgpack --perceptual=given. The paper's ablations: --mask=0,
#               --adain=none, --perceptual=none; UNIT is all three, CycleGAN these and
#               --shared=0 --noise=0 --w-vae=0 --w-kl=0 --w-cyc-kl=0; a stage that one
#               leaves out gives its iterations to the last, so lower ITERS by as many.
#               Streets: --task=street, of the paper with BATCH=3 PRE=22000 ITERS=45200
#   OUT         folder for what is made [egsc-it]
#   SMOKE=1     a run of a minute, to see that everything works
# Makes in OUT: records.msgpack, model.msgpack and its checkpoint model.msgpack.ckpt,
# log.jsonl, samples/, losses.png.

set -euo pipefail
if [ "${SMOKE:-0}" != 0 ]; then
	: "${PRESET:=tiny}" "${COUNT:=64}" "${WIDTH:=4}" "${PRE:=10}" "${PERCEPT:=10}"
	: "${ITERS:=40}" "${EVERY:=20}"
fi
: "${MNIST:=}" "${SET:=mnist-single}" "${DATA:=}" "${WHERE:=}" "${COUNT:=}" "${PRESET:=}"
: "${SIZE:=}" "${WIDTH:=}" "${BATCH:=}" "${ITERS:=}" "${PRE:=}" "${PERCEPT:=}" "${EVERY:=1000}"
: "${SEED:=0}" "${EXTRA:=}" "${OUT:=egsc-it}"

# shellcheck source-path=SCRIPTDIR source=../common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source-path=SCRIPTDIR source=digits.sh
. "$(dirname "$0")/digits.sh"

if [ -z "$DATA" ]; then
	need_mnist
	what=$SET
else
	has_sides "$DATA" || DOMAIN=${DOMAIN-Male}
	what=pictures
fi
# n1 is how often the pictures are halved, and one more
case $what in
mnist-single) : "${PRESET:=tiny}" && task=(--task single --n1 1 --size 28) ;;
mnist-multi) : "${PRESET:=small}" "${COUNT:=20000}" && task=(--task multi --n1 3 --size 112) ;;
pictures)
	: "${PRESET:=small}"
	case $PRESET in paper) : "${SIZE:=128}" ;; *) : "${SIZE:=64}" ;; esac
	task=(--task faces --n1 3 --size "$SIZE")
	# 30,000 iterations each, where digits have 60,000, and SmallVGG's 1,200
	[ "$PRESET" != paper ] || : "${PRE:=30000}" "${ITERS:=61200}"
	;;
esac
case $PRESET in
paper | small | tiny) ;;
*) usage "PRESET: '$PRESET' is not paper, small or tiny" ;;
esac

open_out

if [ -n "$DATA" ]; then
	records_into "$(words xl-crop --size "$SIZE" --split train ${DOMAIN:+--domain-by "$DOMAIN"} \
		${WHERE:+--where "$WHERE"} "$DATA")"
else
	records_into "$(words xl-synth "$SET" --mnist "$MNIST" ${COUNT:+--count "$COUNT"} \
		--seed "$SEED")"
	# what the perceptual network learns of ten digits in places is their colours
	[ "$SET" != mnist-multi ] || task+=(--attributes 'fg,bg')
fi

# shellcheck disable=SC2086  # EXTRA is a list of words
train=$(words xl-train egsc-it --preset "$PRESET" "${task[@]}" ${WIDTH:+--width "$WIDTH"} \
	${BATCH:+--batch "$BATCH"} ${ITERS:+--iters "$ITERS"} ${PRE:+--pre-iters "$PRE"} \
	${PERCEPT:+--percept-iters "$PERCEPT"} --seed "$SEED" --every "$EVERY" \
	--log "$OUT/log.jsonl" --samples "$OUT/samples" $EXTRA)
train_stages "$train"
