"""Events to measure with: changes of 4 000 people, each about 300 bytes, as identity would commit them."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from event_bus.broker import Message
from event_bus.envelope import to_headers
from shared_models.events import identity
from shared_models.ids import new_id

KEYS = 4_000
SOURCE = "/titan/bus_app"
TIME = "2026-01-01T00:00:00.000000Z"
# In one statement, so that the rows cost the measuring process nothing; the version is the only part that differs.
_FILL = """
    WITH person AS (SELECT number, key, body FROM unnest(%s::int[], %s::text[], %s::text[]) AS one(number, key, body))
    INSERT INTO outbox (event_id, topic, key, type, headers, payload, occurred_at)
    SELECT uuidv7(), %s, key, %s, jsonb_build_object('source', %s::text),
           replace(body, '"version":0', '"version":' || n), now()
    FROM generate_series(1, %s) AS n JOIN person ON person.number = n %% %s ORDER BY n
"""


def person(user_id: UUID, version: int) -> identity.UserChanged:
    """A person's public state."""
    return identity.UserChanged(
        user_id=user_id,
        version=version,
        email=f"{user_id.hex[:12]}@example.org",
        first_name="Augusta",
        last_name="Lovelace",
        is_active=True,
        is_staff=False,
        is_superuser=False,
    )


def fill_outbox(events: int, topic: str) -> None:
    """Commit `events` events at once, then let the server come to rest: their making is not what is measured."""
    people = [new_id() for _ in range(KEYS)]
    bodies = [person(id_, 0).model_dump_json() for id_ in people]
    keys = [str(id_) for id_ in people]
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [list(range(KEYS)), keys, bodies, topic, identity.UserChanged.TYPE, SOURCE, events, KEYS])
        cursor.execute("ANALYZE outbox")
        cursor.execute("CHECKPOINT")


def messages(events: int, topic: str) -> list[Message]:
    """The same bytes as they go to a broker, for the anchor that sends them without an outbox."""
    people = [new_id() for _ in range(KEYS)]
    return [_message(people[number % KEYS], number, topic) for number in range(events)]


def _message(user_id: UUID, version: int, topic: str) -> Message:
    event = person(user_id, version)
    headers = to_headers(
        event_id=str(new_id()), type_=event.TYPE, key=event.key, source=SOURCE, time=TIME, traceparent=None
    )
    return Message(topic, event.key.encode(), event.model_dump_json().encode(), headers)
