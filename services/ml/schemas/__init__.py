"""ml's HTTP shapes."""

from ml.schemas.drift import show_drift
from ml.schemas.machines import (
    ColumnsIn,
    CopyIn,
    MachineChange,
    PredictIn,
    PublishIn,
    RowsIn,
    SaveLinesIn,
    SolveIn,
    WorkIn,
    show_columns,
    show_lines,
    show_listing,
    show_machine,
    show_machine_briefly,
    show_offer,
    show_score,
    show_terms,
    show_work,
)
from ml.schemas.purchases import PurchaseIn, TermsIn, show_purchase
from ml.schemas.readings import show_reading

__all__ = [
    "ColumnsIn",
    "CopyIn",
    "MachineChange",
    "PredictIn",
    "PublishIn",
    "PurchaseIn",
    "RowsIn",
    "SaveLinesIn",
    "SolveIn",
    "TermsIn",
    "WorkIn",
    "show_columns",
    "show_drift",
    "show_lines",
    "show_listing",
    "show_machine",
    "show_machine_briefly",
    "show_offer",
    "show_purchase",
    "show_reading",
    "show_score",
    "show_terms",
    "show_work",
]
