"""Bad text: encodings, numbers, times, keys, and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from made import CORPORA, CSV_HEADER, CSV_LINE, EXPORT, IMPORT, ndjson_line, one_file
from mutations import csv_bytes, ndjson_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judging import HostileInput


def bad_text() -> Iterator[HostileInput]:
    """Bytes that are no text, or another text than they seem."""
    lines, table = ndjson_bytes(), csv_bytes()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"):
        for file_name, data in (("a.ndjson", lines), ("a.csv", table)):
            changed = data.decode().replace("😀", "x").encode(encoding)
            yield one_file(f"{file_name} in {encoding}", file_name, changed, good=None)
    yield one_file("NDJSON with BOM", "a.ndjson", b"\xef\xbb\xbf" + lines, good=True)
    yield one_file("NDJSON with two BOMs", "a.ndjson", b"\xef\xbb\xbf" * 2 + lines)
    yield one_file("NDJSON with a BOM in the middle", "a.ndjson", lines + b"\xef\xbb\xbf" + lines)
    yield one_file("CSV with BOM", "a.csv", b"\xef\xbb\xbf" + table, good=True)
    wrong = {
        "a lone byte": b"\xff",
        "overlong": b"\xc0\xaf",
        "a surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "cut": b"\xe2\x82",
        "NUL": b"\0",
        "a continuation": b"\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
    }
    for what, data in wrong.items():
        for at, place in enumerate((b"r1", b"control_rtt", b"robot", b"s1", b"ms")):
            yield one_file(f"NDJSON, {what} in {place!r}", "a.ndjson", lines.replace(place, data + place))
            changed = table.replace(place, place + data)
            yield one_file(f"CSV, {what} in {place!r}", "a.csv", changed, command=IMPORT if at % 2 else EXPORT)
    for at, text in enumerate(("\\ud800", "\\udfff", "\\ud800\\ud800", "\\udc00\\ud800", "\\u0000", "x\\u0000y")):
        for key, more in ((False, f',"x":"{text}"'), (True, f',"{text}":1')):
            yield one_file(f"escape {text}, key {key}", "a.ndjson", ndjson_line(at, more=more))


def bad_values() -> Iterator[HostileInput]:
    """Numbers, times and keys."""
    numbers = (
        "1e400",
        "-1e400",
        "1e-400",
        "9" * 400,
        "-" + "9" * 5000,
        "0." + "3" * 5000,
        "1" + "0" * 100_000,
        "NaN",
        "Infinity",
        "-Infinity",
        '"NaN"',
        '"nan"',
        '"1.5"',
        "0x10",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "--1",
        "1_000",
        "true",
        "[]",
        "{}",
        "\u0661",
        "-0",
        "-0.0",
        "9007199254740993",
        "1e22",
        "5e-324",
        "2.4703282292062327e-324",
    )
    for number in numbers:
        shown = number[:20]
        yield one_file(f"value {shown}", "a.ndjson", ndjson_line(value=number), good=None)
        yield one_file(f"sequence {shown}", "a.ndjson", ndjson_line(sequence=number), good=None)
        yield one_file(f"attribute {shown}", "a.ndjson", ndjson_line(more=f',"x":{number}'), good=None, command=IMPORT)
        plain = number.strip('"').encode()
        yield one_file(f"CSV value {shown}", "a.csv", CSV_HEADER + CSV_LINE.replace(b"1.5", plain), good=None)
        yield one_file(
            f"CSV sequence {shown}", "a.csv", CSV_HEADER + CSV_LINE.replace(b",0,", b"," + plain + b","), good=None
        )
    times = (
        "",
        " ",
        "now",
        "2026",
        "2026-11-24",
        "2026-11-24T16:00",
        "2026-11-24T16:00:00",
        "2026-11-24T24:00:00Z",
        "2026-11-24T16:60:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "2026-11-24T16:00:00+25:00",
        "2026-11-24T16:00:00+00:00:00",
        "2026-11-24T16:00:00.Z",
        "2026-11-24T16:00:00Zjunk",
        "2026-11-24T16:00:00Z\\n",
        "9" * 5000,
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "\uff12\uff10\uff12\uff16-11-24T16:00:00Z",
        "2026-11-24T16:00:00\u2212" + "01:00",
        "infinity",
        "-infinity",
        "epoch",
        "2026-W48-2",
        "20261124T160000Z",
        "1764000000",
    )
    for time in times:
        yield one_file(f"time {time[:30]}", "a.ndjson", ndjson_line(timestamp=time))
        changed = CSV_LINE.replace(b"2026-11-24T16:00:00Z", time.replace("\\n", "x").encode())
        yield one_file(f"CSV time {time[:30]}", "a.csv", CSV_HEADER + changed)
    keys = (
        ',"x":1,"x":2',
        ',"x":1,"\\u0078":2',
        ',"":1',
        ',"a\\nb":1',
        f',"{"k" * 100_000}":1',
        ',"Value":1',
        ',"value":2',
    )
    for more in keys:
        yield one_file(f"keys {more[:30]}", "a.ndjson", ndjson_line(more=more), good=None)
    for text in (
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"x":' * 50_000 + "1" + "}" * 50_000,
        '"' + "x" * 3_000_000,
    ):
        yield one_file(f"{len(text)} of {text[:6]}", "a.ndjson", text.encode())
        yield one_file(f"attribute, {len(text)} of {text[:6]}", "a.ndjson", ndjson_line(more=f',"x":{text}'))
    wide = b"".join(ndjson_line(at, more=f',"k{at}":1') for at in range(5000))
    yield one_file("each row has a key of its own", "a.ndjson", wide, good=None)
    yield one_file(
        "100,000 keys", "a.ndjson", ndjson_line(more="".join(f',"k{at}":1' for at in range(100_000))), good=None
    )


def bad_csv() -> Iterator[HostileInput]:
    """What may be wrong with CSV alone."""
    core = b"session_id,sequence,timestamp,metric,value,unit"
    values = CSV_LINE.rstrip()
    yield one_file("CSV, 50,000 columns", "a.csv", core + b",x" * 50_000 + b"\n" + values + b",1" * 50_000 + b"\n")
    wide = core + b"".join(b",x%d" % at for at in range(20_000)) + b"\n" + values + b",1" * 20_000 + b"\n"
    yield one_file("CSV, 20,000 columns of their own names", "a.csv", wide, good=None)
    for name, data in {
        "a quote that never ends": CSV_HEADER + CSV_LINE + b'"' + CSV_LINE * 100_000,
        "a quote inside": CSV_HEADER + CSV_LINE.replace(b"ms", b'm"s'),
        "text behind a quote": CSV_HEADER + CSV_LINE.replace(b"ms", b'"m"s'),
        "semicolons": (CSV_HEADER + CSV_LINE).replace(b",", b";"),
        "tabs": (CSV_HEADER + CSV_LINE).replace(b",", b"\t"),
        "carriage returns alone": (CSV_HEADER + CSV_LINE).replace(b"\n", b"\r"),
        "no header": CSV_LINE * 3,
        "header twice": CSV_HEADER * 2 + CSV_LINE,
        "a field more": CSV_HEADER + CSV_LINE + CSV_LINE.replace(b"ms", b"ms,"),
        "a field less": CSV_HEADER + CSV_LINE + CSV_LINE.replace(b",ms", b""),
        "doubled columns": CSV_HEADER.replace(b"unit", b"unit,unit") + CSV_LINE.replace(b"ms", b"ms,ms"),
        "doubled values": CSV_HEADER.replace(b"unit", b"value") + CSV_LINE,
        "columns that differ in case": CSV_HEADER.replace(b"unit", b"unit,Unit") + CSV_LINE.replace(b"ms", b"ms,ms"),
        "an empty name": CSV_HEADER.replace(b"unit", b'unit,""') + CSV_LINE.replace(b"ms", b"ms,ms"),
        "a name of many lines": CSV_HEADER.replace(b"unit", b'"u\nn\nit"') + CSV_LINE,
        "empty lines": b"\n" * 1_000_000,
        "empty lines behind the header": CSV_HEADER + b"\n" * 1_000_000,
        "commas": b"," * 1_000_000,
        "quotes": b'"' * 1_000_001,
        "NULs": bytes(1_000_000),
        "a NUL at the end": CSV_HEADER + CSV_LINE + b"\0",
        "an end-of-file sign": CSV_HEADER + CSV_LINE + b"\x1a",
        "spaces around": CSV_HEADER + CSV_LINE.replace(b",", b" , "),
        "a comment": b"# made by x\n" + CSV_HEADER + CSV_LINE,
    }.items():
        yield one_file(f"CSV, {name}", "a.csv", data, good=None)
    for path in sorted((CORPORA / "csv-spectrum").glob("*.csv")):
        for command in (EXPORT, (*IMPORT, "--session-id", "s"), (*IMPORT, "--skip-bad")):
            yield one_file(f"csv-spectrum, {path.name}", "a.csv", path.read_bytes(), command=command)
