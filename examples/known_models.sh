#!/usr/bin/env bash
# Values of known models by the probes of this program: one run for each model, from a hub that can be reached (or from
# folders of yours). Started again, it goes on where it stopped. Some minutes a model on a CPU.
#
#   bash examples/known_models.sh FOLDER [MODEL...]
#
# FOLDER takes one run folder for each model. Without MODEL: five masked models that papers often name.
#   PROBES=core              the probes or suites, separated by spaces
#   PYTHON=.venv/bin/python  the interpreter
set -euo pipefail

usage() {
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  echo "Error: $1" >&2
  exit 2
}
[ $# -ge 1 ] || usage "name the folder that takes the runs"
folder=$1
shift
case $folder in -h | --help) usage "nothing was run" ;; -* | "") usage "expected a folder first, got '$folder'" ;; esac
[ ! -e "$folder" ] || [ -d "$folder" ] || usage "'$folder' is a file"
[ $# -ge 1 ] || set -- distilbert/distilroberta-base FacebookAI/roberta-base google-bert/bert-base-uncased \
  google-bert/bert-base-cased albert/albert-base-v2
for model in "$@"; do
  case $model in -* | "") usage "expected a model, got '$model'" ;; esac
done
python=$(command -v "${PYTHON:-python3}") || usage "there is no '${PYTHON:-python3}'"
read -r -a probes <<<"${PROBES:-core}"
[ ${#probes[@]} -ge 1 ] || usage "PROBES names nothing"
asked=()
for probe in "${probes[@]}"; do asked+=(-p "$probe"); done

mkdir -p "$folder"
failed=()
for model in "$@"; do
  run=$folder/$(printf %s "$model" | tr -c 'A-Za-z0-9._-' '_')
  if [ -f "$run/results.json" ]; then # written last: the run is complete
    echo "$model: $run is there"
    continue
  fi
  printf '\n$ bias-audit run %s %s -o %s\n' "$model" "${asked[*]}" "$run"
  code=0
  "$python" -m bias_audit run "$model" "${asked[@]}" -o "$run" --progress plain || code=$?
  [ "$code" -eq 130 ] && exit 130
  [ "$code" -eq 0 ] || [ "$code" -eq 1 ] || failed+=("$model (exit code $code)")
done

complete=("$folder"/*/results.json)
if [ -f "${complete[0]}" ]; then
  echo
  echo "Side by side: bias-audit report $folder/* -o models.html"
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf 'Not measured: %s\n' "${failed[@]}" >&2
  exit 3
fi
