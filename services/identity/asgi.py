"""The web process of identity."""

from service_base.asgi import application_of

application = application_of("identity")
