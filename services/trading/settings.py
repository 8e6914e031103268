"""Settings of trading: the shared ones and its registry of time series tables."""

from service_base.settings import for_service

globals().update(
    for_service("trading", timeseries_models=("trading.price", "trading.equitypoint", "trading.botrunlog"))
)

# A price file may hold a million candles.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
