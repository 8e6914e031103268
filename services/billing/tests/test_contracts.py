"""Consulting contracts: the amount is in escrow from the signature to the end, and leaves it once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import commands
from billing.models import ConsultingRequest, Journal
from billing.rules.accounts import escrow
from billing.rules.consulting import FOLLOWS, Status, ending
from billing.rules.errors import (
    ContractDisputed,
    ContractState,
    NotReversible,
    OfferGone,
    OwnConsultant,
    WalletShort,
)
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver, said
from service_base.errors import BadInput, NotAllowed, NotFound
from shared_models.events import billing, ml
from shared_models.ids import new_id


def asked(client: Person, **changes: Any) -> ConsultingRequest:
    """An open request of the client's."""
    facts = {"key": str(new_id()), "category": "data_engineering", "description": "Clean my table."}
    return commands.open_request(user=client.id, **(facts | changes))


def chosen(client: Person, consultant: Person, amount: str = "40", days: int = 10) -> ConsultingRequest:
    """A request whose client chose the consultant's offer."""
    request = asked(client)
    offer = commands.make_offer(request_id=request.pk, consultant=consultant.id, amount_usd=amount, delay_days=days)
    return commands.choose_offer(request_id=request.pk, offer_id=offer.pk, user=client.id)


def signed(world: World, client: Person, consultant: Person, amount: str = "40", days: int = 10) -> ConsultingRequest:
    """A running contract."""
    request = chosen(client, consultant, amount, days)
    return commands.sign_contract(request_id=request.pk, consultant=consultant.id, now=world.now)


def in_escrow(client: Person) -> Decimal:
    return balance(escrow(client.id))


@pytest.fixture
def expert(world: World) -> Person:
    """A consultant."""
    return world.person()


@pytest.fixture
def contract(world: World, ana: Person, expert: Person) -> ConsultingRequest:
    """A running contract of ana's over 40 of her 100 USD, due in 10 days."""
    return signed(world, ana, expert)


def test_a_signature_puts_the_amount_into_escrow_once(
    world: World, ana: Person, expert: Person, contract: ConsultingRequest
) -> None:
    again = commands.sign_contract(request_id=contract.pk, consultant=expert.id, now=world.now)

    assert (balance(ana.usd), in_escrow(ana)) == (Decimal(60), Decimal(40))
    assert again.signed_journal == contract.signed_journal
    assert said(billing.ContractSigned)[0].due_at == world.now + timedelta(days=10)
    in_balance()


def test_choosing_moves_no_money(ana: Person, expert: Person) -> None:
    request = chosen(ana, expert)

    assert (request.waiting_consultant_approval, balance(ana.usd), in_escrow(ana)) == (True, Decimal(100), Decimal(0))


def test_a_client_without_the_money_gets_no_contract(world: World, broke: Person, expert: Person) -> None:
    request = chosen(broke, expert)
    with pytest.raises(WalletShort):
        commands.sign_contract(request_id=request.pk, consultant=expert.id)
    world.top_up(broke, "40")

    assert commands.sign_contract(request_id=request.pk, consultant=expert.id).contract


def test_a_finished_contract_pays_the_consultant_less_the_fee(
    ana: Person, expert: Person, contract: ConsultingRequest
) -> None:
    for _ in range(2):
        commands.finish_contract(request_id=contract.pk, user=ana.id)

    assert (in_escrow(ana), balance(expert.earned), balance(ana.usd)) == (Decimal(0), Decimal(36), Decimal(60))
    [event] = said(billing.ContractEnded)
    assert (event.outcome, event.paid_usd, event.fee_usd, event.returned_usd) == ("finished", 36, 4, 0)
    in_balance()


def test_a_later_price_list_does_not_change_the_fee_of_a_signed_contract(
    world: World, ana: Person, expert: Person, contract: ConsultingRequest
) -> None:
    commands.publish_prices(
        training_cell_eaml=Decimal("0.0001"), solving_line_eaml=Decimal("0.001"), usd_per_eaml=Decimal("0.1"),
        level_factors={"1": Decimal(1)}, marketplace_fee_basis_points=5000,
    )  # fmt: skip
    commands.finish_contract(request_id=contract.pk, user=ana.id)

    assert balance(expert.earned) == Decimal(36)


def test_a_consultant_who_gives_up_returns_everything(ana: Person, expert: Person, contract: ConsultingRequest) -> None:
    ended = commands.cancel_request(request_id=contract.pk, actor=expert.id)

    assert (ended.contract_cancel, in_escrow(ana), balance(ana.usd)) == (True, Decimal(0), Decimal(100))
    in_balance()


