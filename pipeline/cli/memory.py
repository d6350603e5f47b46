"""How the process takes its memory; for the command line alone, as it holds for the whole process."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENAS = -1, -3, -8  # of <malloc.h>
_LARGE_BYTES = (4 << 20) + 65_536  # engines ask for powers of two; 4 MiB come with each batch
_KEPT_BYTES = 4 << 20


# Parts of pyarrow for files in clouds, which nothing here reads; it does without those that are not there.
_UNWANTED = ("pyarrow._azurefs", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs")


def choose_allocators() -> None:
    """Set what is read when libraries are loaded, and leave out what would take 3 MB; to be called before."""
    # Arrow's own allocator keeps what it frees; the system's saves 30 MB.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # numpy's linear algebra, which nothing here uses, would start threads that spin before they sleep.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in _UNWANTED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # as Python writes that there is no such module


@contextmanager
def loading() -> Iterator[None]:
    """Load modules without looking for cycles among their objects, which would take a seventh of a small import.

    Nor is it done later, where any were loaded: they stay.
    """
    was_enabled, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if was_enabled:
            gc.enable()


def end_without_looking() -> None:
    """Let the interpreter end without looking for cycles in all there is; to be called last of all."""
    gc.disable()
    gc.freeze()


def return_large_blocks() -> None:
    """Let large blocks go back to the system when they are freed.

    glibc raises its limit each time such a block is freed, and then keeps them: with texts of 1 MB a third of the peak.
    Told a limit, it would return all smaller ones as well, which come anew with the next batch, page by page.
    """
    import ctypes  # noqa: PLC0415 - not for what ends before

    try:
        set_option = ctypes.CDLL(None).mallopt
        set_option(_MMAP_THRESHOLD, _LARGE_BYTES)
        set_option(_TRIM_THRESHOLD, _KEPT_BYTES)
    except (AttributeError, OSError, TypeError):  # another allocator
        return


def share_one_heap() -> None:
    """Let all threads take memory from one heap: each of its own keeps what it freed. Few large blocks wait for it."""
    import ctypes  # noqa: PLC0415 - as above

    with suppress(AttributeError, OSError, TypeError):  # another allocator
        ctypes.CDLL(None).mallopt(_ARENAS, 1)
