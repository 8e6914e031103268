"""Middleware of every service: a trace for each request, and the person behind the page cookie."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter

import structlog
from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase

from event_bus import tracing
from service_base import metrics, problems
from service_base.auth import COOKIE, caller_of

API_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}
Next = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class Asynchronous:
    """A middleware for the event loop alone."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)  # type: ignore[type-var]


class RequestContext(Asynchronous):
    """Gives each request a traceparent (the caller's or a new one), counts it and times it."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Run the request inside its trace."""
        given = request.headers.get("traceparent")
        token = tracing.enter(given)
        if tracing.current_traceparent() is None:
            tracing.leave(token)
            token = tracing.enter(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")
        started = perf_counter()
        structlog.contextvars.bind_contextvars(path=request.path)
        try:
            response = problems.for_unrouted(request, await self.get_response(request))
        finally:
            structlog.contextvars.unbind_contextvars("path")
            tracing.leave(token)
        metrics.observe(request, response.status_code, perf_counter() - started)
        return response


class ApiHeaders(Asynchronous):
    """What every answer of the API tells a browser: it is data, whatever it may look like."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the headers."""
        response = await self.get_response(request)
        for name, value in API_HEADERS.items():
            response.headers[name] = value
        return response


class PageSession(AuthenticationMiddleware):
    """Sets `request.user` and `request.caller` from the access cookie; pages and the admin rely on it.

    The API ignores cookies altogether, so that no other site's form can spend a person's money through it.
    """

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Look the cookie's person up, without a thread."""
        await self._look_up(request)
        return await self.get_response(request)  # type: ignore[misc,no-any-return]

    def process_request(self, request: HttpRequest) -> None:
        """The same where Django runs without an event loop, as under its plain test client."""
        async_to_sync(self._look_up)(request)

    async def _look_up(self, request: HttpRequest) -> None:
        _nobody(request)
        token = None if request.path_info.startswith("/api/") else request.COOKIES.get(COOKIE)
        caller = await caller_of(token) if token else None
        if caller is not None:
            request.user = caller.user
            request.caller = caller  # type: ignore[attr-defined]


def _nobody(request: HttpRequest) -> None:
    request.user = AnonymousUser()
    request.caller = None  # type: ignore[attr-defined]
