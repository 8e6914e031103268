"""Sets JAX up before its first import: where it computes, and where compiled programs are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def prepare(cache: Path | None = None) -> None:
    """Call before anything imports JAX; a setting that is in the environment already stays as it is.

    `cache` keeps compiled programs, so that a shape seen once starts at once.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        import jax

        jax.config.update("jax_compilation_cache_dir", str(cache))  # type: ignore[no-untyped-call]
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)  # type: ignore[no-untyped-call]
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)  # type: ignore[no-untyped-call]
