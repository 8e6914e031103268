"""What stands in Arrow's arrays of texts and numbers, as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def is_text(array: pa.Array) -> bool:
    return bool(pa.types.is_string(array.type))


def is_number(array: pa.Array) -> bool:
    kind = array.type
    return bool(pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind))


def doubles(array: pa.Array) -> NDArray[np.float64]:
    """As float() reads them, NaN where there is nothing; raises ArrowInvalid where float() might read any otherwise."""
    if is_text(array):
        array = pc.if_else(pc.equal(array, _EMPTY), _NAN_TEXT, array)
    return _in_memory(pc.fill_null(pc.cast(array, pa.float64(), safe=False), _NAN), np.float64)


def blank(array: pa.Array) -> NDArray[np.bool_]:
    """Where there is nothing: no value, an empty text, no number."""
    if not is_text(array):
        nothing: NDArray[np.bool_] = np.isnan(doubles(array))
        return nothing
    found = pc.fill_null(pc.equal(array, _EMPTY), _TRUE)
    bits = np.unpackbits(np.frombuffer(found.buffers()[1], np.uint8), bitorder="little")
    return bits[found.offset : found.offset + len(found)].astype(np.bool_)


def different(array: pa.Array) -> tuple[pa.Array, NDArray[np.int32]]:
    """Each value once, and which of them each is."""
    found = array.dictionary_encode(null_encoding="encode")
    return found.dictionary, _in_memory(found.indices, np.int32)


def _in_memory(array: pa.Array, kind: type[Any]) -> NDArray[Any]:
    return np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]


# Made of their bytes: given a value of Python's, pyarrow would first import pandas where that is installed.


def _text(value: bytes) -> pa.Scalar:
    ends = np.array([0, len(value)], dtype=np.int32)
    return pa.StringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(value))[0]


_EMPTY, _NAN_TEXT = _text(b""), _text(b"nan")
_NAN = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([np.nan]))])[0]
_TRUE = pa.Array.from_buffers(pa.bool_(), 1, [None, pa.py_buffer(b"\x01")])[0]
