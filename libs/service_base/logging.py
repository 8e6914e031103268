"""Structured logs: an event with fields, as coloured lines for people or JSON for machines."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import structlog

from event_bus.tracing import current_traceparent
from service_base import platform_log
from service_base.env import env

# Libraries that speak of every step they take.
_QUIETER = {
    "aiokafka": "ERROR",
    "httpx": "WARNING",
    "axes": "WARNING",
    "django.request": "ERROR",
    "uvicorn": "WARNING",
}
_SECRETS = ("password", "secret", "token", "authorization", "cookie", "api_key", "email")


def configure(context: str) -> None:
    """Set logging up for this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        _without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=context)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"titan": _formatter(shared)},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "titan"}},
            "root": {"handlers": ["stderr"], "level": env().log_level},
            "loggers": {name: {"level": level} for name, level in _QUIETER.items()},
        }
    )


def _formatter(shared: list[Any]) -> dict[str, Any]:
    as_lines = env().log_format == "console"
    renderer: Any = structlog.dev.ConsoleRenderer(colors=False) if as_lines else structlog.processors.JSONRenderer()
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([] if as_lines else [structlog.processors.format_exc_info]),
            renderer,
        ],
    }


def send_to_platform(context: str) -> None:
    """Send this process's warnings and errors to the platform's log, besides printing them."""
    platform_log.send_from(context, env().kafka_bootstrap)


def _with_trace(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    trace = current_traceparent()
    if trace:
        event["trace_id"] = trace.split("-")[1]
    return event


def _without_secrets(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    for name in event:
        if name.lower() in _SECRETS:
            event[name] = "[hidden]"
    return event
