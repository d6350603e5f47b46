"""Runs the command with digests and without SHA-256: `python benchmarks/digests_alone.py export ... --no-hash`."""

from __future__ import annotations

import sys

from pipeline.cli import main
from pipeline.export.options import ExportOptions

ExportOptions.digested = property(lambda job: not job.spreadsheet)  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    sys.exit(main())
