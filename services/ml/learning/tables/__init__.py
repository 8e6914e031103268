"""Tables read as a stream of batches: what a file is, how its text is cut, and which of its lines are bad."""

from ml.learning.tables.batch import BadLine, Batch, Cell, TableSource, batches_of_rows
from ml.learning.tables.csv_file import CsvTable
from ml.learning.tables.dialect import Dialect, detect_dialect
from ml.learning.tables.dialect_parts import Part
from ml.learning.tables.inside import find_parts, parts_of, row_apart, taken_apart
from ml.learning.tables.open import FileTable, format_in, open_table

__all__ = [
    "BadLine",
    "Batch",
    "Cell",
    "CsvTable",
    "Dialect",
    "FileTable",
    "Part",
    "TableSource",
    "batches_of_rows",
    "detect_dialect",
    "find_parts",
    "format_in",
    "open_table",
    "parts_of",
    "row_apart",
    "taken_apart",
]
