"""Middleware of every service: a trace for each request, and the person behind the page cookie."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase

from event_bus import tracing
from service_base import metrics, problems
from service_base.auth import COOKIE, caller_of

Next = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class RequestContext:
    """Gives each request a traceparent (the caller's or a new one), counts it and times it."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

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


class PageSession(AuthenticationMiddleware):
    """Sets `request.user` and `request.caller` from the access cookie; pages and the admin rely on it.

    The API ignores cookies altogether, so that no other site's form can spend a person's money through it.
    """

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """As the parent, but without a thread hop where there is nobody to look up."""
        if COOKIE in request.COOKIES and not request.path_info.startswith("/api/"):
            await sync_to_async(self.process_request)(request)
        else:
            _nobody(request)
        return await self.get_response(request)  # type: ignore[misc,no-any-return]

    def process_request(self, request: HttpRequest) -> None:
        """Look the cookie's person up."""
        _nobody(request)
        token = request.COOKIES.get(COOKIE)
        caller = caller_of(token) if token else None
        if caller is not None:
            request.user = caller.user
            request.caller = caller  # type: ignore[attr-defined]


def _nobody(request: HttpRequest) -> None:
    request.user = AnonymousUser()
    request.caller = None  # type: ignore[attr-defined]
