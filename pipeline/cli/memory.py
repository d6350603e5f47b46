"""How the process takes its memory; for the command line alone, as it holds for the whole process."""

from __future__ import annotations

import os

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of <malloc.h>
_LARGE_BYTES = 4 << 20


def choose_allocators() -> None:
    """Set what is read when libraries are loaded; to be called before."""
    # Arrow's own allocator keeps what it frees; the system's saves 30 MB.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # numpy's linear algebra, which nothing here uses, would start threads that spin before they sleep.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def return_large_blocks() -> None:
    """Let large blocks go back to the system when they are freed.

    glibc raises its limit each time such a block is freed, and then keeps them: with texts of 1 MB a third of the peak.
    """
    import ctypes  # noqa: PLC0415 - not for what ends before

    try:
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    except (AttributeError, OSError, TypeError):  # another allocator
        return
