"""Two ends at once, and the rows attacked directly: an escrow empties once, and a contract keeps what was signed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from billing import commands, queries
from billing.commands import contracts
from billing.models import ConsultingRequest, Journal
from billing.rules.accounts import escrow
from billing.rules.errors import ContractDisputed, ContractState, OfferGone, WalletShort
from billing.tests.test_contracts import asked, chosen, in_escrow, signed
from billing.tests.test_races import at_once
from billing.tests.world import Person, World, balance, in_balance
from service_base.errors import Refusal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def expert(world: World) -> Person:
    """A consultant."""
    return world.person()


@pytest.fixture
def contract(world: World, ana: Person, expert: Person) -> ConsultingRequest:
    """A running contract over 40 USD, long due."""
    return signed(world, ana, expert, days=1)


def ends(world: World, client: Person, consultant: Person, contract: ConsultingRequest) -> list[Any]:
    """Every way in which a party can end it."""
    late, pk = world.now + timedelta(days=2), contract.pk
    return [
        lambda: commands.finish_contract(request_id=pk, user=client.id, now=late),
        lambda: commands.cancel_request(request_id=pk, actor=consultant.id, now=late),
        lambda: commands.fail_contract(request_id=pk, user=client.id, now=late),
    ]


def test_of_three_ends_at_once_one_wins_and_the_others_are_told(
    world: World, ana: Person, expert: Person, contract: ConsultingRequest
) -> None:
    answers = at_once(*ends(world, ana, expert, contract))

    assert sum(isinstance(answer, ContractState) for answer in answers) == 2
    contract.refresh_from_db()
    paid = Decimal(36) if contract.contract_finished else Decimal(0)
    assert (balance(expert.earned), in_escrow(ana)) == (paid, Decimal(0))
    assert Journal.objects.filter(source="contract", idempotency_key=f"ended:{contract.pk}").count() == 1
    in_balance()


def test_finished_from_two_tabs_at_once_pays_once(ana: Person, expert: Person, contract: ConsultingRequest) -> None:
    at_once(*[lambda: commands.finish_contract(request_id=contract.pk, user=ana.id)] * 3)

    assert balance(expert.earned) == Decimal(36)
    in_balance()


def test_without_the_lock_the_ledger_and_the_row_still_let_one_end_win(
    world: World, ana: Person, expert: Person, contract: ConsultingRequest, monkeypatch: Any
) -> None:
    """The control: the first guard away, the unique key of the journal and the trigger hold."""

    def unlocked(request_id: Any) -> ConsultingRequest:
        return ConsultingRequest.objects.get(pk=request_id)

    monkeypatch.setattr(contracts, "lock_request", unlocked)
    works = [guarded(work) for work in ends(world, ana, expert, contract)]
    answers = at_once(*works)

    assert sum(isinstance(answer, Refusal | DatabaseError) for answer in answers) == 2
    assert in_escrow(ana) == Decimal(0)
    in_balance()


def guarded(work: Any) -> Any:
    """`work`, with what the database refuses as its answer."""

    def run() -> Any:
        try:
            return work()
        except DatabaseError as refused:
            return refused

    return run


def test_a_dispute_and_an_end_at_once_leave_one_of_the_two(
    ana: Person, expert: Person, contract: ConsultingRequest
) -> None:
    answers = at_once(
        lambda: commands.dispute_contract(request_id=contract.pk, actor=expert.id, reason="Wait."),
        lambda: commands.finish_contract(request_id=contract.pk, user=ana.id),
    )

    assert sum(isinstance(answer, ContractState | ContractDisputed) for answer in answers) == 1
    contract.refresh_from_db()
    assert in_escrow(ana) == (Decimal(40) if contract.is_disputed else Decimal(0))
    in_balance()


def test_two_contracts_signed_at_once_never_take_the_same_money(world: World, ana: Person) -> None:
    experts = [world.person() for _ in range(3)]
    requests = [chosen(ana, expert, "60") for expert in experts]  # of 100
    answers = at_once(
        *(
            lambda request=request, expert=expert: commands.sign_contract(request_id=request.pk, consultant=expert.id)
            for request, expert in zip(requests, experts, strict=True)
        )
    )

    assert sum(isinstance(answer, WalletShort) for answer in answers) == 2
    assert (balance(ana.usd), in_escrow(ana)) == (Decimal(40), Decimal(60))
    in_balance()


def test_an_offer_withdrawn_while_it_is_chosen_is_one_or_the_other(ana: Person, expert: Person) -> None:
    request = asked(ana)
    offer = commands.make_offer(request_id=request.pk, consultant=expert.id, amount_usd="40", delay_days=1)
    answers = at_once(
        lambda: commands.withdraw_offer(request_id=request.pk, consultant=expert.id),
        lambda: commands.choose_offer(request_id=request.pk, offer_id=offer.pk, user=ana.id),
    )

    assert sum(isinstance(answer, OfferGone | ContractState) for answer in answers) == 1


def test_two_people_who_work_for_each_other_do_not_wait_for_ever(world: World, ana: Person) -> None:
    ben = world.person(usd="100")
    pairs = [(ana, ben), (ben, ana)] * 3
    running = [(signed(world, client, other, "10"), client) for client, other in pairs]
    at_once(*(lambda pk=c.pk, who=who.id: commands.finish_contract(request_id=pk, user=who) for c, who in running))

    assert balance(ana.earned) == balance(ben.earned) == Decimal(27)
    in_balance()


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE consulting_request SET status = 'finished'",
        "UPDATE consulting_request SET status = 'open'",
        "UPDATE consulting_request SET status = 'cancelled', signed_journal_id = NULL",
        "UPDATE consulting_request SET amount_usd = 1",
        "UPDATE consulting_request SET consultant_user_id = gen_random_uuid()",
        "UPDATE consulting_request SET consultant_user_id = user_id",
        "UPDATE consulting_request SET user_id = gen_random_uuid()",
        "UPDATE consulting_request SET fee_basis_points = 0",
        "UPDATE consulting_request SET settled_by = user_id",
        "UPDATE consulting_request SET status = 'finished', ended_journal_id = signed_journal_id, paid_usd = 41,"
        " fee_usd = 0, returned_usd = 0",
        "DELETE FROM consulting_request",
        "TRUNCATE consulting_request CASCADE",
        "UPDATE consulting_step SET note = ''",
        "DELETE FROM consulting_step",
        "ALTER TABLE consulting_request DISABLE TRIGGER ALL",
    ],
)
def test_the_rows_of_a_signed_contract_refuse_what_was_not_signed(contract: ConsultingRequest, attack: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)

    assert ConsultingRequest.objects.get() == contract
    in_balance()


def test_what_has_ended_stays_as_it_ended(ana: Person, contract: ConsultingRequest) -> None:
    commands.finish_contract(request_id=contract.pk, user=ana.id)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE consulting_request SET description = 'other'")


@pytest.mark.owner
def test_verification_finds_an_escrow_that_no_contract_stands_behind(contract: ConsultingRequest, ana: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consulting_request DISABLE TRIGGER consulting_request_moves_on")
        try:
            cursor.execute("UPDATE consulting_request SET amount_usd = 39")
        finally:
            cursor.execute("ALTER TABLE consulting_request ENABLE ALWAYS TRIGGER consulting_request_moves_on")
    verdict = queries.verify()

    assert verdict.first_difference is not None
    assert verdict.first_difference.startswith("escrow is the open contracts: ")
    assert "40.00000000" in verdict.first_difference
    assert str(ana.id) in verdict.first_difference


def test_money_in_escrow_can_neither_be_spent_nor_paid_out(
    world: World, contract: ConsultingRequest, ana: Person
) -> None:
    with pytest.raises(WalletShort):
        commands.buy_tokens(owner=ana.id, key="k", amount_usd="60.01", now=world.now)

    assert balance(escrow(ana.id)) == Decimal(40)


def test_signed_from_two_connections_at_once_is_one_journal(ana: Person, expert: Person) -> None:
    request = chosen(ana, expert)
    at_once(*[lambda: commands.sign_contract(request_id=request.pk, consultant=expert.id)] * 3)

    assert Journal.objects.filter(kind="contract_signed").count() == 1
    assert in_escrow(ana) == Decimal(40)