def test_a_contract_fails_only_after_its_deadline_and_returns_everything(
    world: World, ana: Person, contract: ConsultingRequest
) -> None:
    with pytest.raises(ContractState):
        commands.fail_contract(request_id=contract.pk, user=ana.id, now=world.now + timedelta(days=10))
    ended = commands.fail_contract(request_id=contract.pk, user=ana.id, now=world.now + timedelta(days=10, seconds=1))

    assert (ended.contract_failed, balance(ana.usd)) == (True, Decimal(100))
    in_balance()


def test_what_was_delivered_in_time_does_not_fail(
    world: World, ana: Person, expert: Person, contract: ConsultingRequest
) -> None:
    commands.deliver_work(request_id=contract.pk, consultant=expert.id, note="See the file.", now=world.now)
    with pytest.raises(ContractState):
        commands.fail_contract(request_id=contract.pk, user=ana.id, now=world.now + timedelta(days=90))

    assert in_escrow(ana) == Decimal(40)


def test_a_dispute_holds_the_escrow_against_both(ana: Person, expert: Person, contract: ConsultingRequest) -> None:
    commands.dispute_contract(request_id=contract.pk, actor=expert.id, reason="She does not answer.")
    for attempt in (
        lambda: commands.finish_contract(request_id=contract.pk, user=ana.id),
        lambda: commands.cancel_request(request_id=contract.pk, actor=expert.id),
        lambda: commands.deliver_work(request_id=contract.pk, consultant=expert.id),
    ):
        with pytest.raises(ContractDisputed):
            attempt()

    assert in_escrow(ana) == Decimal(40)
    assert said(billing.ContractDisputed)[0].disputed_by == expert.id
    in_balance()


@pytest.mark.parametrize(
    ("share", "paid", "fee", "returned", "status"),
    [
        (0, "0", "0", "40", "failed"),
        (10_000, "36", "4", "0", "finished"),
        (3333, "11.9988", "1.3332", "26.668", "finished"),
        (1, "0.0036", "0.0004", "39.996", "finished"),
    ],
)
def test_an_operator_shares_out_a_disputed_escrow(
    ana: Person,
    expert: Person,
    contract: ConsultingRequest,
    share: int,
    paid: str,
    fee: str,
    returned: str,
    status: str,
) -> None:
    commands.dispute_contract(request_id=contract.pk, actor=ana.id, reason="Half of it is missing.")
    ended = commands.settle_dispute(
        request_id=contract.pk, operator=new_id(), consultant_basis_points=share, reason="Looked at the files."
    )

    assert (ended.status, in_escrow(ana)) == (status, Decimal(0))
    assert (balance(expert.earned), ended.fee_usd) == (Decimal(paid), Decimal(fee))
    assert balance(ana.usd) == Decimal(60) + Decimal(returned)
    in_balance()


def test_only_a_dispute_is_settled_and_not_by_a_party(ana: Person, expert: Person, contract: ConsultingRequest) -> None:
    def settle(operator: Any) -> Any:
        return commands.settle_dispute(
            request_id=contract.pk, operator=operator, consultant_basis_points=5000, reason="So."
        )

    with pytest.raises(ContractState):
        settle(new_id())
    commands.dispute_contract(request_id=contract.pk, actor=ana.id, reason="No.")
    with pytest.raises(NotAllowed):
        settle(expert.id)
    assert in_escrow(ana) == Decimal(40)


