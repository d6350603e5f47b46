"""Files of known harnesses that hold no samples, or in a form that is not read: what to import instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.importers.unread_tools import tool_hint

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.importers.plain_text import Head

_LEGACY_STATISTICS = (
    "holds Chrome's legacy statistics (ssrc_..., goog...), whose numbers are texts without a type; "
    "import a dump of the standard ones"
)
_HISTOGRAMS = "is fio's log of histograms, which is not read; import that of write_lat_log, or --output-format=json+"
_ERRORS_OF_LOCUST = "is Locust's list of errors, which holds no measurements; import _stats.csv or _stats_history.csv"
_CSV_OF_JMH = "is JMH's table of scores, which holds no samples; import what -rf json writes"
_NAMES_OF_CRITERION = "says what criterion.rs measured, and holds no measurements; import sample.json beside it"
_TABLE_OF_JMH = re.compile(r'"?Benchmark"?[,;\t]"?Mode"?[,;\t]"?Threads"?[,;\t]"?Samples"?')
_ERRORS = re.compile(r'"?(Method"?,"?Name"?,"?Error|Count"?,"?Message"?,"?Traceback)')
_HISTOGRAM_LOG = re.compile(r"\d+(, \d+){30,}")


def hint_of(head: Head, path: Path) -> str | None:
    """Say why a file is not imported that a known harness wrote, and what to import instead.

    Args:
        head: its beginning.
        path: the file; what fio's logs hold stands in their names alone.

    Returns:
        the rest of a sentence about the file; None for a file of which nothing is known.
    """
    value: dict[str, Any] = head.value if isinstance(head.value, dict) else {}
    first = head.first_line.strip()
    clues = (
        (_are_legacy(value.get("PeerConnections")), _LEGACY_STATISTICS),
        ("_clat_hist" in path.name and _HISTOGRAM_LOG.match(first), _HISTOGRAMS),
        (_ERRORS.match(first), _ERRORS_OF_LOCUST),
        (_TABLE_OF_JMH.match(first), _CSV_OF_JMH),
        ("group_id" in value and "directory_name" in value, _NAMES_OF_CRITERION),
    )
    return next((hint for is_so, hint in clues if is_so), None) or tool_hint(head.value, head.text)


def _are_legacy(connections: object) -> bool:
    """Whether no series says of what type of report it is, and there is one."""
    held = connections.values() if isinstance(connections, dict) else []
    stats = [one.get("stats") for one in held if isinstance(one, dict)]
    series = [one for each in stats if isinstance(each, dict) for one in each.values()]
    return bool(series) and not any(isinstance(one, dict) and "statsType" in one for one in series)
