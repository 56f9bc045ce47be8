#!/usr/bin/env bash
# The story of docs/gating.md on the bundled model: accept a baseline, make the model worse on purpose, see the gates
# fail, undo it, see them pass; and see that an unrelated change does not fail. Some minutes on a CPU, offline.
#
#   bash examples/gating.sh [FOLDER]        PYTHON=.venv/bin/python names the interpreter
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$(command -v "${PYTHON:-python3}")
work=${1:-$(mktemp -d)}
mkdir -p "$work"
cp "$here/bias-audit.yaml" "$work"
cd "$work"

bias-audit() { "$python" -m bias_audit "$@"; }
expect() { # CODE COMMAND...: the exit code is part of the story
  local wanted=$1 code=0
  shift
  printf '\n$ %s\n' "$*"
  "$@" || code=$?
  if [ "$code" != "$wanted" ]; then
    echo "expected exit code $wanted, got $code" >&2
    exit 1
  fi
}

echo "== 1. Audit the model. Its size is judged; there is no baseline yet, and that is not a pass: exit code 3"
expect 3 bias-audit run -c bias-audit.yaml -o before --progress none

echo "== 2. Look at the report, then accept the run. The next one passes: nothing has changed since"
expect 0 bias-audit baseline accept before --name main --reason "First audit, read by the team"
expect 0 bias-audit run -c bias-audit.yaml -o again --progress none

echo "== 3. Fine-tune on sentences that tie jobs to gender. Both gates fail: exit code 1"
expect 0 "$python" "$here/plant.py" model
expect 1 bias-audit run ./model -c bias-audit.yaml -o planted --progress none
expect 0 bias-audit compare before planted

echo "== 4. Undo it. The scores are the baseline's again, and the gates pass"
expect 0 "$python" "$here/plant.py" model --undo
expect 0 bias-audit run ./model -c bias-audit.yaml -o undone --progress none

echo "== 5. Fine-tune on sentences about trains and rivers instead. Nothing fails"
expect 0 "$python" "$here/plant.py" other --unrelated
expect 0 bias-audit run ./other -c bias-audit.yaml -o unrelated --progress none

echo
echo "The runs are in $work; planted/report.html shows what the gates saw."
