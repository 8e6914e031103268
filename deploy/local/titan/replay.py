"""`titan replay`: asks each service to handle its parked events again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from titan import state as states
from titan.configuration import SERVICES
from titan.environment import service_environment
from titan.errors import PartFailed, WrongSetting
from titan.secret import load_or_make


def replay(data_dir: Path, *, service: str | None, event_id: str | None) -> dict[str, dict[str, Any]]:
    """What each service answered: `handled` and `parked` counts. Raises TitanError."""
    if service is not None and service not in SERVICES:
        raise WrongSetting(f"There is no service {service!r}: give one of {', '.join(SERVICES)}.")
    seen = states.of_running_stack(data_dir)
    chosen = seen.configuration(data_dir)
    secrets = load_or_make(chosen.secrets_file)
    return {
        name: _ask(name, service_environment(chosen, secrets, name), event_id)
        for name in ([service] if service else seen.environment)
    }


def _ask(service: str, environment: dict[str, str], event_id: str | None) -> dict[str, Any]:
    command = [sys.executable, "-m", "event_bus", f"--settings={service}.settings", "replay"]
    command += [event_id] if event_id else []
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        said = done.stderr.strip().splitlines()
        reason = said[-1] if said else f"exit code {done.returncode}"
        raise PartFailed(f"{service} could not replay: {reason}.") from error
    return answer
