"""The web process of trading."""

from service_base.asgi import application_of

application = application_of("trading")
