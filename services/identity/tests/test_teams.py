"""Roles, invitations, and who may change what."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_bus.testing import said
from identity import commands, rules
from identity.models import TeamMembership
from identity.rules import ROLES, InvitationSpent, Invited, LastOwner, must_be_usable
from service_base.errors import NotAllowed, NotFound
from shared_models.clock import utc_now
from shared_models.events import identity

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(person):
    return person("ada")


@pytest.fixture
def team(ada):
    return commands.create_team(owner=ada, name="Analysts")


def join(team, ada, user, role="member"):
    _, link = commands.invite(team=team, actor=ada, role=role)
    return commands.accept_invitation(user=user, token=link.rsplit("/", 1)[1])


def test_the_last_owner_cannot_leave(team, ada):
    with pytest.raises(LastOwner):
        commands.leave_team(team=team, user=ada)
    assert TeamMembership.objects.filter(team=team, user=ada, role="owner").exists()


def test_a_member_cannot_promote_herself(team, ada, person):
    bea = person("bea")
    join(team, ada, bea)
    with pytest.raises(NotAllowed):
        commands.set_role(team=team, actor=bea, user=bea, role="owner")


def test_an_admin_cannot_make_owners(team, ada, person):
    bea, cleo = person("bea"), person("cleo")
    join(team, ada, bea, "admin")
    join(team, ada, cleo)
    with pytest.raises(NotAllowed):
        commands.set_role(team=team, actor=bea, user=cleo, role="owner")


def test_an_invitation_for_one_use_opens_once(team, ada, person):
    _, link = commands.invite(team=team, actor=ada)
    token = link.rsplit("/", 1)[1]
    commands.accept_invitation(user=person("bea"), token=token)
    with pytest.raises(InvitationSpent):
        commands.accept_invitation(user=person("cleo"), token=token)


def test_an_invitation_bound_to_an_address_opens_for_nobody_else(team, ada, person):
    _, link = commands.invite(team=team, actor=ada, email="cleo@example.org")
    with pytest.raises(InvitationSpent):
        commands.accept_invitation(user=person("bea"), token=link.rsplit("/", 1)[1])


def test_a_revoked_invitation_opens_nothing(team, ada, person):
    invitation, link = commands.invite(team=team, actor=ada)
    commands.revoke_invitation(team=team, actor=ada, invitation_id=invitation.pk)
    with pytest.raises(InvitationSpent):
        commands.accept_invitation(user=person("bea"), token=link.rsplit("/", 1)[1])


def test_an_expired_invitation_opens_nothing():
    now = utc_now()
    with pytest.raises(InvitationSpent):
        must_be_usable(Invited(1, now, revoked=False, email=""), email="", now=now + timedelta(seconds=1))


def test_a_guessed_invitation_is_not_found(person):
    with pytest.raises(NotFound):
        commands.accept_invitation(user=person("bea"), token="guess")


def test_ownership_can_be_handed_over_and_then_left(team, ada, person):
    bea = person("bea")
    join(team, ada, bea)
    commands.transfer_ownership(team=team, actor=ada, to=bea)
    commands.leave_team(team=team, user=ada)
    assert [(m.user_id, m.role) for m in TeamMembership.objects.filter(team=team)] == [(bea.pk, "owner")]


def test_each_change_of_membership_has_a_higher_version(team, ada, person):
    bea = person("bea")
    join(team, ada, bea)
    commands.remove_member(team=team, actor=ada, user=bea)
    events = said(identity.TeamMemberChanged)
    assert [(e.user_id, e.role) for e in events] == [(ada.pk, "owner"), (bea.pk, "member"), (bea.pk, None)]
    assert sorted({e.version for e in events}) == [e.version for e in events]


def test_a_dissolved_team_says_that_everybody_left(team, ada):
    commands.delete_team(team=team, actor=ada)
    assert said(identity.TeamChanged)[-1].deleted
    assert said(identity.TeamMemberChanged)[-1].role is None


@given(
    actor=st.sampled_from([*ROLES, None]), target=st.sampled_from([*ROLES, None]), new=st.sampled_from([*ROLES, None])
)
def test_nobody_below_admin_changes_roles_and_no_admin_touches_owners_or_admins(actor, target, new):
    try:
        rules.may_change_role(actor=actor, target=target, new=new)
    except NotAllowed:
        return
    assert actor == "owner" or (actor == "admin" and not {"owner", "admin"} & {target, new})
