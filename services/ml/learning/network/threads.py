"""Sets JAX up before its first import: one thread, and compiled programs kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

# One job a core: two threads of one job wait for each other as soon as another job runs.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=1",
}


def prepare(cache: Path | None = None) -> None:
    """Call before anything imports JAX; a setting that is in the environment already stays as it is.

    `cache` keeps compiled programs, so that a shape seen once starts at once.
    """
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        import jax

        jax.config.update("jax_compilation_cache_dir", str(cache))  # type: ignore[no-untyped-call]
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)  # type: ignore[no-untyped-call]
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)  # type: ignore[no-untyped-call]
