"""The worker process of trading: relay, consumer, aggregates of candles, and keys put under the active master key."""

from service_base.worker import Every, prepare, run


def main() -> None:
    """Run until stopped."""
    prepare("trading")
    from trading import commands

    run("trading", Every(3600, commands.rotate_keys), Every(60, commands.refresh_candles))


if __name__ == "__main__":
    main()
