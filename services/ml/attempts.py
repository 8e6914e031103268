"""One lease of one work: the child that does it, the heartbeats that keep it, and storing what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

if TYPE_CHECKING:
    from uuid import UUID

    from ml.jobs.protocol import Child, Message
    from ml.models import Work

log = structlog.get_logger("titan.ml.trainer")
HEARTBEAT_SECONDS = 0.5
# What was found is not given up because the database is being restarted.
PATIENCE_SECONDS = 600.0
_PLACES = {"training": "models", "solving": "results"}
T = TypeVar("T")


class Attempt:
    """`environment` is what the child is given beyond our own; `greet` is called now and then."""

    def __init__(
        self,
        work: Work,
        stop: Event,
        *,
        environment: Mapping[str, str] | None = None,
        greet: Callable[[], None] = lambda: None,
    ) -> None:
        self.work, self.stop, self.greet = work, stop, greet
        self.environment = environment or {}
        self.lease: dict[str, Any] = {"work_id": work.pk, "token": work.lease_token}
        # A folder of its own for each attempt: a slower twin never writes where a faster one does.
        self.result = f"{_PLACES[work.kind]}/{work.machine_id}/{work.pk}-{work.lease_token}"
        if work.kind == "solving":
            self.result += f".{work.answers_format}"

    def see_through(self) -> None:
        """Do the work, store what came of it, and leave nothing behind if somebody else has it by now."""
        from ml.jobs.protocol import Child
        from ml.rules.work import LeaseLost

        child = Child(f"ml.jobs.{self.work.kind}", job_of(self.work, self.result), self.environment)
        try:
            done = self._follow(child)
            if done is not None:
                self._store(done)
                log.info("work.finished", work=str(self.work.pk), resumed=done.get("resumed", 0))
        except LeaseLost:
            log.info("work.lost", work=str(self.work.pk))
        finally:
            child.kill()
            self._clear_away()

    def _follow(self, child: Child) -> Message | None:
        """Keep the lease while the child works; its result, or None when there will be none."""
        from ml import commands
        from ml.jobs.protocol import refusal_in

        beat = 0.0
        progress: list[Message] = []
        while not child.has_ended:
            if self.stop.is_set():
                self._insist(commands.give_back_work)
                return None
            for message in child.messages(timeout=HEARTBEAT_SECONDS):
                if "done" in message:
                    return message["done"]  # type: ignore[no-any-return]
                if refusal := refusal_in(message):
                    self._insist(commands.fail_work, reason=refusal)
                    return None
                if "started" in message:
                    self._insist(commands.begin_work)
                if "progress" in message:
                    progress.append(message["progress"])
            if (progress or monotonic() - beat >= HEARTBEAT_SECONDS) and self._beat(progress):
                beat, progress = monotonic(), []
        reason = child.why_it_died()
        log.warning("work.broke", work=str(self.work.pk), error=reason)
        self._insist(commands.lose_attempt, reason=reason[:500])
        return None

    def _beat(self, progress: list[Message]) -> bool:
        """Say what happened; False when the database is away, while which the child goes on. Raises LeaseLost."""
        from django.db import InterfaceError, OperationalError

        from ml import commands

        try:
            commands.report_progress(**self.lease, progress=progress)
            self.greet()
        except (InterfaceError, OperationalError) as error:
            _database_away(error)
            self.stop.wait(1.0)
            return False
        return True

    def _insist(self, do: Callable[..., T], **given: Any) -> T:
        """Do it as soon as the database lets us. What may have been done already is refused, or changes nothing."""
        from django.db import InterfaceError, OperationalError

        until = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return do(**self.lease, **given)
            except (InterfaceError, OperationalError) as error:
                _database_away(error)
                if self.stop.is_set() or monotonic() >= until:
                    raise
                self.stop.wait(1.0)

    def _store(self, done: Message) -> None:
        from ml import commands
        from ml.store import place

        if self.work.kind == "solving":
            found = {name: done[name] for name in ("sha256", "lines", "warnings", "drift")}
            self._insist(commands.finish_solving, path=self.result, **found)
            return
        folder = place(self.result)
        model = commands.StoredModel(
            folder=self.result,
            card=json.loads((folder / "card.json").read_bytes()),
            encoder=json.loads((folder / "encoder.json").read_bytes()),
            **{name: done[name] for name in ("sha256", "size_bytes", "widths")},
        )
        self._insist(commands.finish_training, model=model)
        self._keep_parts()

    def _keep_parts(self) -> None:
        """What the model is made of stays for the next training of the machine, in place of what was there."""
        from ml.store import place, remove

        own = place(self.work.checkpoints) / str(self.work.lease_token)
        kept = place(machine_parts(self.work.machine_id))
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            remove(machine_parts(self.work.machine_id))
            own.rename(kept)
        except OSError as error:  # the next training does all of it again
            log.info("parts.not_kept", work=str(self.work.pk), error=error.strerror)

    def _clear_away(self) -> None:
        """Remove what nobody needs any more, by what the database says: an answer of it may have been lost."""
        from django.db import Error

        from ml import queries
        from ml.store import place, remove, root

        own = place(self.result)
        # A child that was killed leaves what it had begun beside the place of its result, under its name.
        for begun in own.parent.glob(f".{own.name}.*"):
            remove(begun.relative_to(root()).as_posix())
        try:
            if not queries.is_kept(self.result):
                remove(self.result)
            if queries.has_ended(self.work.pk):
                remove(self.work.checkpoints)
        except Error as error:  # the worker clears away what is old
            _database_away(error)


def machine_parts(machine_id: UUID) -> str:
    """Where the parts of a machine's last training are."""
    return f"parts/{machine_id}/last"


def job_of(work: Work, result: str) -> Message:
    """Everything the child has to know."""
    from ml import commands
    from ml.store import place

    machine = work.machine
    if work.kind == "solving":
        model = machine.training_nn_model
        asked = list(machine.data_lines.filter(pk__in=work.data_lines).order_by("sequence"))
        return {
            "stretches": [stretch.to_json() for stretch in commands.stretches_of(asked)],
            "model": str(place(model.folder)) if model else "",
            "lines": work.solving_lines,
            "result": str(place(result)),
            "answers": work.answers_format,
        }
    lines = list(machine.data_lines.filter(purpose="learning").order_by("sequence"))
    return {
        "stretches": [stretch.to_json() for stretch in commands.stretches_of(lines)],
        "limit": machine.line_limit,
        "plan": _plan(work),
        "folder": str(place(result)),
        "cache": str(place("compiled")),
        "checkpoints": {
            "home": str(place(work.checkpoints)),
            "attempt": work.lease_token,
            "work": str(work.pk),
            "kept": None if machine.machine_is_re_run_enc_dec else str(place(machine_parts(machine.pk))),
        },
    }


def _plan(work: Work) -> Message:
    machine = work.machine
    used = {*machine.mdc_columns_name_input, *machine.mdc_columns_name_output}
    return {
        "outputs": machine.mdc_columns_name_output,
        "ignore": [name for name in machine.column_names if name not in used],
        "types": machine.dfr_columns_type_user_df,
        "level": work.level,
        "seed": machine.machine_split_seed,
        "loss": machine.parameter_nn_loss or None,
        "optimizer": machine.parameter_nn_optimizer,
        "shape": machine.parameter_nn_shape,
        "time_limit": work.time_limit_seconds,
    }


def _database_away(error: Exception) -> None:
    from django.db import connections

    log.warning("trainer.database_away", error=str(error).strip().partition("\n")[0])
    connections.close_all()
