"""The API of a service: its own router below /api/v1, and the routes that every service has."""

from __future__ import annotations

from importlib import import_module

from django.http import HttpRequest
from ninja import NinjaAPI

from service_base import problems
from service_base.auth import Bearer
from service_base.callers import Caller


class Request(HttpRequest):
    """A request whose caller is known; what ninja sets once authentication passed."""

    auth: Caller


def api_of(context: str) -> NinjaAPI:
    """The NinjaAPI of the service `context`, found at `<context>.api.router`."""
    api = NinjaAPI(
        title=f"TITAN {context}", version="1.0.0", urls_namespace=f"{context}-v1", docs_url="/docs", auth=Bearer()
    )
    problems.install(api)
    api.add_router("", import_module(f"{context}.api").router)
    api.add_router("", import_module("service_base.operations.api").router)
    return api
