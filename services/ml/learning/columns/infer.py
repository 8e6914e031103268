"""The type of a column, inferred from its statistics, with the reason in words and what a person should know."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ml.learning.columns.statistics import ColumnStatistics


class ColumnType(StrEnum):
    """The column types of a machine."""

    IGNORE = "IGNORE"
    FLOAT = "FLOAT"
    LABEL = "LABEL"
    DATE = "DATE"
    TIME = "TIME"
    DATETIME = "DATETIME"
    LANGUAGE = "LANGUAGE"
    JSON = "JSON"


MISSING_LIMIT = 75.0
# The share of values that must fit a type; the rest reads as missing.
FITTING_SHARE = 0.95
LABEL_LENGTH = 100
CLASS_LIMIT = 10


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """What is known of one column; `date_order` tells how its dates are written."""

    name: str
    type: ColumnType
    reason: str
    statistics: dict[str, object]
    date_order: str = "YMD"
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def infer_type(
    statistics: ColumnStatistics, *, is_output: bool, is_order_said: bool = False
) -> tuple[ColumnType, str, list[str]]:
    """(type, reason, warnings) of a column nobody has typed; `is_order_said`: its dates need no guess."""
    s = statistics
    missing = 100 * s.missing / s.lines if s.lines else 100.0
    if not s.present:
        return ColumnType.IGNORE, "every value is missing", ["ignored: every value is missing"]
    if missing > MISSING_LIMIT and not is_output:
        return (
            ColumnType.IGNORE,
            f"{missing:.0f} % missing",
            [f"ignored: {missing:.0f} % of its values are missing"],
        )
    if s.unique_values_count == 1 and not is_output:
        return ColumnType.IGNORE, "one value only", ["ignored: every line holds the same value"]
    type_, reason = _type_by_content(s, is_output=is_output)
    return type_, reason, _warnings(s, type_, is_order_said=is_order_said)


def _type_by_content(s: ColumnStatistics, *, is_output: bool) -> tuple[ColumnType, str]:
    if s.share("moment") >= FITTING_SHARE:
        if s.fitting["with_time"]:
            return ColumnType.DATETIME, f"{s.share('moment'):.0%} are dates with a time"
        return ColumnType.DATE, f"{s.share('moment'):.0%} are dates"
    if s.share("time") >= FITTING_SHARE:
        return ColumnType.TIME, f"{s.share('time'):.0%} are times of day"
    if s.share_of_numbers >= FITTING_SHARE:
        return _type_of_numbers(s, is_output=is_output)
    if s.share("json") >= FITTING_SHARE:
        return ColumnType.JSON, f"{s.share('json'):.0%} are JSON"
    return _type_of_texts(s, is_output=is_output)


def _type_of_numbers(s: ColumnStatistics, *, is_output: bool) -> tuple[ColumnType, str]:
    whole = s.fitting["integer"] == s.fitting["number"]
    if is_output and whole and s.unique_values_count <= CLASS_LIMIT:
        return ColumnType.LABEL, f"an output of {s.unique_values_count} whole numbers reads as classes"
    if not is_output and whole and s.is_a_count and s.present >= 50:
        return ColumnType.IGNORE, "it only counts the lines"
    return ColumnType.FLOAT, f"{s.share_of_numbers:.0%} are numbers"


def _type_of_texts(s: ColumnStatistics, *, is_output: bool) -> tuple[ColumnType, str]:
    unique, words = s.unique_values_count, s.texts.mean_words
    if is_output:
        return ColumnType.LABEL, f"{unique} different texts"
    if s.present >= 5 and words >= 4 and (s.texts.share_in_a_language >= 0.65 or s.longest > LABEL_LENGTH):
        return ColumnType.LANGUAGE, f"texts of {words:.0f} words on average"
    if unique > 0.9 * s.present and s.present >= 50:
        if words >= 2:
            return ColumnType.LANGUAGE, f"nearly every text is different, {words:.0f} words on average"
        return ColumnType.IGNORE, "nearly every value is different, as in an identifier"
    if s.longest > LABEL_LENGTH:
        return ColumnType.LANGUAGE, f"texts of up to {s.longest} signs"
    return ColumnType.LABEL, f"{unique} different texts"


def _warnings(s: ColumnStatistics, type_: ColumnType, *, is_order_said: bool) -> list[str]:
    found = []
    misfits = s.present - s.fitting["number"] - s.fitting["truth"]
    if type_ is ColumnType.FLOAT and misfits:
        found.append(f"{misfits} values are no numbers and read as missing, such as {s.misfits[0]!r}")
    if type_ is ColumnType.IGNORE:
        found.append("ignored: " + ("it only counts the lines" if s.is_a_count else "it looks like an identifier"))
    if type_ in (ColumnType.DATE, ColumnType.DATETIME) and not is_order_said and _order_is_a_guess(s):
        found.append("day and month cannot be told apart by the values; read as day first")
    missing = 100 * s.missing / s.lines
    if missing > 20 and type_ is not ColumnType.IGNORE:
        found.append(f"{missing:.0f} % of its values are missing")
    return found


def date_order(s: ColumnStatistics) -> str:
    """The order that fits most dates; where several fit all, year first, then day first."""
    return max(("DMY", "MDY", "YMD"), key=lambda order: (s.fitting[order], order == "DMY"))


def _order_is_a_guess(s: ColumnStatistics) -> bool:
    # Dates with the year first or the month's name fit every order: equal counts are a guess where some are others.
    return s.fitting["DMY"] == s.fitting["MDY"] and not all(map(_says_its_order, list(s.labels)[:50]))


def _says_its_order(label: str) -> bool:
    return label[:4].isdigit() or label[3:5].isalpha()


def misfit_of(s: ColumnStatistics, type_: ColumnType) -> str | None:
    """Why the type a person chose cannot work, or None."""
    kinds = {
        ColumnType.FLOAT: (("number", "truth"), "numbers"),
        ColumnType.DATE: (("moment",), "dates"),
        ColumnType.DATETIME: (("moment",), "dates"),
        ColumnType.TIME: (("time",), "times of day"),
    }
    if type_ in kinds and s.present and not any(s.fitting[kind] for kind in kinds[type_][0]):
        example = f", such as {s.misfits[0]!r}" if s.misfits else ""
        return f"typed {type_}, but no value reads as {kinds[type_][1]}{example}"
    return None
