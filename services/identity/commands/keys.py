"""Keys: API keys of people, and the signing keys of access tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from identity import publishes, rules, tokens
from identity.commands.audit import record
from identity.models import ApiKey, SigningKey, Team, User
from service_base.errors import BadInput, NotFound
from shared_models.clock import utc_now
from shared_models.ids import new_id

ROTATE_AFTER = timedelta(days=30)
# Services must know a key before the first token signed with it arrives.
PUBLISHED_AHEAD = timedelta(minutes=10)
_ROTATION_LOCK = 7_002_002


@transaction.atomic
def create_api_key(
    *, user: User, name: str, scopes: list[str], team: Team | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown this once. Raises BadInput for an unknown scope or a past expiry."""
    unknown = sorted(set(scopes) - set(rules.SCOPES))
    if unknown or not scopes:
        raise BadInput(f"Choose scopes out of {', '.join(rules.SCOPES)}.", field="scopes")
    if expires_at is not None and expires_at <= utc_now():
        raise BadInput("The expiry lies in the past.", field="expires_at")
    secret, key_id = rules.new_secret(), new_id()
    text = rules.api_key_text(key_id, secret)
    key = ApiKey.objects.create(
        id=key_id,
        user=user,
        team=team,
        name=rules.clean_name(name, field="name", longest=100),
        secret_hash=rules.digest(secret),
        tail=text[-4:],
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    record(action="api_key.created", actor_id=user.pk, target=key.pk, scopes=key.scopes)
    return key, text


@transaction.atomic
def revoke_api_key(*, user: User, key_id: UUID) -> ApiKey:
    """The key opens nothing from this commit on here, and within a second elsewhere. Raises NotFound."""
    key = ApiKey.objects.select_for_update().filter(user=user, pk=key_id).first()
    if key is None:
        raise NotFound("You have no such API key.")
    if key.revoked_at is None:
        key.revoked_at = utc_now()
        key.save(update_fields=["revoked_at"])
        publishes.api_key_revoked(key, key.revoked_at)
        record(action="api_key.revoked", actor_id=user.pk, target=key.pk)
    return key


def is_worth_noting(last_used_at: datetime | None) -> bool:
    """Whether a use now is news: to the minute, so that a busy key does not become a hot row."""
    return last_used_at is None or utc_now() - last_used_at > timedelta(minutes=1)


def note_key_use(*, key_id: UUID) -> None:
    """Remember that the key was used now."""
    ApiKey.objects.filter(pk=key_id).update(last_used_at=utc_now())


def keep_signing_keys() -> None:
    """See to it that there is a key to sign with, and that the next one is known everywhere before it is used."""
    newest = SigningKey.objects.filter(retired_at=None).order_by("-signs_from").first()
    if newest is None:
        rotate_signing_key(signs_from=utc_now())
    elif utc_now() - newest.signs_from > ROTATE_AFTER:
        rotate_signing_key(signs_from=utc_now() + PUBLISHED_AHEAD)
    _retire_old()


@transaction.atomic
def rotate_signing_key(*, signs_from: datetime) -> SigningKey:
    """A new signing key and its event; two callers at once make one key, not two."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROTATION_LOCK])
    waiting = SigningKey.objects.filter(retired_at=None, signs_from__gte=signs_from - PUBLISHED_AHEAD).first()
    if waiting is not None:
        return waiting
    kid, public, sealed = tokens.new_key_pair()
    key = SigningKey.objects.create(kid=kid, public_jwk=public, private_sealed=sealed, signs_from=signs_from)
    publishes.signing_key_published(key)
    record(action="signing_key.made", actor_id=None, target=kid)
    return key


@transaction.atomic
def _retire_old() -> None:
    # A key is kept until every token it signed has expired.
    usable = SigningKey.objects.filter(retired_at=None, signs_from__lte=utc_now() - tokens.LIFETIME * 2)
    for key in usable.order_by("-signs_from")[1:]:
        key.retired_at = utc_now()
        key.save(update_fields=["retired_at"])
        publishes.signing_key_published(key)
        record(action="signing_key.retired", actor_id=None, target=key.kid)
