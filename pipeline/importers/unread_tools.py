"""Files of tools that are known by name and not read: what to do instead, so that nobody looks for the right option."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC_BYTES = 16
_CDR = (
    "whose values stand in messages that their definitions alone explain: write those of a topic as text with "
    "ros2 topic echo --csv TOPIC, and import that with --header and --map"
)
# Its export as CSV fills the place of invalid samples, and drops all but one of the same time.
_MDF = (
    "write channels as CSV with asammdf's MDF(FILE).get(CHANNEL, ignore_invalidation_bits=True), not with its export: "
    "docs/importing.md shows how; and use --map"
)
_MAGICS = {
    b"\x89MCAP0\r\n": "is an MCAP file, which --from mcap reads, or one that is cut off within its first record",
    b"SQLite format 3\0": f"is a database of SQLite; a bag of ROS 2 is one, {_CDR}",
    b"MDF     ": f"is a file of ASAM MDF; {_MDF}",
    b"UnFinMF ": f"is a file of ASAM MDF that its writer did not finish; finish it, then {_MDF}",
    b"TDSm": "is a TDMS file of LabVIEW; write a group as CSV, with npTDMS: "
    "TdmsFile.read(FILE)[GROUP].as_dataframe(time_index=True).to_csv('x.csv'), and use --map",
}
_FLENT = (
    "is a data file of flent, whose results are interpolated to its steps; the samples of a series are lines with "
    "jq -c '.raw_values[SERIES][]', which --map time=t:s --map value=val takes; or import what irtt -o, ping -D or "
    "iperf3 --json writes"
)
_NDT7 = (
    "is a result of M-Lab's ndt7, whose measurements are snapshots of a connection: "
    "jq -c '.Download.ServerMeasurements[].TCPInfo' makes lines of them (or .Upload), which "
    "--map offset=ElapsedTime:us --map value=RTT:us takes"
)
_MLPERF = (
    "is a log of MLPerf LoadGen, which holds settings and aggregates; "
    "sed 's/^:::MLLOG //' FILE | jq -c 'select(.key | startswith(\"result_\"))' makes lines of the aggregates, "
    "mlperf_log_trace.json has the latency of each query"
)
_VITEST = (
    "is a result of vitest bench, which keeps no samples; "
    "jq -c '.files[].groups[].benchmarks[]' makes lines of its aggregates, which --map value=mean:ms takes"
)
_TINYBENCH = (
    "is a result of tinybench, whose samples, kept with retainSamples, are sorted by value; they are lines with "
    "jq -c '.[] | .name as $name | .result.latency.samples[]? | {name: $name, latency: .}', "
    "which --map value=latency:ms takes"
)
_MITATA = (
    "is a result of mitata, whose samples are sorted by value, the two least and the two greatest of many left out: "
    "jq -c '.benchmarks[].runs[] | .name as $name | .stats.samples[]? | {name: $name, time: .}' makes lines of them, "
    "which --map value=time:ns takes; without samples it holds aggregates alone"
)
_ARTILLERY = (
    "is a report of artillery, which holds counters and percentiles and no samples; write the time of each response "
    "in an afterResponse hook as a line of JSON, and import these with --map"
)
_AUTOCANNON = (
    "is a result of autocannon, which holds no samples, and with -R makes some up; write the time of each of its "
    "events 'response' as a line of JSON, and import these with --map"
)
_PERF_STAT = (
    "is a result of perf stat, whose numbers are texts, or <not counted>: "
    "jq -c -R 'fromjson? | select(.\"counter-value\" | tonumber?)' makes lines of what was counted, which "
    "--map offset=interval:s --map metric=event --map value=counter-value takes (with -I)"
)
_PERF_CSV = "is a result of perf stat -x; import what perf stat -j -I writes, after jq has taken what was counted"
_SYSSTAT = (
    "is what sadf of sysstat writes as JSON; sadf -d -U FILE -- -u writes CSV with one time a line; take '# ' from its "
    "first line, and --map time=timestamp:s --map value=%user:% takes it"
)
_SADF_CSV = (
    "is CSV of sadf (sysstat); take '# ' from its first line, let sadf write seconds with -U, and use "
    "--map time=timestamp:s and --map value=COLUMN:UNIT"
)
_IOPING = (
    "is a result of ioping: jq -c '.[] | select(.io and (.io.ignored | not)) | {time: .timestamp, latency: .io.time}' "
    "makes lines of its requests, which --map time=time:s --map value=latency:ns takes"
)
_BAG_METADATA = "describes the bag of ROS 2 beside it and holds no samples; name the bag"
_MTR_REPORT = "is a report of mtr as text, CSV or XML; import what mtr --json, or --raw for its samples, writes"
_WINDOWS_PING = (
    "is what ping of Windows prints in a language that is not read; English and German are; irtt client -o FILE "
    "measures the same there in any language, and with times"
)
_CODE_PAGE = (
    "is what ping of Windows prints, in the code page of its console; iconv -f CP850 -t UTF-8 FILE > NEW writes it so "
    "that it is read, and chcp 65001 before ping lets the console do so"
)
# Of these most files need none.
_PERF_LINE = r'\{.*"counter-value" : "'
_PERF_FIELDS = r"(?m)^ *(\d+\.\d+[,;])?(\d[\d.]*|<not (counted|supported)>)[,;][^,;]*[,;][\w.:/-]+[,;]\d+[,;]\d+[.,]\d+"
_WINDOWS_ANSWER = re.compile(r"[=<] ?\d+ ?ms TTL=\d+\s*$", re.MULTILINE)
_READ_ANSWER = r"\b(Reply from|Antwort von) \S+: "
_MANGLED = re.compile(r"Ping wird ausgef\ufffdhrt |Zeit\ufffdberschreitung der Anforderung|Ping-Statistik f\ufffdr ")
_MTR_TEXT = re.compile(r"^(Start: .*\n)?HOST: .*Loss%|^Mtr_Version,|^<\?xml[^>]*>\s*<MTR ", re.MULTILINE)


def binary_hint(path: Path) -> str | None:
    """Say what to do with a file that is no text, by its first bytes; None for one of which nothing is known.

    Args:
        path: the file.
    """
    with path.open("rb") as file:
        begin = file.read(_MAGIC_BYTES)
    return next((hint for magic, hint in _MAGICS.items() if begin.startswith(magic)), None)


def tool_hint(value: object, text: str) -> str | None:
    """Say what to do with a file of a tool that is not read; None for another file.

    Args:
        value: its first JSON value; None where there is none.
        text: its beginning.
    """
    clues = _clues_of_list(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        clues = _clues_of_object(value)
    found = next((hint for is_so, hint in clues if is_so), None)
    return found or next((hint for is_so, hint in _clues_of_text(text) if is_so), None)


def _clues_of_object(value: dict[str, Any]) -> Iterator[tuple[object, str]]:
    yield {"x_values", "raw_values"} <= value.keys() or {"x_values", "results", "metadata"} <= value.keys(), _FLENT
    transfers = [value.get("Download"), value.get("Upload")]
    yield any(isinstance(one, dict) and "ServerMeasurements" in one for one in transfers), _NDT7
    yield "benchmarks" in _first(_object(_first(value.get("files"))).get("groups")), _VITEST
    yield isinstance(value.get("layout"), list) and "runs" in _first(value.get("benchmarks")), _MITATA
    yield {"aggregate", "intermediate"} <= value.keys() and "counters" in _object(value["aggregate"]), _ARTILLERY
    latency, requests = _object(value.get("latency")), _object(value.get("requests"))
    yield "p2_5" in {**latency, **requests} and "throughput" in value, _AUTOCANNON
    yield "hosts" in _object(value.get("sysstat")), _SYSSTAT


def _clues_of_list(value: list[Any]) -> Iterator[tuple[object, str]]:
    first = _first(value)
    yield {"id", "event", "report"} <= first.keys() and "counters" in str(first["report"])[:200], _ARTILLERY
    yield "target" in first and "localtime" in first, _IOPING
    result = _object(first.get("result"))
    yield {"latency", "throughput"} <= result.keys() or {"hz", "samples", "period"} <= result.keys(), _TINYBENCH


def _clues_of_text(text: str) -> Iterator[tuple[object, str]]:
    yield text.startswith(":::MLLOG "), _MLPERF
    yield text.startswith("rosbag2_bagfile_information:"), _BAG_METADATA
    is_perf = text.startswith(("# started on ", "{"))
    yield is_perf and re.search(_PERF_LINE, text), _PERF_STAT
    yield text.startswith("# started on ") and re.search(_PERF_FIELDS, text), _PERF_CSV
    yield re.match(r"# hostname;interval;timestamp[;\[]", text), _SADF_CSV
    yield _MTR_TEXT.match(text), _MTR_REPORT
    yield _WINDOWS_ANSWER.search(text) and not re.search(_READ_ANSWER, text), _WINDOWS_PING
    yield _MANGLED.search(text), _CODE_PAGE


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(value: object) -> dict[str, Any]:
    return _object(value[0]) if isinstance(value, list) and value else {}
