"""Entries of tasks that a Sail server of the tests runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadRowError, VerificationError
from pipeline.export.cluster_tasks import write_measurements

if TYPE_CHECKING:
    from pipeline.spark.plans import TaskPlan
    from pipeline.spark.worker import Attempt


def echo(plan: Any, attempt: Attempt) -> dict[str, Any]:
    """Give back what came."""
    return {"plan": plan, "shared": attempt.shared, "attempt": attempt.name}


def fail_once(plan: Path, attempt: Attempt) -> str:
    """Fail as what may heal does, the first time."""
    try:
        plan.touch(exist_ok=False)
    except FileExistsError:
        return attempt.name
    raise RuntimeError("a disk that comes back")


def break_off(plan: int, attempt: Attempt) -> int:
    """Fail for good, in another way than by an error of ours."""
    return plan // 0 if attempt else 0


def bad_row(plan: str, _: Attempt) -> None:
    """Fail with an error of ours that has attributes."""
    raise BadRowError(plan, column="value", session_id="s", sequence=7)


def unverified(plan: str, _: Attempt) -> None:
    """Fail with another one, which has another exit status."""
    raise VerificationError(plan)


def wait(plan: tuple[Path, float], attempt: Attempt) -> str:
    """Say that it runs, and take long."""
    seen, seconds = plan
    (seen / attempt.name).touch()
    time.sleep(seconds)
    return attempt.name


def measured(plan: TaskPlan, attempt: Attempt) -> list[dict[str, Any]]:
    """Write measurements as workers do, and note beside the destination how many bytes this thread read and wrote."""
    write_measurements(plan, attempt._replace(name=f"{attempt.name}-first"))  # loads what the first one loads
    read, written, asked = _bytes_passed()
    records = write_measurements(plan, attempt)
    after = _bytes_passed()
    passed = [after[0] - read - asked, after[1] - written]
    (attempt.directory.parent / f"passed-{attempt.name}").write_text(json.dumps(passed), encoding="ascii")
    return records


def _bytes_passed() -> tuple[int, int, int]:
    """Bytes that this thread has read and written so far, and how many this question is about to add to those read."""
    text = Path("/proc/thread-self/io").read_text(encoding="ascii")
    found = dict(line.split(": ") for line in text.splitlines())
    return int(found["rchar"]), int(found["wchar"]), len(text)
