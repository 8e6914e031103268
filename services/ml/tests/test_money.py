"""What billing said, kept in order; quotes by it; and who can pay."""

from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_bus.testing import deliver
from ml import queries
from ml.models import Funds, PriceList, Work
from ml.rules.prices import Available, NoPrices, Prices, Run, must_cover, pace_of, training_price
from ml.tests.world import LEVEL_FACTORS, balance, entry, page_of, price_list
from service_base.errors import FundsShort
from shared_models.clock import utc_now

PRICES = Prices(1, Decimal("0.001"), Decimal("0.01"), LEVEL_FACTORS, Decimal("0.5"), 1000)
AMOUNTS = st.decimals(0, 100, places=8)


@pytest.mark.django_db
def test_an_older_balance_never_overwrites_a_newer_one():
    owner = uuid4()
    deliver(balance(owner, 5, usd="5"))
    deliver(balance(owner, 4, usd="4"))
    assert Funds.objects.get(pk=owner).usd_available == 5


@pytest.mark.django_db
def test_of_funds_that_come_together_the_newest_of_each_person_is_kept():
    owner, other = uuid4(), uuid4()
    deliver(balance(owner, 5, usd="5"), balance(other, 2, usd="2"), balance(owner, 4, usd="4"))
    assert Funds.objects.get(pk=owner).usd_available == 5
    assert Funds.objects.get(pk=other).usd_available == 2


@pytest.mark.django_db
def test_of_everybody_on_several_pages_the_newest_is_kept():
    owner, other = uuid4(), uuid4()
    deliver(page_of(entry(owner, 4, usd="4"), entry(other, 3, usd="3")), page_of(entry(owner, 3), entry(other, 2)))
    assert [Funds.objects.get(pk=one).usd_available for one in (owner, other)] == [4, 3]


@pytest.mark.django_db
def test_the_same_balance_delivered_twice_is_kept_once():
    owner, event_id = uuid4(), uuid4()
    deliver(balance(owner, 5, usd="5"), event_id=event_id)
    assert deliver(balance(owner, 5, usd="5"), event_id=event_id).handled <= 1
    assert Funds.objects.filter(pk=owner).count() == 1


@pytest.mark.django_db
def test_an_older_price_list_never_overwrites_a_newer_one():
    deliver(price_list(3, solving_line_eaml=Decimal("0.3")))
    deliver(price_list(2, solving_line_eaml=Decimal("0.2")))
    assert PriceList.objects.get().solving_line_eaml == Decimal("0.3")


@pytest.mark.django_db
def test_without_prices_nothing_is_quoted():
    with pytest.raises(NoPrices):
        queries.prices()


@pytest.mark.django_db
def test_the_quote_multiplies_columns_lines_and_level(machine):
    offers = {offer.level: offer for offer in queries.offers(machine)}
    assert offers[1].price_eaml == Decimal("0.001") * 4 * 300
    assert offers[3].price_eaml == 4 * offers[1].price_eaml
    assert offers[1].price_usd == offers[1].price_eaml / 2
    assert [offers[level].seconds for level in offers] == sorted(offers[level].seconds for level in offers)
    assert set(offers) == {1, 2, 3, 4, 5}


@pytest.mark.django_db
def test_a_trained_machine_is_quoted_at_its_own_level_only(trained):
    assert [offer.level for offer in queries.offers(trained)] == [1]


@pytest.mark.parametrize(
    ("have", "is_enough"),
    [
        (Available(), False),
        (Available(coupon=Decimal("2")), True),
        (Available(eaml=Decimal("2")), True),
        (Available(usd=Decimal("1")), True),
        (Available(credit=Decimal("1")), True),
        (Available(coupon=Decimal("1"), eaml=Decimal("0.5"), usd=Decimal("0.25")), True),
        (Available(coupon=Decimal("1"), eaml=Decimal("0.5"), usd=Decimal("0.24")), False),
    ],
)
def test_coupons_tokens_dollars_and_credit_pay_the_platform_together(have, is_enough):
    if is_enough:
        must_cover(PRICES, have, eaml=Decimal("2"))
    else:
        with pytest.raises(FundsShort):
            must_cover(PRICES, have, eaml=Decimal("2"))


def test_tokens_do_not_pay_an_owner():
    with pytest.raises(FundsShort) as short:
        must_cover(PRICES, Available(coupon=Decimal(9), eaml=Decimal(9)), eaml=Decimal(0), usd=Decimal("3"))
    assert short.value.facts["missing"] == "3"


@given(eaml=AMOUNTS, usd=AMOUNTS, have=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS))
def test_what_is_missing_is_exactly_what_would_have_been_enough(eaml, usd, have):
    funds = Available(*have)
    try:
        must_cover(PRICES, funds, eaml=eaml, usd=usd)
    except FundsShort as short:
        more = Available(funds.usd + Decimal(str(short.facts["missing"])), funds.eaml, funds.coupon, funds.credit)
        must_cover(PRICES, more, eaml=eaml, usd=usd)


@given(columns=st.integers(1, 1000), lines=st.integers(0, 10**6))
def test_a_price_is_money_and_grows_with_the_level(columns, lines):
    found = [training_price(PRICES, columns=columns, lines=lines, level=level) for level in (1, 2, 3)]
    assert found == sorted(found)
    assert all(price.as_tuple().exponent == -8 for price in found)


def runs(*ratios, level=1):
    return [Run(level, 10.0, 10.0 * ratio) for ratio in ratios]


def test_where_nothing_ran_the_estimate_is_the_usual_one():
    assert pace_of([], 3) == 1.0


def test_the_more_ran_the_more_it_counts():
    paces = [pace_of(runs(*[3.0] * count), 1) for count in (0, 1, 5, 60)]
    assert paces == sorted(paces)
    assert paces[-1] == pytest.approx(3.0, rel=0.05)


def test_a_level_that_never_ran_is_estimated_by_the_others():
    assert pace_of(runs(*[2.0] * 40, level=1), 5) == pytest.approx(2.0, rel=0.05)


def test_a_level_has_a_pace_of_its_own():
    ran = runs(*[1.0] * 20, level=1) + runs(*[4.0] * 20, level=5)
    assert pace_of(ran, 5) > 3
    assert pace_of(ran, 1) < 1.3


def test_one_run_that_took_for_ever_hardly_changes_the_estimate():
    assert pace_of(runs(*[1.0] * 9, 500.0), 1) == pytest.approx(1.0, rel=0.05)


@pytest.mark.django_db
def test_an_estimate_does_not_unlearn_what_it_has_learnt(machine, ada):
    """On a machine twice as slow as usual the estimate comes to what is true, and stays there."""

    def estimate():
        return queries.offer(machine, 1).seconds

    real = 2 * estimate()
    seen = []
    for _ in range(8):
        lines = {"learning_lines": machine.learning_lines, "evaluation_lines": machine.evaluation_lines}
        Work.objects.create(
            machine=machine,
            kind="training",
            state="succeeded",
            requested_by=ada,
            payer=ada,
            columns=machine.mdc_columns_total_count,
            attempts=1,
            estimated_seconds=estimate(),
            real_seconds=real,
            finished_at=utc_now(),
            **lines,
        )
        seen.append(estimate())
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(real, rel=0.1)
