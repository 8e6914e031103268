"""What a graph may be made of: its specification, which columns fit, and in which words others are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ml.rules.graph_types import DIMENSIONS, FEW_VALUES, GRAPH_TYPES, STATISTICS, GraphType, Part, Takes
from ml.rules.palettes import DEFAULT, PALETTES
from service_base.errors import BadInput

_NUMBERED = {"FLOAT": Part.NUMBER, "DATE": Part.MOMENT, "TIME": Part.MOMENT, "DATETIME": Part.MOMENT}
_NEVER = {"IGNORE": "it is set to be ignored", "LANGUAGE": "it holds texts", "JSON": "it holds JSON"}
# Fitting columns named in a refusal, and tried for a suggestion.
NAMED, TRIED = 8, 40


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a column without reading the table."""

    name: str
    kind: str
    distinct: int | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a field of a specification cannot be."""

    field: str
    message: str


class UnfitGraph(BadInput):
    """A graph that cannot be drawn of this table; the sentence says which columns would fit."""

    slug = "unfit-graph"
    title = "These columns do not fit this graph"

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__(" ".join(misfit.message for misfit in misfits), field=misfits[0].field)
        self.misfits = list(misfits)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Every dimension at fault with its reason."""
        return [(misfit.field, misfit.message) for misfit in self.misfits]


@dataclass(frozen=True, slots=True)
class Specification:
    """A graph as a person asks for it: everything that its address holds."""

    graph_type: int = 1
    columns: Mapping[str, str] = field(default_factory=dict)
    palette: str = DEFAULT
    statistic: str = "mean"
    # Which of the animation's pictures; the first when there is none of that name.
    frame: str = ""

    @property
    def type(self) -> GraphType:
        """Its type."""
        return GRAPH_TYPES[self.graph_type]

    @property
    def drawn(self) -> dict[str, str]:
        """Columns by dimension, with `color` read as `hue`."""
        given = dict(self.columns)
        if "color" in given:
            given.setdefault("hue", given.pop("color"))
            given.pop("color", None)
        return {dimension: given[dimension] for dimension in DIMENSIONS if dimension in given}

    def query(self) -> dict[str, str]:
        """What stands in its address."""
        found = {"graph_type": str(self.graph_type)}
        found |= {name: self.columns[name] for name in DIMENSIONS if name in self.columns}
        if self.palette != DEFAULT:
            found["palette"] = self.palette
        if self.type.has_statistic and self.statistic != "mean":
            found["statistic"] = self.statistic
        return found | ({"frame": self.frame} if self.frame else {})


def specification(given: Mapping[str, Any], names: Iterable[str]) -> Specification:
    """The specification that a request names. Raises UnfitGraph for a type, palette or statistic that there is not.

    A palette's name as `hue` is the palette, as it was in the original, unless a column is called so.
    """
    number, known = _number(given.get("graph_type") or 1), set(names)
    columns = {name: str(given[name]) for name in DIMENSIONS if given.get(name)}
    palette = str(given.get("palette") or DEFAULT)
    if columns.get("hue") in PALETTES and columns["hue"] not in known:
        palette = columns.pop("hue")
    statistic = str(given.get("statistic") or "mean")
    for value, choices, name in ((palette, PALETTES, "palette"), (statistic, STATISTICS, "statistic")):
        if value not in choices:
            raise UnfitGraph([Misfit(name, f"There is no {name} {value!r}; choose one of {', '.join(choices)}.")])
    return Specification(number, columns, palette, statistic, str(given.get("frame") or "")[:300])


def _number(given: Any) -> int:
    try:
        number = int(given)
    except (TypeError, ValueError):
        number = 0
    if number not in GRAPH_TYPES:
        raise UnfitGraph([Misfit("graph_type", f"There is no graph type {given!r}; the types are 1 to 13.")])
    return number


