"""Removing files that no row names: uploads that were dropped, models of slower twins, tables of deleted machines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import time

from ml.models import DataLine, Machine, NNModel, Purchase, TableReading, Work
from ml.rules.readings import OPEN as OPEN_READING
from ml.rules.work import OPEN
from ml.store import place, remove, root

# Younger files may belong to a request or a training that has not committed yet.
YOUNG = timedelta(hours=1)


def clean_store(*, now: float | None = None) -> int:
    """Remove what is old and unnamed; how many files and folders that were."""
    DataLine.objects.filter(machine__deleted_at__isnull=False).delete()
    _forget_models_of_deleted_machines()
    at = now or time()
    old = [entry for entry in _entries() if at - entry.stat().st_mtime > YOUNG.total_seconds()]
    named = _named()
    count = 0
    for entry in old:
        relative = entry.relative_to(root()).as_posix()
        if relative not in named:
            remove(relative)
            count += 1
    return count


def _forget_models_of_deleted_machines() -> None:
    gone = Machine.objects.filter(deleted_at__isnull=False, training_nn_model__isnull=False)
    NNModel.objects.filter(machine__in=gone).delete()


def _entries() -> list[Path]:
    found = list(place("incoming").glob("*"))
    # Graphs and the columns they were drawn of are kept while they are looked at; nothing names them.
    for kind in ("lines", "models", "results", "bought", "graphs", "columns", "checkpoints", "parts", "uploads"):
        found += place(kind).glob("*/*")
    return found


def _named() -> set[str]:
    return {
        *DataLine.objects.values_list("path", flat=True),
        *NNModel.objects.values_list("folder", flat=True),
        *Work.objects.exclude(result_path="").values_list("result_path", flat=True),
        *(f"parts/{pk}/last" for pk in Machine.objects.filter(deleted_at=None).values_list("pk", flat=True)),
        *(work.checkpoints for work in Work.objects.filter(state__in=sorted(OPEN)).only("machine_id")),
        *TableReading.objects.filter(state__in=sorted(OPEN_READING)).values_list("path", flat=True),
        *Purchase.objects.exclude(result_path="").values_list("result_path", flat=True),
    }
