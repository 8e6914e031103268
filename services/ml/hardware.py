"""What a server computes with: its memory and its GPUs, found without loading what would use them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from service_base.errors import Unavailable

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_ASK = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")
_TRY = "import jax; assert jax.devices('gpu')"


class NoGpu(Unavailable):
    """A server was told to work with a GPU and cannot."""

    slug = "no-gpu"
    title = "There is no GPU to work with"


def ram_bytes(limits: Sequence[Path] = _LIMITS) -> int:
    """The memory of this machine, or what this process may have of it."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([there, *(limit for path in limits if (limit := _limit(path)))])


def _limit(path: Path) -> int | None:
    try:
        said = path.read_text().strip()
    except OSError:
        return None
    return int(said) if said.isdigit() else None


def gpu_ram() -> list[int]:
    """MiB of each GPU that is there for us; none where the driver's own program is missing or names none."""
    try:
        said = subprocess.run(_ASK, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    there = [int(line) for line in said.split() if line.isdigit()]
    return [there[number] for number in _ours(len(there)) if number < len(there)]


def _ours(count: int) -> list[int]:
    """The numbers of the GPUs that CUDA_VISIBLE_DEVICES leaves us: servers of one machine can share them out."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    return list(range(count)) if said is None else [int(part) for part in said.split(",") if part.strip().isdigit()]


def gpus_to_work_with() -> list[int]:
    """MiB of each GPU, once it is sure that JAX can use them. Raises NoGpu with the way out."""
    found = gpu_ram()
    if not found:
        raise NoGpu("No GPU was found: nvidia-smi is missing here or names none. Start the server without --gpu.")
    if not any(find_spec(plugin) for plugin in _PLUGINS):
        raise NoGpu("JAX has no support for GPUs here: install `titan-ml[gpu]`, or start the server without --gpu.")
    # In a process of its own: one that has looked at a GPU keeps memory of it.
    tried = subprocess.run(
        [sys.executable, "-c", _TRY], env={**os.environ, **gpu_environment(0)}, capture_output=True, check=False
    )
    if tried.returncode:
        raise NoGpu("JAX finds no GPU although there is one: its driver may be older than `titan-ml[gpu]` needs.")
    return found


def gpu_environment(place: int) -> dict[str, str]:
    """What makes a child compute on the GPU at that place, with no more of its memory than it needs."""
    return {
        "JAX_PLATFORMS": "cuda",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": str(_ours(place + 1)[place]),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        # The same seed gives the same bytes, as it does on a processor.
        "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
    }
