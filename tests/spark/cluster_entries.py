"""Entries of tasks that a Sail server of the tests runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadRowError, VerificationError

if TYPE_CHECKING:
    from pathlib import Path

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
