"""Teams: making them, who is in them with which role, and the invitations that lead into them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from identity import publishes, rules
from identity.commands.audit import record
from identity.models import Invitation, Team, TeamMembership, User
from service_base.addresses import url_of
from service_base.errors import BadInput, NotFound
from shared_models.clock import utc_now

INVITATION_LIFE = timedelta(hours=72)


@transaction.atomic
def create_team(*, owner: User, name: str) -> Team:
    """Make a team owned by `owner`, with its permission `can_use_team_<id>`; all of it or nothing."""
    team = Team.objects.create(name=rules.clean_name(name, field="name", longest=200), admin_user=owner)
    team.permission = Permission.objects.create(
        codename=f"can_use_team_{team.pk}",
        name=f"Can use team {team.name}"[:255],
        content_type=ContentType.objects.get_for_model(Team),
    )
    team.save(update_fields=["permission"])
    publishes.team_changed(team)
    _put(team, owner, "owner")
    record(action="team.created", actor_id=owner.pk, target=team.pk, name=team.name)
    return team


@transaction.atomic
def rename_team(*, team: Team, actor: User, name: str) -> Team:
    """Give the team another name. Raises NotAllowed for anybody but owners and admins."""
    locked = _locked(team)
    rules.may_change_role(actor=_role(locked, actor), target=None, new="member")
    locked.name = rules.clean_name(name, field="name", longest=200)
    _bump(locked, "name")
    publishes.team_changed(locked)
    return locked


@transaction.atomic
def set_role(*, team: Team, actor: User, user: User, role: str) -> TeamMembership:
    """Give `user` that role, making her a member if she is none.

    Raises NotAllowed when `actor` may not, LastOwner when nobody would own the team.
    """
    if role not in rules.ROLES:
        raise BadInput(f"A role is one of {', '.join(rules.ROLES)}.", field="role")
    locked = _locked(team)
    rules.may_change_role(actor=_role(locked, actor), target=_role(locked, user), new=role)
    membership = _put(locked, user, role)
    rules.owners_left(_roles(locked))
    record(action="team.role_set", actor_id=actor.pk, target=user.pk, team=str(team.pk), role=role)
    return membership


@transaction.atomic
def remove_member(*, team: Team, actor: User, user: User) -> None:
    """Take `user` out of the team. Raises NotAllowed, NotFound, LastOwner."""
    locked = _locked(team)
    role = _role(locked, user)
    if role is None:
        raise NotFound("That person is not in the team.")
    if actor.pk != user.pk:
        rules.may_change_role(actor=_role(locked, actor), target=role, new=None)
    _take(locked, user)
    rules.owners_left(_roles(locked))
    record(action="team.member_removed", actor_id=actor.pk, target=user.pk, team=str(team.pk))


def leave_team(*, team: Team, user: User) -> None:
    """Leave; the last owner cannot. Raises NotFound, LastOwner."""
    remove_member(team=team, actor=user, user=user)


@transaction.atomic
def transfer_ownership(*, team: Team, actor: User, to: User) -> Team:
    """Make `to` the team's owner and `actor` an admin. Raises NotAllowed, NotFound."""
    locked = _locked(team)
    rules.may_change_role(actor=_role(locked, actor), target=_role(locked, to), new="owner")
    if _role(locked, to) is None:
        raise NotFound("That person is not in the team; invite her first.")
    _put(locked, to, "owner")
    _put(locked, actor, "admin")
    locked.admin_user = to
    locked.save(update_fields=["admin_user"])
    record(action="team.transferred", actor_id=actor.pk, target=team.pk, to=str(to.pk))
    return locked


@transaction.atomic
def delete_team(*, team: Team, actor: User) -> None:
    """Dissolve the team: every member leaves, and the others hear of it. Raises NotAllowed unless an owner asks."""
    locked = _locked(team)
    rules.may_change_role(actor=_role(locked, actor), target="owner", new=None)
    for membership in list(locked.memberships.select_related("user")):
        _take(locked, membership.user)
    _bump(locked)
    publishes.team_changed(locked, deleted=True)
    record(action="team.deleted", actor_id=actor.pk, target=team.pk, name=locked.name)
    permission = locked.permission
    locked.delete()
    if permission is not None:
        permission.delete()


