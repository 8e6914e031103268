"""The web process of ml."""

from service_base.asgi import application_of

application = application_of("ml")
