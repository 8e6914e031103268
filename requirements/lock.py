"""Make the locks: `make lock`. Every version and hash is pinned, and no host is named.

`run` is what all pyproject.toml files of the tree depend on; `bootstrap`, `test`, `check`, `bench` and `e2e` are the
`.in` files beside this script, each held to the versions of `run`; `peers`, what machines are compared with, has an
environment and versions of its own. After adding a dependency to a part's pyproject.toml
run this, look at the difference, commit both. `python requirements/lock.py --upgrade` takes the newest versions.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
TREE = HERE.parent
PARTS = sorted(
    [*TREE.glob("libs/*/pyproject.toml"), *TREE.glob("services/*/pyproject.toml"), TREE / "deploy/local/pyproject.toml"]
)
OURS = {tomllib.loads(part.read_text())["project"]["name"] for part in PARTS}


def dependencies() -> str:
    """What the parts need of other people's packages, one a line."""
    wanted: set[str] = set()
    for part in PARTS:
        wanted.update(tomllib.loads(part.read_text())["project"].get("dependencies", ()))
    return "\n".join(sorted(need for need in wanted if not any(need.startswith(own) for own in OURS)))


def lock(name: str, source: str, *options: str) -> None:
    """Write `name`.txt from requirement lines; unchanged needs keep their versions unless --upgrade is given."""
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-sources", "--no-emit-index-url", "--no-emit-find-links"),
            *("--custom-compile-command", "make lock", "--output-file", f"{name}.txt", *options, *sys.argv[1:], "-"),
        ],
        input=source,
        text=True,
        check=True,
        cwd=HERE,
    )


if __name__ == "__main__":
    lock("run", dependencies())
    for other in ("bootstrap", "test", "check", "bench", "e2e"):
        lock(other, (HERE / f"{other}.in").read_text(), "--constraints", "run.txt")
    lock("peers", (HERE / "peers.in").read_text())
