"""Whether a Kafka broker answers, asked with the smallest request there is: a port that merely listens is no broker."""

from __future__ import annotations

import asyncio
import struct

# ApiVersions, version 0, correlation id 1, no client id: every Kafka since 0.10 answers it before any sign-in.
_ASKED = struct.pack("!ihhih", 10, 18, 0, 1, -1)


async def broker_answers(bootstrap: str, *, seconds: float) -> bool:
    """Whether any of the brokers `host:port,…` answers within `seconds`."""
    return any(await asyncio.gather(*(_answers(address.strip(), seconds) for address in bootstrap.split(","))))


async def _answers(address: str, seconds: float) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            try:
                writer.write(_ASKED)
                _, correlation = struct.unpack("!ii", await reader.readexactly(8))
                return bool(correlation == 1)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        return False
