"""The page of all work: what died is seen by whom it concerns, and who does the work by operators."""

import pytest
from asgiref.sync import async_to_sync

from ml import commands
from ml.commands.clock import database_now
from ml.models import Work
from ml.rules.work import LEASE, WorkState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dead(training, authorize, server):
    authorize(training)
    for _ in range(3):
        commands.lease_work(server=server)
        commands.give_up_expired_leases(now=database_now() + 2 * LEASE)
    work = Work.objects.get(pk=training.pk)
    assert work.state == WorkState.DEAD
    return work


def text(browser, user, path):
    answer = async_to_sync(browser(user).get)(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_dead_work_and_why_it_died_are_on_its_owners_page(dead, ada, browser):
    page = text(browser, ada, "/works?state=dead")
    assert dead.machine.machine_name in page
    assert "Given up after 3 attempts" in page


def test_work_of_others_is_on_nobodys_page(dead, eve, browser):
    assert "Given up" not in text(browser, eve, "/works")


def test_the_api_lists_dead_work_alone(dead, ada, api):
    [found] = async_to_sync(api(ada).get)("/api/v1/works?state=dead").json()["items"]
    assert found["id"] == str(dead.pk)
    assert async_to_sync(api(ada).get)("/api/v1/works?state=queued").json()["items"] == []


def test_another_state_shows_other_work(dead, ada, browser):
    assert "Given up" not in text(browser, ada, "/works?state=queued")


def test_an_unknown_state_shows_all(dead, ada, browser):
    assert "Given up" in text(browser, ada, "/works?state=%27lost")


def test_operators_see_the_dead_work_of_everybody_and_every_server(dead, eve, browser, server):
    eve.is_staff = True
    eve.save()
    page = text(browser, eve, "/works")
    assert str(dead.pk) in page
    assert "its server was not heard of any more" in page
    assert server.server_name in page


def test_only_operators_see_servers_by_name(dead, ada, browser, server):
    server.server_name = "a-server-of-ours"
    server.save()
    assert server.server_name not in text(browser, ada, "/works")


def test_queued_work_that_no_server_takes_says_why(training, authorize, ada, browser, api):
    authorize(training)
    assert "No server runs just now" in text(browser, ada, f"/works/{training.pk}")
    answer = async_to_sync(api(ada).get)(f"/api/v1/works/{training.pk}")
    assert "No server runs" in answer.json()["waits_because"]
