"""The worker process of ml: relay, consumer, lost leases, uploads, appended lines, purchases, usage, cleaning."""

from asyncio import Event
from collections.abc import Callable
from functools import partial

from service_base.worker import Every, Loop, prepare, run

# So long after it was said, usage is counted and told for comparison.
COUNT_SECONDS = 15


def _until_stopped(work: Callable[[Callable[[], bool]], object]) -> Loop:
    """A loop whose work takes minutes, and so asks whether it is to stop."""

    async def loop(stop: Event) -> None:
        await Every(0.5, partial(work, stop.is_set))(stop)

    return loop


def main() -> None:
    """Run until stopped."""
    prepare("ml")
    from ml import commands
    from ml.deliveries import deliver_purchases
    from ml.readings import read_smaller_uploads, read_uploads

    run(
        "ml",
        Every(3, commands.give_up_expired_leases),
        Every(3, commands.look_at_appended_lines),
        Every(0.5, deliver_purchases),
        _until_stopped(read_uploads),
        _until_stopped(read_smaller_uploads),
        Every(COUNT_SECONDS, commands.count_usage),
        Every(3600, commands.forget_counted_usage),
        Every(3600, commands.forget_old_drift),
        Every(600, commands.clean_store),
    )


if __name__ == "__main__":
    main()
