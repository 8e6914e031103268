"""`titan ledger`: proving that the ledger adds up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import typer

from service_base.worker import prepare

app = typer.Typer(no_args_is_help=True, help="The ledger.")


@app.callback()
def ledger() -> None:
    """The ledger."""


@app.command()
def verify(
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    grace: int = typer.Option(600, min=0, help="Seconds that a usage event may take from ml's count to its charge."),
) -> None:
    """Recompute balances, holds, coupons and charges from the postings, and compare usage with what ml said it said.

    The verdict is kept for the operator's page. Exit code 1 with the first difference.
    """
    prepare("billing")
    from billing import commands

    verdict = commands.verify_ledger(asked_by="command line", grace=timedelta(seconds=grace)).verdict
    if as_json:
        typer.echo(json.dumps(verdict))
    else:
        _print(verdict)
    if not verdict["ok"]:
        typer.echo(f"titan: the ledger does not hold: {verdict['first_difference']}", err=True)
        raise typer.Exit(1)


def _print(verdict: dict[str, Any]) -> None:
    for found in verdict["checks"]:
        rows = "" if found["rows"] is None else f"{found['rows']} rows, "
        took = f"({rows}{found['milliseconds']} ms)"
        typer.echo(f"{'ok ' if found['ok'] else 'NO '} {found['name']}: {found['detail']} {took}")
    counted = ", ".join(f"{count} {table.replace('_', ' ')}s" for table, count in verdict["counts"].items())
    typer.echo(f"ledger: {counted}; " + ("in balance" if verdict["ok"] else "NOT in balance"))
