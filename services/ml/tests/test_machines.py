"""Machines: made of a table, corrected, on the market, gone."""

import json
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync

from event_bus.testing import said
from ml import commands
from ml.models import DataLine, Machine
from ml.rules.work import WorkState
from ml.tests.world import buyers, csv_of
from service_base.errors import BadInput, Conflict
from shared_models.events import ml

pytestmark = pytest.mark.django_db


def test_an_upload_becomes_a_machine_with_types_statistics_and_a_split(machine):
    assert machine.mdc_columns_data_type == {"age": "FLOAT", "income": "FLOAT", "city": "LABEL", "bought": "LABEL"}
    assert machine.mdc_columns_name_output == ["bought"]
    assert machine.mdc_columns_min["age"] == 18
    assert machine.learning_lines + machine.evaluation_lines == 300
    assert 30 < machine.evaluation_lines < 90


def test_a_new_machine_is_told_to_others_once(machine):
    [event] = said(ml.MachineChanged)
    assert (event.machine_id, event.trained, event.version) == (machine.pk, False, 1)


def test_a_file_keeps_its_bytes_and_their_hash(machine):
    from ml.store import digest_of, place

    line = DataLine.objects.get(machine=machine)
    assert digest_of(place(line.path)) == line.sha256


def test_correcting_a_type_reads_the_table_anew(machine):
    found = commands.correct_machine(machine_id=machine.pk, types={"age": "LABEL"})
    assert found.mdc_columns_data_type["age"] == "LABEL"
    assert found.dfr_columns_type_user_df == {"age": "LABEL"}
    assert found.mdc_columns_data_type["income"] == "FLOAT"


def test_a_column_can_be_ignored_and_taken_back(machine):
    found = commands.correct_machine(machine_id=machine.pk, ignore=["city"])
    assert found.ignored_columns == ["city"]
    assert commands.correct_machine(machine_id=machine.pk, ignore=[]).ignored_columns == []


def test_another_output_leaves_the_former_one_an_input(machine):
    found = commands.correct_machine(machine_id=machine.pk, outputs=["income"])
    assert found.mdc_columns_name_output == ["income"]
    assert "bought" in found.mdc_columns_name_input


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"types": {"age": "COLOUR"}}, "age"),
        ({"types": {"height": "FLOAT"}}, "types"),
        ({"outputs": ["height"]}, "outputs"),
        ({"ignore": ["bought"]}, "ignore"),
        ({"ignore": ["age", "income", "city"]}, "ignore"),
    ],
)
def test_a_correction_that_does_not_fit_names_the_field(machine, parts, field):
    with pytest.raises(BadInput) as refused:
        commands.correct_machine(machine_id=machine.pk, **parts)
    assert refused.value.field == field


def test_a_wrong_separator_can_be_corrected(machine_of, ada):
    table = csv_of(
        [[row[0], row[1] + ",5", row[2], row[3]] for row in buyers()], ["age", "in,come", "city", "bought"], ";"
    )
    machine = machine_of(ada, table)
    assert machine.mdc_columns_data_type["in,come"] == "FLOAT"
    wrong = commands.correct_machine(machine_id=machine.pk, dialect={"separator": ","})
    assert list(wrong.mdc_columns_data_type) == ["age;in", "come;city;bought"]
    right = commands.correct_machine(machine_id=machine.pk, dialect={"separator": ";", "decimal": ","})
    assert right.mdc_columns_max["in,come"] % 1 == 0.5


@pytest.mark.parametrize("change", [{"separator": "::"}, {"decimal": "x"}, {"colour": "red"}, {"separator": '"'}])
def test_a_dialect_that_no_text_has_is_refused(machine, change):
    with pytest.raises(BadInput):
        commands.correct_machine(machine_id=machine.pk, dialect=change)


def test_lines_that_do_not_fit_are_set_aside_with_their_number(machine_of, ada):
    machine = machine_of(ada, csv_of([*buyers(100), ["1", "2"], *buyers(50)]))
    line = machine.data_lines.get()
    assert (line.line_count, line.bad_line_count) == (150, 1)
    assert line.bad_lines[0]["line"] == 102


def test_only_a_trained_machine_can_be_sold(machine):
    with pytest.raises(Conflict, match="Train the machine first"):
        commands.publish_machine(machine_id=machine.pk, price_usd="0.01")


