"""How a request is answered: the API's on the event loop with next to nothing around it, pages' as Django does it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.http import Http404, HttpRequest, parse_cookie
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.module_loading import import_string

from service_base import problems
from service_base.auth import COOKIE, caller_of
from service_base.bodies import LENGTH, Receive, Scope, Send, bounded, part, refuse
from service_base.errors import Refusal
from service_base.incoming import FREE, Incoming, NotSignedIn, Uploads
from service_base.object_store import full_said
from service_base.threads import Loan, Threads

# Requests that take longer are watched: when their client goes they are cancelled.
WATCHED_AFTER_SECONDS = 0.5
# So many addresses are remembered with their routes.
MOST_ROUTES = 4096
_WITHOUT_BODY = frozenset({204, 304})


class ByPath:
    """Requests below /api/ go to one handler, all others to the other."""

    def __init__(self, api: ASGIHandler, pages: ASGIHandler) -> None:
        self._api = api
        self._pages = pages
        self._largest: int = settings.TITAN_LARGEST_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"].removeprefix(get_script_prefix(scope))
        by_api = is_api(path)
        handler = self._api if by_api else self._pages
        try:
            with full_said():  # what comes in is spooled to the disk before anybody looks at it
                await handler(scope, bounded(scope, receive, largest=self._largest), send)
        except Refusal as refusal:
            await refuse(scope, receive, send, refusal, is_api=by_api)


def is_api(path: str) -> bool:
    """Whether the API answers at `path`; the documents for people below it are pages."""
    return path.startswith("/api/") and not path.endswith("/docs")


class PageHandler(ASGIHandler):
    """Django's own handling on a lent thread, for pages and the admin."""

    def __init__(self, threads: Threads, uploads: Uploads) -> None:
        super().__init__()
        self._threads, self._uploads = threads, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what streams does so on a thread of its own. Raises what refuses a large body."""
        loan = Loan(self._threads)
        scope["titan.loan"] = loan
        try:
            async with ThreadSensitiveContext(executor=loan):
                if scope[LENGTH] is not None and scope[LENGTH] <= FREE:
                    await self.handle(scope, receive, send)
                else:
                    await self._handle_large(scope, receive, send)
        finally:
            loan.end()

    async def _handle_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look who sends it before it comes in, at the cookie: the page itself looks again."""
        cookie = parse_cookie(
            b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
        )
        caller = await caller_of(cookie[COOKIE]) if COOKIE in cookie else None
        if caller is None:
            raise NotSignedIn(f"Only who is signed in sends more than {FREE >> 10} KiB: sign in, then send it again.")
        ended = self._uploads.begin(caller.id, scope[LENGTH])
        scope["titan.loan"].pause()
        try:
            await self.handle(scope, receive, send)
        finally:
            ended()

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The answer; its parts come later, on another thread, when it streams."""
        response = await super().run_get_response(request)
        if response.streaming and isinstance(request, ASGIRequest):
            request.scope["titan.loan"].keep()
        return response


class ApiChain:
    """The API's middleware around its views, all on the event loop: no signals, no log line for a client's mistake."""

    def load_middleware(self, is_async: bool = True) -> None:
        """Build the chain from the setting `TITAN_API_MIDDLEWARE`."""
        chain: Any = self._view
        for path in reversed(settings.TITAN_API_MIDDLEWARE):
            chain = import_string(path)(chain)
        self._middleware_chain = chain
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._routes: dict[str, Any] = {}

    def resolve_request(self, request: HttpRequest) -> Any:
        """The route, remembered by its address: looking one up goes through all patterns before it."""
        found = self._routes.get(request.path_info)
        if found is None:
            found = super().resolve_request(request)  # type: ignore[misc]
            if len(self._routes) >= MOST_ROUTES:
                self._routes.clear()
            self._routes[request.path_info] = found
        request.resolver_match = found
        return found

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The answer to `request`, whatever happens."""
        response: HttpResponseBase = await self._middleware_chain(request)
        response._resource_closers.append(request.close)  # type: ignore[attr-defined]
        return response

    async def _view(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return await self._get_response_async(request)  # type: ignore[attr-defined,no-any-return]
        except Http404:
            return problems.no_such_address(request)
        except Exception as error:
            return problems.unexpected(request, error)


class ApiHandler(ApiChain, ASGIHandler):
    """Answers in place: no task, thread or signal a request; those that last are watched for a client that goes."""

    def __init__(self, threads: Threads, uploads: Uploads) -> None:
        super().__init__()
        self._threads, self._uploads = threads, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = await self._body_of(scope, receive)
        except RequestAborted:
            return
        loan = Loan(self._threads)
        client = _Client(receive, body, loan)
        try:
            async with ThreadSensitiveContext(executor=loan):
                await self._answer(scope, body, send, loan, client)
        except asyncio.CancelledError:
            if not client.has_gone:
                raise
        finally:
            client.ignore()
            loan.end()
            body.close()

    async def _body_of(self, scope: Scope, receive: Receive) -> BytesIO | Incoming:
        """The body as a file: in memory where it is small, else what comes in once its sender is known."""
        length, begun, size = scope[LENGTH], [], 0
        while length is None or length <= FREE:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            begun.append(message)
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                return BytesIO(b"".join(message.get("body", b"") for message in begun))
            if size > FREE:
                break
        return Incoming(scope, receive, begun, spool=self.read_body, uploads=self._uploads)

    async def _answer(self, scope: Scope, body: Any, send: Send, loan: Loan, client: _Client) -> None:
        set_script_prefix(get_script_prefix(scope))
        request, refused = self.create_request(scope, body)
        response: Any = (
            problems.unreadable(scope["path"], refused.status_code)
            if request is None
            else await self.run_get_response(request)
        )
        try:
            if response.streaming:
                loan.keep()
                client.watch()
                await self.send_response(response, send)
            else:
                await _send_at_once(response, send, client)
        finally:
            for close in response._resource_closers:
                close()

    def create_request(self, scope: Mapping[str, Any], body_file: Any) -> Any:
        """The request; HEAD is asked like GET, and the server leaves the body out."""
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        return super().create_request(scope, body_file)


async def _send_at_once(response: Any, send: Send, client: _Client) -> None:
    content = response.content
    if response.status_code not in _WITHOUT_BODY:
        response.headers.setdefault("Content-Length", str(len(content)))
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"Set-Cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    if client.still_sends:
        await part(client.receive, send, start, content)
    else:
        await send(start)
        await send({"type": "http.response.body", "body": content})


class _Client:
    """Notices that the client has gone, and then cancels the task that answers it."""

    def __init__(self, receive: Receive, body: BytesIO | Incoming, loan: Loan) -> None:
        self.has_gone = False
        self.receive = receive
        self._answering = asyncio.current_task()
        self._listening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._body = body
        if isinstance(body, Incoming):
            body.begins, body.taken, body.gone = loan.pause, self._watch_soon, self._go
        else:
            self._watch_soon()

    @property
    def still_sends(self) -> bool:
        """Whether its body has not come in, so that nothing else can be heard of it."""
        return isinstance(self._body, Incoming) and not self._body.is_here

    def _watch_soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCHED_AFTER_SECONDS, self.watch)

    def _go(self) -> None:
        self.has_gone = True

    def watch(self) -> None:
        """Listen from now on."""
        if self._listening is None and not self.still_sends:
            self._listening = asyncio.get_running_loop().create_task(self._listen())

    def ignore(self) -> None:
        """The answer is out, or never will be."""
        if self._timer is not None:
            self._timer.cancel()
        if self._listening is not None:
            self._listening.cancel()

    async def _listen(self) -> None:
        message = await self.receive()
        if message["type"] == "http.disconnect" and self._answering is not None:
            self.has_gone = True
            self._answering.cancel()
