"""Machines: made from a table, corrected, renamed, put on the market, deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from ml import publishes
from ml.commands.reading import keep_reading, must_re_run, read
from ml.jobs.protocol import Hear
from ml.models import LOSSES, OPTIMIZERS, DataLine, Machine, Work
from ml.rules.columns import clean_name
from ml.rules.dialects import checked_dialect
from ml.rules.prices import LEVELS
from ml.rules.work import OPEN
from ml.store import Received, keep
from ml.tables import Stretch
from service_base.errors import BadInput, Conflict, NotFound
from shared_models.clock import utc_now
from shared_models.money import MoneyError, exact


class NotTrained(Conflict):
    """The machine has not learnt anything yet."""

    slug = "not-trained"
    title = "The machine is not trained"


class BeingTrained(Conflict):
    """A training reads the machine's lines, so that they must stay as they are."""


def read_upload(
    received: Received,
    *,
    file_format: str = "",
    dialect: Mapping[str, Any] | None = None,
    outputs: Collection[str] = (),
    types: Mapping[str, str] | None = None,
    hear: Hear | None = None,
) -> dict[str, Any]:
    """What a received file holds; changes nothing. Raises BadInput with what is wrong with the file."""
    said = checked_dialect(dialect or {}, file_format=file_format)
    stretch = Stretch(str(received.path), received.name, 1, file_format, said)
    return read([stretch], outputs=outputs, types=types, hear=hear)


@transaction.atomic
def create_machine(
    *,
    owner: Any,
    received: Received,
    reading: Mapping[str, Any],
    name: str = "",
    description: str = "",
    level: int = 1,
    team: UUID | None = None,
    ignore: Collection[str] = (),
    types: Mapping[str, str] | None = None,
    network: Mapping[str, Any] | None = None,
) -> Machine:
    """A machine on the received file: its rows, its event and the file's place come together or not at all.

    Raises BadInput for a name, level or column part that does not fit.
    """
    machine = Machine(
        machine_owner_user=owner,
        machine_owner_team=team,
        machine_name=clean_name(name or received.name.rsplit(".", 1)[0]),
        machine_description=description[:20_000],
        machine_level=checked_level(level),
    )
    set_network(machine, network or {})
    keep_reading(machine, reading, ignore=ignore, types=types or {})
    machine.save()
    add_stretch(machine, received, reading, sequence=1, purpose="learning")
    publishes.machine_changed(machine)
    return machine


def add_stretch(
    machine: Machine, received: Received, reading: Mapping[str, Any], *, sequence: int, purpose: str
) -> DataLine:
    """Put the file into the store as the machine's next stretch; inside the caller's transaction."""
    line = DataLine(
        machine=machine,
        sequence=sequence,
        purpose=purpose,
        file_name=received.name,
        file_format=reading["format"],
        sha256=received.sha256,
        size_bytes=received.size,
    )
    line.path = f"lines/{machine.pk}/{line.pk}.{line.file_format}"
    keep_lines(line, reading)
    line.save()
    # Last: should the transaction still fail, the file is an orphan that the cleaning loop finds.
    keep(received, line.path)
    return line


def keep_lines(line: DataLine, reading: Mapping[str, Any]) -> None:
    """Set what was found in the stretch."""
    line.dialect = reading["dialect"]
    line.column_names = reading["names"]
    line.line_count = reading["line_count"]
    line.bad_line_count = reading["bad_line_count"]
    line.bad_lines = reading["bad_lines"]
    line.first_rows = reading["first_rows"]


@transaction.atomic
def change_machine(
    *,
    machine_id: UUID,
    name: str | None = None,
    description: str | None = None,
    team: UUID | None = None,
    leave_team: bool = False,
    level: int | None = None,
    network: Mapping[str, Any] | None = None,
) -> Machine:
    """Change what is given; others hear of it. Raises BadInput, and Conflict for the level of a trained machine."""
    machine = locked_machine(machine_id)
    if name is not None:
        machine.machine_name = clean_name(name)
    if description is not None:
        machine.machine_description = description[:20_000]
    if leave_team or team is not None:
        machine.machine_owner_team = team
    if level is not None:
        machine.machine_level = fixed_level(machine, level)
    set_network(machine, network or {})
    return changed(machine)


