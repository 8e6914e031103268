"""What people type into the forms that move money."""

from __future__ import annotations

from uuid import UUID

from service_base.errors import BadInput
from service_base.formats import Formats
from service_base.pages import PageRequest
from shared_models.ids import new_id


def amount_of(request: PageRequest, field: str = "amount_usd") -> str:
    """The amount as it was typed, with the person's own decimal sign."""
    return Formats.of(request.caller.user).typed(request.POST.get(field, ""))


def key_of(request: PageRequest) -> str:
    """One key a rendered form: sent twice, it moves money once."""
    return request.POST.get("key") or str(new_id())


def id_of(request: PageRequest, field: str) -> UUID:
    """An id as it was pasted. Raises BadInput."""
    try:
        return UUID(request.POST.get(field, "").strip())
    except ValueError:
        raise BadInput("Give the id as it is shown, such as 0190a1b2-….", field=field) from None


def whole_of(request: PageRequest, field: str) -> int:
    """A whole number as it was typed. Raises BadInput."""
    text = request.POST.get(field, "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("Give a whole number.", field=field)
    return int(text)
