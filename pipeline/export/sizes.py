"""Sizes of memory as text."""

from __future__ import annotations

import re

from pipeline.errors import UsageError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_MIN_BYTES = 1_000_000


def parse_size(text: str) -> int:
    """Read a size such as `128MB`, `1.5GB` or `1GiB` as bytes.

    Raises:
        UsageError: it is no size, or less than 1 MB.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b", text.strip(), re.IGNORECASE | re.ASCII)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise UsageError(f"--memory-limit {text!r}: give a size such as 128MB or 1GiB")
    size = int(float(match[1]) * unit)
    if size < _MIN_BYTES:
        raise UsageError(f"--memory-limit {text!r}: give 1MB or more")
    return size
