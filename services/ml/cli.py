"""`titan ml`: train on a file and solve rows with the result, exactly as the service does, without the stack."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ml.learning.progress import Progress

app = typer.Typer(help="Train machines on tables and solve rows with them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def train(
    table: Annotated[Path, typer.Argument(help="CSV, TSV, Excel, Parquet or JSON lines file to learn from.")],
    target: Annotated[list[str], typer.Option(help="Column to predict; several with commas.")],
    out: Annotated[Path, typer.Option(help="Folder for the model.")],
    ignore: Annotated[list[str] | None, typer.Option(help="Columns to leave out; several with commas.")] = None,
    level: Annotated[int, typer.Option(min=1, max=5, help="1 is fast, higher is better and slower.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split and network.")] = 0,
    time_limit: Annotated[float | None, typer.Option(min=1, help="Seconds; the best so far is kept.")] = None,
    network_only: Annotated[
        bool, typer.Option("--network-only", help="No trees nor kernels beside the networks.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a machine on TABLE; Ctrl-C once keeps the best so far, twice drops it."""
    with _plain_errors():
        from ml.learning.learn import train as learn
        from ml.learning.network.shape import NetworkShape
        from ml.learning.plan import TrainingPlan
        from ml.learning.tables import find_parts, open_table, taken_apart

        opened = open_table(table)
        source = taken_apart(opened, find_parts(opened))
        plan = TrainingPlan(
            tuple(_columns(target, source.names)),
            tuple(_columns(ignore or [], source.names)),
            level=level,
            seed=seed,
            time_limit=time_limit,
            shape=NetworkShape(network_only=network_only),
        )
        with _interruptible() as is_interrupted, _training_bar(quiet=as_json) as show:
            trained = learn(source, plan, out, on_progress=show, should_stop=is_interrupted, cache=_compiled_programs())
        if as_json:
            print(json.dumps(_train_json(trained.card, out), ensure_ascii=False))
        else:
            _print_card(trained.card, out)


@app.command()
def solve(
    model: Annotated[Path, typer.Argument(help="Folder that `titan ml train` wrote.")],
    rows: Annotated[Path, typer.Argument(help="CSV, TSV, Excel, Parquet or JSON lines file of rows to solve.")],
    out: Annotated[Path, typer.Option(help="File for the answers: .csv, .parquet or .arrow.")],
    as_json: AsJson = False,
) -> None:
    """Solve ROWS with MODEL: prediction, and probabilities or an interval, one line for each row."""
    with _plain_errors():
        from ml.learning.answers_file import solve_file
        from ml.learning.solver import Solver
        from ml.learning.tables import open_table

        started = time.monotonic()
        solver = Solver.load(model)
        source = open_table(rows, least_columns=1)
        out.parent.mkdir(parents=True, exist_ok=True)
        with _interruptible() as is_interrupted, _line_count(quiet=as_json) as show:
            solved = solve_file(solver, source, out, exact=True, on_lines=show, should_stop=is_interrupted)
        seconds = time.monotonic() - started
        result = {
            "out": str(out),
            "lines": solved.lines,
            "lines_with_warnings": solved.lines_with_warnings,
            "warnings": solved.warnings,
            "bad_lines": solved.bad_line_count,
            "bad": [{"line": bad.line, "reason": bad.reason} for bad in solved.bad_lines],
            "seconds": round(seconds, 3),
        }
        if as_json:
            print(json.dumps(result, ensure_ascii=False))
        else:
            _print_solved(result)
    if solved.bad_line_count:
        _say(f"{solved.bad_line_count} lines could not be read, the first is line {solved.bad_lines[0].line}: it "
             f"{solved.bad_lines[0].reason}; mend them and solve again.")  # fmt: skip
        raise typer.Exit(1)


def _columns(given: Sequence[str], names: Sequence[str]) -> list[str]:
    """Names parted by commas, unless a column is called just so."""
    found: list[str] = []
    for entry in given:
        found += [entry] if entry in names else [part.strip() for part in entry.split(",") if part.strip()]
    return list(dict.fromkeys(found))


