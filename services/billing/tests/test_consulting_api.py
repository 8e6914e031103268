"""Consulting over the API and on pages: who sees what, what is refused and how."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing import commands
from billing.models import ConsultingRequest
from billing.tests.test_api import get, post
from billing.tests.test_contracts import asked, chosen, in_escrow, signed
from billing.tests.test_pages import page
from billing.tests.world import Person, World, balance, in_balance
from service_base.env import env
from shared_models.ids import new_id


@pytest.fixture
def expert(world: World) -> Person:
    """A consultant."""
    return world.person()


def test_a_request_becomes_a_contract_and_is_paid(api: Any, ana: Person, expert: Person) -> None:
    client, consultant = api(ana), api(expert)
    asking = {"category": "api_integration", "description": "Call my machine from a web shop."}
    request = post(client, "consulting", asking, key="one").json()
    assert post(client, "consulting", asking, key="one").json() == request
    path = f"consulting/{request['id']}"

    assert [item["id"] for item in get(consultant, "consulting/board").json()["items"]] == [request["id"]]
    offer = post(consultant, f"{path}/offers", {"amount_usd": "40", "delay_days": 3}).json()
    assert post(client, f"{path}/offers/{offer['id']}/choose").json()["waiting_consultant_approval"] is True
    contract = f"contracts/{request['id']}"
    assert post(consultant, f"{contract}/sign").json()["contract"] is True
    assert get(client, contract).json()["delay_days"] == 3
    post(consultant, f"{contract}/deliver", {"note": "Done."})
    ended = post(client, f"{contract}/finish", key="pay")

    assert ended.json() == post(client, f"{contract}/finish", key="pay").json()
    assert (ended.json()["status"], ended.json()["paid_usd"], ended.json()["fee_usd"]) == ("finished", "36", "4")
    assert [step["what"] for step in get(client, contract).json()["steps"]] == [
        "opened", "offered", "chosen", "signed", "delivered", "finished",
    ]  # fmt: skip
    assert [item["id"] for item in get(consultant, "contracts").json()["items"]] == [request["id"]]
    assert balance(expert.earned) == Decimal(36)
    in_balance()


@pytest.mark.parametrize("amount", ["-1", "0", "NaN", "Infinity", "9" * 40, "0.001", "40 EUR", "1e400", ""])
def test_an_offer_that_is_no_amount_is_a_problem_document(api: Any, ana: Person, expert: Person, amount: str) -> None:
    request = asked(ana)
    answer = post(api(expert), f"consulting/{request.pk}/offers", {"amount_usd": amount, "delay_days": 1})

    assert (answer.status_code, answer["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["field"].endswith("amount_usd")
    assert not request.offers.exists()


@pytest.mark.parametrize("share", [-1, 10_001, "half", None, 10**40])
def test_a_share_that_is_none_settles_nothing(api: Any, world: World, ana: Person, expert: Person, share: Any) -> None:
    contract = signed(world, ana, expert)
    commands.dispute_contract(request_id=contract.pk, actor=ana.id, reason="No.")
    body = {"consultant_basis_points": share, "reason": "So."}
    answer = post(api(Person(), staff=True), f"contracts/{contract.pk}/settle", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].endswith("consultant_basis_points")
    assert in_escrow(ana) == Decimal(40)


def test_what_the_state_does_not_allow_is_a_conflict_that_says_so(api: Any, ana: Person, expert: Person) -> None:
    request = chosen(ana, expert)
    answer = post(api(ana), f"contracts/{request.pk}/finish")

    assert (answer.status_code, answer["content-type"]) == (409, "application/problem+json")
    assert answer.json()["status_now"] == "waiting_approval"


def test_a_client_without_the_money_is_402_and_can_sign_later_under_a_new_key(
    api: Any, world: World, broke: Person, expert: Person
) -> None:
    request = chosen(broke, expert)
    path = f"contracts/{request.pk}/sign"
    assert post(api(expert), path, key="one").status_code == 402
    world.top_up(broke, "40")

    assert post(api(expert), path, key="one").status_code == 402
    assert post(api(expert), path, key="two").status_code == 200


def test_an_open_request_shows_its_terms_and_its_client_to_nobody_else(api: Any, ana: Person, expert: Person) -> None:
    request = asked(ana, budget_estimation="99")
    shown = get(api(expert), f"consulting/{request.pk}").json()

    assert (shown["budget_estimation"], shown["offers"]) == ("99", [])
    assert not {"user_id", "machine_id", "files", "steps"} & set(shown)


def test_a_contract_does_not_exist_for_strangers(api: Any, world: World, ana: Person, expert: Person) -> None:
    contract, stranger = signed(world, ana, expert), api(Person())
    for act in ("sign", "deliver", "finish", "fail", "cancel"):
        assert post(stranger, f"contracts/{contract.pk}/{act}").status_code == 404
    assert post(stranger, f"contracts/{contract.pk}/dispute", {"reason": "Mine."}).status_code == 404
    assert get(stranger, f"contracts/{contract.pk}").status_code == 404
    assert get(stranger, "contracts").json()["items"] == []
    assert get(stranger, "consulting/board").json()["items"] == []
    assert in_escrow(ana) == Decimal(40)


def test_a_consultant_sees_her_own_offer_alone(api: Any, world: World, ana: Person, expert: Person) -> None:
    request, rival = asked(ana), world.person()
    for person, amount in ((expert, "40"), (rival, "30")):
        commands.make_offer(request_id=request.pk, consultant=person.id, amount_usd=amount, delay_days=1)
    path = f"consulting/{request.pk}"

    assert [offer["amount_usd"] for offer in get(api(expert), path).json()["offers"]] == ["40"]
    assert [offer["amount_usd"] for offer in get(api(ana), path).json()["offers"]] == ["30", "40"]


def test_a_consultant_is_not_told_who_else_offered(api: Any, world: World, ana: Person, expert: Person) -> None:
    request, rival = asked(ana), world.person()
    for person in (expert, rival):
        offer = commands.make_offer(request_id=request.pk, consultant=person.id, amount_usd="30", delay_days=1)
    commands.choose_offer(request_id=request.pk, offer_id=offer.pk, user=ana.id)

    assert str(expert.id) not in get(api(rival), f"consulting/{request.pk}").content.decode()


def test_a_team_reads_along_and_acts_not(api: Any, world: World, ana: Person, expert: Person) -> None:
    team = new_id()
    request = asked(ana, team_id=team, teams=[team])
    mate = api(Person(), teams={str(team): "member"})
    path = f"consulting/{request.pk}"

    assert get(mate, path).json()["user_id"] == str(ana.id)
    assert [item["id"] for item in get(mate, "consulting").json()["items"]] == [str(request.pk)]
    assert post(mate, f"{path}/cancel").status_code == 404


def test_operators_alone_see_disputes_and_settle_them(api: Any, world: World, ana: Person, expert: Person) -> None:
    contract = signed(world, ana, expert)
    commands.dispute_contract(request_id=contract.pk, actor=ana.id, reason="No.")
    body = {"consultant_basis_points": 5000, "reason": "Half of it is there."}
    assert get(api(ana), "contracts/disputed").status_code == 403
    assert post(api(ana), f"contracts/{contract.pk}/settle", body).status_code == 403

    operator = api(Person(), staff=True)
    assert [item["id"] for item in get(operator, "contracts/disputed").json()["items"]] == [str(contract.pk)]
    settled = post(operator, f"contracts/{contract.pk}/settle", body).json()
    assert (settled["paid_usd"], settled["fee_usd"], settled["returned_usd"]) == ("18", "2", "20")
    in_balance()


def test_the_whole_way_on_the_pages(
    browser: Any, world: World, ana: Person, expert: Person, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(env(), "data_dir", tmp_path)
    client, consultant = browser(ana), browser(expert)
    page(client, "/consulting")
    asking = {"category": "other", "description": "Explain <b>drift</b>.", "budget_estimation": "50,00", "key": "f"}
    where = client.post("/consulting/new", asking)["location"]
    assert client.post("/consulting/new", asking)["location"] == where
    assert "Explain &lt;b&gt;drift" in page(consultant, "/consulting/board")

    offered = consultant.post(f"{where}/offer", {"amount_usd": "40,00", "delay_days": "7", "message": "Gladly."})
    assert offered["location"] == where
    offer_id = re.search(r'name="offer_id" value="([^"]+)"', page(client, where))
    assert offer_id is not None
    client.post(f"{where}/choose", {"offer_id": offer_id[1]})
    assert "You act next" in page(consultant, where)
    consultant.post(f"{where}/sign")
    client.post(f"{where}/files", {"file": SimpleUploadedFile("t.csv", b"a,b\n")})
    assert "t.csv" in page(consultant, where)
    consultant.post(f"{where}/deliver", {"note": "Here."})
    assert "has delivered" in page(client, where)
    client.post(f"{where}/finish")
    assert re.search(r"36,00 USD</span> to the consultant", page(client, where))
    assert "finished" in page(consultant, "/consulting")

    contract = ConsultingRequest.objects.get()
    for journal in (contract.signed_journal_id, contract.ended_journal_id):
        assert "escrow" in page(client, f"/journals/{journal}")
    assert "you earned 36 USD, 40 USD less" in page(consultant, f"/journals/{contract.ended_journal_id}")
    in_balance()


def test_a_refusal_keeps_what_was_typed(browser: Any, ana: Person, expert: Person) -> None:
    request = asked(ana)
    refused = browser(expert).post(
        f"/consulting/{request.pk}/offer", {"amount_usd": "-4", "delay_days": "7", "message": "Gladly."}
    )
    text = refused.content.decode()

    assert refused.status_code == 422
    assert 'value="-4"' in text
    assert "Gladly." in text
    again = browser(ana).post("/consulting/new", {"category": "other", "description": "", "budget_estimation": "x"})
    assert (again.status_code, 'value="x"' in again.content.decode()) == (422, True)


def test_a_dispute_is_settled_on_the_operators_page(browser: Any, world: World, ana: Person, expert: Person) -> None:
    contract, operator = signed(world, ana, expert), browser(Person(), staff=True)
    browser(ana).post(f"/consulting/{contract.pk}/dispute", {"reason": "Nothing came."})
    assert "Nothing came." in page(operator, "/disputes")
    page(operator, f"/consulting/{contract.pk}")
    assert browser(ana).get("/disputes").status_code == 403
    wrong = operator.post(f"/disputes/{contract.pk}", {"consultant_percent": "100,5x", "reason": "So."})
    assert (wrong.status_code, in_escrow(ana)) == (422, Decimal(40))

    operator.post(f"/disputes/{contract.pk}", {"consultant_percent": "33,33", "reason": "A third is there."})
    assert (balance(expert.earned), balance(ana.usd)) == (Decimal("11.9988"), Decimal("86.668"))
    assert "An operator</strong> settled" in page(browser(ana), f"/consulting/{contract.pk}")
    assert "Settled by an operator" in page(browser(expert), f"/journals/{_ended(contract)}")


def test_pages_of_other_peoples_contracts_do_not_exist(browser: Any, world: World, ana: Person, expert: Person) -> None:
    contract = signed(world, ana, expert)

    page(browser(Person()), f"/consulting/{contract.pk}", 404)
    assert browser(Person()).post(f"/consulting/{contract.pk}/finish").status_code == 404
    assert browser(ana).post(f"/consulting/{contract.pk}/steal").status_code == 404


def _ended(contract: ConsultingRequest) -> Any:
    contract.refresh_from_db()
    return contract.ended_journal_id
