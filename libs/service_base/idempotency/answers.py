"""Answering a write once: the stored answer and the work commit together, so a retry can never do it twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from pydantic import BaseModel

from service_base import problems
from service_base.errors import BadInput, Refusal
from service_base.idempotency.models import StoredAnswer

HEADER = "Idempotency-Key"
PASSING = frozenset({429, 503})


class KeyReused(Refusal):
    """The same key came with another request."""

    status = 409
    slug = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


async def answer_once(
    request: HttpRequest,
    body: BaseModel | dict[str, Any] | None,
    work: Callable[[], Any],
    *,
    status: int = 200,
    show: Callable[[Any], HttpResponse] | None = None,
) -> HttpResponse:
    """Run `work` (a synchronous command call returning a schema or JSON-able value) and answer with its result.

    With an `Idempotency-Key`, either the work and its stored answer are committed together or neither is; the same
    key and body is answered with the stored answer (refusals too, except those that only say "later": 429 and 503),
    the same key with another body is refused (409). `show` makes something else of a success than JSON.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return _shown(_plain(await sync_to_async(work)()), status, show)
    if not 1 <= len(key) <= 200:
        raise BadInput("An Idempotency-Key has 1 to 200 characters.", field=HEADER)
    owner = request.auth.id  # type: ignore[attr-defined]
    code, answer = await sync_to_async(_once)(owner, key, _hash(request, body), request.path, work, status)
    return problems.response(answer) if code >= 400 else _shown(answer, code, show)


def _shown(answer: Any, status: int, show: Callable[[Any], HttpResponse] | None) -> HttpResponse:
    return show(answer) if show else JsonResponse(answer, status=status, safe=False)


def _once(owner: Any, key: str, request_hash: str, path: str, work: Callable[[], Any], status: int) -> tuple[int, Any]:
    with transaction.atomic():
        # A second request under the same key waits here until the first has committed or failed.
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO stored_answer (owner_id, key, request_hash, created_at) VALUES (%s, %s, %s, now())"
                " ON CONFLICT DO NOTHING RETURNING id",
                [owner, key, request_hash],
            )
            ours = cursor.fetchone()
        answer = StoredAnswer.objects.get(owner_id=owner, key=key)
        if ours is None:
            if answer.request_hash != request_hash:
                raise KeyReused("Use a new Idempotency-Key for a new request.", field=HEADER)
            return answer.status or status, answer.body
        code, said = _do(work, status, path)
        answer.status, answer.body = code, said
        answer.save(update_fields=["status", "body"])
        return code, said


def _do(work: Callable[[], Any], status: int, path: str) -> tuple[int, Any]:
    try:
        with transaction.atomic():
            return status, _plain(work())
    except Refusal as refusal:
        if refusal.status in PASSING:
            raise  # with it goes our row: who was told to come back must be able to, under the same key
        return refusal.status, problems.of_refusal(refusal, path)


def _hash(request: HttpRequest, body: BaseModel | dict[str, Any] | None) -> str:
    text = json.dumps([request.method, request.path, _plain(body)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
