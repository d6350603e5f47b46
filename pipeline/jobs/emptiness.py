"""What is known of periods that sessions concern and that have no rows, so that they are not read again each night."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.disk.regular import read_regular
from pipeline.jobs.concerned import made_of_all
from pipeline.package.job_note import RESULTS_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.jobs.job import JobExport
    from pipeline.package.job_note import MadeOf

EMPTY_FILE = "empty.json"


def state_of(options: Mapping[str, Any], sessions: Mapping[str, MadeOf]) -> str:
    """Hash all that decides what a period would hold.

    Args:
        options: those that shape it.
        sessions: of which it would be made.
    """
    value = [RESULTS_VERSION, options, made_of_all(sessions)]
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass
class KnownEmpty:
    """By export and period, the state in which it was found to have no rows; what is lost is found out again."""

    _states: dict[str, dict[str, str]] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)

    def read(self, export: JobExport, directory: Path) -> None:
        """Read what is known of an export, from the directory that its runs hold."""
        try:
            value: Any = json.loads(read_regular(directory / EMPTY_FILE))
            self._states[export.name] = {str(name): str(state) for name, state in value.items()}
        except (OSError, ValueError, AttributeError):
            self._states[export.name] = {}

    def has(self, export: JobExport, period: str, state: str) -> bool:
        """Whether a period is known to have no rows in this state."""
        return self._states.get(export.name, {}).get(period) == state

    def add(self, export: JobExport, period: str, state: str | None) -> None:
        """Note that a period has no rows in this state, or with None that it has."""
        states = self._states.setdefault(export.name, {})
        if states.get(period) == state:
            return
        self._changed.add(export.name)
        if state is None:
            del states[period]
        else:
            states[period] = state

    def write(self, export: JobExport, directory: Path) -> None:
        """Write what is known of an export, as a whole.

        Raises:
            OSError: it cannot be written.
        """
        if export.name not in self._changed:
            return
        new = directory / f"{EMPTY_FILE}.new"
        new.write_text(json.dumps(self._states[export.name], indent=0, sort_keys=True), encoding="utf-8")
        new.replace(directory / EMPTY_FILE)
