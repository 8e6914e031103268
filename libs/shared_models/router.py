"""The database router: time series tables go to `timeseries`, everything else to `default`."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from shared_models.timeseries import ALIAS, is_timeseries


class TimeseriesRouter:
    """Routes by the registry of labels, so that reads, writes and migrations always agree."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """The alias to read `model` from."""
        return ALIAS if _belongs(model) else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        """The alias to write `model` to."""
        return ALIAS if _belongs(model) else None

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        """Relations never cross the two databases."""
        return _belongs(type(one)) == _belongs(type(other))

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """A table is made in exactly one database; operations without a model run on `default` only."""
        return (db == ALIAS) == is_timeseries(app_label, model_name)


def _belongs(model: type[Model]) -> bool:
    return is_timeseries(model._meta.app_label, model._meta.model_name)
