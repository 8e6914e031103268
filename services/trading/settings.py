"""Settings of trading: the shared ones and its registry of time series tables."""

from service_base.settings import for_service

TIMESERIES = ("trading.price", "trading.candlefrontier", "trading.equitypoint", "trading.botrunlog")

globals().update(for_service("trading", timeseries_models=TIMESERIES))

# A price file may hold a million candles.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
