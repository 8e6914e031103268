"""ml's tables: machines with their lines and models, work and its servers, and what other services told."""

from ml.models.drift import DriftCount
from ml.models.graphs import Graph
from ml.models.machines import (
    FORMATS,
    LOSSES,
    OPTIMIZERS,
    DataLine,
    DataLinesOperation,
    EncDecConfiguration,
    Machine,
    MachineTableLockWrite,
    NNModel,
)
from ml.models.projections import Funds, PriceList, SolvedLines
from ml.models.purchases import Purchase
from ml.models.readings import TableReading
from ml.models.usage import PublishedUsage, UsageCount
from ml.models.work import Server, Work

__all__ = [
    "FORMATS",
    "LOSSES",
    "OPTIMIZERS",
    "DataLine",
    "DataLinesOperation",
    "DriftCount",
    "EncDecConfiguration",
    "Funds",
    "Graph",
    "Machine",
    "MachineTableLockWrite",
    "NNModel",
    "PriceList",
    "PublishedUsage",
    "Purchase",
    "Server",
    "SolvedLines",
    "TableReading",
    "UsageCount",
    "Work",
]
