"""How many threads the libraries under ml take: always as many, however many cores there are."""

from __future__ import annotations

import os

# NumPy's products and JAX's are cut by the number of threads, and sums of parts differ in their last digits: with a
# number that does not follow the cores, a training has the same bytes on one core as on sixty.
HELD = {
    # BLAS's threads wait for each other as soon as another job runs: it has one.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # What JAX takes for the number of cores. It starts that many threads whatever the flags say; two do no harm on one.
    "NPROC": "2",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=1",
}


def hold() -> None:
    """Call before NumPy is loaded, which looks only then; what is in the environment already stays as it is."""
    for name, value in HELD.items():
        os.environ.setdefault(name, value)
