"""The `titan` program: runs a command and shows what a person can put right as one sentence."""

from __future__ import annotations

import sys

from titan.errors import TitanError


def main() -> None:
    """Run the command of this process's arguments."""
    try:
        # Asked in loops and prompts; the option parser alone takes longer to load than the answer takes to find.
        if sys.argv[1:] in (["status"], ["status", "--json"]):
            _status(as_json="--json" in sys.argv)
        from titan.commands import app

        app()
    except TitanError as error:
        sys.stderr.write(f"titan: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _status(*, as_json: bool) -> None:
    from titan import configuration
    from titan.status import show

    sys.exit(0 if show(configuration.from_environment(), as_json=as_json) else 1)


if __name__ == "__main__":
    main()
