"""An owner's machine once more: how the same table is trained at another level."""

from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from event_bus.testing import said
from ml import commands, queries
from ml.models import Machine
from service_base.errors import BadInput, NotFound
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_copy_has_the_same_lines_and_columns_and_no_model(trained):
    copy = commands.copy_machine(machine_id=trained.pk)
    copy.refresh_from_db()
    lines = [list(one.data_lines.order_by("sequence").values_list("path", "sequence")) for one in (trained, copy)]
    assert lines[0] == lines[1] != []
    assert (copy.mdc_columns_data_type, copy.machine_split_seed) == (
        trained.mdc_columns_data_type,
        trained.machine_split_seed,
    )
    assert (copy.training_nn_model, copy.is_trained, copy.machine_original) == (None, False, None)
    assert not copy.is_on_the_market


def test_every_level_is_offered_for_a_copy(trained):
    assert [offer.level for offer in queries.offers(trained)] == [trained.machine_level]
    copy = commands.copy_machine(machine_id=trained.pk, level=3)
    assert copy.machine_level == 3
    assert [offer.level for offer in queries.offers(copy)] == [1, 2, 3, 4, 5]


def test_what_is_said_of_a_copy_is_what_it_is(trained):
    copy = commands.copy_machine(machine_id=trained.pk, name="Deeper", level=3)
    [told] = [event for event in said(ml.MachineChanged) if event.machine_id == copy.pk]
    assert told.machine_name == "Deeper"


def test_a_copy_outlives_its_machine(trained):
    copy = commands.copy_machine(machine_id=trained.pk)
    commands.delete_machine(machine_id=trained.pk)
    commands.clean_store()
    commands.correct_machine(machine_id=copy.pk)
    assert Machine.objects.get(pk=copy.pk).learning_lines == trained.learning_lines


def test_a_level_that_is_not_there_leaves_no_copy(trained):
    with pytest.raises(BadInput):
        commands.copy_machine(machine_id=trained.pk, level=9)
    assert Machine.objects.count() == 1


def test_what_is_deleted_is_not_copied(trained):
    commands.delete_machine(machine_id=trained.pk)
    with pytest.raises(NotFound):
        commands.copy_machine(machine_id=trained.pk)


async def test_the_owner_copies_over_the_api_and_nobody_else_does(trained, ada, bo, api):
    path, body = f"/api/v1/machines/{trained.pk}/copy", {"machine_name": "Deeper", "machine_level": 4}
    hers, theirs = await sync_to_async(api)(ada), await sync_to_async(api)(bo, {uuid4(): "admin"})
    answer = await hers.post(path, body, content_type="application/json", headers={"idempotency-key": "once"})
    assert answer.status_code == 201, answer.content
    assert (answer.json()["machine_name"], answer.json()["machine_level"]) == ("Deeper", 4)
    again = await hers.post(path, body, content_type="application/json", headers={"idempotency-key": "once"})
    assert again.json()["id"] == answer.json()["id"]
    assert (await theirs.post(path, body, content_type="application/json")).status_code == 404


async def test_the_page_of_a_trained_machine_leads_to_its_copys_levels(trained, ada, browser):
    hers = await sync_to_async(browser)(ada)
    page = (await hers.get(f"/machines/{trained.pk}/setup")).content.decode()
    assert "Train at level 3" not in page
    answer = await hers.post(f"/machines/{trained.pk}/copy")
    page = (await hers.get(answer["location"])).content.decode()
    assert "Train at level 3" in page
    assert f"Copy of {trained.machine_name}" in page
