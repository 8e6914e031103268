"""`titan demo`: the main job on the stack that runs, or on one started for it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from titan import state as states
from titan.configuration import EMBEDDED, Configuration
from titan.demo.job import run
from titan.demo.report import Report
from titan.demo.screen import Screen
from titan.errors import WrongSetting
from titan.up import down, up_detached


def demo(configuration: Configuration, json_file: Path | None) -> bool:
    """Run the main job and say whether every check held; a stack started for it runs on until Ctrl-C.

    With DEMO_EXIT=1 the stack is stopped at the end instead. Whatever interrupts, nothing started here is left.
    """
    if states.is_running(configuration.data_dir):
        running = states.read(configuration.data_dir)
        stack = running.configuration(configuration.data_dir) if running else configuration
        if configuration.kafka not in (EMBEDDED, stack.kafka):
            raise WrongSetting(
                f"The stack that runs in {stack.data_dir} has --kafka {stack.kafka}: "
                "stop it with `titan down` first, or leave --kafka out."
            )
        return _run(stack, json_file).ok
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        screen = Screen()
        screen.step("Starting everything")
        up_detached(configuration)
        report = _run(configuration, json_file, screen)
        if os.environ.get("DEMO_EXIT") != "1":
            screen.console.print("\nIt all keeps running: look around, then stop it with Ctrl-C.")
            _until_interrupted()
        return report.ok
    finally:
        down(configuration.data_dir)


def _run(stack: Configuration, json_file: Path | None, screen: Screen | None = None) -> Report:
    report = run(stack, screen or Screen())
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    return report


def _until_interrupted() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return
