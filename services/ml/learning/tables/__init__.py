"""Tables read as a stream of batches: what a file is, how its text is cut, and which of its lines are bad."""

from ml.learning.tables.batch import BadLine, Batch, Cell, TableSource, batches_of_rows
from ml.learning.tables.csv_file import CsvTable
from ml.learning.tables.dialect import Dialect, detect_dialect
from ml.learning.tables.open import open_table

__all__ = [
    "BadLine",
    "Batch",
    "Cell",
    "CsvTable",
    "Dialect",
    "TableSource",
    "batches_of_rows",
    "detect_dialect",
    "open_table",
]
