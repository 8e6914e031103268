"""`titan rebuild principals`: services build their people, teams and keys anew from identity's topic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from titan import state as states
from titan.environment import service_environment
from titan.errors import PartFailed, WrongSetting
from titan.secret import load_or_make

PROJECTIONS = {"principals": "service_base.principals"}
OWNER = "identity"


def rebuild(
    data_dir: Path, projection: str, *, service: str | None, drop_unknown: bool = False
) -> dict[str, dict[str, Any]]:
    """What each service rebuilt: counts by kind. Raises TitanError with the first refusal; what was done stays done."""
    if projection not in PROJECTIONS:
        raise WrongSetting(f"There is no projection {projection!r}: give one of {', '.join(PROJECTIONS)}.")
    seen = states.of_running_stack(data_dir)
    readers = [name for name in seen.environment if name != OWNER]
    if service is not None and service not in readers:
        raise WrongSetting(f"{service!r} keeps no {projection}: give one of {', '.join(readers)}.")
    chosen, secrets = seen.configuration(data_dir), load_or_make(seen.configuration(data_dir).secrets_file)
    return {
        name: _ask(PROJECTIONS[projection], name, service_environment(chosen, secrets, name), drop_unknown)
        for name in ([service] if service else readers)
    }


def _ask(module: str, service: str, environment: dict[str, str], drop_unknown: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", module, *(["--drop-unknown"] if drop_unknown else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise PartFailed(f"{service} changed nothing: {said[-1] if said else f'exit code {done.returncode}'}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
