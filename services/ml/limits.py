"""How fast a person may ask one machine: a bucket of tokens in Valkey, drawn from by the handful.

Most requests ask Valkey nothing: a process draws tokens for a moment ahead, so that a limit costs a request next to
nothing. Without Valkey nobody is held up.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from service_base.env import env
from service_base.errors import TooFast

if TYPE_CHECKING:
    from redis import Redis

log = structlog.get_logger("titan.ml")
# A token is a request, or a hundred lines of one.
LINES_PER_TOKEN = 100
# Whoever was quiet for so long may ask that much at once.
BURST_SECONDS = 5
# So many are drawn at once, and given up when they were not used for so long.
DRAWN = 20
DRAWN_SECONDS = 1.0
ANSWER_SECONDS = 0.25
# After Valkey was away it is not asked for so long.
AWAY_SECONDS = 5.0
MOST_KEPT = 10_000

# Takes up to `want` tokens but no fewer than `need`; answers how many, or minus the milliseconds to wait.
_TAKE = """
local at = redis.call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
local rate, burst, need, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(known[1]) or burst
tokens = math.min(burst, tokens + math.max(0, now - (tonumber(known[2]) or now)) * rate / 1000)
local taken = 0
if tokens >= need then
  taken = math.min(math.floor(tokens), want)
  tokens = tokens - taken
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
if taken == 0 then return -math.ceil((need - tokens) * 1000 / rate) end
return taken
"""


@dataclass(slots=True)
class _Drawn:
    tokens: int
    until: float


_drawn: OrderedDict[tuple[UUID, UUID], _Drawn] = OrderedDict()
_lock = Lock()
_away_until = 0.0


def rate() -> int:
    """Tokens a second."""
    return env().solve_rate


def tokens_of(lines: int) -> int:
    """How many tokens a request of so many lines takes."""
    return max(1, math.ceil(lines / LINES_PER_TOKEN))


def must_not_hurry(caller_id: UUID, machine_id: UUID, lines: int) -> None:
    """Count a request of so many lines. Raises TooFast, which says when to come back."""
    need = tokens_of(lines)
    whose = (caller_id, machine_id)
    if spend(whose, need):
        return
    taken = _take(whose, need)
    if taken < 0:
        seconds = math.ceil(-taken / 1000)
        raise TooFast(
            f"You asked this machine more than {rate()} requests, or {rate() * LINES_PER_TOKEN} lines, a second; "
            f"ask again in {seconds} s, or solve a file.",
            retry_after=seconds,
        )
    with _lock:
        _drawn[whose] = _Drawn(taken - need, monotonic() + DRAWN_SECONDS)
        while len(_drawn) > MOST_KEPT:
            _drawn.popitem(last=False)


def spend(whose: tuple[UUID, UUID], need: int) -> bool:
    """Whether what was drawn before is enough."""
    with _lock:
        drawn = _drawn.get(whose)
        if drawn is None or drawn.tokens < need or drawn.until < monotonic():
            return False
        drawn.tokens -= need
        return True


def _take(whose: tuple[UUID, UUID], need: int) -> int:
    from redis.exceptions import RedisError

    global _away_until
    if monotonic() < _away_until:
        return need
    # A single large request may need more than a bucket holds: a full one is enough for it.
    burst = rate() * BURST_SECONDS
    asked = min(need, burst)
    key = f"titan:ml:solve:{whose[0]}:{whose[1]}"
    try:
        taken = _valkey().eval(_TAKE, 1, key, rate(), burst, asked, asked + DRAWN)
    except (RedisError, OSError) as error:
        _away_until = monotonic() + AWAY_SECONDS
        log.warning("limits.valkey_away", error=str(error))
        return need
    found = int(str(taken))
    return found if found < 0 else found + need - asked


@cache
def _valkey() -> Redis:
    from redis import Redis

    return Redis.from_url(env().valkey_url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
