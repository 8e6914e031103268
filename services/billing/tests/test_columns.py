"""What travels as columns arrives as it was: any text and number, and what is absent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import Journal, Operation, Posting, Usage
from billing.models.rows import JournalRow, OperationRow, PostingRow, UsageRow
from billing.queries import many
from shared_models.ids import new_id

# PostgreSQL has no text with a NUL in it, and UTF-8 no half of a surrogate pair.
TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def arrived(values: list[Any], type_: str) -> list[Any]:
    """What the database makes of the values."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{type_}[]", [many.array(values)])
        found: list[Any] = cursor.fetchone()[0]
        return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # nothing is written
@given(texts=st.lists(TEXTS, max_size=5))
def test_any_text_arrives_as_it_was(db: None, texts: list[str | None]) -> None:
    assert arrived(texts, "text") == texts


@pytest.mark.parametrize("text", ['a "quoted" one', "back\\slash", "new\nline", "a,b", "{}", "", "null", "NULL", " x "])
@pytest.mark.django_db
def test_what_means_something_in_an_array_arrives_as_it_was(text: str) -> None:
    assert arrived([text, None, text], "text") == [text, None, text]


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("uuid", [new_id(), None]),
        ("numeric", [Decimal("0.10000000"), Decimal("1E+3"), None]),
        ("timestamptz", [datetime(2031, 1, 2, 3, 4, 5, 678901, UTC), None]),
        ("bigint", [0, 2**62, None]),
    ],
)
@pytest.mark.django_db
def test_other_values_arrive_as_they_were(type_: str, values: list[Any]) -> None:
    assert arrived(values, type_) == values


@pytest.mark.parametrize(
    ("row", "model"),
    [(OperationRow, Operation), (JournalRow, Journal), (PostingRow, Posting), (UsageRow, Usage)],
)
def test_every_column_of_a_model_travels(row: type[NamedTuple], model: type[Model]) -> None:
    """When a journal was recorded, and what accounts hold after a posting, the database says itself."""
    every = {field.attname for field in model._meta.concrete_fields}
    by_the_database = {"recorded_at", "debit_after", "credit_after"} | ({"id"} if model is Posting else set())
    assert set(row._fields) == every - by_the_database
