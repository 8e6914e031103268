"""The commands of `titan`. Services add theirs through the entry-point group `titan.commands`, loaded when called."""

from __future__ import annotations

import ast
import json
import sys
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from titan import configuration as configurations

KAFKA = Annotated[
    str, typer.Option(help="`embedded`, `apache` (Apache Kafka itself, needs Java), or HOST:PORT of a broker.")
]
JSON = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


class WithServices(TyperGroup):
    """Our own commands and those of the installed services, which are imported when one is called and not before."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted({*super().list_commands(ctx), *_mounted()})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        if (point := _mounted().get(cmd_name)) is None:
            return None
        return typer.main.get_command(_described(point) if _asks_for_help() else _loaded(point))


def _mounted() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="titan.commands")}


def _asks_for_help() -> bool:
    return sys.argv[1:] in ([], ["--help"])


def _loaded(point: EntryPoint) -> typer.Typer:
    """A service's commands, with the running stack's variables for those that need its database."""
    from titan.service_commands import load

    return load(point)


def _described(point: EntryPoint) -> typer.Typer:
    """A stand-in for the list of commands: its help is the first line of the module, which is not imported."""
    stand_in = typer.Typer(name=point.name, help=_first_line(point.value.split(":")[0]))
    stand_in.callback()(lambda: None)
    return stand_in


def _first_line(module: str) -> str:
    spec = find_spec(module.split(".")[0])
    for place in (spec.submodule_search_locations or []) if spec else []:
        for path in (
            Path(place, *module.split(".")[1:]).with_suffix(".py"),
            Path(place, *module.split(".")[1:], "__init__.py"),
        ):
            if path.exists():
                return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]
    return ""


app = typer.Typer(
    cls=WithServices,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="TITAN: train models on tables, account for every line of it, trade on the result.",
)


@app.command()
def up(
    kafka: KAFKA = "embedded",
    postgres: Annotated[str, typer.Option(help="`embedded`, or the URL of a superuser of a server.")] = "embedded",
    valkey: Annotated[str, typer.Option(help="`embedded`, or the URL of a server.")] = "embedded",
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only the supervisor's own lines.")] = False,
) -> None:
    """Start everything, supervised, and say when it is ready; Ctrl-C stops it."""
    from titan import up as command

    chosen = configurations.from_environment(kafka=kafka, postgres=postgres, valkey=valkey)
    if detach:
        command.up_detached(chosen)
    else:
        command.up(chosen, quiet=quiet)


@app.command()
def down() -> None:
    """Stop everything; no process is left."""
    from titan.up import down as stop

    home = configurations.data_dir()
    typer.echo(f"stopped the stack in {home}" if stop(home) else f"nothing runs in {home}")


@app.command()
def status(as_json: JSON = False) -> None:
    """What runs, what is ready, how much memory it holds. Exit code 1 when nothing runs."""
    from titan.status import show

    if not show(configurations.from_environment(), as_json=as_json):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[
        str | None, typer.Argument(help="A service (ml), a process (ml-worker) or a server (postgres).")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many lines to begin with.")] = 100,
) -> None:
    """The last lines of every process, or of one."""
    from titan.logs import following, last, selection
    from titan.tables import show_log_line

    home = configurations.data_dir()
    wanted, path = selection(home / "logs", name), home / "logs" / "all.log"
    for line in last(path, lines, wanted):
        show_log_line(line)
    if follow:
        for line in following(path, wanted):
            show_log_line(line)


@app.command()
def doctor(as_json: JSON = False) -> None:
    """Look for what could keep TITAN from working, and say the way out. Exit code 1 when something does."""
    from titan.doctor import examine
    from titan.tables import show_findings

    findings = examine(configurations.from_environment())
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings], indent=1))
    else:
        show_findings(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def demo(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file too.")] = None,
    kafka: KAFKA = "embedded",
) -> None:
    """The main job on real input, on the running stack or on one started for it. Exit code 0 if every check held."""
    from titan.demo.command import demo as run

    if not run(configurations.from_environment(kafka=kafka), json_file):
        raise typer.Exit(1)


@app.command()
def bench(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Ids, or how they begin: B-BUS.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file too.")] = None,
    million: Annotated[bool, typer.Option("--million", help="Also with a million events waiting.")] = False,
) -> None:
    """Measure the event bus and the request path, each beside an anchor in the same run; takes minutes."""
    from titan.bench import bench as measured
    from titan.bench import document, machine
    from titan.tables import show_bench

    rows = measured(ids or [], million=million)
    show_bench(rows, machine())
    if json_file is not None:
        json_file.write_text(document(rows))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def manage(context: typer.Context, service: Annotated[str, typer.Argument(help="identity, ml, …")]) -> None:
    """Django's own commands for one service, such as `titan manage trading makemigrations`."""
    from titan.manage import manage as run

    raise typer.Exit(run(service, context.args))


@app.command()
def replay(
    service: Annotated[str | None, typer.Argument(help="Only this service; all otherwise.")] = None,
    event_id: Annotated[str | None, typer.Argument(help="Only this event and those held back behind it.")] = None,
    as_json: JSON = False,
) -> None:
    """Handle parked events again. Exit code 1 while any stays parked."""
    from titan.replay import replay as again

    outcomes = again(configurations.data_dir(), service=service, event_id=event_id)
    if as_json:
        typer.echo(json.dumps(outcomes, indent=1))
    else:
        for name, outcome in outcomes.items():
            typer.echo(f"{name}: {outcome['handled']} handled, {outcome['parked']} still parked")
    if any(outcome["parked"] for outcome in outcomes.values()):
        raise typer.Exit(1)


@app.command()
def rebuild(
    projection: Annotated[str, typer.Argument(help="`principals`: people, teams and keys.")],
    service: Annotated[str | None, typer.Option(help="Only this service; all that keep it otherwise.")] = None,
    drop_unknown: Annotated[
        bool, typer.Option("--drop-unknown", help="Drop what the topic does not have, instead of refusing.")
    ] = False,
    as_json: JSON = False,
) -> None:
    """Build a projection anew from its topic; readers see the old one until the new one is whole."""
    from titan.rebuild import rebuild as again

    counts = again(configurations.data_dir(), projection, service=service, drop_unknown=drop_unknown)
    if as_json:
        typer.echo(json.dumps(counts, indent=1))
    else:
        for name, count in counts.items():
            typer.echo(f"{name}: " + ", ".join(f"{number} {what}" for what, number in count.items()))
