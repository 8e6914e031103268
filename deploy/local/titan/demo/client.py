"""A person's way into the services: plain HTTP with her token, and problems as sentences."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from titan.configuration import Configuration
from titan.errors import TitanError

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


class DemoFailed(TitanError):
    """A step of the demo did not do what it should."""


class Person:
    """Somebody who uses TITAN, or, before signing in, a visitor."""

    def __init__(self, stack: Configuration, name: str = "a visitor") -> None:
        self.stack = stack
        self.name = name
        self.token = ""
        self.id = ""
        # The environment's proxies are for the world outside; the stack is on this machine.
        self._http = httpx.Client(timeout=60, trust_env=False)

    def get(self, service: str, path: str, **query: Any) -> Any:
        """What a GET answers, as JSON. Raises DemoFailed with the problem's detail."""
        return self._send("GET", service, path, params=query).json()

    def post(self, service: str, path: str, body: Any = None, *, key: str | None = None, **options: Any) -> Any:
        """What a POST answers, as JSON; `key` is its Idempotency-Key."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._send("POST", service, path, json=body, headers=headers, **options).json()

    def patch(self, service: str, path: str, body: Any) -> Any:
        """What a PATCH answers, as JSON."""
        return self._send("PATCH", service, path, json=body).json()

    def try_post(self, service: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """The answer as it is, also when it is a problem."""
        return self._request("POST", service, path, json=body, **options)

    def get_unless_503(self, service: str, path: str) -> Any | None:
        """What a GET answers, as JSON; None when the service says that it cannot answer yet."""
        answer = self._request("GET", service, path)
        return None if answer.status_code == 503 else self._read(answer, "GET", service, path).json()

    def download(self, service: str, path: str, **query: Any) -> bytes:
        """The bytes a GET answers."""
        return self._send("GET", service, path, params=query).content

    def items(self, service: str, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor = None
        while True:
            page = self.get(service, path, **query, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _send(self, method: str, service: str, path: str, **options: Any) -> httpx.Response:
        return self._read(self._request(method, service, path, **options), method, service, path)

    def _read(self, answer: httpx.Response, method: str, service: str, path: str) -> httpx.Response:
        if answer.is_success:
            return answer
        raise DemoFailed(
            f"{method} {service}/{path} for {self.name} answered {answer.status_code}: {detail_of(answer)}"
        )

    def _request(self, method: str, service: str, path: str, **options: Any) -> httpx.Response:
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        try:
            return self._http.request(method, f"{self.stack.url(service)}/api/v1/{path}", headers=headers, **options)
        except httpx.HTTPError as error:
            raise DemoFailed(f"{service} does not answer ({error}); look at `titan logs {service}`.") from error


def detail_of(answer: httpx.Response) -> str:
    """The detail of a problem document, or the beginning of whatever came instead."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = PATIENCE_SECONDS, every: float = 0.1) -> T:
    """The first answer of `look` that is not None. Raises DemoFailed naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise DemoFailed(f"{what}: not within {seconds:.0f} s; look at `titan logs`.")
        time.sleep(every)
    return found
