"""The smallest Django project with an event bus in it."""

import os
from urllib.parse import urlsplit

_url = urlsplit(os.environ["TITAN_DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path.lstrip("/"),
        "USER": _url.username,
        "PASSWORD": _url.password,
        "HOST": _url.hostname,
        "PORT": _url.port,
    }
}
INSTALLED_APPS = ["event_bus", "event_bus.tests.probe"]
TITAN_CONTEXT = "event_bus.tests.probe"
TITAN_CONSUMER_GROUP = "titan.probe"
TITAN_HANDLERS = ["event_bus.tests.probe.handlers"]
SECRET_KEY = "for tests only"
USE_TZ = True
