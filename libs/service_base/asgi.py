"""The web process of a service: HTTP through Django, websockets through Channels."""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from service_base import logging as titan_logging
from service_base import telemetry

# Threads for synchronous work; each keeps a connection to each database it uses.
THREADS = "8"


def application_of(context: str) -> Any:
    """The ASGI application of the service `context`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{context}.settings")
    os.environ.setdefault("TITAN_WEB_THREADS", THREADS)
    import django

    # Static files are read in pieces from the disk's cache; Django warns of each, although nothing is amiss.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

    django.setup(set_prefix=False)
    titan_logging.send_to_platform(context)
    telemetry.start(context)
    from channels.routing import ProtocolTypeRouter, URLRouter
    from channels.security.websocket import AllowedHostsOriginValidator

    routes: list[Any] = []
    if find_spec(f"{context}.dashboards"):
        routes = import_module(f"{context}.dashboards").websocket_urlpatterns
    sockets = AllowedHostsOriginValidator(URLRouter(routes))
    return telemetry.around(ProtocolTypeRouter({"http": _http(), "websocket": sockets}))


def _http() -> Any:
    from service_base.env import env
    from service_base.handler import ApiHandler, ByPath, PageHandler
    from service_base.incoming import Uploads
    from service_base.threads import Threads

    threads, uploads = Threads(env().web_threads), Uploads()
    return ByPath(api=ApiHandler(threads, uploads), pages=PageHandler(threads, uploads))
