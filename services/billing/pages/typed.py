"""What people type into the forms that move money."""

from __future__ import annotations

from service_base.formats import Formats
from service_base.pages import PageRequest
from shared_models.ids import new_id


def amount_of(request: PageRequest) -> str:
    """The amount as it was typed, with the person's own decimal sign."""
    typed = request.POST.get("amount_usd", "").strip()
    sign = Formats.of(request.caller.user).decimal_separator_sign
    return typed if "." in typed else typed.replace(sign, ".")


def key_of(request: PageRequest) -> str:
    """One key a rendered form: sent twice, it moves money once."""
    return request.POST.get("key") or str(new_id())
