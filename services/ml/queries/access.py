"""Finding machines and work that a caller may use; everything else does not exist for her."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from ml.models import Machine, Work
from ml.rules.access import Channel, Right, channel, rights
from service_base.callers import Caller
from service_base.errors import NotFound

NO_MACHINE = "There is no such machine, or it is not yours."
NO_WORK = "There is no such work, or it is not yours."


def rights_of(caller: Caller, machine: Machine) -> frozenset[Right]:
    """What the caller may do with the machine."""
    team = machine.machine_owner_team
    return rights(
        is_owner=machine.owner_id == caller.id,
        role=caller.teams.get(team) if team else None,
        sells_solving=machine.machine_api_solving_is_public,
        is_listed=machine.sells_lines_or_copies,
    )


def machine_for(caller: Caller, machine_id: UUID, right: Right) -> Machine:
    """The machine, if the caller has that right. Raises NotFound for any other, existing or not."""
    return checked(caller, everything().filter(pk=machine_id).first(), right)


def machine_called(caller: Caller, name: str, right: Right) -> Machine | None:
    """The caller's newest machine of that name, or with that text as its id; None when there is none."""
    mine = visible_machines(caller)
    try:
        found = mine.filter(pk=UUID(name)).first()
    except ValueError:
        found = mine.filter(machine_name=name).order_by("-created_at").first()
    return checked(caller, found, right) if found else None


def work_for(caller: Caller, work_id: UUID, right: Right = Right.SEE) -> Work:
    """The work, if the caller has that right on its machine. Raises NotFound."""
    work = Work.objects.filter(pk=work_id, machine__deleted_at=None).select_related("machine", "server").first()
    if work is None or right not in rights_of(caller, work.machine):
        raise NotFound(NO_WORK)
    return work


def solved_work_for(caller: Caller, work_id: UUID) -> Work:
    """A work whose answers can be downloaded. Raises NotFound."""
    work = work_for(caller, work_id)
    if not work.result_path:
        raise NotFound("This work has no result to download.")
    return work


def channel_of(caller: Caller, machine: Machine) -> Channel:
    """By which way the caller solves with the machine."""
    team = machine.machine_owner_team
    belongs = machine.owner_id == caller.id or (team is not None and team in caller.teams)
    return channel(belongs=belongs, by_key=caller.scopes is not None)


def visible_machines(caller: Caller) -> QuerySet[Machine]:
    """The caller's machines and those of her teams, newest first."""
    return everything().filter(Q(machine_owner_user=caller.user) | Q(machine_owner_team__in=list(caller.teams)))


def visible_works(caller: Caller) -> QuerySet[Work]:
    """Work on machines that the caller sees."""
    hers = Q(machine__machine_owner_user=caller.user) | Q(machine__machine_owner_team__in=list(caller.teams))
    return Work.objects.filter(hers, machine__deleted_at=None).select_related("machine", "server")


def everything() -> QuerySet[Machine]:
    """All machines that were not deleted."""
    return Machine.objects.filter(deleted_at=None).select_related("training_nn_model", "machine_owner_user")


def market() -> QuerySet[Machine]:
    """Machines that anybody may solve with, or whose lines or copies anybody may buy."""
    offers = Q(machine_api_solving_is_public=True) | Q(machine_data_source_is_public=True)
    return everything().filter(offers | Q(machine_is_duplicatable=True), published_at__isnull=False)


def checked(caller: Caller, machine: Machine | None, right: Right) -> Machine:
    """The machine, if there is one and the caller has that right on it. Raises NotFound."""
    if machine is None or right not in rights_of(caller, machine):
        raise NotFound(NO_MACHINE)
    return machine
