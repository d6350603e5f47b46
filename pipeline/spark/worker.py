"""What a worker does: it looks whether it has the same versions, reads a plan, and answers."""

from __future__ import annotations

import os
import pickle
import socket
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import PipelineError
from pipeline.spark.failures import describe_error
from pipeline.spark.versions import require_versions


class Attempt(NamedTuple):
    """One attempt at a task, of which there may be several at a time.

    Attributes:
        directory: the work directory.
        name: of the attempt, which no other has.
        shared: what all tasks need.
    """

    directory: Path
    name: str
    shared: Any

    def path(self, name: str) -> Path:
        """Where the attempt may leave a file."""
        return self.directory / f"{name}.{self.name}"


def work(directory: str, stage: str, task: int, entry: str, versions: dict[str, str]) -> dict[str, Any]:
    """Do a task.

    Args:
        directory: the work directory.
        stage: begins the names of the plans.
        task: number of the task.
        entry: names the function, `module:function`.
        versions: those of whoever planned it.

    Returns:
        `{"value": ...}`, or `{"error": ...}` where it ended with an error of ours, which would be the same again.
    """
    try:
        require_versions(versions)
        plan, shared = _read_plan(Path(directory), stage, task)
        module, _, name = entry.partition(":")
        attempt = Attempt(Path(directory), f"{task}-{os.urandom(6).hex()}", shared)
        return {"value": getattr(import_module(module), name)(plan, attempt)}
    except PipelineError as error:
        return {"error": describe_error(error)}


def _read_plan(directory: Path, stage: str, task: int) -> tuple[Any, Any]:
    try:
        return tuple(
            pickle.loads((directory / f"{stage}-{name}").read_bytes())  # noqa: S301 - the driver wrote it
            for name in (f"plan-{task}", "shared")
        )
    except FileNotFoundError as error:
        raise PipelineError(
            f"{directory}: the worker {socket.gethostname()} does not see it; "
            "source and destination must lie where all workers see them under the same paths"
        ) from error
