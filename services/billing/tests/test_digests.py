"""What a usage said is hashed as it always was: one that is told again after an upgrade must still be the same."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.kinds import OperationKind
from billing.rules.usage import Used, digest_of

SOLD = Used(
    key="solving:0198",
    kind=OperationKind.SOLVING_WITH_API_MARKET,
    machine_id=UUID(int=1),
    machine_name="wine",
    machine_owner_id=UUID(int=2),
    payer_id=UUID(int=3),
    lines=7,
    columns=12,
    market_price_usd=Decimal("0.0001"),
)
TRAINED = Used(
    key="training:0198",
    kind=OperationKind.TRAINING,
    machine_id=UUID(int=1),
    machine_name='it\'s "wine"',
    machine_owner_id=UUID(int=2),
    payer_id=UUID(int=2),
    lines=7,
    columns=12,
    work_id=UUID(int=4),
    level=3,
    epochs=100,
)
FACTS = {
    "key": st.text(),
    "kind": st.sampled_from(OperationKind),
    "machine_id": st.uuids(),
    "machine_name": st.text(),
    "machine_owner_id": st.uuids(),
    "payer_id": st.uuids(),
    "lines": st.integers(),
    "columns": st.integers(),
    "work_id": st.none() | st.uuids(),
    "level": st.none() | st.integers(),
    "epochs": st.none() | st.integers(),
    "market_price_usd": st.none() | st.decimals(allow_nan=False),
}


@pytest.mark.parametrize(
    ("used", "digest"),
    [
        (SOLD, "7799055516d0230e3caee4bfefa75c69e56d73f350962ae726267ccd42aba151"),
        (TRAINED, "ecf24fb2a317dbe3e0fe95ca9a9417de9128885a490a91e1c1e94a7e66770ab1"),
    ],
)
def test_journals_of_earlier_versions_have_these_digests(used: Used, digest: str) -> None:
    assert used.digest == digest


@given(facts=st.fixed_dictionaries(FACTS))
def test_a_digest_is_of_every_fact_by_name_in_the_order_of_names(facts: dict[str, object]) -> None:
    expected = sha256(repr(sorted(facts.items())).encode()).hexdigest()

    assert Used(**facts).digest == digest_of(**facts) == expected  # type: ignore[arg-type]
