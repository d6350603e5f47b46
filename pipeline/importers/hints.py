"""Files of known harnesses that hold no samples, or in a form that is not read: what to import instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.importers.plain_text import Head

_K6_SUMMARY = "is a summary of k6, which holds no samples; import what k6 run --out json=FILE or --out csv=FILE writes"
_VEGETA_REPORT = "is a report of vegeta, which holds no samples; import what vegeta encode --to csv RESULTS writes"
_LEGACY_STATISTICS = (
    "holds Chrome's legacy statistics (ssrc_..., goog...), whose numbers are texts without a type; "
    "import a dump of the standard ones"
)
_RTCSTATS_DUMP = (
    "is a dump of rtcstats, whose rows hold only what changed, which is not read; "
    "import reports of getStats(), or the dump of chrome://webrtc-internals"
)
_JTL_AS_XML = (
    "is a JTL of JMeter as XML, which is not read; import one as CSV: "
    "jmeter -Jjmeter.save.saveservice.output_format=csv"
)
_HISTOGRAMS = "is fio's log of histograms, which is not read; import that of write_lat_log, or --output-format=json+"
_ERRORS_OF_LOCUST = "is Locust's list of errors, which holds no measurements; import _stats.csv or _stats_history.csv"
_RTCSTATS = re.compile(r'RTCStatsDump$|\["connectionInfo",')
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
        (isinstance(value.get("metrics"), dict) and "root_group" in value, _K6_SUMMARY),
        (isinstance(value.get("latencies"), dict) and "status_codes" in value, _VEGETA_REPORT),
        (_are_legacy(value.get("PeerConnections")), _LEGACY_STATISTICS),
        (_RTCSTATS.match(first), _RTCSTATS_DUMP),
        (re.search(r"<testResults\b", head.text[:4096]), _JTL_AS_XML),
        ("_clat_hist" in path.name and _HISTOGRAM_LOG.match(first), _HISTOGRAMS),
        (_ERRORS.match(first), _ERRORS_OF_LOCUST),
    )
    return next((hint for is_so, hint in clues if is_so), None)


def _are_legacy(connections: object) -> bool:
    """Whether no series says of what type of report it is, and there is one."""
    held = connections.values() if isinstance(connections, dict) else []
    stats = [one.get("stats") for one in held if isinstance(one, dict)]
    series = [one for each in stats if isinstance(each, dict) for one in each.values()]
    return bool(series) and not any(isinstance(one, dict) and "statsType" in one for one in series)
