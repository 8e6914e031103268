#!/usr/bin/env bash
# Run every part's tests in a process of its own (each service has its own Django settings), two at a time.
# Fails when any part fails or has no tests. Arguments name parts: tests/run.sh services/billing
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
parts=("$@")
# The longest first: begun last, one of them would run alone at the end.
longest=(services/ml tests/integration deploy/local services/billing)
if [ ${#parts[@]} -eq 0 ]; then
    parts=("${longest[@]}")
    for part in libs/* services/* tests/contract; do
        if [ -f "$part/pyproject.toml" ] || [[ $part == tests/* ]]; then
            [[ " ${longest[*]} " == *" $part "* ]] || parts+=("$part")
        fi
    done
fi
results=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$results"' EXIT
trap 'exit 130' INT TERM

run_part() {
    local part=$1 name=${1//\//-} settings=() began=$SECONDS code
    # A service's tests run under its settings; whatever else needs Django says so itself.
    if [ -f "$part/settings.py" ] && [[ $part == services/* ]]; then settings=(DJANGO_SETTINGS_MODULE="${part##*/}.settings"); fi
    if [ -f "$part/tests/settings.py" ]; then settings=(DJANGO_SETTINGS_MODULE="${part##*/}.tests.settings"); fi
    env ${settings[@]+"${settings[@]}"} "$python" -m pytest "$part" > "$results/$name.log" 2>&1
    code=$?
    echo "$code" > "$results/$name.code"
    if [ $code -eq 0 ]; then
        printf 'ok    %-22s %4ds  %s\n' "$part" $((SECONDS - began)) "$(tail -n 1 "$results/$name.log")"
    else
        printf 'FAIL  %-22s %4ds  exit %s\n' "$part" $((SECONDS - began)) "$code"
        # What went wrong before where it did: who reads the beginning alone has read the reason.
        grep '^E  ' "$results/$name.log" | head -n 40 | sed 's/^/      /'
        sed 's/^/      /' "$results/$name.log"
    fi
}

for part in "${parts[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "${TEST_JOBS:-2}" ]; do sleep 0.2; done
    run_part "$part" &
done
wait
failed=$(grep -Lx 0 "$results"/*.code | wc -l)
[ "$failed" -eq 0 ] || { echo "$failed of ${#parts[@]} parts failed" >&2; exit 1; }
echo "all ${#parts[@]} parts passed in ${SECONDS}s"
