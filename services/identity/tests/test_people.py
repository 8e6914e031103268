"""Registering, formats, balances."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_bus.testing import deliver, said
from identity import commands
from identity.commands.people import EmailTaken
from identity.models import User
from identity.rules import clean_name, folded_email
from service_base.errors import BadInput
from shared_models.clock import utc_now
from shared_models.events import billing, identity
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db


def balance(user_id, version, usd):
    return billing.Balance(
        owner_id=user_id, version=version, user_balance=usd, user_ixioo_balance="0", coupon_balance="0",
        usd_available=usd, eaml_available="0", coupon_available="0", credit_available="0",
    )  # fmt: skip


def page_of(*balances):
    return billing.BalancesChanged(page_id=new_id(), balances=balances)


def test_a_registered_person_is_announced_with_her_whole_public_state(person):
    user = person("ada")
    assert [(e.user_id, e.email, e.version) for e in said(identity.UserChanged)] == [(user.pk, "ada@example.org", 1)]


@pytest.mark.parametrize("same", ["ADA@example.org", " ada@EXAMPLE.org ", "ａda@example.org"])
def test_an_address_in_other_case_or_unicode_form_is_the_same_address(person, same):
    person("ada")
    with pytest.raises(EmailTaken):
        commands.register(email=same, password="a long enough sentence", first_name="A", last_name="B")


@pytest.mark.parametrize("weak", ["short", "password123", "ada@example"])
def test_a_weak_password_is_refused_naming_the_field(weak):
    with pytest.raises(BadInput) as refused:
        commands.register(email="ada@example.org", password=weak, first_name="Ada", last_name="B")
    assert refused.value.field == "password"


def test_a_refused_registration_leaves_nothing_behind():
    with pytest.raises(BadInput):
        commands.register(email="ada@example.org", password="x", first_name="Ada", last_name="B")
    assert not User.objects.exists()
    assert not said(identity.UserChanged)


@given(st.text(max_size=200))
def test_a_cleaned_name_has_no_invisible_characters(name):
    try:
        kept = clean_name(name, field="name")
    except BadInput:
        return
    assert kept.isprintable() or " " in kept or "\u00a0" in kept or not kept.isascii()
    assert clean_name(kept, field="name") == kept


@given(st.emails())
def test_folding_an_address_twice_changes_nothing(address):
    try:
        folded = folded_email(address)
    except BadInput:
        return
    assert folded_email(folded) == folded


def test_balances_follow_billing_and_an_older_version_never_overwrites_a_newer_one(person):
    user = person("ada")
    deliver(page_of(balance(user.pk, 2, "7")))
    deliver(page_of(balance(user.pk, 1, "5")))
    user.refresh_from_db()
    assert (user.user_balance, user.ledger_version) == (Decimal(7), 2)


def test_of_balances_that_come_together_the_newest_of_each_person_is_kept(person):
    ada, bo = person("ada"), person("bo")
    first = [balance(ada.pk, 2, "7"), balance(bo.pk, 8, "4")]
    deliver(page_of(*first), page_of(balance(bo.pk, 9, "3"), balance(ada.pk, 1, "5")))
    ada.refresh_from_db()
    bo.refresh_from_db()
    assert (ada.user_balance, ada.ledger_version) == (Decimal(7), 2)
    assert (bo.user_balance, bo.ledger_version) == (Decimal(3), 9)


def test_an_activated_coupon_is_noted(person):
    user = person("ada")
    deliver(billing.CouponActivated(owner_id=user.pk, code="WELCOME", amount=Decimal(5), activated_at=utc_now()))
    user.refresh_from_db()
    assert list(user.coupons_activated) == ["WELCOME"]


def test_a_balance_of_somebody_unknown_is_no_error():
    assert deliver(page_of(balance(new_id(), 1, "1"))).parked == 0


def test_changed_formats_are_announced_with_a_higher_version(person):
    commands.change_formats(user=person("ada"), date_format="YMD")
    assert [(e.version, e.date_format) for e in said(identity.UserChanged)] == [(1, "DMY"), (2, "YMD")]


def test_a_format_that_does_not_exist_is_refused(person):
    with pytest.raises(BadInput):
        commands.change_formats(user=person("ada"), date_format="QQQ")


def test_a_new_installation_gets_one_operator_and_keeps_her_password(db):
    first = commands.first_operator(password="a first password")
    assert first.is_staff
    assert commands.first_operator(password="another password") is None
    first.refresh_from_db()
    assert first.check_password("a first password")


def test_the_seeds_methods_answer(person):
    operator = User.objects.create_superuser("root@example.org", "x", "Root", "Example")
    operator.is_super_admin = True
    ada = person("ada")
    team = ada.create_team("Analysts")
    bea = person("bea")
    team.add_user_to_team(bea)
    assert ada.get_full_name() == "Ada Example"
    assert list(bea.get_user_teams()) == [team]
    assert bea.has_perm(f"identity.can_use_team_{team.pk}")
    assert User.get_super_admin() == operator
    team.remove_user_from_team(bea)
    assert list(bea.get_user_teams()) == []
    assert "/invitations/" in team.generate_link()
