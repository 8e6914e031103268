"""The synchronous views under Django's WSGI handler."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
