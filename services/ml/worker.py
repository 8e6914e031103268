"""The worker process of ml: relay, consumer, lost leases, appended lines, and the store's cleaning."""

from service_base.worker import Every, prepare, run


def main() -> None:
    """Run until stopped."""
    prepare("ml")
    from ml import commands

    run(
        "ml",
        Every(3, commands.give_up_expired_leases),
        Every(3, commands.look_at_appended_lines),
        Every(600, commands.clean_store),
    )


if __name__ == "__main__":
    main()
