"""`titan server`: one more server that trains and solves beside a stack, here or on another machine."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)
GIB = 1024**3
_NEEDED = ("TITAN_DATABASE_URL", "TITAN_DATA_DIR", "TITAN_SECRET_KEY")


@app.command()
def server(
    name: Annotated[str, typer.Option(help="What it is called; each server needs a name of its own.")],
    gpu: Annotated[bool, typer.Option("--gpu", help="Train on this machine's GPUs (needs titan-ml[gpu]).")] = False,
    memory: Annotated[
        float | None, typer.Option(min=1, help="GiB it may use; all the machine has unless you say so.")
    ] = None,
) -> None:
    """Do the work that machines ask for, until Ctrl-C; any number of servers may run beside one store.

    Where a stack runs on this machine its addresses are used. On another machine TITAN_DATABASE_URL names ml's
    database, TITAN_DATA_DIR the data directory, which both must see, and TITAN_SECRET_KEY is the stack's.
    """
    from ml.hardware import gpus_to_work_with
    from service_base.errors import Refusal

    missing = [needed for needed in _NEEDED if not os.environ.get(needed)]
    if missing:
        _refuse(f"No stack runs here: start one, or set {', '.join(missing)} to those of a stack elsewhere.")
    try:
        gpus = gpus_to_work_with() if gpu else []
    except Refusal as refusal:
        _refuse(refusal.detail)
    from ml.trainer import serve

    serve(name, gpu_ram=gpus, ram_bytes=None if memory is None else int(memory * GIB))


def _refuse(sentence: str) -> None:
    sys.stderr.write(f"titan server: {sentence}\n")
    raise typer.Exit(1)
