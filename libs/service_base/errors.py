"""Refusals: what the domain says no to, in words a person can act on. Pure, so that rules may raise them."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that the domain refuses; the API answers it as a problem document, a page as a message.

    A subclass sets `status` and `slug` (the stable last part of the problem's `type`). `detail` says what is wrong and
    what to do; `field` names the input at fault.
    """

    status: ClassVar[int] = 409
    slug: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused"

    def __init__(self, detail: str, *, field: str | None = None, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.facts = facts

    @property
    def fields(self) -> list[tuple[str, str]]:
        """(input, what is wrong with it) of each input at fault."""
        return [(self.field, self.detail)] if self.field else []


class NotFound(Refusal):
    """There is no such thing, or it belongs to somebody else: the two look the same on purpose."""

    status = 404
    slug = "not-found"
    title = "Not found"


class NotAllowed(Refusal):
    """The caller is known but may not do this."""

    status = 403
    slug = "not-allowed"
    title = "Not allowed"


class BadInput(Refusal):
    """An input that does not fit; `field` says which."""

    status = 422
    slug = "bad-input"
    title = "The input does not fit"


class Unstorable(BadInput):
    """PostgreSQL keeps no NUL in text or JSON, and no schema says so: the database is the one that finds it."""

    def __init__(self) -> None:
        super().__init__("A text holds a character that cannot be kept, such as NUL, or a number is too large.")


class Conflict(Refusal):
    """The request contradicts the present state."""

    slug = "conflict"
    title = "The request contradicts the present state"


class FundsShort(Refusal):
    """There is not enough money for it."""

    status = 402
    slug = "funds-short"
    title = "Not enough funds"


class TooFast(Refusal):
    """Too many requests; `retry_after` in the facts says when to come back."""

    status = 429
    slug = "too-fast"
    title = "Too many requests"


class Unavailable(Refusal):
    """Something this needs is not there right now; trying again later may work."""

    status = 503
    slug = "unavailable"
    title = "Not available right now"
