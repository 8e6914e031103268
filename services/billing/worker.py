"""The worker process of billing: relay, consumer, and what ends by itself when its time is up."""

from service_base.worker import Every, prepare, run

# A person sees her money free again this long after its hold ended, at most.
SWEEP_SECONDS = 5
MINUTE_SECONDS = 60
HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400


def main() -> None:
    """Run until stopped. The first price list exists before the first event is handled."""
    prepare("billing")
    from billing import commands

    run(
        "billing",
        Every(SWEEP_SECONDS, commands.expire_holds),
        Every(SWEEP_SECONDS, commands.expire_coupons),
        Every(SWEEP_SECONDS, commands.send_payouts),
        Every(SWEEP_SECONDS, commands.seal_journals),
        Every(MINUTE_SECONDS, commands.forget_arrived),
        Every(HOUR_SECONDS, commands.verify_daily),
        Every(DAY_SECONDS, commands.keep_partitions),
        first=commands.publish_first_prices,
    )


if __name__ == "__main__":
    main()
