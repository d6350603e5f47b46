"""Libraries that are loaded in a thread of their own, while Python loads modules."""

from __future__ import annotations

import atexit
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

from pipeline.native.library import LIBRARY

_LIBRARIES = {"numpy": ("_core/_multiarray_umath",), "pyarrow": ("lib", "_parquet")}
"""By package: its extensions whose libraries are large. Each is loaded by name again, and is there then."""


def load_ahead() -> bool:
    """Begin to load the libraries of NumPy and pyarrow, once in a process; say whether a thread does it.

    Python holds its lock while it loads a library. Of a small import that is a tenth of the time.
    """
    paths = []
    for package, names in _LIBRARIES.items():
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or [])[:1] if spec else []:
            paths += [f"{Path(folder, name)}{EXTENSION_SUFFIXES[0]}" for name in names]
    text = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
    is_begun = bool(LIBRARY.pipeline_load_ahead(text, len(text)))
    if is_begun:
        atexit.register(LIBRARY.pipeline_end_loading)
    return is_begun
