"""`python -m service_base.principals [--drop-unknown]`: rebuilds this service's people, teams and keys."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys


def main() -> int:
    """Rebuild and print the counts as JSON; a refusal is one sentence on standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drop-unknown", action="store_true")
    arguments = parser.parse_args()
    import django

    django.setup()
    from event_bus.broker import BrokerUnavailable
    from event_bus.history import History
    from service_base.env import env
    from service_base.principals.rebuild import TOPIC, NotCovered, Past, rebuild

    history = History(env().kafka_bootstrap, TOPIC)

    async def hear(past: Past) -> None:
        async for records in history.further():
            past.hear(records)

    try:
        counts = rebuild(lambda past: asyncio.run(hear(past)), drop_unknown=arguments.drop_unknown)
    except (NotCovered, BrokerUnavailable) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
