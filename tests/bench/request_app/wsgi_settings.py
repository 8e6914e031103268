"""The same views without an event loop."""

from request_app.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
ROOT_URLCONF = "request_app.sync_api"
for _database in DATABASES.values():  # noqa: F405
    _database["CONN_MAX_AGE"] = 300
