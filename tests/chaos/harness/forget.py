"""What a worker does each hour, at once: `python -m harness.forget`; with `--days` it says what is old enough."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Forget, and print how many entries."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness.probe.settings"
    import django

    django.setup()
    from event_bus import inbox

    sys.stdout.write(f"{inbox.KEEP.days if sys.argv[1:] == ['--days'] else inbox.forget_old()}\n")


if __name__ == "__main__":
    main()
