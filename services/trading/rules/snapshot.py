"""Everything a run needs to continue after a restart, as JSON that loses no digit."""

from typing import Any

from pydantic import TypeAdapter

from trading.rules.book import Book
from trading.rules.strategies.base import Strategy

_books = TypeAdapter(Book)


def written(book: Book, strategy: Strategy[Any]) -> dict[str, Any]:
    return {"book": _books.dump_python(book, mode="json"), "memory": strategy.memory()}


def recalled(snapshot: dict[str, Any], strategy: Strategy[Any]) -> Book:
    """The book of `snapshot`; `strategy` continues from its memory."""
    strategy.recall(snapshot["memory"])
    return _books.validate_python(snapshot["book"])
