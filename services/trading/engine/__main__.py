"""The engine process: `python -m trading.engine`."""

from __future__ import annotations

import asyncio

from service_base.worker import prepare


def main() -> None:
    """Run until stopped; any number of these may run beside each other."""
    prepare("trading")
    from trading.engine.pool import Pool

    asyncio.run(Pool().run())


if __name__ == "__main__":
    main()