def fixed_level(machine: Machine, level: int) -> int:
    """The level to train at. Raises Conflict when the machine was trained at another, BadInput for one not there."""
    if machine.is_trained and level != machine.machine_level:
        raise Conflict(
            f"This machine was trained at level {machine.machine_level}, and a level is for good: "
            "copy the machine and train the copy at another.",
            field="level",
        )
    return checked_level(level)


def checked_level(level: int) -> int:
    """Raises BadInput for a level that is not there."""
    if level not in LEVELS:
        raise BadInput(f"There is no level {level}; choose {', '.join(map(str, LEVELS))}.", field="machine_level")
    return level


def set_network(machine: Machine, network: Mapping[str, Any]) -> None:
    """Set the network's parameters that are given. Raises BadInput for what cannot be built."""
    from ml.learning.errors import UnfitShape
    from ml.learning.network.shape import NetworkShape

    loss, optimizer, shape = (network.get(f"parameter_nn_{part}") for part in ("loss", "optimizer", "shape"))
    if {loss, optimizer} != {None} or shape is not None:
        must_re_run(machine, "nn_config")
    if loss is not None:
        if loss not in LOSSES:
            raise BadInput(f"The loss is one of {', '.join(LOSSES[1:])}, or empty.", field="parameter_nn_loss")
        machine.parameter_nn_loss = loss
    if optimizer is not None:
        if optimizer not in OPTIMIZERS:
            raise BadInput(f"The optimizer is one of {', '.join(OPTIMIZERS)}.", field="parameter_nn_optimizer")
        machine.parameter_nn_optimizer = optimizer
    if shape is not None:
        try:
            machine.parameter_nn_shape = NetworkShape.from_json(shape).to_json() if shape else {}
        except UnfitShape as error:
            raise BadInput(str(error), field=f"parameter_nn_shape.{error.field}") from None


@transaction.atomic
def publish_machine(*, machine_id: UUID, price_usd: str | Decimal) -> Machine:
    """Let anybody solve with the machine for `price_usd` a line. Raises NotTrained, BadInput."""
    machine = locked_machine(machine_id)
    if not machine.is_trained:
        raise NotTrained("Train the machine first; until then it has nothing to sell.")
    try:
        price = exact(price_usd)
    except MoneyError as error:
        raise BadInput(f"{error}.", field="machine_api_solving_price_usd") from None
    if price < 0:
        raise BadInput("A price is not negative.", field="machine_api_solving_price_usd")
    machine.machine_api_solving_price_usd = price
    machine.machine_api_solving_is_public = True
    machine.published_at = machine.published_at or utc_now()
    return changed(machine)


@transaction.atomic
def withdraw_machine(*, machine_id: UUID) -> Machine:
    """Sell no answers any more; rows already solved stay paid. What else it sells stays on the market."""
    machine = locked_machine(machine_id)
    machine.machine_api_solving_is_public = False
    if not machine.is_on_the_market:
        machine.published_at = None
    return changed(machine)


@transaction.atomic
def delete_machine(*, machine_id: UUID) -> None:
    """Nobody finds the machine from now on; its files go soon after. Raises Conflict while work on it is open."""
    machine = locked_machine(machine_id)
    if Work.objects.filter(machine=machine, state__in=sorted(OPEN)).exists():
        raise Conflict("Work on this machine is under way; cancel it first.")
    machine.machine_api_solving_is_public = False
    machine.machine_data_source_is_public = machine.machine_is_duplicatable = False
    machine.published_at = None
    machine.deleted_at = utc_now()
    changed(machine)


def locked_machine(machine_id: UUID) -> Machine:
    """The machine with its row locked. Raises NotFound for one that is gone."""
    machine = Machine.objects.select_for_update().filter(pk=machine_id, deleted_at=None).first()
    if machine is None:
        raise NotFound("There is no such machine, or it is not yours.")
    return machine


def changed(machine: Machine) -> Machine:
    """Save the locked machine and tell others."""
    machine.version += 1
    machine.save()
    publishes.machine_changed(machine)
    return machine


def refuse_during_training(machine: Machine) -> None:
    """Raises BeingTrained while a training reads the machine's lines."""
    if Work.objects.filter(machine=machine, kind="training", state__in=sorted(OPEN)).exists():
        raise BeingTrained("The machine is being trained; wait for the end or cancel it, then correct it.")
