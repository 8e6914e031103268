"""A model on disk: a folder of plain files, each with its SHA-256 in a manifest, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ml.learning.errors import LearningError, ModelDamaged

FORMAT = "titan-model"
VERSION = 1
MANIFEST, ENCODER, CARD, GRAPH, TENSORS = (
    "manifest.json",
    "encoder.json",
    "card.json",
    "model.onnx",
    "model.safetensors",
)


def json_bytes(value: object) -> bytes:
    """The same value always gives the same bytes."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode()


def check_place(folder: Path) -> None:
    """Refuse to write over something that is no model of ours."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file()):
        raise LearningError(f"{folder} is there already and holds no model: choose a new folder.", field="out")


def write_model(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` and their manifest beside `folder`, then put them in its place."""
    check_place(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "files": {name: {"sha256": sha256(data).hexdigest(), "bytes": len(data)} for name, data in files.items()},
    }
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, data in {**files, MANIFEST: json_bytes(manifest)}.items():
            (fresh / name).write_bytes(data)
        # mkdtemp makes a folder for its owner alone; a model is as readable as what lies beside it.
        fresh.chmod(0o777 & ~_umask())
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_model(folder: Path) -> dict[str, bytes]:
    """The files of a model, each compared with its hash. Raises ModelDamaged with the file at fault."""
    manifest = _manifest(folder)
    files = {}
    for name, expected in manifest["files"].items():
        try:
            data = (folder / Path(name).name).read_bytes()
        except OSError as error:
            raise ModelDamaged(f"The model in {folder} lacks {name}: store it again.") from error
        if sha256(data).hexdigest() != expected["sha256"]:
            raise ModelDamaged(
                f"{name} in {folder} is not what was stored (its SHA-256 differs): store the model again."
            )
        files[name] = data
    if missing := {ENCODER, GRAPH} - set(files):
        raise ModelDamaged(f"The model in {folder} lacks {sorted(missing)[0]}: store it again.")
    return files


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{folder} holds no model: it has no readable {MANIFEST}.") from error
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise ModelDamaged(f"{folder} holds a model of another format or version: train the machine again.")
    return manifest
