"""`titan ledger`: proving that the ledger adds up."""

from __future__ import annotations

import json

import typer

from service_base.worker import prepare

app = typer.Typer(no_args_is_help=True, help="The ledger.")


@app.callback()
def ledger() -> None:
    """The ledger."""


@app.command()
def verify(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Recompute balances, holds, coupons and charges from the postings; exit code 1 with the first difference."""
    prepare("billing")
    from billing import queries

    verdict = queries.verify()
    if as_json:
        typer.echo(json.dumps(verdict.as_json()))
    else:
        for finding in verdict.findings:
            typer.echo(f"{'ok ' if finding.ok else 'NO '} {finding.name}: {finding.detail}")
        counted = ", ".join(f"{count} {table.replace('_', ' ')}s" for table, count in verdict.counts.items())
        typer.echo(f"ledger: {counted}; " + ("in balance" if verdict.ok else "NOT in balance"))
    if not verdict.ok:
        typer.echo(f"titan: the ledger does not hold: {verdict.first_difference}", err=True)
        raise typer.Exit(1)
