"""The worker's part in purchases: makes ready what was bought, in a child process, and hands it over."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from ml.commands import Parcel
    from ml.jobs.protocol import Child, Message
    from ml.models import Purchase

log = structlog.get_logger("titan.ml")
HEARTBEAT_SECONDS = 0.5


def deliver_purchases() -> int:
    """Deliver what waits for it, one after the other; how many were taken up."""
    from ml import commands

    count = 0
    while (purchase := commands.lease_purchase()) is not None:
        _Delivery(purchase).see_through()
        count += 1
    return count


class _Delivery:
    """One attempt at one purchase: what is made ready is kept only if it is handed over."""

    def __init__(self, purchase: Purchase) -> None:
        self.purchase = purchase
        self.lease: dict[str, Any] = {"purchase_id": purchase.pk, "token": purchase.lease_token}
        # A file of its own for each attempt: a slower worker never writes where a faster one does.
        name = f"bought/{purchase.machine_id}/{purchase.pk}-{purchase.lease_token}.csv"
        self.result = name if purchase.is_of_lines else ""

    def see_through(self) -> None:
        """Hand over, fail with a reason, or leave it for later; nothing half made stays."""
        from ml import commands
        from ml.rules.work import LeaseLost
        from ml.store import remove

        is_delivered = False
        try:
            is_delivered = self._deliver()
        except commands.Changing:
            commands.postpone_delivery(**self.lease)
        except commands.NotDeliverable as error:
            commands.fail_delivery(**self.lease, reason=error.detail)
        except LeaseLost:
            log.info("purchase.lost", purchase=str(self.purchase.pk))
        finally:
            if self.result and not is_delivered:
                remove(self.result)

    def _deliver(self) -> bool:
        from ml import commands
        from ml.jobs.protocol import Child

        parcel = commands.parcel_of(self.purchase)
        child = Child("ml.jobs.handing_over", self._job(parcel))
        try:
            done = self._follow(child)
        finally:
            child.kill()
        if done is None:
            return False
        self._hand_over(parcel, done)
        log.info("purchase.delivered", purchase=str(self.purchase.pk), kind=self.purchase.kind)
        return True

    def _job(self, parcel: Parcel) -> Message:
        from ml import commands
        from ml.store import place

        stretches = commands.stretches_of(parcel.lines)
        counts = self.purchase.kind == "machine_copy_update"
        if counts:
            stretches = [replace(one, sequence=parcel.first_sequence + i) for i, one in enumerate(stretches)]
        copy = self.purchase.copy
        return {
            "stretches": [stretch.to_json() for stretch in stretches],
            "digests": [line.sha256 for line in parcel.lines],
            "sizes": [line.size_bytes for line in parcel.lines],
            "lines": sum(line.line_count for line in parcel.lines),
            "counts": counts,
            "seed": copy.machine_split_seed if copy else 0,
            "result": str(place(self.result)) if self.result else "",
        }

    def _follow(self, child: Child) -> Message | None:
        """Keep the lease while the child works; its result, or None when there will be none."""
        from ml import commands
        from ml.jobs.protocol import refusal_in

        beat = 0.0
        last: Message = {"stage": "checking", "percent": 0.0}
        while not child.has_ended:
            heard = child.messages(timeout=HEARTBEAT_SECONDS)
            for message in heard:
                if "done" in message:
                    return message["done"]  # type: ignore[no-any-return]
                if refusal := refusal_in(message):
                    commands.fail_delivery(**self.lease, reason=refusal)
                    return None
            progress = [message["progress"] for message in heard if "progress" in message]
            if progress or monotonic() - beat >= HEARTBEAT_SECONDS:
                last = progress[-1] if progress else last
                commands.report_delivery(**self.lease, stage=last["stage"], percent=last["percent"])
                beat = monotonic()
        log.warning("purchase.broke", purchase=str(self.purchase.pk), error=child.why_it_died())
        commands.retry_delivery(**self.lease)
        return None

    def _hand_over(self, parcel: Parcel, done: Message) -> None:
        from ml import commands

        if self.purchase.is_of_lines:
            commands.deliver_lines(**self.lease, parcel=parcel, path=self.result, **done)
        elif self.purchase.kind == "machine_copy":
            commands.deliver_copy(**self.lease, parcel=parcel)
        else:
            commands.deliver_news(**self.lease, parcel=parcel, evaluation_lines=done["evaluation_lines"])
