"""Settings for the type checker alone: every app at once, which no process ever runs."""

import os

os.environ.setdefault("TITAN_DATABASE_URL", "postgres://titan@127.0.0.1/typing")
os.environ.setdefault("TITAN_SECRET_KEY", "x" * 40)

from service_base.settings import for_service

TITAN_CONTEXT: str = ""
TITAN_CONSUMER_GROUP: str = ""
TITAN_HANDLERS: list[str] = []
PRINCIPAL_SOURCE: str = ""
TITAN_API_MIDDLEWARE: list[str] = []
TITAN_LARGEST_BODY: int = 0
TIMESERIES_MODELS: list[str] = []
LOGIN_URL: str = ""
FORCE_SCRIPT_NAME: str | None = None
PAYMENT_PROVIDER: str = ""
STRIPE_SECRET_KEY: str = ""
STRIPE_WEBHOOK_SECRET: str = ""
STRIPE_API_BASE: str = ""
BILL_ISSUER: str = ""
TAX_BASIS_POINTS: int = 0

_SERVICES = ("axes", "service_base.principals", "ml", "billing", "trading", "scheduler")
globals().update(for_service("identity", apps=_SERVICES, user_model="identity.User"))
