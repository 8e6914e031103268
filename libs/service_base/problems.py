"""RFC 9457 problem documents: how every error of every API looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as ModelError
from django.db import DataError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled
from ninja.errors import ValidationError as InputError

from event_bus.tracing import current_traceparent
from service_base.errors import Refusal, Unstorable

log = structlog.get_logger("titan.api")
TYPES = "https://titan.example/problems/"


def document(
    *,
    status: int,
    slug: str,
    title: str,
    detail: str,
    instance: str,
    errors: list[dict[str, str]] | None = None,
    facts: dict[str, object] | None = None,
) -> dict[str, Any]:
    """A problem document; `errors` names the fields at fault, `facts` are further members such as amounts."""
    found: dict[str, Any] = {
        "type": TYPES + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    if errors:
        found["errors"] = errors
    trace = current_traceparent()
    if trace:
        found["trace_id"] = trace.split("-")[1]
    return found | {name: str(value) for name, value in (facts or {}).items()}


def of_refusal(refusal: Refusal, instance: str) -> dict[str, Any]:
    """The document of a domain refusal."""
    errors = [{"field": field, "message": message} for field, message in refusal.fields]
    return document(
        status=refusal.status,
        slug=refusal.slug,
        title=refusal.title,
        detail=refusal.detail,
        instance=instance,
        errors=errors,
        facts=refusal.facts,
    )


def response(body: dict[str, Any]) -> JsonResponse:
    """The document as an HTTP response."""
    answer = JsonResponse(body, status=body["status"], content_type="application/problem+json")
    if body["status"] == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="titan"'
    if "retry_after" in body:
        answer["Retry-After"] = body["retry_after"]
    return answer


def install(api: NinjaAPI) -> None:
    """Make `api` answer every error with a problem document."""
    api.add_exception_handler(Refusal, _refusal)
    api.add_exception_handler(InputError, _input)
    api.add_exception_handler(ModelError, _model)
    api.add_exception_handler(DataError, _unstorable)
    api.add_exception_handler(AuthenticationError, _authentication)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(Throttled, _throttled)
    api.add_exception_handler(RequestDataTooBig, _too_large)
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(Exception, unexpected)


def for_unrouted(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """`answer`, or, where an API path was asked that does not exist or not with this method, a problem document."""
    if not request.path_info.startswith("/api/") or "html" not in answer.get("Content-Type", ""):
        return answer
    if answer.status_code == 404:
        return no_such_address(request)
    if answer.status_code == 405:
        allowed = answer.get("Allow", "")
        detail = f"{request.method} is not possible here; possible is {allowed}."
        problem = _answer(request, 405, "method-not-allowed", "Method not allowed", detail)
        problem["Allow"] = allowed
        return problem
    return answer


def no_such_address(request: HttpRequest) -> JsonResponse:
    """The answer where no route is."""
    return _answer(request, 404, "not-found", "Not found", "There is no such address; /api/v1/docs lists them.")


def unreadable(path: str, status: int) -> JsonResponse:
    """The answer to what is no request at all, such as an address that is not UTF-8."""
    detail = "The address or the headers of this request cannot be read; send them as UTF-8."
    return response(
        document(status=status, slug="bad-request", title="The request cannot be read", detail=detail, instance=path)
    )


def unexpected(request: HttpRequest, error: Exception | type[Exception]) -> JsonResponse:
    """The answer to an error that nobody foresaw; what it was goes to the log only."""
    log.error("api.unexpected_error", path=request.path, exc_info=error)
    detail = "Something here is broken, not in your request; nothing of it was kept. The trace id finds it in the logs."
    return _answer(request, 500, "unexpected", "Unexpected error", detail)


def _refusal(request: HttpRequest, error: Refusal | type[Refusal]) -> JsonResponse:
    assert isinstance(error, Refusal)
    return response(of_refusal(error, request.path))


def _input(request: HttpRequest, error: InputError | type[InputError]) -> JsonResponse:
    assert isinstance(error, InputError)
    errors = [{"field": _place_of(found["loc"]), "message": in_words(found["msg"])} for found in error.errors]
    detail = "; ".join(f"{found['field']}: {found['message']}" for found in errors)
    return _answer(request, 422, "bad-input", "The input does not fit", detail, errors)


def in_words(message: str) -> str:
    """A validator's message without the prefix that names Python's exception."""
    return message.removeprefix("Value error, ")


def _place_of(place: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in place[1:]) or str(place[0])


def _model(request: HttpRequest, error: ModelError | type[ModelError]) -> JsonResponse:
    assert isinstance(error, ModelError)
    fields = error.message_dict if hasattr(error, "error_dict") else {"input": error.messages}
    errors = [{"field": field, "message": " ".join(said)} for field, said in fields.items()]
    detail = "; ".join(f"{found['field']}: {found['message']}" for found in errors)
    return _answer(request, 422, "bad-input", "The input does not fit", detail, errors)


def _unstorable(request: HttpRequest, error: DataError | type[DataError]) -> JsonResponse:
    return _refusal(request, Unstorable())


def _authentication(request: HttpRequest, error: Any) -> JsonResponse:
    detail = (
        "Send `Authorization: Bearer <access token or API key>`; the one given is missing, wrong, expired or revoked."
    )
    return _answer(request, 401, "unauthenticated", "Sign in first", detail)


def _missing(request: HttpRequest, error: Any) -> JsonResponse:
    return _answer(request, 404, "not-found", "Not found", "There is nothing here, or it is not yours.")


def _throttled(request: HttpRequest, error: Any) -> JsonResponse:
    return _answer(request, 429, "too-fast", "Too many requests", "Wait a moment and try again.")


def _too_large(request: HttpRequest, error: Any) -> JsonResponse:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2
    detail = f"The body has more than {most} MiB: send it in parts, or as a file where files are taken."
    return _answer(request, 413, "too-large", "The request is too large", detail)


def _http(request: HttpRequest, error: Any) -> JsonResponse:
    return _answer(request, error.status_code, "bad-request", "The request cannot be read", str(error))


def _answer(
    request: HttpRequest, status: int, slug: str, title: str, detail: str, errors: list[dict[str, str]] | None = None
) -> JsonResponse:
    return response(
        document(status=status, slug=slug, title=title, detail=detail, instance=request.path, errors=errors)
    )