def check(spec: Specification, table: Sequence[Facts]) -> Specification:
    """The specification, if the table's columns fit. Raises UnfitGraph with every reason and what would fit."""
    by_name = {facts.name: facts for facts in table}
    misfits = [*_colours_twice(spec), *_unused(spec), *_missing(spec, table), *_repeated(spec)]
    for dimension, name in spec.drawn.items():
        takes = spec.type.takes.get(dimension)
        if takes is None:
            continue
        reason = unfit(by_name[name], takes) if name in by_name else f"the table has no column {name!r}"
        if reason:
            said = f"{dimension} takes {takes.needs}; {_about(by_name, name)}{reason}.{_would_fit(takes, table)}"
            misfits.append(Misfit(_as_given(spec, dimension), said))
    if misfits:
        raise UnfitGraph(misfits)
    return spec


def _about(by_name: Mapping[str, Facts], name: str) -> str:
    return f"{name!r} is {by_name[name].kind}: " if name in by_name else ""


def _as_given(spec: Specification, dimension: str) -> str:
    return "color" if dimension == "hue" and "hue" not in spec.columns else dimension


def _colours_twice(spec: Specification) -> Iterable[Misfit]:
    hue, color = spec.columns.get("hue"), spec.columns.get("color")
    if hue and color and hue != color:
        yield Misfit("color", f"hue and color both choose the colour ({hue!r} and {color!r}); give one of them.")


def _unused(spec: Specification) -> Iterable[Misfit]:
    for dimension in spec.drawn:
        if dimension not in spec.type.takes:
            types = [f"{kind.number} ({kind.name})" for kind in GRAPH_TYPES.values() if dimension in kind.takes]
            yield Misfit(
                _as_given(spec, dimension),
                f"{spec.type.name} does not use {dimension}; leave it out, or take type {' or '.join(types[:3])}.",
            )


def _missing(spec: Specification, table: Sequence[Facts]) -> Iterable[Misfit]:
    for dimension in spec.type.required:
        if dimension not in spec.drawn:
            takes = spec.type.takes[dimension]
            yield Misfit(dimension, f"{spec.type.name} needs {dimension}: {takes.needs}.{_would_fit(takes, table)}")


def _repeated(spec: Specification) -> Iterable[Misfit]:
    needed = [dimension for dimension in spec.type.required if dimension in spec.drawn]
    for place, dimension in enumerate(needed):
        for other in needed[:place]:
            if spec.drawn[other] == spec.drawn[dimension] and _must_differ(spec.type, other, dimension):
                said = f"{other} and {dimension} are the same column {spec.drawn[dimension]!r}; name another."
                yield Misfit(_as_given(spec, dimension), said)


def _must_differ(kind: GraphType, one: str, other: str) -> bool:
    """The two directions, and factors that are told apart; a colour may say again what a direction says."""
    both_are_groups = kind.takes[one].parts == kind.takes[other].parts == (Part.GROUPS,)
    return {one, other} == {"x", "y"} or both_are_groups


def _would_fit(takes: Takes, table: Sequence[Facts]) -> str:
    names = [facts.name for facts in table if not unfit(facts, takes)]
    if not names:
        return " No column of this table would fit."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" Would fit: {', '.join(names[:NAMED])}{more}."


def unfit(column: Facts, takes: Takes) -> str | None:
    """Why a column cannot be on that dimension, or None."""
    if column.kind in _NEVER:
        return _NEVER[column.kind]
    if column.distinct == 0:
        return "it has no values"
    if _NUMBERED.get(column.kind) in takes.parts:
        return None
    if Part.GROUPS not in takes.parts:
        return "it holds labels" if column.kind == "LABEL" else "it cannot be drawn so"
    return _unfit_groups(column, takes)


def _unfit_groups(column: Facts, takes: Takes) -> str | None:
    distinct = column.distinct or 0
    if takes.exactly and distinct != takes.exactly:
        return f"it has {distinct} different values and there must be {takes.exactly}"
    most = takes.most if column.kind == "LABEL" else takes.most or FEW_VALUES
    if most and distinct > most:
        return f"it has {distinct} different values, more than {most} cannot be told apart here"
    return None


