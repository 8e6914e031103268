"""The same service under Django's own handler, with the same middleware around it."""

from request_app.settings import *  # noqa: F403

MIDDLEWARE = TITAN_API_MIDDLEWARE  # noqa: F405
