"""People: registering, changing, and keeping the balances that billing reports."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from pydantic_core import to_json

from identity import publishes
from identity.commands.audit import record
from identity.models import User
from identity.rules import clean_name, folded_email
from service_base.errors import BadInput, Conflict, NotFound
from shared_models.clock import rfc3339
from shared_models.events import billing
from shared_models.events.contract import newest

# `.localhost` can never be somebody else's mailbox.
FIRST_OPERATOR = "operator@titan.localhost"
FORMATS = ("time_format", "date_format", "date_separator", "datetime_separator", "decimal_separator")

# In the order of ids: two batches that met on two people in different orders would wait for each other.
_KEEP_BALANCES = """
    UPDATE "user" SET ledger_version = told.version, user_balance = told.user_balance,
        user_ixioo_balance = told.user_ixioo_balance, coupon_balance = told.coupon_balance,
        last_billing_time = told.last_billing_time
    FROM (SELECT * FROM json_to_recordset(%s::json) AS change(owner_id uuid, version bigint, user_balance numeric,
          user_ixioo_balance numeric, coupon_balance numeric, last_billing_time timestamptz) ORDER BY owner_id) AS told
    WHERE "user".id = told.owner_id AND "user".ledger_version < told.version
"""


class EmailTaken(Conflict):
    """Somebody registered with this e-mail address already."""

    slug = "email-taken"
    title = "This e-mail address is registered"


@transaction.atomic
def register(*, email: str, password: str, first_name: str, last_name: str, ip: str | None = None) -> User:
    """Make a person: either she, her event and the audit entry exist, or none of them.

    Raises BadInput (address, name, weak password) and EmailTaken; case and Unicode form do not make another address.
    """
    address = folded_email(email)
    names = {
        "first_name": clean_name(first_name, field="first_name"),
        "last_name": clean_name(last_name, field="last_name"),
    }
    try:
        validate_password(password, User(email=address, **names))
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), field="password") from None
    if User.objects.filter(email=address).exists():
        raise EmailTaken("Sign in instead, or register with another address.", field="email")
    user = User.objects.create_user(address, password, **names)
    publishes.user_changed(user)
    record(action="user.registered", actor_id=user.pk, target=user.pk, ip=ip)
    return user


@transaction.atomic
def make_operator(*, email: str, password: str) -> User:
    """The installation's super admin with that password; called again it sets the password of the one that exists."""
    address = folded_email(email)
    user = User.objects.filter(email=address).first()
    if user is None:
        user = User.objects.create_superuser(address, password, "Operator", "of this installation")
    else:
        user.set_password(password)
        user.version += 1
        user.save(update_fields=["password", "version"])
    publishes.user_changed(user)
    record(action="user.made_operator", actor_id=None, target=user.pk)
    return user


def first_operator(*, password: str) -> User | None:
    """The operator of a new installation, who looks after it; None when there is one or no password is set."""
    if not password or User.get_super_admin() is not None:
        return None
    return make_operator(email=FIRST_OPERATOR, password=password)


@transaction.atomic
def set_active(*, email: str, is_active: bool) -> User:
    """Suspend an account, or lift that: from this commit on here, within a second elsewhere. Raises NotFound."""
    user = User.objects.select_for_update().filter(email=folded_email(email)).first()
    if user is None:
        raise NotFound(f"Nobody here has the address {email}.")
    user.is_active = is_active
    user.version += 1
    user.save(update_fields=["is_active", "version"])
    publishes.user_changed(user)
    record(action="user.restored" if is_active else "user.suspended", actor_id=None, target=user.pk)
    return user


@transaction.atomic
def change_formats(*, user: User, **formats: str) -> User:
    """Set how the person wants to see dates and numbers. Raises BadInput for a format there is not."""
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise BadInput(f"There is no format called {sorted(unknown)[0]}.", field=sorted(unknown)[0])
    return _change(user, formats)


@transaction.atomic
def change_profile(*, user: User, first_name: str, last_name: str, user_profile: str) -> User:
    """Set the person's names and profile text."""
    names = {
        "first_name": clean_name(first_name, field="first_name"),
        "last_name": clean_name(last_name, field="last_name"),
    }
    return _change(user, names | {"user_profile": user_profile})


def _change(user: User, values: dict[str, Any]) -> User:
    locked = User.objects.select_for_update().get(pk=user.pk)
    for name, value in values.items():
        setattr(locked, name, value)
    locked.version += 1
    try:
        locked.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise BadInput(" ".join(said), field=field) from None
    locked.save(update_fields=[*values, "version"])
    publishes.user_changed(locked)
    return locked


@transaction.atomic
def keep_balances(*balances: billing.Balance) -> None:
    """Copy the ledger's balances to each person: of `balances` the newest of hers, unless a later one is there."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_BALANCES, [to_json(newest(balances)).decode()])


@transaction.atomic
def keep_coupon(event: billing.CouponActivated) -> None:
    """Note the coupon and when it was activated."""
    user = User.objects.select_for_update().filter(pk=event.owner_id).first()
    if user is not None:
        user.coupons_activated = user.coupons_activated | {event.code: rfc3339(event.activated_at)}
        user.save(update_fields=["coupons_activated"])
