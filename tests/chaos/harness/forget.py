"""What a worker does each hour, once and at once: `python -m harness.forget` lets the inbox forget what is too old."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Forget, and print how many entries."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness.probe.settings"
    import django

    django.setup()
    from event_bus import inbox

    sys.stdout.write(f"{inbox.forget_old()}\n")


if __name__ == "__main__":
    main()
