"""The error that the readers of this room raise."""

from __future__ import annotations


class ReadBackError(Exception):
    """A file does not hold what its format prescribes, or other columns."""
