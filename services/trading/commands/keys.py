"""Exchange keys: added sealed, tested, deleted, put under a new master key."""

from __future__ import annotations

from uuid import UUID

import httpx
from django.db import IntegrityError, transaction

from service_base.addresses import url_of
from service_base.errors import BadInput, Conflict, Unavailable
from shared_models.clock import utc_now
from trading import vault
from trading.models import Exchange, UserAPIKey
from trading.queries import key_for

TEST_SECONDS = 5.0


class KeyNameTaken(Conflict):
    """The person has a key of that name at that exchange."""

    slug = "key-name-taken"
    title = "A key of that name exists"


class NotTestable(Conflict):
    """Keys of this exchange cannot be tried out yet."""

    slug = "key-not-testable"
    title = "This key cannot be tested"


@transaction.atomic
def add_key(*, user_id: UUID, exchange: str, name: str, credentials: dict[str, str]) -> UserAPIKey:
    """Store a key sealed under a data key of its own. Raises BadInput, KeyNameTaken."""
    place = Exchange.objects.filter(name__iexact=exchange).first()
    if place is None or place.kind == "stock":
        raise BadInput(f"There are no keys for {exchange}.", field="exchange")
    given = {part: text.strip() for part, text in credentials.items() if text.strip()}
    if "api_key" not in given:
        raise BadInput("Give the API key itself.", field="api_key")
    if place.kind == "crypto" and "secret" not in given:
        raise BadInput(f"{place} keys have a secret; give it too.", field="secret")
    if not 1 <= len(name.strip()) <= 100:
        raise BadInput("Give a name of 1 to 100 characters.", field="name")
    row = UserAPIKey(user_id=user_id, exchange=place, name=name.strip())
    row.api_key_public_part = vault.public_part(given["api_key"])
    vault.put(row, given)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "key_name_once" not in str(error):
            raise
        raise KeyNameTaken(f"You have a key {name} at {place} already.", field="name") from None
    return row


def test_key(*, user_id: UUID, key_id: UUID) -> UserAPIKey:
    """Try a key out and keep what came of it. Raises NotFound, NotTestable, Unavailable."""
    row = key_for(user_id, key_id)
    if row.exchange.kind != "titan":
        raise NotTestable(f"Keys of {row.exchange} are stored only: this version does not connect to it.")
    result = _try_titan(vault.take(row)["api_key"])
    with transaction.atomic():
        row = UserAPIKey.objects.select_for_update().select_related("exchange").get(pk=row.pk)
        row.last_tested_at, row.test_result = utc_now(), result
        row.save(update_fields=["last_tested_at", "test_result", "updated_at"])
    return row


@transaction.atomic
def delete_key(*, user_id: UUID, key_id: UUID) -> None:
    """Forget a key. Bots that used it keep their history and have no key from now on."""
    key_for(user_id, key_id)
    UserAPIKey.objects.filter(pk=key_id, user_id=user_id).delete()


def rotate_keys() -> int:
    """Put every key under the active master key, one transaction a key; gives how many were moved."""
    active = vault.keys().active
    moved = 0
    for key_id in UserAPIKey.objects.exclude(master_key_id=active).values_list("pk", flat=True):
        with transaction.atomic():
            row = UserAPIKey.objects.select_for_update().filter(pk=key_id).first()
            if row is not None and row.master_key_id != active:
                vault.rotate(row)
                row.save(update_fields=["wrapped_key", "master_key_id", "updated_at"])
                moved += 1
    return moved


def _try_titan(api_key: str) -> str:
    headers = {"Authorization": f"Bearer {api_key}"}
    try:
        answer = httpx.get(
            f"{url_of('ml')}/api/v1/machines",
            params={"limit": 1},
            headers=headers,
            timeout=TEST_SECONDS,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise Unavailable("The ml service does not answer; test the key again in a moment.") from error
    if answer.status_code == 200:
        return "works: machines can be read"
    if answer.status_code == 401:
        return "refused: the key is wrong, expired or revoked"
    if answer.status_code == 403:
        return "limited: the key lacks the scope ml:read; asking a machine needs ml:solve"
    return f"unclear: ml answered {answer.status_code}"
