"""What a person can do wrong with a table or a model, each said in one sentence with the way out."""

from __future__ import annotations

from collections.abc import Sequence


class LearningError(Exception):
    """Base of everything this package refuses; the text is meant for the person who asked."""

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class TableError(LearningError):
    """The table cannot be read as it is."""


class EmptyTable(TableError):
    """There is nothing in the file, or nothing below its header."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} holds no lines: export it again with a header and at least one line.")


class BinaryFile(TableError):
    """The bytes are no text, no workbook and no Parquet."""

    def __init__(self, name: str, looks_like: str) -> None:
        super().__init__(
            f"{name} looks like {looks_like}, not a table: save it as CSV, Excel (.xlsx), JSON lines or Parquet and "
            "try again."
        )


class WrongEncoding(TableError):
    """The text does not decode with the encoding that was found or given."""

    def __init__(self, name: str, encoding: str) -> None:
        super().__init__(
            f"{name} cannot be read as {encoding}: name its encoding (utf-8, utf-16, cp1252, …) or save it as UTF-8."
        )


class OneColumn(TableError):
    """One column cannot be both what is known and what is to be found."""

    def __init__(self, name: str, separator: str) -> None:
        super().__init__(
            f"{name} has one column only (separator {separator!r}): a machine needs at least one input and one "
            "output; if the columns are parted by another sign, name it."
        )


class DuplicateHeaders(TableError):
    """Two columns carry one name, so neither can be meant."""

    def __init__(self, name: str, duplicates: Sequence[str]) -> None:
        shown = ", ".join(repr(header) for header in duplicates[:5])
        super().__init__(f"{name} names these columns twice: {shown}; rename them so that each name is used once.")


class UnknownColumns(LearningError):
    """A column was named that the table does not have."""

    def __init__(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        shown, have = ", ".join(map(repr, unknown)), ", ".join(map(repr, known[:20]))
        super().__init__(f"The table has no column {shown}; it has {have}{' …' if len(known) > 20 else ''}.")


class TooFewLines(LearningError):
    """Below the least number of lines a result would be chance."""

    def __init__(self, learning: int, evaluation: int, *, least_learning: int, least_evaluation: int) -> None:
        super().__init__(
            f"The table gives {learning} learning and {evaluation} evaluation lines with a known output; at least "
            f"{least_learning} and {least_evaluation} are needed: add lines (about 80 would do)."
        )


class NothingToLearn(LearningError):
    """The output never changes, or no input is left."""


class UnfitOutput(LearningError):
    """The column cannot be an output, or the loss does not fit it."""


class LevelNotThere(LearningError):
    """A level that this version does not have."""

    def __init__(self, level: int) -> None:
        super().__init__(f"There is no level {level}: choose one from 1 to 5.")


class UnfitShape(LearningError):
    """The network shape asked for is not one that can be built."""


class TrainingCancelled(LearningError):
    """Cancelled before there was anything worth keeping."""

    def __init__(self) -> None:
        super().__init__("The training was cancelled before a first network was ready, so there is nothing to keep.")


class ModelDamaged(LearningError):
    """The model folder is not what was stored."""
