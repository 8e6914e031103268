"""Settings of scheduler: the shared ones; the platform log is a time series."""

from service_base.settings import for_service

globals().update(for_service("scheduler", timeseries_models=("scheduler.PlatformLog",)))