@transaction.atomic
def invite(
    *, team: Team, actor: User, role: str = "member", email: str = "", uses: int = 1, life: timedelta = INVITATION_LIFE
) -> tuple[Invitation, str]:
    """A new invitation and its link; the token in it is shown this once and stored only as a hash."""
    locked = _locked(team)
    if role not in rules.ROLES or not 1 <= uses <= 100:
        raise BadInput(
            "Give a role of the team and 1 to 100 uses.", field="role" if role not in rules.ROLES else "uses"
        )
    rules.may_change_role(actor=_role(locked, actor), target=None, new=role)
    token = rules.new_secret()
    invitation = Invitation.objects.create(
        team=locked,
        made_by=actor,
        token_hash=rules.digest(token),
        role=role,
        email=rules.folded_email(email) if email else "",
        uses_left=uses,
        expires_at=utc_now() + life,
    )
    link = f"{url_of('identity')}/invitations/{token}"
    locked.url = f"{url_of('identity')}/teams/{locked.pk}"
    locked.save(update_fields=["url"])
    record(action="team.invited", actor_id=actor.pk, target=team.pk, invitation=str(invitation.pk), role=role)
    return invitation, link


@transaction.atomic
def revoke_invitation(*, team: Team, actor: User, invitation_id: UUID) -> None:
    """The invitation opens nothing from now on. Raises NotAllowed, NotFound."""
    locked = _locked(team)
    rules.may_change_role(actor=_role(locked, actor), target=None, new="member")
    if not Invitation.objects.filter(team=locked, pk=invitation_id).update(revoked=True):
        raise NotFound("The team has no such invitation.")
    record(action="team.invitation_revoked", actor_id=actor.pk, target=team.pk, invitation=str(invitation_id))


@transaction.atomic
def accept_invitation(*, user: User, token: str) -> TeamMembership:
    """Join the team. Two people racing for the last use: one joins. Raises NotFound, InvitationSpent."""
    invitation = Invitation.objects.select_for_update().filter(token_hash=rules.digest(token)).first()
    if invitation is None:
        raise NotFound("There is no such invitation.")
    state = rules.Invited(invitation.uses_left, invitation.expires_at, invitation.revoked, invitation.email)
    rules.must_be_usable(state, email=user.email or "", now=utc_now())
    team = _locked(invitation.team)
    if _role(team, user) is not None:
        raise rules.InvitationSpent("You are in this team already.")
    invitation.uses_left -= 1
    invitation.save(update_fields=["uses_left"])
    membership = _put(team, user, invitation.role)
    record(action="team.joined", actor_id=user.pk, target=team.pk, invitation=str(invitation.pk), role=membership.role)
    return membership


def _locked(team: Team) -> Team:
    # The team's row is the lock of its membership: two changes cannot both think the other owner stays.
    return Team.objects.select_for_update().select_related(None).get(pk=team.pk)


def _bump(team: Team, *fields: str) -> None:
    team.version += 1
    team.save(update_fields=["version", *fields])


def _role(team: Team, user: User) -> str | None:
    return TeamMembership.objects.filter(team=team, user=user).values_list("role", flat=True).first()


def _roles(team: Team) -> list[str]:
    return list(TeamMembership.objects.filter(team=team).values_list("role", flat=True))


def _put(team: Team, user: User, role: str) -> TeamMembership:
    membership, _ = TeamMembership.objects.update_or_create(team=team, user=user, defaults={"role": role})
    if team.permission is not None:
        user.user_permissions.add(team.permission)
    _bump(team)
    publishes.member_changed(team, user, role)
    return membership


def _take(team: Team, user: User) -> None:
    TeamMembership.objects.filter(team=team, user=user).delete()
    if team.permission is not None:
        user.user_permissions.remove(team.permission)
    _bump(team)
    publishes.member_changed(team, user, None)
