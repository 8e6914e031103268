"""Settings of billing: the shared ones, the payment provider, and what stands on bills."""

from service_base.env import env
from service_base.settings import for_service

globals().update(for_service("billing"))

# `test` moves no money; `stripe` needs the two secrets that its dashboard shows.
PAYMENT_PROVIDER = env().payment_provider
STRIPE_SECRET_KEY = env().stripe_secret_key
STRIPE_WEBHOOK_SECRET = env().stripe_webhook_secret
# Where Stripe answers, when not at its own address; tests put a stand-in there.
STRIPE_API_BASE = ""

# Name, address and tax number of whoever issues the bills, as they say it.
BILL_ISSUER = env().bill_issuer
# The tax on what the platform sells, in hundredths of a percent, for everybody who has no rate of her own.
TAX_BASIS_POINTS = env().tax_basis_points
