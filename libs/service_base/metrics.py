"""Metrics of the web process."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest

_requests = Histogram(
    "titan_http_request_seconds",
    "Time to answer, by route",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answered request under its route, never under its raw path, which would grow without bound."""
    route = request.resolver_match.route if request.resolver_match else "unmatched"
    _requests.labels(request.method, route, str(status)).observe(seconds)


async def metrics(request: HttpRequest) -> HttpResponse:
    """`GET /metrics` in Prometheus's text format."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