@given(amount=st.decimals("0.01", "999999999999", places=2), share=st.integers(0, 10_000), fee=st.integers(0, 10_000))
def test_the_parts_of_an_ending_sum_to_the_amount_and_none_is_negative(amount: Decimal, share: int, fee: int) -> None:
    parts = ending(amount, consultant_basis_points=share, fee_basis_points=fee)

    assert parts.paid + parts.fee + parts.returned == amount
    assert min(parts.paid, parts.fee, parts.returned) >= 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_usd": "-1"},
        {"amount_usd": "0"},
        {"amount_usd": "NaN"},
        {"amount_usd": "9" * 40},
        {"amount_usd": "0.001"},
        {"amount_usd": "40 EAML"},
        {"delay_days": 0},
        {"delay_days": -3},
        {"delay_days": 10**9},
        {"delay_days": "soon"},
        {"message": "x" * 2001},
    ],
)
def test_an_offer_that_does_not_fit_names_its_field(ana: Person, expert: Person, wrong: dict[str, Any]) -> None:
    request = asked(ana)
    with pytest.raises(BadInput) as refusal:
        commands.make_offer(
            request_id=request.pk, consultant=expert.id, **({"amount_usd": "40", "delay_days": 10} | wrong)
        )

    assert [refusal.value.field] == list(wrong)
    assert not request.offers.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": "witchcraft"},
        {"description": "  "},
        {"description": "x" * 10_001},
        {"budget_estimation": "-1"},
        {"team_id": new_id()},
        {"machine_id": new_id()},
    ],
)
def test_a_request_that_does_not_fit_names_its_field(ana: Person, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refusal:
        asked(ana, **wrong)

    assert [refusal.value.field] == list(wrong)
    assert not ConsultingRequest.objects.exists()


def test_a_request_names_a_machine_of_ones_own(ana: Person, broke: Person) -> None:
    machine = ml.MachineChanged(
        machine_id=new_id(), version=1, machine_name="wine", machine_owner_id=ana.id, machine_level=1, trained=False,
        api_solving_is_public=False, api_solving_price_usd="0",
    )  # fmt: skip
    deliver(machine)

    assert asked(ana, machine_id=machine.machine_id).machine_name == "wine"
    with pytest.raises(BadInput):
        asked(broke, machine_id=machine.machine_id)


def test_a_form_sent_twice_opens_one_request(ana: Person) -> None:
    assert asked(ana, key="form") == asked(ana, key="form")
    assert ConsultingRequest.objects.count() == 1


def test_nobody_is_her_own_consultant(ana: Person) -> None:
    with pytest.raises(OwnConsultant):
        commands.make_offer(request_id=asked(ana).pk, consultant=ana.id, amount_usd="1", delay_days=1)


def test_new_terms_are_a_new_offer_and_the_old_one_cannot_be_chosen(ana: Person, expert: Person) -> None:
    request = asked(ana)
    cheap, dear = (
        commands.make_offer(request_id=request.pk, consultant=expert.id, amount_usd=amount, delay_days=1)
        for amount in ("10", "90")
    )
    with pytest.raises(OfferGone):
        commands.choose_offer(request_id=request.pk, offer_id=cheap.pk, user=ana.id)

    assert commands.choose_offer(request_id=request.pk, offer_id=dear.pk, user=ana.id).amount_usd == Decimal(90)


def test_a_consultant_who_declines_leaves_the_request_open_for_others(ana: Person, expert: Person) -> None:
    request = chosen(ana, expert)
    opened = commands.reopen_request(request_id=request.pk, actor=expert.id, note="No time.")

    assert (opened.request_open, opened.consultant_user_id, opened.amount_usd) == (True, None, None)
    with pytest.raises(OfferGone):
        commands.choose_offer(request_id=request.pk, offer_id=request.offers.get().pk, user=ana.id)


def test_each_act_is_for_its_side_and_for_no_stranger(
    ana: Person, expert: Person, broke: Person, contract: ConsultingRequest
) -> None:
    facts = {"request_id": contract.pk}
    for attempt, refusal in (
        (lambda: commands.finish_contract(**facts, user=expert.id), NotAllowed),
        (lambda: commands.fail_contract(**facts, user=expert.id), NotAllowed),
        (lambda: commands.cancel_request(**facts, actor=ana.id), NotAllowed),
        (lambda: commands.deliver_work(**facts, consultant=ana.id), NotAllowed),
        (lambda: commands.finish_contract(**facts, user=broke.id), NotFound),
        (lambda: commands.cancel_request(**facts, actor=broke.id), NotFound),
        (lambda: commands.dispute_contract(**facts, actor=broke.id, reason="Me too."), NotFound),
        (lambda: commands.sign_contract(request_id=new_id(), consultant=ana.id), NotFound),
    ):
        with pytest.raises(refusal):
            attempt()
    assert in_escrow(ana) == Decimal(40)


def test_the_seeds_booleans_name_one_state_each(ana: Person) -> None:
    names = (
        "request_open", "waiting_consultant_approval", "contract", "contract_finished", "contract_failed",
        "contract_cancel",
    )  # fmt: skip
    for status, name in zip(Status, names, strict=True):
        request = ConsultingRequest(user_id=ana.id, status=status.value)
        assert [seed for seed in names if getattr(request, seed)] == [name]


def test_a_journal_of_a_contract_is_ended_not_reversed(contract: ConsultingRequest) -> None:
    assert contract.signed_journal is not None
    with pytest.raises(NotReversible):
        commands.reverse_journal(journal_id=contract.signed_journal.pk, reason="No.")
    assert Journal.objects.filter(kind="reversal").count() == 0


def test_what_ended_takes_no_further_act(ana: Person, expert: Person, contract: ConsultingRequest) -> None:
    commands.finish_contract(request_id=contract.pk, user=ana.id)
    for attempt in (
        lambda: commands.cancel_request(request_id=contract.pk, actor=expert.id),
        lambda: commands.fail_contract(request_id=contract.pk, user=ana.id),
        lambda: commands.dispute_contract(request_id=contract.pk, actor=ana.id, reason="Now I see."),
        lambda: commands.make_offer(request_id=contract.pk, consultant=new_id(), amount_usd="1", delay_days=1),
    ):
        with pytest.raises(ContractState):
            attempt()

    assert balance(expert.earned) == Decimal(36)


def test_the_table_of_states_has_no_way_back_from_an_end() -> None:
    assert all(not FOLLOWS[status] for status in (Status.FINISHED, Status.FAILED, Status.CANCELLED))
