"""Fits the encoder on learning lines alone, and encodes all lines with it.

Numbers learnt from outputs (target encoding) are computed out of fold for the lines they are learnt from, so that
no line sees its own output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.analyse import TableReport
from ml.learning.columns.infer import ColumnType
from ml.learning.encoding.bins import MOST_BINS, Bins
from ml.learning.encoding.encoder import Encoder, Input
from ml.learning.encoding.label import LabelInput
from ml.learning.encoding.learnt_days import LearntDays
from ml.learning.encoding.moment import DAY, HOUR, PARTS, MomentInput, places_of
from ml.learning.encoding.number import NumberInput
from ml.learning.encoding.remarks import Remarks
from ml.learning.encoding.target_encoding import TargetEncoding
from ml.learning.encoding.text import TextInput
from ml.learning.load import LabelColumn, LoadedTable
from ml.learning.material import Material
from ml.learning.network.fold import Own
from ml.learning.targets import Targets

MOST_BIN_COLUMNS = 512
# Up to so many labels each get a column; beyond, only frequent ones, and all get learnt numbers.
ONE_HOT_LABELS = 9
MOST_ONE_HOT = 48
MOST_LABELS = 50_000
LEAST_COUNT = 3
# So many labels of two words and more are read word by word as well.
LEAST_PHRASES = 100
# Days and hours are learnt from one by one when there are many lines, and so many of them for each.
LEAST_FOR_DAYS = 1000
LINES_PER_DAY = 2.5
# Averages that folds see in their own way: beyond so many cells the ones out of fold have to do.
MOST_OF_FOLDS = 150_000_000

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoder and what it makes of every line; `x` differs from the encoder's own answer only in that the
    target encoding of learning lines is out of fold. `of_folds[k]` are the encoder's averages as fold k sees them."""

    encoder: Encoder
    x: NDArray[np.float32]
    of_folds: NDArray[np.float32] | None = None

    def own(self, fold: int) -> Own | None:
        return None if self.of_folds is None else Own(self.encoder.averages, self.of_folds[fold])


