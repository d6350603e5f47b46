"""The command line, run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "pipeline"]
# A write beyond the limit is an error, since Python ignores the signal.
_LIMITED = """
import resource, sys
from pipeline.cli import main
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main())
"""


@dataclass
class Result:
    """What a command did."""

    status: int
    out: str
    err: str


def pipeline(*arguments: Any, cwd: Path | None = None, env: dict[str, str] | None = None) -> Result:
    """Run a command."""
    return _run(COMMAND, arguments, cwd, env)


def pipeline_with_small_files(limit: int, *arguments: Any, cwd: Path | None = None) -> Result:
    """Run a command whose files may not grow beyond so many bytes, as on a disk that is full."""
    return _run([sys.executable, "-c", _LIMITED, str(limit)], arguments, cwd, None)


def _run(command: list[str], arguments: tuple[Any, ...], cwd: Path | None, env: dict[str, str] | None) -> Result:
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
