"""`titan manage SERVICE …`: Django's own commands for one service, with the stack's addresses around them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from titan import configuration as configurations
from titan import process
from titan.configuration import SERVICES
from titan.errors import WrongSetting
from titan.stack import environment_for


def manage(service: str, arguments: Sequence[str]) -> int:
    """Run `python -m django ARGUMENTS` for `service`; its exit code. Raises WrongSetting for a service there is not."""
    if service not in SERVICES:
        raise WrongSetting(f"There is no service {service}: it is one of {', '.join(SERVICES)}.")
    configurations.data_dir().mkdir(parents=True, exist_ok=True)
    variables = environment_for(service)
    variables.pop(process.MARK)  # the command is no part of the stack: `titan down` must not end it
    command = [sys.executable, "-m", "django", *arguments]
    return subprocess.run(command, env=os.environ | variables, check=False).returncode
