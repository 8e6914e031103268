"""shared_models works in a plain Django project that has nothing else of TITAN."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parent.parent

PROJECT = """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["prices"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "timeseries": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    },
    DATABASE_ROUTERS=["shared_models.router.TimeseriesRouter"],
    TIMESERIES_MODELS=["prices.price"],
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.db import connections
from prices.models import Price, Symbol

from shared_models.events import every_contract
from shared_models.ids import new_id
from shared_models.money import usd

call_command("check")
for alias in ("default", "timeseries"):
    call_command("migrate", run_syncdb=True, database=alias, verbosity=0)
tables = {alias: set(connections[alias].introspection.table_names()) for alias in connections}
assert "prices_symbol" in tables["default"] and "prices_price" not in tables["default"], tables
assert "prices_price" in tables["timeseries"] and "prices_symbol" not in tables["timeseries"], tables
symbol = Symbol.objects.create(ticker="AAPL")
Price.objects.create(symbol_id=symbol.pk, at="2026-01-01T00:00:00Z", close=usd("1.5").amount)
assert Price.objects.get().close == usd("1.5").amount
assert len(every_contract()) > 20 and new_id().version == 7
import sys
foreign = {"event_bus", "service_base", "aiokafka", "ninja", "channels"} & {name.split(".")[0] for name in sys.modules}
assert not foreign, foreign
print("stands alone")
"""

MODELS = """
from django.db import models
from shared_models.fields import id_field, money_field
from shared_models.timeseries import TimescaleModel

class Symbol(models.Model):
    id = id_field()
    ticker = models.CharField(max_length=20)

class Price(TimescaleModel):
    pk = models.CompositePrimaryKey("symbol_id", "at")
    symbol_id = models.UUIDField()
    at = models.DateTimeField()
    close = money_field()
"""


@pytest.mark.timeout(300)
def test_a_plain_django_project_needs_nothing_but_shared_models(tmp_path):
    venv = tmp_path / "venv"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    python = str(venv / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, str(LIBRARY)], check=True)
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "__init__.py").touch()
    (tmp_path / "prices" / "models.py").write_text(textwrap.dedent(MODELS))
    (tmp_path / "project.py").write_text(PROJECT)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TITAN_", "DJANGO_", "PYTHON"))}
    ran = subprocess.run([python, "project.py"], cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "stands alone" in ran.stdout
