"""The kinds of body that rows come in and answers go out as, by the words HTTP has for them."""

from __future__ import annotations

from enum import StrEnum

from service_base.errors import Refusal


class Kind(StrEnum):
    """How rows or answers are written."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


class NotAcceptable(Refusal):
    """The caller takes no kind of answer that there is."""

    status = 406
    slug = "not-acceptable"
    title = "No such kind of answer"


MEDIA_TYPES = {
    Kind.JSON: "application/json",
    Kind.CSV: "text/csv",
    Kind.ARROW: "application/vnd.apache.arrow.stream",
}
_BY_TYPE = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}


def body_kind(content_type: str | None) -> Kind:
    """What a body of this Content-Type is read as; JSON where it says nothing of ours.

    >>> body_kind("text/csv; charset=utf-8").value, body_kind(None).value
    ('csv', 'json')
    """
    return _BY_TYPE.get((content_type or "").partition(";")[0].strip().lower(), Kind.JSON)


def answer_kind(accept: str | None, body: Kind) -> Kind:
    """What to answer in: what Accept likes best; the body's own kind where it says nothing, or likes all alike.

    Raises NotAcceptable.

    >>> answer_kind("application/json;q=0.5, text/csv", Kind.ARROW).value, answer_kind("*/*", Kind.ARROW).value
    ('csv', 'arrow')
    """
    if not accept or not accept.strip():
        return body
    liked = {kind: _liking(accept, media_type) for kind, media_type in MEDIA_TYPES.items()}
    best = max(liked.values())
    if best <= 0:
        raise NotAcceptable(
            f"Answers are {', '.join(MEDIA_TYPES.values())}; name one of them in Accept.", field="Accept"
        )
    return body if liked[body] == best else next(kind for kind in Kind if liked[kind] == best)


def _liking(accept: str, media_type: str) -> float:
    """The quality that `accept` gives the type; what names it most closely counts."""
    found: tuple[int, float] = (-1, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        closeness = _closeness(name, media_type)
        if closeness > found[0]:
            found = closeness, _quality(parameters)
    return found[1]


def _closeness(name: str, media_type: str) -> int:
    """2 for the type itself, 1 for all of its family, 0 for anything, -1 for another."""
    if name == media_type:
        return 2
    if name == f"{media_type.partition('/')[0]}/*":
        return 1
    return 0 if name == "*/*" else -1


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
