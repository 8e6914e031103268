"""Asks web and worker processes whether they are ready; no HTTP library, because `titan status` must be quick."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from titan.configuration import Configuration


async def missing_of(url: str, *, seconds: float = 2.0) -> list[str]:
    """What the service at `url` lacks to do its job; empty when it is ready."""
    try:
        async with asyncio.timeout(seconds):
            status, body = await _get(url, "/readyz")
    except TimeoutError:
        return [f"does not answer within {seconds:.0f} s"]
    except (OSError, ValueError, asyncio.IncompleteReadError):
        return ["does not answer yet"]
    if status == 200:
        return []
    try:
        return [str(lack) for lack in json.loads(body)["missing"]] or [f"answers {status}"]
    except (ValueError, KeyError, TypeError):
        return [f"answers {status}"]


async def missing_in(configuration: Configuration, processes: Iterable[str]) -> dict[str, list[str]]:
    """What each of `processes` lacks that says so: the web and worker ones; all asked at once."""
    asked = {name: configuration.url(part) for name in processes if (part := _answering(name))}
    answers = await asyncio.gather(*(missing_of(url) for url in asked.values()))
    return dict(zip(asked, answers, strict=True))


def _answering(process: str) -> str | None:
    service, _, kind = process.partition("-")
    return {"web": service, "worker": process}.get(kind)


async def _get(url: str, path: str) -> tuple[int, bytes]:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(-1)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(None, 2)[1]) if head else 0, body
