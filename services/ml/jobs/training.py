"""Trains a machine in a process of its own and leaves the model in the folder it was told."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

from ml.jobs.protocol import Message, serve
from ml.learning.checkpoints import Checkpoints
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
# A model that took hours is kept in memory for so long while the disk is full.
ROOM_SECONDS, ROOM_LOOKS = 600.0, 5.0


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


class _Room:
    """Waits for room on the disk; gives up in the end."""

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say
        self._until: float | None = None

    def wait(self) -> bool:
        self._until = self._until or monotonic() + ROOM_SECONDS
        self._say(progress={"stage": "waiting for room", "percent": 99.0})
        sleep(ROOM_LOOKS)
        return monotonic() < self._until


def _checkpoints(job: Message) -> Checkpoints:
    """This attempt's own folder, then those of the attempts before it, then what the last training was made of.

    Parts are found by the table and the columns as they are read; what else decides a part is in its name. So after a
    change of the network only the networks are trained anew, and after a change of the lines everything is.
    """
    if "checkpoints" not in job:
        return Checkpoints()
    place, plan = job["checkpoints"], job["plan"]
    home, attempt = Path(place["home"]), int(place["attempt"])
    numbers = [int(entry.name) for entry in home.glob("*") if entry.name.isdigit()]
    earlier = [home / str(number) for number in sorted(numbers, reverse=True) if number < attempt]
    kept = [Path(place["kept"])] if place.get("kept") else []
    # Servers may see the same file under other folders.
    stretches = [{**stretch, "path": Path(stretch["path"]).name} for stretch in job["stretches"]]
    table = [stretches, job.get("limit"), *(plan[part] for part in _OF_THE_TABLE)]
    identity = sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    return Checkpoints(home / str(attempt), [*earlier, *kept], identity, place["work"])


_OF_THE_TABLE = ("outputs", "ignore", "types", "seed")


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
    folder, checkpoints = Path(job["folder"]), _checkpoints(job)
    train(
        table,
        plan,
        folder,
        on_progress=_Speaker(say).hear,
        cache=Path(job["cache"]),
        checkpoints=checkpoints,
        wait_for_room=_Room(say).wait,
    )
    spans = Encoder.from_json(json.loads((folder / ENCODER).read_bytes())).column_spans()
    return {
        "sha256": digest_of(folder / MANIFEST),
        "size_bytes": size_of(folder),
        "resumed": checkpoints.resumed,
        "widths": {column: sum(end - start for start, end in places) for column, places in spans.items()},
    }


if __name__ == "__main__":
    serve(run)
