"""What a test found: printed, and appended to the file TITAN_CHAOS_REPORT names, one JSON object a line."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

Figure = int | float | str | bool


@dataclass
class Report:
    """The figures of one test; `row` is the fault table's letter, `control` says that a guard was taken away."""

    test: str
    broker: str
    row: str = ""
    control: bool = False
    result: str = ""
    figures: dict[str, Figure] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def say(self, row: str, result: str, *, control: bool = False, **figures: Figure) -> None:
        """Set what is reported at the test's end; a later call adds figures."""
        self.row, self.result, self.control = row, result, control
        self.figures |= figures

    def write(self, *, passed: bool) -> None:
        """Print and append."""
        seconds = round(time.monotonic() - self._began, 1)
        line = {
            "row": self.row,
            "test": self.test,
            "broker": self.broker,
            "control": self.control,
            "figures": self.figures | {"seconds": seconds},
            "result": self.result if passed else "FAILED",
        }
        text = json.dumps(line)
        print(f"\n{text}")
        if "TITAN_CHAOS_REPORT" in os.environ:
            with Path(os.environ["TITAN_CHAOS_REPORT"]).open("a") as file:
                file.write(text + "\n")
