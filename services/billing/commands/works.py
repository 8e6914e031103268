"""What is known of pieces of work: their holds, refusals and charges, read once for a whole batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from billing.models import DeclinedWork, Hold, HoldPart, HoldResolution, Usage


class Works:
    """The works `ids`, as they are now and as the page changes them; their payers are locked."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        wanted = list(ids)
        holds = Hold.objects.filter(work_id__in=wanted).select_related("quote__price_list").prefetch_related("parts")
        self._holds = {hold.work_id: hold for hold in holds}
        self._parts: dict[UUID, Sequence[HoldPart]] = {hold.pk: list(hold.parts.all()) for hold in holds}
        ended = HoldResolution.objects.filter(hold__work_id__in=wanted).values_list("hold_id", flat=True)
        self._ended: set[UUID] = set(ended)
        self._declined = DeclinedWork.objects.in_bulk(wanted)
        self._charged: set[UUID | None] = set(
            Usage.objects.filter(work_id__in=wanted).values_list("work_id", flat=True)
        )

    def hold(self, work_id: UUID | None) -> Hold | None:
        """The work's hold, open or ended."""
        return self._holds.get(work_id) if work_id else None

    def answer(self, work_id: UUID) -> Hold | DeclinedWork | None:
        """What was answered when the work asked for funds."""
        return self._holds.get(work_id) or self._declined.get(work_id)

    def parts(self, hold: Hold) -> Sequence[HoldPart]:
        """What the hold reserves."""
        return self._parts[hold.pk]

    def is_open(self, hold: Hold) -> bool:
        """Whether the hold still reserves funds."""
        return hold.pk not in self._ended

    def is_charged(self, work_id: UUID) -> bool:
        """Whether the work's usage was told already."""
        return work_id in self._charged

    def held(self, hold: Hold, parts: Sequence[HoldPart]) -> None:
        """The page makes this hold."""
        self._holds[hold.work_id] = hold
        self._parts[hold.pk] = parts

    def declined(self, declined: DeclinedWork) -> None:
        """The page refuses this work."""
        self._declined[declined.pk] = declined

    def ended(self, hold: Hold) -> None:
        """The page ends this hold."""
        self._ended.add(hold.pk)

    def charged(self, work_id: UUID | None) -> None:
        """The page charges this work."""
        self._charged.add(work_id)
