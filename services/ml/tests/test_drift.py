"""Drift: rows are counted as what was learnt was, nothing is written in a request, and the page says what moved."""

import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from hypothesis import given
from hypothesis import strategies as st

from ml import commands, drifting
from ml.models import DriftCount
from ml.rules.drift import Movement, moved, sentence
from ml.tests.world import ROW, buyers, csv_of
from shared_models.clock import utc_now

LEARNT = {"kind": "label", "labels": ["a", "b"], "shares": [500_000, 400_000, 100_000, 0]}


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=9))
def test_what_is_spread_as_learnt_has_not_moved(shares):
    assert moved(shares, shares) == pytest.approx(0, abs=1e-3)


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), st.lists(st.integers(0, 10**6), min_size=3, max_size=3))
def test_a_movement_is_never_negative_nor_endless(learnt, counts):
    assert 0 <= moved(learnt, counts) < 50


def test_half_of_a_label_gone_elsewhere_is_far():
    assert moved(LEARNT["shares"], [100, 800, 100, 0]) > 0.25


def test_a_few_lines_that_differ_by_chance_have_not_moved():
    assert moved(LEARNT["shares"], [8, 11, 1, 0]) < 0.1


def test_the_sentence_names_what_moved_most():
    far = Movement.of("city", LEARNT, [100, 800, 100, 0], 0.9)
    assert "most in city" in sentence([far], 1000)
    assert (far.where, far.verdict) == ("a", "moved far")
    assert "looks like" in sentence([Movement.of("city", LEARNT, [500, 400, 100, 0], 0.0)], 1000)


def test_with_few_lines_nothing_is_claimed():
    far = Movement.of("city", LEARNT, [0, 8, 2, 0], 0.9)
    assert (far.verdict, "too few" in sentence([far], 10)) == ("too few lines to tell", True)


@pytest.mark.django_db(transaction=True)
class TestThroughTheService:
    """From rows that are solved to the page."""

    async def solve(self, client, machine, rows):
        path = f"/api/v1/machines/{machine.pk}/solve"
        answer = await client.post(path, json.dumps({"rows": rows}), content_type="application/json")
        assert answer.status_code == 200

    async def drift(self, client, machine):
        return (await client.get(f"/api/v1/machines/{machine.pk}/drift")).json()["drift"]

    async def test_rows_as_they_were_learnt_look_so(self, trained, ada, api):
        client = await sync_to_async(api)(ada)
        rows = [{"age": int(a), "income": int(i), "city": c} for a, i, c, _ in buyers(400, seed=5)]
        await self.solve(client, trained, rows)
        await sync_to_async(drifting.flush)()
        found = await self.drift(client, trained)
        assert found["sentence"] == "What it is asked looks like what it learnt from."
        assert {column["verdict"] for column in found["columns"]} == {"as learnt"}
        assert found["lines"] == 400

    async def test_rows_from_elsewhere_are_said_to_have_moved(self, trained, ada, api):
        client = await sync_to_async(api)(ada)
        await self.solve(client, trained, [ROW | {"city": "Oslo"}] * 500)
        await sync_to_async(drifting.flush)()
        found = await self.drift(client, trained)
        first = {column["column"]: column for column in found["columns"]}["city"]
        assert (first["verdict"], first["most_moved"], first["share_now"]) == ("moved far", "other labels", 1)
        assert "has moved away" in found["sentence"]

    async def test_a_table_counts_like_rows(self, trained, ada, api):
        client = await sync_to_async(api)(ada)
        rows = buyers(300, seed=7)
        body = csv_of([row[:3] for row in rows], ["age", "income", "city"])
        await client.post(f"/api/v1/machines/{trained.pk}/solve", body, content_type="text/csv")
        await sync_to_async(drifting.flush)()
        by_table = (await sync_to_async(DriftCount.objects.get)()).counts
        await self.solve(client, trained, [{"age": int(a), "income": int(i), "city": c} for a, i, c, _ in rows])
        await sync_to_async(drifting.flush)()
        both = (await sync_to_async(DriftCount.objects.get)()).counts
        assert both == {name: [2 * count for count in counts] for name, counts in by_table.items()}

    @pytest.mark.parametrize("asked", ["text/csv", "application/json"])
    async def test_a_table_counts_by_its_own_decimal_sign(self, trained, ada, api, asked):
        client, rows = await sync_to_async(api)(ada), buyers(300, seed=7)
        found = []
        for sign in (".", ","):
            lines = [f"{age};{float(income):.1f};{city}".replace(".", sign) for age, income, city, _ in rows]
            body = "\n".join(["age;income;city", *lines])
            path = f"/api/v1/machines/{trained.pk}/solve"
            await client.post(path, body, content_type="text/csv", headers={"accept": asked})
            await sync_to_async(drifting.flush)()
            found.append((await DriftCount.objects.aget()).counts)
        assert found[1] == {name: [2 * count for count in counts] for name, counts in found[0].items()}

    async def test_how_the_inputs_were_spread_is_shown_to_no_buyer(self, trained, ada, eve, api):
        await sync_to_async(commands.publish_machine)(machine_id=trained.pk, price_usd="1")
        path = f"/api/v1/machines/{trained.pk}"
        cards = [(await (await sync_to_async(api)(who)).get(f"{path}/card")).json() for who in (ada, eve)]
        assert ["learnt_shares" in card for card in cards] == [True, False]
        assert (await (await sync_to_async(api)(eve)).get(f"{path}/drift")).status_code == 404

    async def test_a_request_writes_no_count(self, trained, ada, api):
        await self.solve(await sync_to_async(api)(ada), trained, [ROW])
        assert await DriftCount.objects.acount() == 0
        await sync_to_async(drifting.flush)()
        assert (await DriftCount.objects.aget()).lines == 1

    async def test_the_page_says_it_in_a_sentence_a_line_and_a_table(self, trained, ada, browser):
        hour, model = drifting.this_hour(), trained.training_nn_model_id
        shares = trained.training_nn_model.card["learnt_shares"]
        for ago in range(3):
            counts = {name: [share // 1000 for share in own["shares"]] for name, own in shares.items()}
            at = hour - timedelta(hours=ago)
            await sync_to_async(commands.keep_drift)(machine_id=trained.pk, model_id=model, hour=at, counts=counts)
        page = (await (await sync_to_async(browser)(ada)).get(f"/machines/{trained.pk}")).content.decode()
        assert "What it is asked looks like what it learnt from." in page
        assert 'aria-label="How far its inputs have moved' in page

    def test_old_counts_are_forgotten(self, trained):
        long_ago = utc_now() - timedelta(days=91)
        model = trained.training_nn_model_id
        commands.keep_drift(machine_id=trained.pk, model_id=model, hour=long_ago, counts={"city": [1, 2]})
        assert commands.forget_old_drift() == 1
