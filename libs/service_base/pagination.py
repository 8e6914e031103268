"""Cursor pages: `{"items": [...], "next_cursor": ...}`, stable while rows are being added."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet

from service_base.errors import BadInput
from service_base.reading import as_model, columns_of, rows

M = TypeVar("M", bound=Model)
DEFAULT = 50
MOST = 500


def page_of(
    rows: QuerySet[M], *, cursor: str | None, limit: int = DEFAULT, field: str = "pk", newest_first: bool = True
) -> tuple[list[M], str | None]:
    """One page of `rows` ordered by the unique column `field`, and the cursor of the next (None on the last).

    Raises BadInput for a cursor that is not one of ours.
    """
    size = max(1, min(limit, MOST))
    ordered = rows.order_by(f"-{field}" if newest_first else field)
    if cursor:
        comparison = "lt" if newest_first else "gt"
        try:
            ordered = ordered.filter(**{f"{field}__{comparison}": value_in(cursor)})
        except (ValidationError, ValueError, TypeError):
            raise BadInput(
                "This cursor was not given by this list; leave it out to start anew.", field="cursor"
            ) from None
    found = list(ordered[: size + 1])
    more = len(found) > size
    found = found[:size]
    return found, cursor_of(getattr(found[-1], field)) if more else None


def as_page(
    rows: QuerySet[M],
    show: Callable[[M], Any],
    *,
    cursor: str | None,
    limit: int = DEFAULT,
    field: str = "pk",
    newest_first: bool = True,
) -> dict[str, Any]:
    """One page as the API answers it, each row through `show`."""
    found, following = page_of(rows, cursor=cursor, limit=limit, field=field, newest_first=newest_first)
    return {"items": [show(row) for row in found], "next_cursor": following}


async def read_page(
    model: type[M],
    where: str,
    params: Sequence[Any],
    show: Callable[[M], Any],
    *,
    cursor: str | None,
    limit: int = DEFAULT,
) -> dict[str, Any]:
    """As `as_page` of a model's rows by primary key, newest first, but read without a thread; `where` is SQL."""
    size, key = max(1, min(limit, MOST)), model._meta.pk
    assert key is not None
    sql = f'SELECT {columns_of(model)} FROM "{model._meta.db_table}" WHERE ({where})'
    asked = list(params)
    if cursor:
        sql += f" AND {key.column} < %s"
        asked.append(_key_of(key, cursor))
    found = await rows(f"{sql} ORDER BY {key.column} DESC LIMIT {size + 1}", asked)
    items = [as_model(model, row) for row in found[:size]]
    following = cursor_of(items[-1].pk) if len(found) > size else None
    return {"items": [show(item) for item in items], "next_cursor": following}


def cursor_of(value: Any) -> str:
    """The cursor of a row by its value in the ordering column; opaque to whoever gets it."""
    return urlsafe_b64encode(json.dumps(str(value)).encode()).decode().rstrip("=")


def value_in(cursor: str) -> str:
    """The value that a cursor was made of. Raises BadInput for a cursor that is not one of ours."""
    try:
        return str(json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    except (NotBase64, ValueError, RecursionError):
        raise BadInput("This cursor was not given by this list; leave it out to start anew.", field="cursor") from None


def _key_of(key: Field[Any, Any], cursor: str) -> Any:
    try:
        return key.to_python(value_in(cursor))
    except ValidationError:
        raise BadInput("This cursor was not given by this list; leave it out to start anew.", field="cursor") from None
