"""What can go wrong around the stack, each as one sentence with the way out."""

from __future__ import annotations


class TitanError(Exception):
    """Something a person can put right; `str(error)` is the sentence to show."""

    exit_code = 1


class WrongSetting(TitanError):
    """A `TITAN_…` variable, an option or an argument has a value that cannot be used."""

    exit_code = 2


class PortTaken(TitanError):
    """Somebody else listens on a port that the stack needs."""


class AlreadyRunning(TitanError):
    """Another `titan up` owns this data directory."""


class NotRunning(TitanError):
    """The command needs a running stack and there is none in this data directory."""


class PartFailed(TitanError):
    """A part of the stack did not start; the sentence carries its last words."""


class ToolMissing(TitanError):
    """A program of the machine that this choice needs is not installed, or too old."""
