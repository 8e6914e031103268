"""Teams, members and invitations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router, Status

from identity import commands, queries, schemas
from identity.models import Team, User
from service_base.api import Request
from service_base.errors import NotFound
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["teams"])


@router.post("/teams", response={201: dict[str, Any]})
async def create(request: Request, body: schemas.TeamIn) -> HttpResponse:
    """Make a team that the caller owns."""

    def work() -> dict[str, Any]:
        return schemas.show_team(commands.create_team(owner=request.auth.user, name=body.name))

    return await answer_once(request, body, work, status=201)


@router.get("/teams")
async def teams(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's teams."""
    mine = Team.objects.filter(memberships__user=request.auth.user)
    return await sync_to_async(as_page)(mine, schemas.show_team, cursor=cursor, limit=limit)


@router.get("/teams/{team_id}")
async def team(request: Request, team_id: UUID) -> dict[str, Any]:
    """One of the caller's teams, with its members."""

    def read() -> dict[str, Any]:
        found = queries.team_for(request.auth.user, team_id)
        return schemas.show_team(found) | {"members": [schemas.show_member(m) for m in queries.members_of(found)]}

    return await sync_to_async(read)()


@router.delete("/teams/{team_id}", response={204: None})
async def delete(request: Request, team_id: UUID) -> Status[None]:
    """Dissolve the team."""
    await sync_to_async(lambda: commands.delete_team(team=_team(request, team_id), actor=request.auth.user))()
    return Status(204, None)


@router.put("/teams/{team_id}/members/{user_id}")
async def set_role(request: Request, team_id: UUID, user_id: UUID, body: schemas.MemberIn) -> dict[str, Any]:
    """Change a member's role; newcomers join by invitation."""

    def work() -> dict[str, Any]:
        found = _team(request, team_id)
        user = _member(found, user_id)
        command = commands.set_role(team=found, actor=request.auth.user, user=user, role=body.role)
        return schemas.show_member(command)

    return await sync_to_async(work)()


@router.delete("/teams/{team_id}/members/{user_id}", response={204: None})
async def remove(request: Request, team_id: UUID, user_id: UUID) -> Status[None]:
    """Take a member out, or leave."""

    def work() -> None:
        found = _team(request, team_id)
        commands.remove_member(team=found, actor=request.auth.user, user=_member(found, user_id))

    await sync_to_async(work)()
    return Status(204, None)


@router.post("/teams/{team_id}/owner")
async def transfer(request: Request, team_id: UUID, body: schemas.TransferIn) -> dict[str, Any]:
    """Give the team to another member."""

    def work() -> dict[str, Any]:
        found = _team(request, team_id)
        to = _member(found, body.user_id)
        return schemas.show_team(commands.transfer_ownership(team=found, actor=request.auth.user, to=to))

    return await sync_to_async(work)()


@router.post("/teams/{team_id}/invitations", response={201: dict[str, Any]})
async def invite(request: Request, team_id: UUID, body: schemas.InvitationIn) -> HttpResponse:
    """Make an invitation; the link with its token is in this answer only."""

    def work() -> dict[str, Any]:
        found = _team(request, team_id)
        invitation, link = commands.invite(team=found, actor=request.auth.user, **body.dict())
        return {"id": str(invitation.pk), "link": link, "token": link.rsplit("/", 1)[1], "role": invitation.role}

    return await answer_once(request, body, work, status=201)


@router.delete("/teams/{team_id}/invitations/{invitation_id}", response={204: None})
async def revoke_invitation(request: Request, team_id: UUID, invitation_id: UUID) -> Status[None]:
    """Make an invitation useless."""

    def work() -> None:
        found = _team(request, team_id)
        commands.revoke_invitation(team=found, actor=request.auth.user, invitation_id=invitation_id)

    await sync_to_async(work)()
    return Status(204, None)


@router.post("/invitations/{token}/accept")
async def accept(request: Request, token: str) -> dict[str, Any]:
    """Join the team that the invitation leads to."""

    def work() -> dict[str, Any]:
        membership = commands.accept_invitation(user=request.auth.user, token=token)
        return schemas.show_team(membership.team) | {"role": membership.role}

    return await sync_to_async(work)()


def _team(request: Request, team_id: UUID) -> Team:
    return queries.team_for(request.auth.user, team_id)


def _member(team: Team, user_id: UUID) -> User:
    found = User.objects.filter(pk=user_id, memberships__team=team).first()
    if found is None:
        raise NotFound("That person is not in the team.")
    return found
