"""Settings of ml: the shared ones, and room for tables in requests."""

from service_base.settings import for_service

# The largest table, and what a form adds around it.
globals().update(for_service("ml", largest_body=(2 << 30) + (1 << 20) - 1))
