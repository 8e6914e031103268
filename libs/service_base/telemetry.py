"""OpenTelemetry, off unless TITAN_OTLP_ENDPOINT names a collector: then requests and handlers are spans of one trace.

Nothing of it is imported while it is off, so it costs nothing; `service_base.spans` is what it does when it is on.
"""

from __future__ import annotations

import sys
from typing import Any

from service_base.env import env


def start(context: str) -> None:
    """Send this process's spans to the collector, if one is set. Ends the process where the packages are missing."""
    if not env().otlp_endpoint:
        return
    try:
        from service_base import spans
    except ImportError as error:
        sys.exit(
            f"titan: TITAN_OTLP_ENDPOINT is set, but OpenTelemetry is not installed ({error.name}): install "
            "titan-service-base[telemetry], or unset it."
        )
    spans.export(context, endpoint=env().otlp_endpoint, share=env().otlp_share)


def around(application: Any) -> Any:
    """The ASGI application with a span for each request, if spans are sent at all."""
    if not env().otlp_endpoint:
        return application
    from service_base import spans

    return spans.RequestSpans(application)
