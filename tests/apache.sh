#!/usr/bin/env bash
# Everything that speaks to a broker, once more on Apache Kafka. Without Java 17 and Maven it skips itself by name.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

missing() { ! "$python" -c 'import sys; from titan.embedded import kafka_jars; sys.exit(kafka_jars.missing() or 0)' 2> /dev/null; }
if missing && [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null && [ -n "${CI:-}" ]; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless maven; } > /dev/null ||
        echo "apache: Java and Maven could not be installed" >&2
fi
if ! "$python" -c 'from titan.console import say; from titan.embedded import kafka_jars; kafka_jars.fetched(say)' 2>&1 | tail -n 1; then
    echo "apache: the line above says what is missing: Apache Kafka is NOT TESTED, only the embedded broker is" >&2
    exit 0
fi

export TITAN_TEST_BROKER=apache
# Of the ledger's faults those that a broker takes part in: workers killed at each step while usage comes twice and out
# of order, and frozen ones that wake. The others are billing's and PostgreSQL's, and played once, on the embedded one.
export PYTEST_ADDOPTS="-k 'not test_ledger_ or before_and_after or wakes'"
export TITAN_CHAOS_USAGES=1500
parts=("$@")
if [ ${#parts[@]} -eq 0 ]; then
    parts=(libs/event_bus tests/integration/test_main_job.py)
    if [ -d tests/chaos ]; then parts+=(tests/chaos); fi
fi
"$python" -m titan.testing -- tests/run.sh "${parts[@]}"
"$python" -m pytest deploy/local/tests -k apache
