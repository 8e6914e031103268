"""`titan republish`: identity says everything it knows again."""

from __future__ import annotations

import json

import typer

from service_base.worker import prepare

app = typer.Typer(help="Let identity say all people, teams and keys again, for services that must rebuild them.")


@app.callback(invoke_without_command=True)
def republish(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Append the present state of everything to the outbox; the worker sends it. Harmless to repeat."""
    prepare("identity")
    from identity import commands

    said = commands.republish()
    typer.echo(json.dumps(said) if as_json else ", ".join(f"{count} {what}" for what, count in said.items()) + " said")
