"""However many cores there are, a training has the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.threads import HELD

CORES = sorted(os.sched_getaffinity(0))


@pytest.mark.skipif(len(CORES) < 2, reason="there is one core only")
def test_one_core_gives_the_same_bytes_as_all(tmp_path: Path, compiled: Path) -> None:
    # Wide enough, once encoded, for JAX to cut its products among threads.
    numbers = np.random.default_rng(5).normal(size=(2500, 12))
    columns = {f"column {i}": numbers[:, i] for i in range(12)}
    pq.write_table(pa.table({**columns, "target": numbers[:, 0] * numbers[:, 1] > 0}), tmp_path / "table.parquet")
    one, every = (_trained(tmp_path, compiled, cores) for cores in (CORES[:1], CORES))
    assert one == every


def _trained(folder: Path, compiled: Path, cores: list[int]) -> bytes:
    model = folder / f"on {len(cores)}"
    # Nothing of what this process, which has loaded ml, holds itself to.
    own = {name: value for name, value in os.environ.items() if name not in HELD}
    subprocess.run(
        [sys.executable, "-m", "ml.cli", "train", str(folder / "table.parquet"), "--target", "target", "--out", model],
        env={**own, "PYTHONPATH": os.pathsep.join(sys.path), "XDG_CACHE_HOME": str(compiled)},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        check=True,
        capture_output=True,
    )
    return (model / "model.safetensors").read_bytes()
