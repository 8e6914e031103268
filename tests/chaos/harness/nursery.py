"""Where members come from: a process that has imported everything, and forks one whenever it is asked to.

Starting Python and Django anew for each of a hundred members would be most of what a run of this suite does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

IMPORTED_ONCE = (
    *("event_bus.consumer", "event_bus.kafka", "event_bus.outbox", "event_bus.relay"),
    *("harness.failpoints", "harness.guards", "harness.member", "harness.writer"),
)


class Nursery:
    """Forks processes of one world; their parent is the nursery, so it is what knows how they ended."""

    def __init__(self, environment: dict[str, str], log: Path, *, clock: Path | None = None) -> None:
        command = [sys.executable, "-m", "harness.nursery", *([str(clock)] if clock else [])]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def fork(self, module: str, words: list[str], name: str, log: Path) -> Child:
        """A new process that runs `module` with these command line words and writes to `log`."""
        pid = self._ask({"fork": module, "words": words, "name": name, "log": str(log)})
        assert pid is not None
        return Child(self, pid)

    def code_of(self, pid: int) -> int | None:
        """How a child ended, as subprocess says it; None while it runs."""
        return self._ask({"poll": pid})

    def close(self) -> None:
        """End it; its children have to be dead by then."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()

    def _ask(self, question: dict[str, object]) -> int | None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer


class Child:
    """What a test needs of subprocess.Popen, for a process that somebody else started."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended, or None."""
        if self.returncode is None:
            self.returncode = self._nursery.code_of(self.pid)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; its number stays its own until `poll` has told its end."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """How it ended. Raises TimeoutError when it has not."""
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} still runs after {seconds} s")
            time.sleep(0.02)
        return code


def main() -> None:
    """Import what members need, then fork and tell, as the questions on stdin want it."""
    if len(sys.argv) > 1:
        from harness import clock

        clock.follow(Path(sys.argv[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harness.probe.settings")
    import django

    django.setup()
    for module in os.environ.get("TITAN_CHAOS_IMPORTS", "").split() or IMPORTED_ONCE:
        import_module(module)
    for line in sys.stdin:
        question = json.loads(line)
        answer = _fork(question) if "fork" in question else _poll(question["poll"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _fork(question: dict[str, object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _become(question)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _become(question: dict[str, object]) -> None:
    log = os.open(str(question["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for new, old in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(new, old)
    os.environ["TITAN_CHAOS_MEMBER"] = str(question["name"])
    words = question["words"]
    assert isinstance(words, list)
    sys.argv = [str(question["fork"]), *words]
    import_module(str(question["fork"])).main()


def _poll(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    main()
