"""Bills over the API and in the browser: whose they are, how they are paid, and what operators do."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from typing import Any
from unicodedata import normalize

import pytest

from billing import commands, queries
from billing.models import Bill, BillPayment, BillRun, Journal, PeriodClose
from billing.rules.bills import month_of
from billing.tests.test_api import get, post
from billing.tests.test_pages import page
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver
from service_base.formats import Formats
from shared_models.clock import rfc3339, utc_now
from shared_models.ids import new_id


@pytest.fixture
def bill(world: World, broke: Person) -> Bill:
    """A bill over 1 USD of somebody who has none."""
    end = month_of(utc_now())
    deliver(world.solved(broke, lines=10_000, completed_at=end - timedelta(days=9)))
    return commands.issue_bill(owner=broke.id, until=end)


@pytest.fixture
def operator(browser: Any) -> Any:
    """An operator's browser."""
    return browser(Person(), staff=True)


def words_of(pdf: bytes) -> str:
    """The text that a PDF of ours shows."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    shown = b" ".join(zlib.decompress(s) if s[:1] == b"x" else s for s in streams)
    letters = {int(glyph, 16): chr(int(code, 16)) for glyph, code in re.findall(rb"<(....)> <(....)>\n", shown)}
    said = re.findall(rb"/(\w+) \d+ Tf.*?<([0-9a-f]*)>\] ?TJ", shown, re.S)
    return "|".join(_text_of(face, bytes.fromhex(text.decode()), letters) for face, text in said)


def _text_of(face: bytes, text: bytes, letters: dict[int, str]) -> str:
    if face != b"Names":
        return text.decode("cp1252")
    return "".join(letters[int.from_bytes(text[at : at + 2], "big")] for at in range(0, len(text), 2))


def test_a_bill_is_listed_read_and_paid_over_the_api_once(api: Any, world: World, broke: Person, bill: Bill) -> None:
    client = api(broke)
    listed = get(client, "bills").json()["items"]
    read = get(client, f"bills/{bill.pk}").json()
    assert [item["number"] for item in listed] == [bill.called] == [read["number"]]
    assert (read["state"], read["open_usd"], read["lines"][0]["owed_usd"]) == ("open", "1", "1")

    world.top_up(broke, "5")
    answers = [post(client, f"bills/{bill.pk}/pay", key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    refused = post(client, f"bills/{bill.pk}/pay", key="other")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "bill-paid")
    assert get(client, f"bills/{bill.pk}").json()["state"] == "paid"
    assert balance(broke.usd) == 4
    in_balance()


def test_what_the_wallet_lacks_is_said_and_the_bill_stays_open(api: Any, broke: Person, bill: Bill) -> None:
    refused = post(api(broke), f"bills/{bill.pk}/pay", key="k")

    assert (refused.status_code, refused.json()["missing"], BillPayment.objects.count()) == (402, "1", 0)


def test_the_next_bill_is_shown_as_not_final_with_what_is_open(
    api: Any, world: World, broke: Person, bill: Bill
) -> None:
    deliver(world.solved(broke, lines=5_000, completed_at=utc_now()))
    found = get(api(broke), "bills/next").json()

    assert (found["final"], found["brought_forward_usd"], found["total_usd"]) == (False, "1", "1.5")
    assert [(line["kind"], line["count_of_lines"]) for line in found["lines"]] == [("solving", 5000)]


def test_another_persons_bill_does_not_exist(api: Any, browser: Any, ana: Person, bill: Bill) -> None:
    client = api(ana)
    for path in (f"bills/{bill.pk}", f"bills/{bill.pk}/pdf", f"bills/{new_id()}"):
        assert get(client, path).status_code == 404
    assert post(client, f"bills/{bill.pk}/pay", key="k").status_code == 404
    assert get(client, "bills").json()["items"] == []
    for path in (f"/bills/{bill.pk}", f"/bills/{bill.pk}.pdf"):
        page(browser(ana), path, status=404)


def test_only_operators_issue_bills_and_set_rates(api: Any, ana: Person, bill: Bill) -> None:
    client = api(ana)
    assert post(client, "bills/issue", {}, key="k").status_code == 403
    assert get(client, "bills/runs").status_code == 403
    body = {"basis_points": 1}
    answer = client.put(f"/api/v1/parties/{ana.id}/tax-rate", body, content_type="application/json")
    assert (answer.status_code, BillRun.objects.count()) == (403, 0)


def test_an_operator_issues_over_the_api_and_bad_input_issues_nothing(
    api: Any, world: World, ana: Person, broke: Person
) -> None:
    deliver(world.solved(ana, lines=1000, completed_at=utc_now() - timedelta(seconds=2)))
    client = api(Person(), staff=True)
    tomorrow = rfc3339(utc_now() + timedelta(days=1))
    for body, status in (
        ({"until": tomorrow}, 422),
        ({"owner_id": str(ana.id), "until": tomorrow}, 422),
        ({"owner_id": "nobody"}, 422),
        ({"until": "yesterday"}, 422),
        ({"owner_id": str(broke.id)}, 409),
    ):
        assert post(client, "bills/issue", body, key=str(body)).status_code == status, body
    assert Bill.objects.count() == 0

    issued = post(client, "bills/issue", {"owner_id": str(ana.id)}, key="one").json()
    assert issued == post(client, "bills/issue", {"owner_id": str(ana.id)}, key="one").json()
    assert issued["owner_id"] == str(ana.id)
    assert post(client, "bills/issue", {}, key="all").status_code == 202
    assert len(get(client, "bills/runs").json()["items"]) == 1


@pytest.mark.parametrize("rate", [-1, 10_001, 1.5, "much", 10**40])
def test_a_tax_rate_that_is_none_names_the_field(api: Any, ana: Person, rate: Any) -> None:
    client = api(Person(), staff=True)
    path = f"/api/v1/parties/{ana.id}/tax-rate"
    answer = client.put(path, {"basis_points": rate}, content_type="application/json")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].endswith("basis_points")


def test_the_pages_show_the_bill_and_pay_it_once(browser: Any, world: World, broke: Person, bill: Bill) -> None:
    client = browser(broke)
    assert bill.called in page(client, "/bills")
    assert "Not final" in page(client, "/bills/next")
    assert "/bills/next" in page(client, "/")
    short = client.post(f"/bills/{bill.pk}/pay", {"key": "form"})
    assert short.status_code == 402
    world.top_up(broke, "5")
    for _ in range(2):
        assert client.post(f"/bills/{bill.pk}/pay", {"key": "form"})["location"] == f"/bills/{bill.pk}"
    text = page(client, f"/bills/{bill.pk}")

    assert re.search(r"state good\">paid", text)
    assert "kind=solving" in text
    assert balance(broke.usd) == 4


def test_the_next_bill_comes_as_a_part_where_a_part_is_asked_for(browser: Any, broke: Person, bill: Bill) -> None:
    part = browser(broke).get("/bills/next", headers={"hx-request": "true"}).content.decode()

    assert "Next bill so far" in part
    assert "<html" not in part


def test_the_pdf_is_the_same_for_ever_and_says_what_the_page_says(
    browser: Any, api: Any, world: World, broke: Person, bill: Bill
) -> None:
    answers = [browser(broke).get(f"/bills/{bill.pk}.pdf") for _ in range(2)]
    world.top_up(broke, "5")
    commands.pay_bill(owner=broke.id, key="k", bill_id=bill.pk)
    paid = browser(broke).get(f"/bills/{bill.pk}.pdf")
    words = words_of(paid.content)

    assert answers[0].content == answers[1].content == paid.content
    assert paid["content-type"] == "application/pdf"
    assert paid["content-disposition"] == f'attachment; filename="titan-bill-{bill.called}.pdf"'
    assert paid.content.startswith(b"%PDF-1.7")
    for said in (f"Bill {bill.called}", "Solving", "10\u00a0000", "1,00 USD", "Due"):
        assert said in words, words
    assert words_of(get(api(broke), f"bills/{bill.pk}/pdf").content) == words


@pytest.mark.parametrize(
    "name", ["Łukasz Żółć", "Ștefan", "Nguyễn Thị Hằng", "Ελένη Παπαδοπούλου", "Щербакова Ірина", "C\u030capek"]
)
def test_names_in_latin_greek_and_cyrillic_are_in_the_pdf(bill: Bill, name: str) -> None:
    bill.billed_to = bill.issuer = f"{name} <she@example.com>"
    made = [pdf(bill) for _ in range(2)]

    assert words_of(made[0]).count(f"{normalize('NFC', name)} <she@example.com>") == 2
    assert "No font" not in words_of(made[0])
    assert made[0] == made[1]


def test_letters_of_no_font_leave_a_pdf_that_can_be_read_and_says_so(bill: Bill) -> None:
    bill.billed_to = "Žaneta 王 <zaneta@example.com>"

    assert "Žaneta ? <zaneta@example.com>" in words_of(pdf(bill))
    assert "No font here has these letters: U+738B" in words_of(pdf(bill))


def test_a_bill_takes_no_font_along_that_it_does_not_need(bill: Bill) -> None:
    bill.billed_to = "Zoë Müller"

    assert len(pdf(bill)) < 10_000


def pdf(bill: Bill) -> bytes:
    """The bill as a PDF."""
    return queries.pdf_of(bill, list(bill.lines.all()), Formats())


def test_operators_find_a_bill_by_number_issue_all_and_set_a_rate(
    operator: Any, browser: Any, world: World, ana: Person, bill: Bill
) -> None:
    assert bill.called in page(operator, f"/bills/all?number={bill.called}")
    assert "No bill has this number" in page(operator, "/bills/all?number=2031-1")
    page(operator, f"/bills/{bill.pk}")
    page(browser(ana), "/bills/all", status=403)
    assert browser(ana).post("/bills/issue").status_code == 403
    assert browser(ana).post("/bills/tax-rate").status_code == 403

    rate = {"owner_id": str(ana.id), "basis_points": "1900"}
    assert operator.post("/bills/tax-rate", rate)["location"] == "/bills/all"
    assert operator.post("/bills/tax-rate", rate | {"basis_points": "19 %"}).status_code == 422
    assert operator.post("/bills/issue", {"owner_id": "x"}).status_code == 422
    deliver(world.solved(ana, lines=10_000, completed_at=utc_now() - timedelta(seconds=2)))
    assert operator.post("/bills/issue")["location"] == "/bills/all"
    assert "under way" in page(operator, "/bills/all")
    commands.issue_due_bills()

    assert Bill.objects.get(owner_id=ana.id).tax_usd == Bill.objects.get(owner_id=ana.id).taxable_usd * 19 / 100
    assert PeriodClose.objects.count() == 2
    tax = Journal.objects.get(kind="tax_charged")
    assert "Tax of a bill, 19 % on 1" in page(browser(ana), f"/journals/{tax.pk}")
    in_balance()


def test_operators_see_what_of_coupons_was_spent_is_left_and_expired(
    operator: Any, world: World, broke: Person
) -> None:
    lot = world.coupon(broke, "5", credit_days=10)
    deliver(world.solved(broke, lines=2000))
    spent = page(operator, "/coupons")
    assert re.search(r'data-label="Spent">.*?2,00.*?data-label="Left">.*?3,00.*?data-label="Expired">.*?0,00', spent)
    commands.expire_coupons(now=lot.expires_at)
    expired = page(operator, "/coupons")

    assert re.search(r'data-label="Spent">.*?2,00.*?data-label="Left">.*?0,00.*?data-label="Expired">.*?3,00', expired)
    assert re.search(r"breakage.*?3,00", expired, re.S)


@pytest.mark.parametrize("amount", ["-1", "0", "NaN", "Infinity", "1e400", "9" * 40, "1,5", "ten", "", "1 EUR"])
def test_an_amount_that_pays_nothing_is_refused_naming_the_field(
    api: Any, world: World, broke: Person, bill: Bill, amount: str
) -> None:
    world.top_up(broke, "5")
    answer = post(api(broke), "bills/pay", {"amount_usd": amount}, key="k")

    assert (answer.status_code, answer["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["field"].endswith("amount_usd")
    assert (balance(broke.usd), balance(broke.owed), Journal.objects.filter(kind="pay_a_bill").count()) == (5, -1, 0)
    in_balance()
