"""What the tests share: the recorded store, small sources made of rows, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from judging import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FIXTURE_STORE = ROOT / "data" / "fixtures" / "teleoperation"
SHARED = ROOT.parent / "shared"

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("default")


@pytest.fixture(scope="session")
def fixture_store() -> Path:
    """The recorded teleoperation sessions, as a store."""
    return FIXTURE_STORE


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands that run in processes forked from one that has loaded the engines, which takes most of their time."""
    with Commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


def row(session_id: str = "s1", sequence: int = 0, **given: Any) -> dict[str, Any]:
    """One measurement as NDJSON has it; what is not given is plain."""
    plain = {
        "session_id": session_id,
        "sequence": sequence,
        "timestamp": f"2026-11-24T16:00:{sequence % 60:02}.000000Z",
        "metric": "control_rtt",
        "value": 1.5,
        "unit": "ms",
    }
    return plain | given


def write_ndjson(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows with Python's json, not with ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


@dataclass
class Result:
    """What a command did."""

    status: int
    out: str
    err: str


def pipeline(*arguments: Any, cwd: Path | None = None, env: dict[str, str] | None = None) -> Result:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def only(directory: Path, pattern: str) -> Path:
    """The one file of a package that matches a pattern."""
    found = sorted(directory.glob(pattern))
    assert len(found) == 1, f"{pattern} in {sorted(p.name for p in directory.iterdir())}"
    return found[0]


def descriptor(directory: Path) -> dict[str, Any]:
    """The descriptor of a package."""
    return json.loads((directory / "datapackage.json").read_text(encoding="utf-8"))


def names_in(directory: Path) -> list[str]:
    """Names of what lies in a directory, sorted."""
    return sorted(path.name for path in directory.iterdir())
