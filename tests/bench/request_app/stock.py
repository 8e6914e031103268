"""The service under Django's own asynchronous handler."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
