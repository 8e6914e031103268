#!/usr/bin/env bash
# Make .venv hold the named requirement sets (run, test, check, bench) and the parts of this tree, editable.
# Takes about half a minute the first time and no time when nothing changed. Needs nothing but a Python >= 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.titan-setup

fail() { echo "setup: $*" >&2; exit 1; }

# Sets that were asked for once stay, so that `make demo` does not take away what `make test` brought.
sets=$(printf '%s\n' bootstrap run "$@" $(sed -n 1p "$stamp" 2>/dev/null) | sort -u | tr '\n' ' ')
locks=(); for set in $sets; do locks+=("requirements/$set.txt"); done
parts=(); for file in libs/*/pyproject.toml services/*/pyproject.toml deploy/local/pyproject.toml; do if [ -f "$file" ]; then parts+=("${file%/pyproject.toml}"); fi; done
state="$PWD $(cat "${locks[@]}" "${parts[@]/%//pyproject.toml}" | cksum) ${parts[*]}"
if [ -x $venv/bin/titan ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sets
$state" ]; then exit 0; fi

usable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null && usable "$name"; then command -v "$name"; return; fi
    done
    fail "needs Python 3.11 to 3.14 and found none: install one, or name it with PYTHON=/path/to/python3 make ..."
}

make_venv() {
    echo "setup: making $venv"
    local python
    python=$(find_python)
    rm -rf $venv
    if command -v uv >/dev/null; then uv venv --quiet --python "$python" $venv; return; fi
    "$python" -m venv $venv ||
        fail "$python cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)"
}

# A venv of another place or of a Python that went away is of no use.
grep -qxF "$PWD/$venv" $venv/.titan-home 2>/dev/null && usable $venv/bin/python || make_venv
echo "$PWD/$venv" > $venv/.titan-home
rm -f "$stamp"

# The locks hold wheels for every platform TITAN runs on, so nothing is ever compiled (and no Python header needed).
python=$venv/bin/python
way_out="see the line above; behind a proxy or mirror set what pip and uv read (PIP_INDEX_URL, UV_INDEX_URL, HTTPS_PROXY)"
if command -v uv >/dev/null; then uv=(uv)
elif $python -m uv --version >/dev/null 2>&1; then uv=($python -m uv)
elif $python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/bootstrap.txt; then uv=($python -m uv)
else uv=(); fi

echo "setup: installing $sets"
if [ ${#uv[@]} -gt 0 ]; then
    export VIRTUAL_ENV=$PWD/$venv
    "${uv[@]}" pip sync --quiet --python $python --require-hashes --only-binary :all: "${locks[@]}" || fail "packages could not be installed: $way_out"
    "${uv[@]}" pip install --quiet --python $python --no-deps --no-build-isolation "${parts[@]/#/--editable=}" ||
        fail "the parts of this tree could not be installed: see the line above"
else
    echo "setup: no uv for this machine, using pip (slower)"
    $python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes "${locks[@]/#/--requirement=}" ||
        fail "packages could not be installed: $way_out"
    $python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation "${parts[@]/#/--editable=}" ||
        fail "the parts of this tree could not be installed: see the line above"
fi
printf '%s\n%s\n' "$sets" "$state" > "$stamp"
