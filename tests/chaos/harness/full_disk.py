"""A disk that has no room left, under somebody at work, and later has room again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from harness.breakable import Breakable
from harness.world import Member, World


@contextmanager
def small_disk(place: Path, *, megabytes: int) -> Iterator[Path | None]:
    """A file system of this size at `place`; None where we may not mount one."""
    place.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0711"
    mounted = os.geteuid() == 0 and _ran("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place))
    try:
        yield place if mounted else None
    finally:
        if mounted:
            _ran("umount", "--lazy", str(place))


def _ran(*command: str) -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False


def fill_up(disk: Path, members: Sequence[Member]) -> Path:
    """Take all the room that is left; what takes it. Frozen meanwhile, the members cannot be done before."""
    for member in members:
        member.signal(signal.SIGSTOP)
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    for member in members:
        member.signal(signal.SIGCONT)
    return ballast


def make_room(ballast: Path, world: World, server: Breakable) -> None:
    """Give the room back, and start a server again that could not write its log, as its supervisor would."""
    ballast.unlink()
    if not takes_writes(world):
        server.kill()
        server.start()


def takes_writes(world: World) -> bool:
    """Whether the server does, within a few seconds."""
    for _ in range(20):
        try:
            world.execute("CREATE TABLE room_again (); DROP TABLE room_again")
        except psycopg.Error:
            time.sleep(0.25)
        else:
            return True
    return False