def as_groups(spec: Specification, dimension: str, column: Facts) -> bool:
    """Whether a column is drawn as groups there: labels always are, numbers where only groups are taken."""
    takes = spec.type.takes[dimension]
    if Part.GROUPS not in takes.parts:
        return False
    part = _NUMBERED.get(column.kind)
    few = column.distinct is not None and column.distinct <= 8
    return part is None or part not in takes.parts or (dimension == "hue" and few)


def suggest(kind: GraphType, table: Sequence[Facts], *, favourites: Sequence[str] = ()) -> Specification | None:
    """A graph of that type to begin with, of the `favourites` where they fit; None when no columns do."""
    rank = {name: place for place, name in enumerate(favourites)}
    ordered = sorted(table, key=lambda facts: rank.get(facts.name, len(rank)))
    choices = {}
    for dimension in kind.required:
        fitting = [facts for facts in ordered if not unfit(facts, kind.takes[dimension])]
        fitting.sort(key=lambda facts: _second_best(facts, kind.takes[dimension]))
        choices[dimension] = [facts.name for facts in fitting[:TRIED]]
    found = _assign(sorted(choices, key=lambda dimension: (len(choices[dimension]), dimension != "y")), choices, {})
    if found is None:
        return None
    return Specification(kind.number, {dimension: found[dimension] for dimension in kind.required})


def _second_best(column: Facts, takes: Takes) -> bool:
    """Whether a column fits but shows little there: yes or no on a ruler, more groups than one compares."""
    part, distinct = _NUMBERED.get(column.kind), column.distinct or 0
    if Part.GROUPS in takes.parts:
        return distinct > FEW_VALUES // 2
    # Time goes along the bottom of a series, and elsewhere only where there is no other number.
    return part is not takes.parts[0] or (part is Part.NUMBER and distinct <= FEW_VALUES // 2)


def _assign(left: Sequence[str], choices: Mapping[str, Sequence[str]], taken: dict[str, str]) -> dict[str, str] | None:
    if not left:
        return taken
    for name in choices[left[0]]:
        if name not in taken.values():
            found = _assign(left[1:], choices, {**taken, left[0]: name})
            if found is not None:
                return found
    return None


def why_not(kind: GraphType, table: Sequence[Facts]) -> str | None:
    """Why no graph of that type can be made of the table, or None when one can."""
    if suggest(kind, table):
        return None
    for dimension in kind.required:
        takes = kind.takes[dimension]
        if all(unfit(facts, takes) for facts in table):
            exactly = f" with {takes.exactly} different values" if takes.exactly else ""
            return f"needs {takes.needs}{exactly} for {dimension}; this table has none"
    return "needs different columns for " + ", ".join(kind.required) + "; this table has too few that fit"


def completed(spec: Specification, table: Sequence[Facts], *, favourites: Sequence[str] = ()) -> Specification:
    """The specification with what its type does not use or cannot take left out, and what it needs filled in.

    For a form in which somebody has just chosen another type; a program's request is checked as it is.
    """
    by_name = {facts.name: facts for facts in table}
    kept = {
        dimension: name
        for dimension, name in spec.drawn.items()
        if (takes := spec.type.takes.get(dimension)) and name in by_name and not unfit(by_name[name], takes)
    }
    for misfit in list(_repeated(replace(spec, columns=kept))):
        kept.pop("hue" if misfit.field == "color" else misfit.field, None)
    unused = [facts for facts in table if facts.name not in kept.values()]
    missing = [dimension for dimension in spec.type.required if dimension not in kept]
    narrowed = _requiring(spec.type, missing)
    more = suggest(narrowed, unused, favourites=favourites) or suggest(spec.type, table, favourites=favourites)
    return replace(spec, columns={**kept, **(more.columns if more and missing else {})})


def _requiring(kind: GraphType, dimensions: Sequence[str]) -> GraphType:
    """The type as if only those dimensions were required."""
    takes = {name: replace(takes, required=name in dimensions) for name, takes in kind.takes.items()}
    return replace(kind, takes=takes)
