"""The web process of billing."""

from service_base.asgi import application_of

application = application_of("billing")
