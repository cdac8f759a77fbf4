# shellcheck shell=bash disable=SC2034  # used by those that source it
# task.sh - what TASK stands for in the pipelines of MBU: which images take part
# (where), which of them have the content (content: domain B), the labels whose looks
# made faces exchange (looks), and the published set of weights (weights); and
# of_domain A|B, the condition for images of that domain.

case $TASK in
glasses) where='' content=Eyeglasses=1 looks=Eyeglasses weights=glasses ;;
glasses-women) where=Male=0 content=Eyeglasses=1 looks=Eyeglasses weights=glasses ;;
glasses-men) where=Male=1 content=Eyeglasses=1 looks=Eyeglasses weights=glasses ;;
smile) where='' content=Smiling=1 looks=Smiling weights=smile ;;
mouth) where='' content=Mouth_Slightly_Open=1 looks=Mouth_Slightly_Open weights=smile ;;
facial-hair)
	where=Male=1,5_o_Clock_Shadow=0 content='Mustache=1|Goatee=1|No_Beard=0'
	looks=Mustache weights=facial-hair
	;;
women-hair)
	where='Male=0,Black_Hair=1|Blond_Hair=1,Black_Hair=0|Blond_Hair=0' content=Black_Hair=1
	looks=Black_Hair,Blond_Hair weights=women-hair
	;;
men-hair)
	where='Male=1,Wearing_Hat=0,Bald=1|Young=0,Bald=0|Receding_Hairline=0,Bald=0|Gray_Hair=0'
	content=Bald=0 looks='' weights=men-hair
	;;
*) usage "TASK: '$TASK' is not glasses, glasses-women, glasses-men, smile, mouth, facial-hair, women-hair or men-hair" ;;
esac

of_domain() {
	local but=$content
	# not in B: none of its alternatives holds
	[ "$1" = B ] ||
		but=$(tr '|' '\n' <<<"$content" | sed 's/=1$/=2/; s/=0$/=1/; s/=2$/=0/' | paste -sd ,)
	echo "${where:+$where,}$but"
}
