"""What `titan ledger verify` finds: `python -m harness.ledger_verify` prints it as JSON."""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Print the verdict."""
    import django

    django.setup()
    from billing import queries

    sys.stdout.write(f"\n{json.dumps(queries.verify().as_json())}\n")


if __name__ == "__main__":
    main()
