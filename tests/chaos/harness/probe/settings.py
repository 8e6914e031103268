"""Settings of the service under test; which database and which topic, the environment says."""

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
        # As service_base.sessions has it, scaled down like the group's session: see harness.member.
        "OPTIONS": {"options": "-c idle_in_transaction_session_timeout=5s"},
    }
}
INSTALLED_APPS = ["event_bus", "harness.probe"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TITAN_CONTEXT = "harness.probe"
TITAN_CONSUMER_GROUP = os.environ.get("TITAN_CHAOS_GROUP", "titan.chaos")
TITAN_HANDLERS = ["harness.probe.handlers"]
SECRET_KEY = "for tests only"
USE_TZ = True
