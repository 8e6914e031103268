#!/usr/bin/env bash
# Time series on a real TimescaleDB (WebAssembly, served by Node) and on plain PostgreSQL, the same tests on each.
# Without Node or npm the TimescaleDB half skips itself by name; plain PostgreSQL is tested everywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}

fetch() { (cd tests/timescale && npm install --silent --no-package-lock --legacy-peer-deps --no-audit --no-fund); }
missing() { ! command -v node >/dev/null || ! command -v npm >/dev/null; }
if missing && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && [ -n "${CI:-}" ]; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm; } > /dev/null ||
        echo "timescale: Node could not be installed" >&2
fi
if missing; then
    echo "timescale: no Node here: TimescaleDB is NOT TESTED, only plain PostgreSQL is" >&2
# What is pinned in package.json is all there is: the socket's peer is the same server under another name.
elif ! fetch && ! fetch; then
    # Half of it would look as if it were there.
    rm -rf tests/timescale/node_modules
    echo "timescale: npm could not install the server: TimescaleDB is NOT TESTED, only plain PostgreSQL is" >&2
fi

# Each service with time series tables, under its own settings.
for settings in $(grep -l timeseries_models services/*/settings.py); do
    service=$(basename "$(dirname "$settings")")
    echo "timescale: $service"
    DJANGO_SETTINGS_MODULE=$service.settings "$python" -m pytest -rs tests/timescale/test_migrations.py "tests/timescale/$service" "$@"
done