def fit_encoder(
    material: Material,
    folds: NDArray[np.int8],
    *,
    on_column: Callable[[int, int], None] = lambda done, of: None,
) -> Encoded:
    """`folds[i]` is the fold of line `material.learning[i]`."""
    loaded, targets, inputs = material.loaded, material.targets, material.inputs
    number_columns = sum(name in loaded.numbers for name in inputs)
    fitting = _Fitting(
        loaded,
        material.report,
        material.learning,
        folds,
        _target_columns(targets, material.learning),
        max(2, min(MOST_BINS, MOST_BIN_COLUMNS // max(number_columns, 1))),
    )
    entries: list[Input] = []
    blocks: list[NDArray[np.float32]] = []
    for i, name in enumerate(inputs):
        for entry, block in fitting.column(name):
            entries.append(entry)
            blocks.append(block)
        on_column(i + 1, len(inputs))
    x = np.concatenate(blocks, axis=1)
    outputs = {output.column for output in targets.outputs}
    ignored = tuple(name for name in material.report.columns if name not in inputs and name not in outputs)
    parts = tuple(part for part in material.report.parts if part.name in inputs)
    encoder = Encoder(tuple(entries), targets.outputs, ignored, parts)
    return Encoded(encoder, x, _seen_by_folds(x, encoder, material.learning, fitting.of_folds))


def _seen_by_folds(
    x: NDArray[np.float32], encoder: Encoder, learning: Rows, of_folds: list[NDArray[np.float32]]
) -> NDArray[np.float32] | None:
    """(folds, lines, averages): the averages of every line as each fold sees them."""
    if not of_folds or len(of_folds[0]) * len(x) * encoder.averages.size > MOST_OF_FOLDS:
        return None
    found = np.repeat(x[None, :, encoder.averages], len(of_folds[0]), axis=0)
    found[:, learning] = np.concatenate(of_folds, axis=2)
    return found


def _target_columns(targets: Targets, learning: Rows) -> NDArray[np.float64]:
    """What target encoding averages: the number itself, or whether it is this label (one label of two is enough)."""
    columns = []
    for i, output in enumerate(targets.outputs):
        y = targets.y[learning, i].astype(np.float64)
        if output.width == 1:
            columns.append(y)
        elif output.width <= 12:
            classes = range(1, 2) if output.width == 2 else range(output.width)
            columns += [np.where(np.isnan(y), np.nan, y == code) for code in classes]
    return np.stack(columns, axis=1) if columns else np.zeros((learning.size, 0))


def _are_phrases(labels: tuple[str, ...]) -> bool:
    """Many labels of several words, which come again in other labels."""
    return len(labels) >= LEAST_PHRASES and sum(len(label.split()) for label in labels) >= 2 * len(labels)


@dataclass
class _Fitting:
    loaded: LoadedTable
    report: TableReport
    learning: Rows
    folds: NDArray[np.int8]
    target_columns: NDArray[np.float64]
    most_bins: int
    # What each fold sees of every encoding with averages, in the order of the columns.
    of_folds: list[NDArray[np.float32]] = field(default_factory=list)

    def column(self, name: str) -> list[tuple[Input, NDArray[np.float32]]]:
        type_ = self.report.columns[name].type
        if type_ is ColumnType.LABEL:
            column = self.loaded.labels[name]
            words = [self._text(name)] if _are_phrases(column.labels) else []
            return [self._label(name, column), *words]
        if type_ is ColumnType.LANGUAGE:
            return [self._text(name)]
        if type_ in (ColumnType.DATE, ColumnType.DATETIME):
            return [self._moment(name)]
        values = self.loaded.numbers[name]
        bins = Bins.fit(values[self.learning], most_bins=self.most_bins)
        kind = "time" if type_ is ColumnType.TIME else "number"
        found: list[tuple[Input, NDArray[np.float32]]] = [
            (NumberInput(name, bins, self.report.decimal, kind), bins.batch(values))
        ]
        if kind == "number" and (codes := self._as_labels(values)) is not None:
            found.append(self._label(name, codes, one_hot=False))
        return found

    def _as_labels(self, values: NDArray[np.float64]) -> LabelColumn | None:
        """Whole numbers that come again and again may be names (of a flight, a product): those get labels as well."""
        learnt = values[self.learning]
        present = learnt[~np.isnan(learnt)]
        if present.size < 1000 or np.abs(present).max() > 2**53 or (present != np.floor(present)).any():
            return None
        unique, codes = np.unique(values, return_inverse=True)
        if not 64 < unique.size <= present.size / 5:
            return None
        numbered = np.where(np.isnan(values), -1, codes).astype(np.int32)
        return LabelColumn(tuple(str(int(v)) if v == v else "nan" for v in unique), numbered)

    def _label(self, name: str, column: LabelColumn, *, one_hot: bool = True) -> tuple[LabelInput, NDArray[np.float32]]:
        codes = column.codes[self.learning]
        counts = np.bincount(codes[codes >= 0], minlength=len(column.labels))
        is_wide = not one_hot or int((counts > 0).sum()) > ONE_HOT_LABELS
        least = LEAST_COUNT if is_wide else 1
        # Frequent first; the label itself settles ties, so that the order of the lines does not.
        order = sorted(np.flatnonzero(counts >= least), key=lambda i: (-counts[i], column.labels[i]))[:MOST_LABELS]
        place = np.full(len(column.labels) + 1, len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        place[-1] = len(order) + 1
        places = place[column.codes]
        hot = 0 if not one_hot else len(order)
        if is_wide and one_hot:
            often = max(20, 0.002 * codes.size)
            hot = min(MOST_ONE_HOT, sum(counts[i] >= often for i in order))
        encoding = TargetEncoding.fit(
            places[self.learning], len(order) + 2, self.target_columns if is_wide else None, self.folds
        )
        entry = LabelInput(
            name,
            tuple(column.labels[i] for i in order),
            int(hot),
            encoding.rows[: len(order)],
            encoding.rows[len(order)],
            encoding.rows[len(order) + 1],
            flags_missing=bool((codes < 0).any()) and one_hot,
            flags_unseen=is_wide and bool((places[self.learning] == len(order)).any()),
            is_number=not one_hot,
        )
        block = entry.table()[places]
        if encoding.out_of_fold is not None:
            block[self.learning, entry.width - encoding.width :] = encoding.out_of_fold
        self._keep(encoding)
        return entry, block

    def _moment(self, name: str) -> tuple[MomentInput, NDArray[np.float32]]:
        moments = self.loaded.numbers[name]
        learnt = moments[self.learning]
        bins = Bins.fit(learnt / DAY, most_bins=self.most_bins)
        present = places_of(learnt[~np.isnan(learnt)])
        parts = tuple(part for part in PARTS if present[part].size and np.ptp(present[part]) > 0)
        units = (DAY, HOUR) if "hour" in parts else (DAY,)
        averages = [found for unit in units if (found := self._days(moments, unit))]
        for _, encoding in averages:
            self._keep(encoding)
        days = tuple(days for days, _ in averages)
        entry = MomentInput(name, bins, self.report.columns[name].date_order, parts, days)
        block = entry.encode(moments)
        start = entry.width - sum(own.width for own in days)
        for own, encoding in averages:
            block[self.learning, start : start + own.width] = encoding.out_of_fold
            start += own.width
        return entry, block

    def _days(self, moments: NDArray[np.float64], seconds: int) -> tuple[LearntDays, TargetEncoding] | None:
        """What was learnt of each day or hour, if they come again and again."""
        learnt = moments[self.learning]
        known = learnt[~np.isnan(learnt)]
        unique, counts = np.unique(np.floor(known / seconds), return_counts=True)
        if known.size < LEAST_FOR_DAYS or not 12 < unique.size <= known.size / LINES_PER_DAY:
            return None
        keys = tuple(int(key) for key in unique[counts >= LEAST_COUNT])
        places = LearntDays(seconds, keys, ((),) * len(keys), ()).places(learnt)
        encoding = TargetEncoding.fit(places, len(keys) + 1, self.target_columns, self.folds)
        if encoding.out_of_fold is None:
            return None
        return LearntDays(seconds, keys, encoding.rows[:-1], encoding.rows[-1]), encoding

    def _keep(self, encoding: TargetEncoding) -> None:
        if encoding.of_folds is not None:
            self.of_folds.append(encoding.of_folds)

    def _text(self, name: str) -> tuple[TextInput, NDArray[np.float32]]:
        column = self.loaded.labels[name]
        entry = TextInput(name)
        rows = entry.batch([*column.labels, None], Remarks())
        return entry, rows[column.codes]
