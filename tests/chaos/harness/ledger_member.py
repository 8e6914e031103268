"""Billing's real worker as a process of a test: `python -m harness.ledger_member worker …`; ends at SIGTERM.

Its failpoints, the guards it lacks and its shorter patience are put on from outside the product.
"""

from __future__ import annotations

import argparse
import logging
import os

from harness import standing


def main() -> None:
    """Put on what the test wants, then be the worker."""
    standing.answer_when_asked()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loops", nargs="+", choices=["worker"])
    parser.add_argument("--at", action="append", default=[], metavar="STEP:MOMENT:N:ACTION")
    parser.add_argument("--without", action="append", default=[], metavar="GUARD")
    parser.add_argument("--tune", action="append", default=[], metavar="MODULE.CONSTANT=VALUE")
    parser.add_argument("--session-seconds", type=float, default=6)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    os.environ["DJANGO_SETTINGS_MODULE"] = "billing.settings"
    from service_base import sessions

    # Scaled down like the group's session, or a frozen worker would hold its locks for half a minute.
    sessions._SERVER_SIDE["idle_in_transaction_session_timeout"] = "5s"
    import django

    django.setup()
    from billing import worker
    from event_bus.kafka import KafkaBroker
    from harness import failpoints, guards, ledger_guards

    KafkaBroker.__init__.__kwdefaults__["session_seconds"] = arguments.session_seconds  # type: ignore[index]
    guards.remove([name for name in arguments.without if name in guards.GUARDS])
    ledger_guards.remove([name for name in arguments.without if name not in guards.GUARDS])
    guards.tune(arguments.tune)
    failpoints.arm(arguments.at)
    worker.main()


if __name__ == "__main__":
    main()
