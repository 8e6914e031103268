"""How a process and its child talk: the job as one line of JSON in, messages as lines of JSON out.

The child ends with its parent: it watches its standard input, which closes even when the parent was killed.
"""

from __future__ import annotations

import errno
import json
import math
import os
import queue
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from service_base.errors import BadInput, Unavailable

Message = dict[str, Any]
Hear = Callable[[list[Message]], None]
ORPHANED = 3
LONGEST_TEXT = 300


class ChildFailed(Unavailable):
    """The child ended without an answer: it was killed, or something in it is broken."""

    slug = "broke-down"
    title = "It did not come to an end"


# --- in the child -----------------------------------------------------------------------------------------------------


def serve(work: Callable[[Message, Callable[..., None]], Message]) -> None:
    """Take the job from standard input, do `work(job, say)`, answer with its result or with why it was refused."""
    say = _voice()
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_watch_parent, daemon=True).start()
    _answer(work, job, say)


def serve_many(work: Callable[[Message, Callable[..., None]], Message]) -> None:
    """The same for one job after the other, until standard input closes."""
    say = _voice()
    for line in sys.stdin:
        _answer(work, json.loads(line), say)


def _voice() -> Callable[..., None]:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not spoil the messages

    def say(**message: Any) -> None:
        out.write(json.dumps(clean(message), allow_nan=False) + "\n")
        out.flush()

    return say


def _answer(work: Callable[[Message, Callable[..., None]], Message], job: Message, say: Callable[..., None]) -> None:
    from ml.learning.errors import LearningError

    try:
        say(done=work(job, say))
    except LearningError as error:
        say(refused={"sentence": str(error), "field": error.field})
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        say(full=True)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _watch_parent() -> None:
    sys.stdin.read()
    os._exit(ORPHANED)


def clean(value: Any) -> Any:
    """`value` as PostgreSQL's JSON takes it: no NaN, no infinity, no NUL, no half characters, no endless texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(name)): clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    if isinstance(value, (int, bool)) or value is None:
        return value
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """A text that can be stored and shown."""
    return text.replace("\x00", "␀").encode("utf-8", "replace").decode()


# --- in the parent ----------------------------------------------------------------------------------------------------


class Child:
    """A running child; `messages` waits a while for what it says."""

    def __init__(self, module: str, job: Message, environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self._said: queue.Queue[Message | None] = queue.Queue()
        self._errors: list[str] = []
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        self._error_reader = threading.Thread(target=self._read_errors, args=(self.process.stderr,), daemon=True)
        self._error_reader.start()
        self.has_ended = False
        self.send(job)

    def send(self, job: Message) -> None:
        """Give it a job; another one only to a child that takes many."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._errors.append("it ended before it took its job")

    def messages(self, timeout: float) -> list[Message]:
        """What the child said within `timeout` seconds; returns at its end, after which `has_ended` is true."""
        found: list[Message] = []
        try:
            message = self._said.get(timeout=timeout)
            while message is not None:
                found.append(message)
                message = self._said.get_nowait()
        except queue.Empty:
            return found
        self.has_ended = True
        return found

    def why_it_died(self) -> str:
        """The end of its error output, or its exit code."""
        code = self.process.wait()
        self._error_reader.join(timeout=2)
        last = [line for line in self._errors if line.strip()][-1:]
        return last[0] if last else f"it ended with code {code}"

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            for line in stream:
                self._said.put(json.loads(line))
        except ValueError as error:  # a line cut short by kill, or a pipe closed under us
            self._errors.append(str(error))
        finally:
            self._said.put(None)

    def _read_errors(self, stream: IO[bytes]) -> None:
        try:
            for line in stream:
                self._errors[:] = [*self._errors[-50:], line.decode("utf-8", "replace").rstrip()]
        except ValueError:
            return  # the pipe was closed because the child was killed


def ask(module: str, job: Message, hear: Hear | None = None) -> Message:
    """Run a child to its end and return its answer. Raises BadInput with its refusal, Unavailable, ChildFailed.

    `hear` is given what the child says, and nothing at least twice a second; what it raises ends the child.
    """
    child = Child(module, job)
    try:
        while not child.has_ended:
            heard = child.messages(timeout=0.5)
            for message in heard:
                if "done" in message:
                    return message["done"]  # type: ignore[no-any-return]
                refuse(message)
            if hear:
                hear(heard)
        raise ChildFailed(f"This broke down half way ({child.why_it_died()}); nothing was kept. Try again.")
    finally:
        child.kill()


def refusal_in(message: Message) -> str | None:
    """Why the child gave up, when that is what it says."""
    if "refused" in message:
        return str(message["refused"]["sentence"])
    if message.get("full"):
        return "The disk of the data directory is full; free some room and start again."
    return None


def refuse(message: Message) -> None:
    """Raise what a refusing message says; any other message is left alone."""
    if "refused" in message:
        said = message["refused"]
        raise BadInput(said["sentence"], field=said["field"] or "file")
    if message.get("full"):
        raise Unavailable("The disk of the data directory is full: free some room and try again.")
