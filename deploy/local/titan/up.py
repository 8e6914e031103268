"""`titan up`: owns the data directory, clears what a killed stack left, runs the stack until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

from titan import process
from titan import state as states
from titan.configuration import APACHE, Configuration, make_data_dir
from titan.console import Console, say
from titan.embedded import kafka_jars
from titan.errors import PartFailed, TitanError
from titan.parts import Plan, installed_services
from titan.stack import Stack

READY_SECONDS = 240.0


def up(configuration: Configuration, plan: Plan | None = None, *, quiet: bool = False) -> None:
    """Run the stack in the foreground until SIGINT, SIGTERM or SIGHUP. Raises TitanError when it cannot start."""
    chosen = plan or Plan(installed_services())
    if not chosen.services:
        raise TitanError("No service is installed beside the titan command: run `make setup` in a checkout.")
    make_data_dir(configuration)
    with states.owned(configuration):
        console = Console(configuration.log_dir, quiet=quiet)
        clear_leftovers(configuration, console)
        try:
            if configuration.kafka == APACHE:
                kafka_jars.fetched(console.say)  # not within the stack: whoever waits for a download may end it at once
            stack = Stack(configuration, chosen, console)
            asyncio.run(_until_told_to_stop(stack))
        finally:
            console.close()


def clear_leftovers(configuration: Configuration, console: Console) -> None:
    """End processes of a stack whose supervisor was killed: they hold its ports and its files."""
    if orphans := process.of_stack(configuration.data_dir):
        console.say(f"ending {len(orphans)} processes that an earlier stack left behind")
        process.end(orphans)


async def _until_told_to_stop(stack: Stack) -> None:
    running = asyncio.create_task(stack.run())
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            running.cancel()
        else:
            stack.hurry()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not asked:
            raise


def up_detached(configuration: Configuration) -> None:
    """Start the stack in the background and return when it is ready. Raises TitanError with what is missing."""
    make_data_dir(configuration)
    with states.owned(configuration):
        pass  # raises AlreadyRunning before anything is started
    log = configuration.log_dir / "up.log"
    background = _spawn(configuration, log)
    try:
        _follow_until_ready(configuration, background, log)
    except KeyboardInterrupt:
        background.terminate()
        background.wait()
        raise


def _spawn(configuration: Configuration, log: Path) -> subprocess.Popen[bytes]:
    options = ["--kafka", configuration.kafka, "--postgres", configuration.postgres, "--valkey", configuration.valkey]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "titan.cli", "up", "--quiet", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _follow_until_ready(configuration: Configuration, background: subprocess.Popen[bytes], log: Path) -> None:
    deadline, shown = time.monotonic() + READY_SECONDS, 0
    while True:
        ended = background.poll() is not None
        lines = log.read_text(errors="replace").splitlines()
        for line in lines[shown:]:
            say(line)
        shown = len(lines)
        if ended:
            raise PartFailed("The stack did not start: see the lines above.")
        seen = states.read(configuration.data_dir)
        if seen and seen.phase == "ready" and seen.supervisor == background.pid:
            return
        if time.monotonic() > deadline:
            raise PartFailed(
                f"Not ready after {READY_SECONDS:.0f} s: {'; '.join(seen.missing) if seen else 'no state yet'}. "
                "It runs on: see `titan logs`, stop it with `titan down`."
            )
        time.sleep(0.1)


def down(data_dir: Path, *, seconds: float = 45.0) -> bool:
    """Stop the stack of `data_dir` and whatever it left behind; whether there was anything to stop."""
    found = False
    pid = states.supervisor_of(data_dir)
    if states.is_running(data_dir) and pid is not None:
        found = True
        process.signal_quietly(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while states.is_running(data_dir) and time.monotonic() < deadline:
            time.sleep(0.05)
        if states.is_running(data_dir):
            process.kill_group(pid)
    if orphans := process.of_stack(data_dir):
        found = True
        process.end(orphans)
    return found