def test_a_published_machine_tells_its_price(trained):
    commands.publish_machine(machine_id=trained.pk, price_usd="0.015")
    event = said(ml.MachineChanged)[-1]
    assert (event.api_solving_is_public, event.api_solving_price_usd) == (True, Decimal("0.015"))


@pytest.mark.parametrize("price", ["-1", "free", "0.000000001"])
def test_a_price_that_is_no_money_is_refused(trained, price):
    with pytest.raises(BadInput):
        commands.publish_machine(machine_id=trained.pk, price_usd=price)


def test_a_machine_with_open_work_cannot_be_deleted(training):
    with pytest.raises(Conflict):
        commands.delete_machine(machine_id=training.machine_id)
    commands.cancel_work(work_id=training.pk)
    commands.delete_machine(machine_id=training.machine_id)
    assert said(ml.MachineChanged)[-1].deleted


def test_a_level_is_for_good_once_trained(trained):
    with pytest.raises(Conflict) as refused:
        commands.change_machine(machine_id=trained.pk, level=2)
    assert refused.value.field == "level"


def test_an_untrained_machine_may_change_its_level(machine):
    assert commands.change_machine(machine_id=machine.pk, level=3).machine_level == 3
    with pytest.raises(BadInput):
        commands.change_machine(machine_id=machine.pk, level=6)


def test_training_leaves_figures_a_model_and_its_usage(trained):
    machine = Machine.objects.get(pk=trained.pk)
    assert machine.training_evaluation_accuracy > 0.7
    assert sum(machine.fe_columns_inputs_importance_evaluation.values()) == pytest.approx(1.0)
    assert set(machine.enc_dec_columns_info_input_encode_count) == {"age", "income", "city"}
    assert not machine.machine_is_re_run_model
    [event] = said(ml.TrainingCompleted)
    assert event.columns * (event.learning_lines + event.evaluation_lines) == 4 * 300
    assert event.scores["bought:auc"] > event.scores["bought:auc:constant"]
    assert machine.works.get().state == WorkState.SUCCEEDED


def test_a_row_limit_counts_fewer_lines(machine):
    found = commands.correct_machine(machine_id=machine.pk, line_limit=100)
    assert (found.learning_lines + found.evaluation_lines, found.line_limit) == (100, 100)
    found = commands.correct_machine(machine_id=machine.pk, ignore=["city"])
    assert found.learning_lines + found.evaluation_lines == 100
    found = commands.correct_machine(machine_id=machine.pk, line_limit=0)
    assert (found.learning_lines + found.evaluation_lines, found.line_limit) == (300, None)


def test_a_limit_and_what_else_is_given_are_changed_together_or_not_at_all(machine, ada, api):
    patch, path = async_to_sync(api(ada).patch), f"/api/v1/machines/{machine.pk}"
    asked = {"machine_data_lines_training_count_limit": 100, "machine_name": "Fewer"}
    refused = patch(path, json.dumps(asked | {"machine_level": 9}), content_type="application/json")
    machine.refresh_from_db()
    assert (refused.status_code, machine.line_limit, machine.machine_name) == (422, None, "buyers")
    shown = patch(path, json.dumps(asked), content_type="application/json").json()
    assert (shown["machine_name"], shown["machine_data_lines_training_count_limit"]) == ("Fewer", 100)
    assert shown["learning_lines"] + shown["evaluation_lines"] == 100


def test_a_shape_that_cannot_be_built_is_refused(machine):
    with pytest.raises(BadInput) as refused:
        commands.change_machine(machine_id=machine.pk, network={"parameter_nn_shape": {"hidden": [1]}})
    assert refused.value.field == "parameter_nn_shape.hidden"


def test_a_machine_shows_its_scores_and_every_original_name(trained):
    from ml.schemas import show_machine

    shown = show_machine(trained)
    [score] = shown["scores"]
    assert (score["output"], score["name"], score["beats_constant"]) == ("bought", "auc", True)
    original = {"machine_name", "machine_api_solving_price_usd", "dfr_columns_type_user_df", "mdc_columns_skewness"}
    original |= {"parameter_nn_shape", "training_evaluation_noise_loss", "machine_is_re_run_model", "fe_count_of_fet"}
    assert original <= shown.keys()
