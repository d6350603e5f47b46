"""Does one part of an export, in a process of its own: `python benchmarks/parts.py PART SOURCE`."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

PARTS = ("hash", "start", "scan", "digest", "encode")


def main(part: str, source: str) -> None:
    """Hash a file, or read a store as an export does, as far as a part goes."""
    if part == "hash":
        with Path(source).open("rb") as file:
            hashlib.file_digest(file, "sha256")
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pipeline.native import TextBuffer  # noqa: PLC0415
    from pipeline.rows.digest import digest_rows  # noqa: PLC0415 - the environment comes first
    from pipeline.sources.open import open_all, open_source  # noqa: PLC0415

    with open_source(source) as inventory:
        scan = open_all(inventory)
        if part == "start":
            return
        buffer = TextBuffer()
        for batch in scan.batches():
            if part == "digest":
                digest_rows(batch)
            elif part == "encode":
                buffer.ndjson(batch)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in PARTS:
        raise SystemExit(f"give one of {', '.join(PARTS)}, and a source")
    main(*sys.argv[1:])
