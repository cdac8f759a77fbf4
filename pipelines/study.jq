# study.jq - what study.sh computes: which pairs are shown how, whether files it is given
# are what they should be, and the tally.

# Numbers of a linear congruential generator (Park and Miller 1988, multiplier of 1993),
# exact in doubles; the first of a small seed are small, and left out.
def numbers($seed; $n):
  [foreach range(0; $n + 20) as $i (($seed + 1) % 2147483647; . * 48271 % 2147483647; .)][20:];

# Which of n results, in which order, and what is on the left: [{number, left}].
def plan($n; $count; $seed):
  numbers($seed; 2 * $n) as $r
  | [range(0; $n) | {number: ., key: $r[.], left: (if $r[$n + .] % 2048 < 1024 then "a" else "b" end)}]
  | sort_by(.key, .number) | .[:$count] | map({number, left});

# A check gives the value, or a string that says what is wrong.

def is_name: type == "string" and length > 0 and length < 100 and (test("[[:cntrl:]]") | not);

def check_key:
  if type != "object" or (.study | is_name | not) or (.questions | type != "array")
     or (.items | type != "array") then "not a key of study.sh"
  elif (.a | is_name | not) or (.b | is_name | not) then "names of methods are missing, or none"
  elif all(.questions[]; is_name) | not then "questions without names"
  elif all(.items[]; type == "object" and (.left == "a" or .left == "b")) | not
  then "sides are missing"
  elif (.items | length) > 1000 or (.questions | length) > 10 then "more than study.sh asks"
  else {study, a, b, questions, items: [.items[] | {left}]} end;

def is_answer($key):
  . as $a
  | type == "object" and (.item | type == "number" and . == floor and . >= 0
                          and . < ($key.items | length))
    and (.question | type == "string") and any($key.questions[]; . == $a.question)
    and (.choice == "left" or .choice == "right");

def check_answers($key):
  if type != "object" or (.answers | type != "array") or (.study | type != "string")
  then "not answers of a study"
  elif .study != $key.study then "answers of another study"
  elif .participant | is_name | not then "does not say whose answers they are"
  elif .answers | length > ($key.items | length) * ($key.questions | length)
  then "more answers than questions"
  elif all(.answers[]; is_answer($key)) | not then "an answer to what was not asked"
  elif (.answers | map([.item, .question]) | unique | length) != (.answers | length)
  then "two answers to one question"
  else {participant, answers: [.answers[] | {item, question, choice}]} end;

# Share and interval of k in n (Wilson 1927), z for 95%.
def wilson($k; $n):
  1.959963984540054 as $z | ($k / $n) as $p | (1 + $z * $z / $n) as $d
  | (($p + $z * $z / (2 * $n)) / $d) as $mid
  | ($z * ($p * (1 - $p) / $n + $z * $z / (4 * $n * $n) | sqrt) / $d) as $half
  | [$p, $mid - $half, $mid + $half];

def rounded: . * 10000 + 0.5 | floor / 10000 | tostring;

# Lines "name value ..." of all files of answers.
def tally($key):
  if (map(.participant) | unique | length) != length then error("twice") else . end
  | . as $all
  | "participants \(length)", "a \($key.a)", "b \($key.b)",
    "question answers prefer_a low high",
    ($key.questions[] as $q
     | [$all[].answers[] | select(.question == $q)
        | (.choice == "left") == ($key.items[.item].left == "a")] as $prefers
     | ($prefers | length) as $n
     | if $n == 0 then "\($q) 0 - - -"
       else ([$prefers[] | select(.)] | length) as $k
       | "\($q) \($n) " + (wilson($k; $n) | map(rounded) | join(" ")) end);
