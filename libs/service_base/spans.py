"""Spans of requests and of handled events: one trace from a request through Kafka to what it causes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from event_bus import tracing

_w3c = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("titan")
# Of a batch with more sampled events than this, the rest have their link in the batch's span only.
MOST_SPANS = 64


def export(context: str, *, endpoint: str, share: float) -> None:
    """Send `share` of this process's traces, and every trace that a caller decided to send, to the OTLP collector."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    record(context, BatchSpanProcessor(exporter), share=share)


def record(context: str, processor: SpanProcessor, *, share: float) -> TracerProvider:
    """Hand this process's spans to `processor`, and let the bus make spans of what it handles."""
    global _tracer
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"titan-{context}"}),
        sampler=ParentBased(root=TraceIdRatioBased(share)),
    )
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("titan")
    propagate.set_global_textmap(_w3c)
    tracing.span = handling
    tracing.together = together
    return provider


class RequestSpans:
    """An ASGI application whose requests are spans; inside, the span is the traceparent that events carry on."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on in a span; what is no request is passed on as it is."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with _tracer.start_as_current_span(
            f"{scope['method']} {scope['path']}", _w3c.extract(given), SpanKind.SERVER, _request(scope)
        ) as span:
            headers = [pair for pair in scope["headers"] if pair[0] != b"traceparent"]
            scope = scope | {"headers": [*headers, (b"traceparent", _traceparent(span).encode())]}
            await self._application(scope, receive, _noting(span, send))


def _request(scope: Any) -> dict[str, Any]:
    return {"http.request.method": scope["method"], "url.path": scope["path"]}


def _noting(span: Span, send: Any) -> Any:
    async def noting(message: Any) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= 500:
                span.set_status(Status(StatusCode.ERROR))
        await send(message)

    return noting


@contextmanager
def handling(name: str, traceparent: str | None) -> Iterator[None]:
    """The span of one event's handler: in the trace of the request that caused it, with a link to its batch."""
    batch = trace.get_current_span().get_span_context()
    links = [Link(batch)] if batch.is_valid else []
    parent = _w3c.extract({"traceparent": traceparent or ""}, trace.set_span_in_context(trace.INVALID_SPAN))
    with _tracer.start_as_current_span(f"handle {name}", parent, SpanKind.CONSUMER, links=links) as span:
        token = tracing.enter(_traceparent(span))
        try:
            yield
        finally:
            tracing.leave(token)


@contextmanager
def together(name: str, handler: Any, events: Sequence[tuple[Any, Any]]) -> Iterator[None]:
    """The span of a batch, with a link to each event's own trace; a handler that takes many gets their spans too."""
    callers = [_context_of(envelope.traceparent) for _, envelope in events if envelope.traceparent]
    links = [Link(caller) for caller in callers if caller.is_valid]
    root = trace.set_span_in_context(trace.INVALID_SPAN)
    attributes: dict[str, Any] = {"messaging.batch.message_count": len(events), "messaging.destination.name": name}
    with _tracer.start_as_current_span(f"batch {name}", root, SpanKind.CONSUMER, attributes, links) as span:
        own = [] if hasattr(handler, "__wrapped__") else _one_each(name, links, span)
        try:
            yield
        finally:
            for each in own:
                each.end()


def _one_each(name: str, links: Sequence[Link], batch: Span) -> list[Span]:
    """A span in each event's trace, as long as the batch: what `on_batch` handlers do cannot be told apart."""
    sampled = [link.context for link in links if link.context.trace_flags.sampled][:MOST_SPANS]
    return [
        _tracer.start_span(
            f"handle {name}",
            trace.set_span_in_context(trace.NonRecordingSpan(caller)),
            SpanKind.CONSUMER,
            links=[Link(batch.get_span_context())],
        )
        for caller in sampled
    ]


def _context_of(traceparent: str) -> trace.SpanContext:
    return trace.get_current_span(_w3c.extract({"traceparent": traceparent})).get_span_context()


def _traceparent(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
