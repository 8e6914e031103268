"""The web process of a service: HTTP through Django, websockets through Channels."""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from service_base import logging as titan_logging

# Each request's work runs on its own thread, so connections are shared through a pool.
POOL = "8"


def application_of(context: str) -> Any:
    """The ASGI application of the service `context`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{context}.settings")
    os.environ.setdefault("TITAN_DATABASE_POOL", POOL)
    from django.core.asgi import get_asgi_application

    # Static files are read in pieces from the disk's cache; Django warns of each, although nothing is amiss.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

    http = get_asgi_application()
    titan_logging.send_to_platform(context)
    from channels.routing import ProtocolTypeRouter, URLRouter
    from channels.security.websocket import AllowedHostsOriginValidator

    routes: list[Any] = []
    if find_spec(f"{context}.dashboards"):
        routes = import_module(f"{context}.dashboards").websocket_urlpatterns
    sockets = AllowedHostsOriginValidator(URLRouter(routes))
    return ProtocolTypeRouter({"http": http, "websocket": sockets})
