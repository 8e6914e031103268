"""The worker process of billing: relay, consumer, and what ends by itself when its time is up."""

from service_base.worker import Every, prepare, run

# A person sees her money free again this long after its hold ended, at most.
SWEEP_SECONDS = 5
# What a statement reads entry by entry is at most what a long account moves in this time.
SUM_SECONDS = 10
MINUTE_SECONDS = 60
HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
# An operator who asks for bills sees them come; nobody waits for those of a month by the minute.
BILLS_SECONDS = 10


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
        Every(SUM_SECONDS, commands.sum_up_statements),
        Every(MINUTE_SECONDS, commands.forget_arrived),
        Every(HOUR_SECONDS, commands.verify_daily),
        Every(BILLS_SECONDS, commands.issue_due_bills),
        Every(DAY_SECONDS, commands.keep_partitions),
        first=commands.publish_first_prices,
    )


if __name__ == "__main__":
    main()
