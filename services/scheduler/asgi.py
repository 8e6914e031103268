"""The web process of scheduler."""

from service_base.asgi import application_of

application = application_of("scheduler")
