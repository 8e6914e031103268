"""The service as TITAN serves it."""

from service_base.asgi import application_of

application = application_of("request_app")
