"""Trains a machine in a process of its own and leaves the model in the folder it was told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from ml.jobs.protocol import Message, serve
from ml.learning.columns.infer import ColumnType
from ml.learning.encoding.encoder import Encoder
from ml.learning.learn import train
from ml.learning.network.shape import NetworkShape
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Progress
from ml.learning.store import ENCODER, MANIFEST
from ml.store import digest_of, size_of
from ml.tables import Stretch, machine_table

SAY_EVERY = 0.25


class _Speaker:
    """Passes progress on, but no more often than somebody can look; each look at the losses is passed on."""

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say
        self._last = 0.0
        self._stage = ""

    def hear(self, progress: Progress) -> None:
        is_news = progress.stage != self._stage or progress.validation_loss is not None
        if is_news or monotonic() - self._last >= SAY_EVERY:
            self._last, self._stage = monotonic(), progress.stage
            self._say(progress=progress.to_json())


def run(job: Message, say: Callable[..., None]) -> Message:
    """Train as the job says; the model is stored whole or not at all."""
    say(started=True)
    asked = job["plan"]
    plan = TrainingPlan(
        outputs=tuple(asked["outputs"]),
        ignore=tuple(asked["ignore"]),
        types={name: ColumnType(kind) for name, kind in asked["types"].items()},
        level=asked["level"],
        seed=asked["seed"],
        loss=asked["loss"],
        optimizer=asked["optimizer"],
        shape=NetworkShape.from_json(asked["shape"]),
        time_limit=asked["time_limit"],
    )
    table = machine_table([Stretch(**stretch) for stretch in job["stretches"]], limit=job.get("limit"))
    folder = Path(job["folder"])
    train(table, plan, folder, on_progress=_Speaker(say).hear, cache=Path(job["cache"]))
    spans = Encoder.from_json(json.loads((folder / ENCODER).read_bytes())).column_spans()
    return {
        "sha256": digest_of(folder / MANIFEST),
        "size_bytes": size_of(folder),
        "widths": {column: sum(end - start for start, end in places) for column, places in spans.items()},
    }


if __name__ == "__main__":
    serve(run)
