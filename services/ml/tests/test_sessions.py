"""Warm models: the least recently used goes first, by bytes, and a machine has none but its newest."""

import pytest

from ml import sessions
from shared_models.ids import new_id


class Model:
    """A model of so many bytes."""

    def __init__(self, size=100):
        self.pk, self.size_bytes = new_id(), size


@pytest.fixture
def loaded(monkeypatch):
    """The models that were loaded, in order; there is room for 300 bytes."""
    found = []
    monkeypatch.setattr(sessions, "_load", lambda model: found.append(model.pk) or model)
    monkeypatch.setattr(sessions, "MOST_BYTES", 300)
    return found


class Trained:
    """A machine with its newest model."""

    def __init__(self, size):
        self.pk, self.training_nn_model = new_id(), Model(size)

    @property
    def training_nn_model_id(self):
        return self.training_nn_model.pk


def machine(size=100):
    return Trained(size)


def test_a_warm_model_is_not_loaded_again(loaded):
    one = machine()
    assert sessions.solver_of(one) is sessions.solver_of(one)
    assert len(loaded) == 1


def test_the_least_recently_used_makes_room(loaded):
    first, second, third, fourth = (machine() for _ in range(4))
    for one in (first, second, third, first, fourth):
        sessions.solver_of(one)
    assert set(sessions._warm) == {third.pk, first.pk, fourth.pk}


def test_a_large_model_takes_the_place_of_many_small_ones(loaded):
    small = [machine() for _ in range(3)]
    large = machine(size=250)
    for one in (*small, large):
        sessions.solver_of(one)
    assert set(sessions._warm) == {large.pk}


def test_a_model_larger_than_all_room_is_still_served(loaded):
    huge = machine(size=10_000)
    assert sessions.solver_of(huge) is huge.training_nn_model
    assert set(sessions._warm) == {huge.pk}


def test_a_machine_trained_anew_answers_with_its_newest_model_and_the_old_one_goes(loaded):
    one = machine()
    sessions.solver_of(one)
    one.training_nn_model = Model(size=120)
    assert sessions.solver_of(one) is one.training_nn_model
    assert sum(solver.size_bytes for _, solver in sessions._warm.values()) == 120
