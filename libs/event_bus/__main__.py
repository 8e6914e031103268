"""One service's bus for operators: `python -m event_bus --settings=<service>.settings map|replay [EVENT_ID]`."""

from __future__ import annotations

import argparse
import json
import os
import sys


def main() -> int:
    """Print JSON; `replay` ends with 1 while anything stays parked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True)
    parser.add_argument("what", choices=["map", "replay"])
    parser.add_argument("event_id", nargs="?")
    arguments = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = arguments.settings
    import django

    django.setup()
    answer, code = _map() if arguments.what == "map" else _replay(arguments.event_id)
    sys.stdout.write(json.dumps(answer) + "\n")
    return code


def _map() -> tuple[dict[str, object], int]:
    from django.conf import settings

    from event_bus import registry

    said, heard = registry.published_types(), registry.handled_types()
    return {"context": settings.TITAN_CONTEXT, "publishes": said, "listens_to": heard}, 0


def _replay(event_id: str | None) -> tuple[dict[str, object], int]:
    from django.conf import settings

    from event_bus.replay import replay

    handled, parked = replay(settings.TITAN_CONSUMER_GROUP, event_id=event_id)
    return {"handled": handled, "parked": parked}, 1 if parked else 0


if __name__ == "__main__":
    sys.exit(main())
