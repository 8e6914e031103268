"""Model fields and small abstract models that every service uses the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from pydantic import TypeAdapter
from pydantic import ValidationError as SchemaError

from shared_models.clock import utc_now
from shared_models.ids import new_id
from shared_models.money import DIGITS, PLACES, Currency


def money_field(**options: Any) -> models.DecimalField[Any, Any]:
    """A column for an amount: NUMERIC(20, 8)."""
    return models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, **options)


def currency_field(**options: Any) -> models.CharField[Any, Any]:
    """A column for a currency code, restricted to the ones TITAN knows."""
    return models.CharField(max_length=6, choices=[(c.value, c.value) for c in Currency], **options)


def id_field() -> models.UUIDField[Any, Any]:
    """A primary key that sorts by creation: UUIDv7."""
    return models.UUIDField(primary_key=True, default=new_id, editable=False)


class Timestamped(models.Model):
    """Rows that know when they were written and last changed, in UTC."""

    created_at = models.DateTimeField(default=utc_now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class SchemaJSONField(models.JSONField):
    """JSON that must fit a pydantic-checked shape; `full_clean` and `save` through commands refuse anything else.

    `shape` is a type such as `dict[str, int]` or a pydantic model; it is not part of migrations.
    """

    def __init__(self, *args: Any, shape: Any = None, **kwargs: Any) -> None:
        self.shape = shape
        super().__init__(*args, **kwargs)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Raise ValidationError naming the first place where `value` does not fit the shape."""
        super().validate(value, model_instance)
        if self.shape is not None:
            check_shape(self.shape, value)


def check_shape(shape: Any, value: Any) -> None:
    """Raise Django's ValidationError when `value` does not fit `shape`."""
    try:
        TypeAdapter(shape).validate_python(value)
    except SchemaError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "value"
        raise ValidationError(f"{place}: {first['msg']}") from None


def one_of(name: str, column: str, values: Callable[[], list[str]] | list[str]) -> models.CheckConstraint:
    """A CHECK that keeps `column` to `values`, so that even raw SQL cannot invent a state."""
    allowed = values() if callable(values) else values
    return models.CheckConstraint(name=name, condition=models.Q(**{f"{column}__in": allowed}))
