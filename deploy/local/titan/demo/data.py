"""The demo's real input, out of installed wheels: a health insurance table and daily prices of shares."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

from titan.demo.client import DemoFailed

# RAND Health Insurance Experiment, 20 190 person-years (public domain, shipped by statsmodels): how many visits to a
# doctor a person makes in a year, from her insurance, income and health.
TABLE_NAME = "Doctor visits"
TABLE_TARGET = "mdvis"

# Daily prices of five shares, 2000-03-01 to 2013-03-01, 12 154 rows (bokeh-sampledata, BSD).
TICKERS = {"IBM": "International Business Machines", "AAPL": "Apple", "MSFT": "Microsoft"}
SIGNAL_TICKER = "IBM"


def insurance_table() -> bytes:
    """The table as CSV, header first."""
    return _installed("statsmodels", "datasets", "randhie", "randhie.csv").read_bytes()


def prices_file() -> bytes:
    """All shares' daily candles as one CSV: ticker, date, open, high, low, close, volume, adjusted close."""
    return gzip.decompress(_installed("bokeh_sampledata", "_data", "stocks.csv.gz").read_bytes())


def calendar_file() -> bytes:
    """The changes of the Federal Funds target rate, 2001 to 2008 (public facts, kept with the scheduler)."""
    return _installed("scheduler", "calendars", "fomc_rate_changes.csv").read_bytes()


def _installed(package: str, *parts: str) -> Path:
    # Found without importing: statsmodels alone would take seconds and a hundred megabytes.
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place, *parts)
        if path.exists():
            return path
    raise DemoFailed(f"{package} has no {'/'.join(parts)}; run `make setup` to install what the demo reads.")
