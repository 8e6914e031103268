"""Identity's decisions: roles, names, invitations, keys. No Django, no I/O."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zlib import crc32

from service_base.errors import BadInput, Conflict, NotAllowed

ROLES = ("owner", "admin", "member", "viewer")
SCOPES = (
    "ml:solve",
    "ml:train",
    "ml:read",
    "billing:read",
    "billing:write",
    "trading:read",
    "trading:write",
    "scheduler:read",
    "scheduler:write",
)
_RANK = {role: rank for rank, role in enumerate(reversed(ROLES))}


class LastOwner(Conflict):
    """A team must keep an owner."""

    slug = "last-owner"
    title = "A team needs an owner"


class InvitationSpent(Conflict):
    """The invitation is used up, expired, revoked or meant for somebody else."""

    slug = "invitation-spent"
    title = "This invitation cannot be used"


def folded_email(email: str) -> str:
    """The one form an e-mail address is compared and stored in. Raises BadInput."""
    address = unicodedata.normalize("NFKC", email).strip().lower()
    if not address.isascii() or address.count("@") != 1 or not all(part for part in address.split("@")):
        raise BadInput("Give an e-mail address such as name@example.org.", field="email")
    return address


def clean_name(name: str, *, field: str, longest: int = 140) -> str:
    """A person's or team's name without control or invisible characters. Raises BadInput."""
    text = unicodedata.normalize("NFC", name).strip()
    if any(unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"} for char in text):
        raise BadInput("Leave out control and invisible characters.", field=field)
    if not 1 <= len(text) <= longest:
        raise BadInput(f"Give 1 to {longest} characters.", field=field)
    return text


def may_change_role(*, actor: str | None, target: str | None, new: str | None) -> None:
    """Raise NotAllowed unless a member with role `actor` may turn `target` into `new` (None: not a member)."""
    if actor not in ("owner", "admin"):
        raise NotAllowed("Only owners and admins of the team may do this.")
    highest = max(_RANK.get(target or "", -1), _RANK.get(new or "", -1))
    if actor == "admin" and highest >= _RANK["admin"]:
        raise NotAllowed("Only an owner may make, change or remove owners and admins.")


def owners_left(roles: list[str]) -> None:
    """Raise LastOwner when nobody of `roles` would own the team."""
    if "owner" not in roles:
        raise LastOwner("Make somebody else an owner first, or delete the team.")


def new_secret() -> str:
    """256 random bits as text."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256. Enough, because the secret is 256 random bits, not a password."""
    return hashlib.sha256(secret.encode()).hexdigest()


def api_key_text(key_id: UUID, secret: str) -> str:
    """`tk_<id>_<secret><checksum>`: recognisable by secret scanners, mistyped ones refused without a look-up."""
    return f"tk_{key_id.hex}_{secret}{crc32(secret.encode()):08x}"


def parse_api_key(text: str) -> tuple[UUID, str] | None:
    """The id and secret of an API key; None when it cannot be one."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != "tk" or len(parts[2]) < 40:
        return None
    secret, checksum = parts[2][:-8], parts[2][-8:]
    try:
        key_id = UUID(hex=parts[1])
    except ValueError:
        return None
    return (key_id, secret) if f"{crc32(secret.encode()):08x}" == checksum else None


@dataclass(frozen=True, slots=True)
class Invited:
    """What decides whether an invitation still opens a team."""

    uses_left: int
    expires_at: datetime
    revoked: bool
    email: str


def must_be_usable(invitation: Invited, *, email: str, now: datetime) -> None:
    """Raise InvitationSpent, saying why, unless the person with `email` may use the invitation `now`."""
    if invitation.revoked:
        raise InvitationSpent("It was revoked; ask for a new one.")
    if invitation.uses_left < 1:
        raise InvitationSpent("It was used already; ask for a new one.")
    if invitation.expires_at <= now:
        raise InvitationSpent("It has expired; ask for a new one.")
    if invitation.email and invitation.email != email:
        raise InvitationSpent("It was made for another e-mail address.")


def link_hash(previous: str, entry: str) -> str:
    """The hash of an audit entry: over its own text and the hash before it, so that no row can change unseen."""
    return hashlib.sha256(f"{previous}\n{entry}".encode()).hexdigest()
