"""The compiled part: checks of record batches, their text and digests, statistics of groups.

Its sources lie beside this file. It takes batches through the Arrow C data interface, so those of pyarrow, Polars and
DuckDB all do, and releases the interpreter lock while it works. It is loaded with ctypes and needs no headers of
Python.
"""

from pipeline.native.digests import digest_sums
from pipeline.native.groups import GroupedValues
from pipeline.native.library import ArrowBatch
from pipeline.native.soundness import is_sound
from pipeline.native.text import TextBuffer

__all__ = ["ArrowBatch", "GroupedValues", "TextBuffer", "digest_sums", "is_sound"]
