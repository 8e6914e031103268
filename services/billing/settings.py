"""Settings of billing: the shared ones, and the payment provider."""

from service_base.env import env
from service_base.settings import for_service

globals().update(for_service("billing"))

# `test` moves no money; `stripe` needs the two secrets that its dashboard shows.
PAYMENT_PROVIDER = env().payment_provider
STRIPE_SECRET_KEY = env().stripe_secret_key
STRIPE_WEBHOOK_SECRET = env().stripe_webhook_secret
# Where Stripe answers, when not at its own address; tests put a stand-in there.
STRIPE_API_BASE = ""
