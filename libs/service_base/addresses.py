"""Where the services are, seen from each other and from a browser."""

from __future__ import annotations

from service_base.env import env

# The order fixes the ports: TITAN_PORT_BASE + 1 for identity, + 2 for ml, and so on.
SERVICES = ("identity", "ml", "billing", "trading", "scheduler")


def port_of(service: str) -> int:
    """The local port of a service's web process."""
    return env().port_base + 1 + SERVICES.index(service)


def worker_port_of(service: str) -> int:
    """The local port on which a service's worker says how it is: ten above the web process's."""
    return port_of(service) + 10


def url_of(service: str) -> str:
    """The address of a service's root, without a trailing slash; behind a proxy it is `<public>/<service>`."""
    if env().public_url:
        return f"{env().public_url.rstrip('/')}/{service}"
    return f"http://{env().host}:{port_of(service)}"


def is_ours(url: str) -> bool:
    """Whether `url` leads to one of our services, so that a redirect there is safe."""
    return any(url == root or url.startswith(f"{root}/") for root in map(url_of, SERVICES))
