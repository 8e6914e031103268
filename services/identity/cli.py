"""`titan audit`: proving that the audit trail was not changed, and the operator's account."""

from __future__ import annotations

import json

import typer

from service_base.worker import prepare

app = typer.Typer(no_args_is_help=True, help="The audit trail.")


@app.command()
def verify(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Recompute the hash chain; exit code 1 with the first entry that does not fit."""
    prepare("identity")
    from identity import commands

    count, wrong = commands.verify_chain()
    if as_json:
        typer.echo(json.dumps({"ok": wrong is None, "entries": count, "problem": wrong}))
    else:
        typer.echo(f"audit trail: {count} entries, " + (wrong or "unbroken"))
    if wrong:
        raise typer.Exit(1)


@app.command()
def operator(email: str, password: str = typer.Option(..., envvar="TITAN_OPERATOR_PASSWORD")) -> None:
    """Make the installation's operator, or set the operator's password."""
    prepare("identity")
    from identity import commands

    user = commands.make_operator(email=email, password=password)
    typer.echo(f"{user.email} is the operator")


@app.command()
def suspend(email: str, lift: bool = typer.Option(False, "--lift", help="Let the person in again.")) -> None:
    """Suspend an account: its tokens and keys open nothing any more, on any service."""
    prepare("identity")
    from identity import commands
    from service_base.errors import NotFound

    try:
        user = commands.set_active(email=email, is_active=lift)
    except NotFound as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from refused
    typer.echo(f"{user.email} is {'restored' if lift else 'suspended'}")
