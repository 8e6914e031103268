"""Two hundred files made to break it, each taken the whole way: refused in a sentence, or a whole machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from hypothesis import HealthCheck, given, settings

from ml.commands import stretches_of
from ml.jobs.protocol import clean, refuse
from ml.jobs.reading import read
from ml.learning.errors import LearningError
from ml.learning.levels import level_of
from ml.learning.material import read_material
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Reporter
from ml.learning.tables import Batch
from ml.models import DataLine, Machine
from ml.store import place
from ml.tables import machine_table
from ml.tests.hostile import Hostile, hostile_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_incoming")]
FILES = 200


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading child's work without its process: what would end the child ends the test."""

    def ask(module: str, job: Any, hear: Any = None) -> Any:
        assert module == "ml.jobs.reading"
        try:
            return json.loads(json.dumps(clean(read(json.loads(json.dumps(job)), lambda **said: None))))
        except LearningError as error:
            refuse({"refused": {"sentence": str(error), "field": error.field}})

    monkeypatch.setattr("ml.commands.reading.ask", ask)
    # What is read quickly from eight MiB on is read so here, as far as it can be.
    monkeypatch.setattr("ml.learning.tables.csv_file.AT_ONCE_FROM", 0)


def test_each_hostile_file_is_refused_in_a_sentence_or_becomes_a_whole_machine(
    ada: Any, api: Callable[..., Any], browser: Callable[..., Any]
) -> None:
    client, page = api(ada), browser(ada)
    seen = {"taken": 0, "refused": 0}

    @settings(
        max_examples=FILES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(hostile_files())
    def take(file: Hostile) -> None:
        query = urlencode({"file_name": file.name, "machine_name": "hostile", **file.said})
        answer = async_to_sync(client.post)(
            f"/api/v1/machines?{query}", file.content, content_type="application/octet-stream"
        )
        assert list(place("incoming").glob("*")) == []
        if answer.status_code == 201:
            seen["taken"] += 1
            _is_whole(client, page, answer.json()["id"])
        else:
            seen["refused"] += 1
            assert 400 <= answer.status_code < 500, answer.content
            assert len(answer.json()["detail"]) > 20
        assert Machine.objects.count() == DataLine.objects.count() == seen["taken"]

    take()
    # Both ends are met, or the files are not as hostile, or as harmless, as they were meant.
    assert min(seen.values()) > FILES / 10, seen


def _is_whole(client: Any, page: Any, machine_id: str) -> None:
    """What is shown of it can be shown, and it can be learnt from or says why not."""
    machine = Machine.objects.get(pk=machine_id)
    [line] = machine.data_lines.all()
    assert place(line.path).stat().st_size == line.size_bytes
    assert async_to_sync(client.get)(f"/api/v1/machines/{machine_id}/columns").status_code == 200
    assert async_to_sync(client.get)(f"/api/v1/machines/{machine_id}/lines").status_code == 200
    assert async_to_sync(page.get)(f"/machines/{machine_id}/setup").status_code == 200
    used = {*machine.mdc_columns_name_input, *machine.mdc_columns_name_output}
    plan = TrainingPlan(
        tuple(machine.mdc_columns_name_output),
        tuple(name for name in machine.column_names if name not in used),
        types=machine.dfr_columns_type_user_df,
    )
    table = machine_table(stretches_of([line]))
    assert list(table.names) == machine.column_names
    assert sum(len(batch.lines) for batch in table.batches()) == line.line_count
    with suppress(LearningError):
        material = read_material(table, plan, Reporter(lambda progress: None), lambda: False)
        _can_be_encoded(material, next(iter(table.batches())), list(table.names))


def _can_be_encoded(material: Any, batch: Batch, names: list[str]) -> None:
    from ml.learning.build import folds_of
    from ml.learning.encoding.fit import fit_encoder

    folds = folds_of(material.targets, material.learning, level_of(1).folds, 0)
    encoded = fit_encoder(material, folds)
    assert np.isfinite(encoded.x).all()
    x, _ = encoded.encoder.batch(dict(zip(names, batch.columns, strict=True)), len(batch.lines))
    assert np.isfinite(x).all()
