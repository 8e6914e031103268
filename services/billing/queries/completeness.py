"""What ml said and what billing charged, hour by hour, in the state of the ledger that the transaction sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from billing.models import AwaitedUsage, Usage, UsageCount
from billing.queries import many
from billing.rules.completeness import Hour, Sum

# So long an event may take from ml's count of it to its charge before it counts as missing.
GRACE = timedelta(minutes=10)
# What two machines' clocks may differ by.
CLOCKS = timedelta(minutes=1)
_CHARGED = """
    SELECT date_trunc('hour', u.occurred_at, 'UTC'), count(*), sum(o.count_of_lines)::bigint,
           lpad(to_hex(bit_xor(('x' || left(encode(sha256(convert_to(concat_ws('|', u.event_id, o.operation_user_id,
               o.count_of_lines), 'UTF8')), 'hex'), 16))::bit(64))::bigint), 16, '0'),
           count(*) FILTER (WHERE j.recorded_at < %(surely)s)
    FROM usage u JOIN journal j ON j.id = u.journal_id JOIN operation o ON o.id = j.operation_id
    WHERE u.type = ANY(%(types)s) AND u.occurred_at >= %(since)s
    GROUP BY 1
"""


def hours_of_usage(types: Sequence[str], *, now: datetime, grace: timedelta = GRACE) -> list[Hour]:
    """Each hour since ml began to count, with what was said and charged in it; empty before ml said anything."""
    first = UsageCount.objects.order_by("hour").first()
    if first is None:
        return []
    told = UsageCount.objects.all()
    hours = {one.hour: Hour(one.hour, said=Sum(one.events, one.lines, one.digest)) for one in told}
    surely = _counted_until(now - grace) - CLOCKS
    for hour, *sums, surely_said in many.rows(_CHARGED, surely=surely, types=list(types), since=first.first_at):
        known = hours.get(hour, Hour(hour))
        hours[hour] = replace(known, charged=Sum(*sums), surely_said=surely_said)
    for hour, waiting in _awaited().items():
        missing = [one.pk for one in waiting if one.since <= now - grace]
        known = hours.get(hour, Hour(hour))
        hours[hour] = replace(known, missing=missing, on_the_way=len(waiting) - len(missing))
    return sorted(hours.values(), key=lambda hour: hour.hour)


def _counted_until(received: datetime) -> datetime:
    """Until when everything that ml committed is in the counts that were here by then."""
    known = UsageCount.objects.filter(received_at__lte=received, complete_at__isnull=False).order_by("-complete_at")
    newest = known.values_list("complete_at", flat=True).first()
    return newest or datetime.min.replace(year=2, tzinfo=received.tzinfo)


def _awaited() -> dict[datetime, list[AwaitedUsage]]:
    found: dict[datetime, list[AwaitedUsage]] = defaultdict(list)
    for one in AwaitedUsage.objects.exclude(pk__in=Usage.objects.values("pk")):
        found[one.hour].append(one)
    return found
