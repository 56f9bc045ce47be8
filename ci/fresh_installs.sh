#!/usr/bin/env bash
# Does what is released install and work at both ends of what pyproject.toml allows? Builds sdist and wheel, installs
# each into fresh environments with the oldest Python and the lowest versions, then with the newest of both, and in
# each one audits, reports and runs the tests of the statistics from the sdist.
#
#   bash ci/fresh_installs.sh                          python 3.11 and 3.14, which uv fetches where they are not there
#   OLDEST=3.11 NEWEST=3.13 bash ci/fresh_installs.sh  others
#   UV_TORCH_BACKEND=cpu bash ci/fresh_installs.sh     torch without CUDA: a tenth of the size
#
# Needs a package index, git, a Python with venv, and about 20 GB for torch with CUDA. Prints a row for each.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
unset PYTHONPATH
export BIAS_AUDIT_CACHE=off HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
packages="click huggingface-hub jinja2 matplotlib numpy pandas platformdirs pydantic rich rich-click ruamel-yaml
  safetensors scipy tokenizers torch transformers"

python3 -m venv "$work/tools"
"$work/tools/bin/pip" install -q uv build twine
uv="$work/tools/bin/uv"
"$work/tools/bin/python" -m build -q -o "$work/dist" "$top"
"$work/tools/bin/twine" check --strict "$work"/dist/*
wheel=$(echo "$work"/dist/*.whl)
sdist=$(echo "$work"/dist/*.tar.gz)
mkdir -p "$work/source"
tar -xzf "$sdist" -C "$work/source" --strip-components=1

audit() { # name of the environment: what a user does first, outside the checkout
  local bin="$work/$1/bin" out="$work/$1-run"
  cd "$work"
  "$bin/bias-audit" --version
  "$bin/bias-audit" run -q -p occupation-pronoun -o "$out" --force
  "$bin/bias-audit" report "$out" -o "html=$out/again.html" -o "md=$out/again.md" -o "csv=$out/again.csv"
  cmp "$out/again.html" "$out/report.html"
}

install() { # name, version of Python, lowest-direct or highest, what to install
  local name=$1 python=$2 resolution=$3 file=$4
  echo "== $name: $(basename "$file"), Python $python, $resolution"
  "$uv" venv -q --clear --python "$python" "$work/$name"
  VIRTUAL_ENV="$work/$name" "$uv" pip install -q --resolution "$resolution" -r "$work/source/pyproject.toml" "bias-audit @ file://$file"
  audit "$name"
}

check() { # name, version of Python, lowest-direct or highest
  local name=$1 python=$2 resolution=$3 versions
  install "$name-wheel" "$python" "$resolution" "$wheel"
  install "$name-sdist" "$python" "$resolution" "$sdist"
  versions=$(VIRTUAL_ENV="$work/$name-sdist" "$uv" pip freeze -q | grep -iE "^(${packages//[[:space:]]/|})==" | tr '\n' ' ')
  VIRTUAL_ENV="$work/$name-sdist" "$uv" pip install -q pytest hypothesis statsmodels
  (cd "$work/source" && "$work/$name-sdist/bin/python" -m pytest -q -p no:cacheprovider tests/stats)
  echo "| $name | $("$work/$name-sdist/bin/python" --version) | $versions|" >>"$work/seen.md"
}

: >"$work/seen.md"
check oldest "${OLDEST:-3.11}" lowest-direct
check newest "${NEWEST:-3.14}" highest
cat "$work/seen.md"
