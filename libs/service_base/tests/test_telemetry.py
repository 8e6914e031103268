"""One trace leads from a request through the outbox to what handles it; without a collector none of it is loaded."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from event_bus import on, on_batch, outbox, registry, tracing
from event_bus.apply import apply_batch
from event_bus.broker import Record
from event_bus.envelope import to_headers
from event_bus.models import OutboxEvent
from service_base import env
from service_base.middleware import RequestContext
from shared_models.clock import rfc3339
from shared_models.events import Envelope, identity
from shared_models.ids import new_id

sdk = pytest.importorskip("opentelemetry.sdk.trace.export", reason="service_base[telemetry] is not installed")
from opentelemetry.sdk.trace import ReadableSpan  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402

from service_base import spans, telemetry  # noqa: E402

TEAM = identity.TeamChanged(team_id=new_id(), version=1, name="Lab")


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is replaced where traces are exported is put back."""
    for name in ("span", "together"):
        monkeypatch.setattr(tracing, name, getattr(tracing, name))
    monkeypatch.setattr(spans, "_tracer", spans._tracer)


@pytest.fixture
def exported() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    spans.record("probe", sdk.SimpleSpanProcessor(exporter), share=1.0)
    return exporter


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The traces that the handlers of TeamChanged ran in: one that takes each event, one that takes many."""
    traces: list[str | None] = []
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_published", {identity.TeamChanged.TYPE: identity.TeamChanged})

    @on(identity.TeamChanged)
    def each(event: identity.TeamChanged, envelope: Envelope) -> None:
        traces.append(tracing.current_traceparent())

    @on_batch(identity.TeamChanged)
    def many(events: Sequence[tuple[identity.TeamChanged, Envelope]]) -> None:
        """Nothing to do."""

    return traces


async def request(headers: list[tuple[bytes, bytes]]) -> None:
    """A request to a service whose view says something."""

    @sync_to_async
    def say() -> None:
        with transaction.atomic():
            outbox.append(TEAM)

    async def view(request: HttpRequest) -> HttpResponse:
        await say()
        return HttpResponse("said")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        answer = await RequestContext(view)(ASGIRequest(scope, io.BytesIO()))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": []})

    async def nobody(message: Any = None) -> None:
        return None

    scope = {"type": "http", "method": "POST", "path": "/teams", "headers": headers, "query_string": b""}
    await spans.RequestSpans(application)(scope, nobody, nobody)


def deliver() -> None:
    """Hand what waits in the outbox to the consumer."""
    apply_batch(settings.TITAN_CONSUMER_GROUP, [_record(row) for row in OutboxEvent.objects.order_by("seq")])


def _record(row: OutboxEvent) -> Record:
    headers = to_headers(
        event_id=str(row.event_id),
        type_=row.type,
        key=row.key,
        source=row.headers["source"],
        time=rfc3339(row.occurred_at),
        traceparent=row.headers.get("traceparent"),
    )
    return Record(row.topic, 0, row.seq, row.key.encode(), row.payload.encode(), headers)


def by_name(exporter: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


@pytest.mark.django_db(transaction=True)
async def test_one_trace_leads_from_the_request_to_both_kinds_of_handlers(
    exported: InMemorySpanExporter, seen: list[str | None]
) -> None:
    await request([])
    await sync_to_async(deliver)()
    found = by_name(exported)
    (asked,) = found["POST /teams"]
    handled = found[f"handle {TEAM.TYPE}"]
    batches = found[f"batch {TEAM.TYPE}"]
    assert len(handled) == len(batches) == 2
    assert {span.context.trace_id for span in handled} == {asked.context.trace_id}
    assert {span.parent.span_id for span in handled} == {asked.context.span_id}
    assert {link.context.trace_id for batch in batches for link in batch.links} == {asked.context.trace_id}
    assert {link.context.span_id for span in handled for link in span.links} == {b.context.span_id for b in batches}
    assert asked.attributes["http.response.status_code"] == 200
    (traceparent,) = seen
    assert traceparent is not None
    assert traceparent.split("-")[1] == f"{asked.context.trace_id:032x}"
    assert traceparent.split("-")[2] in {f"{span.context.span_id:016x}" for span in handled}


@pytest.mark.django_db(transaction=True)
async def test_a_caller_who_sends_no_traces_has_none_made_for_it(
    exported: InMemorySpanExporter, seen: list[str | None]
) -> None:
    await request([(b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00")])
    await sync_to_async(deliver)()
    names = set(by_name(exported))
    assert names == {f"batch {TEAM.TYPE}"}
    assert seen[0] is not None
    assert seen[0].split("-")[1] == "a" * 32


@pytest.mark.django_db(transaction=True)
async def test_spans_arrive_at_the_collector_that_the_one_setting_names(
    monkeypatch: pytest.MonkeyPatch, seen: list[str | None]
) -> None:
    with collector() as (address, received):
        monkeypatch.setattr(env.env(), "otlp_endpoint", address)
        monkeypatch.setattr(env.env(), "otlp_share", 1.0)
        telemetry.start("probe")
        await request([])
        assert received.wait(20)


class collector:
    """Something that takes OTLP over HTTP: its address, and an event that is set when spans came."""

    def __enter__(self) -> tuple[str, threading.Event]:
        received = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces" and body:
                    received.set()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *said: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}", received

    def __exit__(self, *error: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys; from service_base import telemetry; telemetry.start('probe'); assert telemetry.around(7) == 7;"
        " sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_collector_without_the_packages_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env.env(), "otlp_endpoint", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "service_base.spans", None)
    monkeypatch.delattr("service_base.spans")
    with pytest.raises(SystemExit, match=r"titan: TITAN_OTLP_ENDPOINT is set.*titan-service-base\[telemetry\]"):
        telemetry.start("probe")