@contextmanager
def _plain_errors() -> Iterator[None]:
    """One sentence on stderr; 2 for what was asked wrongly, 1 for what could not be done."""
    from ml.learning.errors import LearningError, LevelNotThere, TrainingCancelled, UnknownColumns

    try:
        yield
    except TrainingCancelled as error:
        _say(str(error))
        raise typer.Exit(130) from error
    except (LevelNotThere, UnknownColumns) as error:
        _say(str(error))
        raise typer.Exit(2) from error
    except LearningError as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except OSError as error:
        _say(f"{error.filename or 'The file'} cannot be used: {error.strerror or error}.")
        raise typer.Exit(1) from error


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks for an early end, the second ends at once."""
    interrupted = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        _say("Stopping; Ctrl-C once more drops what there is.")

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _training_bar(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    if quiet:
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=100.0, told="")
        yield lambda progress: bar.update(
            task, completed=progress.percent, description=progress.stage, told=_told(progress)
        )


def _told(progress: Progress) -> str:
    told = []
    if progress.seconds_left is not None and progress.steps:
        told.append(f"{progress.seconds_left:.0f} s left")
    if progress.steps_per_second:
        told.append(f"{progress.steps_per_second:.0f} steps/s")
    if progress.train_loss is not None and progress.validation_loss is not None:
        told.append(f"loss {progress.train_loss:.4f}, on lines not learnt from {progress.validation_loss:.4f}")
    return ", ".join(told)


@contextmanager
def _line_count(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    if quiet:
        yield lambda lines: None
        return
    from rich.console import Console

    with Console(stderr=True).status("solving") as status:
        yield lambda lines: status.update(f"solved {lines:,} lines")


def _train_json(card: dict[str, Any], out: Path) -> dict[str, Any]:
    scores = {
        column: {
            "score": detail["score"],
            **{name: baseline["score"] for name, baseline in detail["baselines"].items()},
            **{name: is_better for name, is_better in detail.items() if name.startswith("beats_")},
        }
        for column, detail in card["metrics"]["outputs"].items()
    }
    return {
        "model": str(out),
        "level": card["level"],
        "seconds": card["seconds"]["total"],
        "scores": scores,
        "card": card,
    }


def _print_card(card: dict[str, Any], out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table("output", "score", "model", "LightGBM", "linear", "constant", "accuracy")
    for column, detail in card["metrics"]["outputs"].items():
        baselines = (detail["baselines"].get(name) for name in ("boosted", "linear", "constant"))
        values = [f"{own['score']['value']:.4g}" if own else "–" for own in (detail, *baselines)]
        shown.add_row(column, detail["score"]["name"], *values, f"{detail['accuracy']:.3f}")
    console = Console()
    console.print(shown)
    for column, learners in card["learners"].items():
        kept = sorted((own for own in learners if own["share"]), key=lambda own: -own["share"])
        if len(kept) > 1:
            told = ", ".join(f"{own['name']} ({own['share']:.0%})" for own in kept)
            console.print(f"{column} is answered by {told}.", markup=False)
    for limit in card["limits"]:
        console.print(f"Note: {limit}", markup=False)
    console.print(
        f"Trained on {card['data']['learning_lines']} lines, judged on {card['data']['evaluation_lines']} others, in "
        f"{card['seconds']['total']:.1f} s; the model is in {out}.",
        markup=False,
    )


def _print_solved(result: dict[str, Any]) -> None:
    for warning in result["warnings"][:5]:
        _say(f"Note: {warning}")
    rate = result["lines"] / max(result["seconds"], 1e-6)
    print(
        f"Solved {result['lines']:,} lines in {result['seconds']:.2f} s ({rate:,.0f} a second); "
        f"they are in {result['out']}."
    )


def _compiled_programs() -> Path | None:
    """Where compiled networks are kept between runs, as far as there is such a place."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "titan" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


if __name__ == "__main__":
    app()
