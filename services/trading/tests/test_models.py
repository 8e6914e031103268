"""The rules that the database itself keeps."""

import pytest
from django.db import connection, connections

from trading.models import Exchange

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])


def test_time_series_tables_are_in_their_own_database_only():
    wanted = {"price", "equity_point", "bot_run_log"}
    assert wanted & set(connection.introspection.table_names()) == set()
    assert wanted <= set(connections["timeseries"].introspection.table_names())


def test_exchanges_exist_from_the_start():
    assert Exchange.objects.filter(kind="titan").count() == 1
