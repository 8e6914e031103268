"""Time series tables: the abstract model, and the explicit registry that says which models are such tables."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import models

ALIAS = "timeseries"


class TimescaleModel(models.Model):
    """Base of every table that grows with time and lives in the `timeseries` database.

    A subclass declares `pk = models.CompositePrimaryKey(...)` containing its time column (a hypertable accepts no
    unique index without it), is named in settings.TIMESERIES_MODELS, and gets a `CreateHypertable` in its migration.
    It holds no foreign key: the other side is in another database. A small table that must commit together with such
    rows is one too, without a hypertable.
    """

    class Meta:
        abstract = True


def registered() -> frozenset[str]:
    """Labels such as `trading.price` that live in the time series database.

    The registry is a setting, not a flag on the class: migrations see historical models, which have lost their bases.
    """
    return frozenset(label.lower() for label in getattr(settings, "TIMESERIES_MODELS", ()))


def is_timeseries(app_label: str, model_name: str | None) -> bool:
    """Whether the model of that app belongs to the time series database."""
    return model_name is not None and f"{app_label}.{model_name}".lower() in registered()


@register()
def check_registry(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Complain when the registry and the models disagree, or a time series model cannot become a hypertable."""
    labels = registered()
    found: list[CheckMessage] = []
    for model in apps.get_models():
        label = model._meta.label_lower
        if issubclass(model, TimescaleModel) != (label in labels):
            found.append(Error(f"{label} must be both a TimescaleModel and in TIMESERIES_MODELS", id="titan.E001"))
        if issubclass(model, TimescaleModel):
            found.extend(_shape_errors(model))
    return found


def _shape_errors(model: type[models.Model]) -> list[CheckMessage]:
    label = model._meta.label_lower
    found: list[CheckMessage] = []
    if not isinstance(model._meta.pk, models.CompositePrimaryKey):
        found.append(Error(f"{label} needs a CompositePrimaryKey with its time column", id="titan.E002"))
    if any(field.is_relation for field in model._meta.get_fields()):
        found.append(Error(f"{label} must not hold a foreign key: keep the id instead", id="titan.E003"))
    return found
