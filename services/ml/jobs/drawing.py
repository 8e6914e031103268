"""Draws graphs in a process that stays for the next one: the converter's engine takes a second to start."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from ml.graphs.columns import columns_of
from ml.graphs.draw import draw
from ml.graphs.look import Spec
from ml.jobs.protocol import Message, serve_many
from ml.rules.graphs import Facts, Specification, UnfitGraph
from ml.tables import Stretch, machine_table

PICTURE, FIGURES, SOURCE = "picture", "figures.json", "vega-lite.json"
FORMATS = ("svg", "png", "pdf")
VEGA_LITE = "6.1"
# Pixels of a PNG for each point of the picture.
FINE = 2.0
SAY_EVERY = 1.0


def run(job: Message, say: Callable[..., None]) -> Message:
    """Draw what the job says into its folder, where each file is whole or not there."""
    spec = Specification(**job["specification"])
    facts = [Facts(**fact) for fact in job["facts"]]
    kinds = {fact.name: fact.kind for fact in facts if fact.name in spec.drawn.values()}
    table = machine_table([Stretch(**stretch) for stretch in job["stretches"]], limit=job.get("limit"))
    folder = Path(job["columns"])
    columns = columns_of(table, kinds, version=job["version"], folder=folder, on_lines=_now_and_then(say))
    try:
        drawn = draw(spec, columns, facts, theme=job["theme"])
    except UnfitGraph as error:
        return {"misfits": [{"field": misfit.field, "message": misfit.message} for misfit in error.misfits]}
    folder = Path(job["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / f"{PICTURE}.{job['format']}", _converted(drawn.picture, job["format"]))
    _put(folder / SOURCE, json.dumps(drawn.picture, ensure_ascii=False).encode())
    # Last, since who finds this one takes the others to be there.
    _put(folder / FIGURES, json.dumps(drawn.told(), ensure_ascii=False, allow_nan=False).encode())
    return {"drawn": True}


def _now_and_then(say: Callable[..., None]) -> Callable[[int], None]:
    last = monotonic()

    def hear(lines: int) -> None:
        nonlocal last
        if monotonic() - last >= SAY_EVERY:
            last = monotonic()
            say(lines=lines)

    return hear


def _converted(picture: Spec, file_format: str) -> bytes:
    import vl_convert

    if file_format == "svg":
        return vl_convert.vegalite_to_svg(picture, vl_version=VEGA_LITE).encode()
    if file_format == "png":
        return vl_convert.vegalite_to_png(picture, vl_version=VEGA_LITE, scale=FINE)
    return vl_convert.vegalite_to_pdf(picture, vl_version=VEGA_LITE)


def _put(place: Path, content: bytes) -> None:
    # Two processes may draw the same graph at the same time.
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(place)


if __name__ == "__main__":
    serve_many(run)
