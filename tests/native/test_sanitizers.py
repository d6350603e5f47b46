"""The compiled part under the sanitizers, fed with random batches; a mistake in it ends the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

from pipeline.native import build

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1", "-O1")
ROUNDS = 300

FUZZ = r"""
import json, math, random, struct, sys
from pathlib import Path
import numpy as np, pyarrow as pa
import pipeline
from pipeline.native import BadDocumentError, BadLineError, DocumentCut, DocumentNames, ElementTexts, JsonLines
from pipeline.native import JsonObjects, XmlForm, XmlRows, SLACK, CsvRows, Outline, PathStep, end_of_rows
from pipeline.native import LineForms, LinePart
from pipeline.native import DamagedPagesError, list_chunk_pages
from pipeline.native import Held, JsonRows, RowLimits, RowsEnd, distinct_texts, find_text
from pipeline.native import GroupedValues, RowCheck, Series, TextBuffer, UnwritableError
from pipeline.native import digest_sums, digest_sums_of_runs

random.seed(int(sys.argv[1]))
assert Path(pipeline.__file__).is_relative_to(sys.argv[4]), "another copy would be tested"
PIECES = ['"', "\\", ",", "\n", "\r", "\t", "\x01", "\x1f", "=", "@", "\uff1d", "é", "\U0001f600", "a" * 200, "", "%s"]

def text():
    return "".join(random.choices(PIECES, k=random.randrange(6)))

def number():
    if random.random() < 0.8:
        return struct.unpack("<d", random.randbytes(8))[0]
    return random.choice([0.0, -0.0, 1e16, 1e-5])

def maybe(make):
    return None if random.random() < 0.2 else make()

def column(kind, rows):
    if kind == "bool":
        return pa.array([maybe(lambda: random.random() < 0.5) for _ in range(rows)], pa.bool_())
    if kind == "int64":
        return pa.array([maybe(lambda: random.randrange(-2**63, 2**63)) for _ in range(rows)], pa.int64())
    if kind == "float64":
        return pa.array([maybe(number) for _ in range(rows)], pa.float64())
    if kind in {"us", "ns"}:
        low, high = (-62135596800000000, 253402300800000000) if kind == "us" else (-2**63, 2**63)
        ticks = [maybe(lambda: random.randrange(low, high)) for _ in range(rows)]
        return pa.array(ticks, pa.int64()).cast(pa.timestamp(kind, "UTC"))
    values = pa.array([maybe(text) for _ in range(rows)], pa.string())
    return {"string": values, "large": values.cast(pa.large_string()), "view": values.cast(pa.string_view()),
            "dictionary": values.dictionary_encode(), "small": values.dictionary_encode().cast(
                pa.dictionary(pa.int8(), pa.string())) if rows < 100 else values}[kind]

def spoiled(array):
    # Texts of random bytes: mostly not UTF-8.
    if not pa.types.is_string(array.type):
        return array
    texts = [random.randbytes(random.randrange(9)) for _ in range(len(array))]
    return pa.Array.from_buffers(pa.string(), len(texts), pa.array(texts, pa.binary()).buffers())

def looked_at(batch):
    sizes = []
    for column in batch.columns:
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        buffers = texts.buffers()
        sizes.append(buffers[2].size if len(buffers) > 2 and buffers[2] is not None else 0)
    questions = random.choices(range(8), k=batch.num_columns)
    RowCheck(questions, random.choices([0, 3, 128], k=batch.num_columns))(batch, sizes)

def in_lines(batch):
    rows = batch.num_rows
    first = [column("dictionary", rows).fill_null("m") if rows else pa.array([], pa.string()),
             pa.array([random.randrange(-2**63, 2**63) for _ in range(rows)], pa.int64())]
    first[1] = first[1].cast(pa.timestamp("ns", "UTC"))
    first += [pa.array(range(rows), pa.int64()), column("float64", rows)]
    tags = [c for c in batch.columns if not pa.types.is_timestamp(c.type)]
    names = [f"c{at}{text()}" for at in range(len(first) + len(tags))]
    try:
        bytes(buffer.lines(pa.record_batch([*first, *tags], names=names), series))
    except UnwritableError:
        pass

def paged(data):
    try:
        list_chunk_pages(0, {0: (memoryview(data), random.choice([0, 1, 5, 2**40]))})
    except DamagedPagesError:
        pass

def in_sheet(batch):
    local = [c.cast(pa.timestamp(c.type.unit)) if pa.types.is_timestamp(c.type) and random.random() < 0.7 else c
             for c in batch.columns]
    try:
        rows = pa.record_batch(local, names=batch.schema.names)
        style, first_row = random.choice([0, 2, 2**31 - 1]), random.choice([2, 2**20, 2**62])
        bytes(buffer.sheet(rows, date_style=style, first_row=first_row))
    except UnwritableError:
        pass

def taken_apart(data):
    fields = [([c], random.random() < 0.5) for c in "ab"] + [(["a", "b"], False)]
    found = JsonLines(fields)
    for part in (data, bytes(random.sample(data, len(data))), data[: random.randrange(len(data) + 1)]):
        block = bytearray(part)
        try:
            arrays = found.read(block, len(block))
        except BadLineError:
            continue
        for array in arrays:
            assert len(array) == len(arrays[0])
            array.validate(full=True)
        assert all(keys and values >= 0 for keys, values, _ in found.unread())
        find_text(block, 0, len(block), random.choice([b"a", b'"b', b"\\n"]))

def in_rows(data):
    limits = RowLimits(random.randrange(1, 90), random.choice([50, 10_000]), random.choice([9, 9_000]), 1_000)
    rows = JsonRows(limits, 10**6, random.sample(["c", "d", "timestamp"], random.randrange(4)))
    for part in (data, bytes(random.sample(data, len(data))), data[: random.randrange(len(data) + 1)]):
        block = bytearray(part)
        at = stop = 0
        rows.begin(reads_times=random.random() < 0.5)
        while True:
            end, at = rows.read(block, at, stop, is_last=stop == len(block), is_first=not rows.lines)
            if end in {RowsEnd.UNSOUND, RowsEnd.ODD_TIME} or (end == RowsEnd.MORE and stop == len(block)):
                break
            if end == RowsEnd.MORE:
                stop = min(stop + random.randrange(1, 200), len(block))
                continue
            for column in range(len(rows.names)):
                for kind in rows.held(column) or [Held.TEXTS]:
                    array = rows.array(column, kind if kind != Held.NUMBER_NAMES else Held.FRACTIONS)
                    assert array is None or len(array) == rows.rows
                    if rows.held(column) & ~(Held.TEXTS | Held.NUMBER_NAMES) == 0:
                        rows.array(column, Held.TEXTS).validate(full=True)
                rows.dropped(column)
            rows.begin(reads_times=random.random() < 0.5)

TIMES = ["2026-11-24T16:00:00.123456789Z", "2026-11-24 16:00:00+01:30", "2026-11-24T16:00:00", ""]

def value():
    return random.choice([text(), number(), random.randrange(-2**65, 2**65), None, True, "NaN", random.random()])

def split_up(data):
    for part in (data, bytes(random.sample(data, len(data))), data[: random.randrange(len(data) + 1)]):
        size, at, is_sound, rows = len(part), 0, True, CsvRows()
        block = np.empty(size + SLACK, np.uint8)
        block[:size] = list(part)
        is_last = random.random() < 0.5
        while is_sound:
            before = at
            at, is_sound = rows.split(block, at, size, is_last=is_last, max_rows=random.randrange(1, 9))
            for column in range(rows.columns if rows.count else 0):
                texts, repeated = rows.texts(column), rows.repeated_texts(column)
                typed = [rows.integers(column), rows.floats(column), rows.booleans(column), rows.times(column, "ns")[0]]
                for array in [texts, repeated, *typed]:
                    if array is not None:
                        assert len(array) == rows.count
                        array.validate(full=True)
                assert repeated is None or repeated.to_pylist() == texts.to_pylist()
                rows.types(column)
            is_sound &= at > before
        assert at <= end_of_rows(block, at, size) <= size

XML = ['<s n="1"/>', "<s n='-2' b='x&amp;&#233;'>", "</s>", "<u>", " text é ", "</u>", '<k z="1"/>', "<q>", "</q>",
       "&lt;", '<s n="x"', ">", '<s n="1" a="é" own="x" b="y">', "&#x1F600;", "&", '"']

def cut_up(data):
    paths = [[PathStep("key", random.choice("abc"))], [PathStep("any key"), PathStep("any element")],
             [PathStep("key", "b"), PathStep("element", number=1), PathStep("any key")]]
    for part in (data, bytes(random.sample(data, len(data))), data[: random.randrange(len(data) + 1)]):
        size = random.randrange(1, len(part) + 2)
        blocks = [part[at : at + size] for at in range(0, len(part), size)]
        scanner = DocumentCut(random.sample(paths, random.randrange(4)))
        outline = Outline(random.randrange(3), checks_all=random.random() < 0.5)
        for each in (scanner, outline):
            try:
                for block in blocks:
                    if not each.is_finished:
                        each.read(block)
                if not each.is_finished:
                    each.read(b"", is_last=True)
            except BadDocumentError:
                pass
        tags = random.choices(XML, k=random.randrange(1, 30))
        form = XmlForm(["s"], {"a": ["a", "b"], "n": ["n"]}, {"u": "u"}, ["k"], ["n"], ["n"], "a", "p", "m")
        rows = XmlRows(form, "anupm")
        for markup in ("".join(tags), "".join(tags) + part.decode(errors="replace")):
            encoded = markup.encode(errors="replace")
            assert rows.read(encoded, random.choice([0, min(1, len(encoded))]))[0] <= len(encoded)
            assert all(count > 0 for count in rows.unused().values())
            for array in rows.columns():
                array.validate(full=True)
        way = random.choice([[PathStep("key", "a")], [PathStep("any element")]])
        asked = random.choice([{}, {"figures": ["b", "c"], "path": way}])
        objects = JsonObjects(["a", "b"], random.randrange(3), **asked)
        for read in (objects.read_lines, lambda *one: objects.read_elements(*one)[1]):
            try:
                for array in read(bytearray(part), len(part)):
                    array.validate(full=True)
            except BadLineError:
                pass
        texts = ElementTexts()
        for start, count, end in scanner.arrays().tolist():
            texts.start()
            texts.read(part[start : random.choice([end + 1, start + 3])], is_last=False).validate(full=True)
            # In blocks, to the bracket and beyond, or from another place.
            texts.start()
            start += random.choice([0, 0, 1])
            for at in range(start, random.choice([end + 1, end + 9]), size):
                try:
                    array = texts.read(part[at : at + size], is_last=at + size > end or random.random() < 0.05)
                except BadDocumentError:
                    break
                array.validate(full=True)

def counted(data):
    paths = [([PathStep("key", "a"), PathStep("any key")], "read"), ([PathStep("any key"), PathStep("below")], "left"),
             ([PathStep("key", "b"), PathStep("element", number=1), PathStep("any element")], "numbers"),
             ([PathStep("any element"), PathStep("any key")], "figures"), ([PathStep("below")], "read")]
    for part in (data, b"[" + data + b"," + data + b"]", bytes(random.sample(data, len(data))), data[: len(data) // 2]):
        names = DocumentNames(random.sample(paths, random.randrange(5)), limit=random.choice([1, 4, 1000]))
        size = random.randrange(1, len(part) + 2)
        try:
            for at in range(0, len(part), size):
                names.read(part[at : at + size])
            names.read(b"", is_last=True)
        except BadDocumentError:
            pass
        assert all(one.parent < at for at, one in enumerate(names.found()))

def told_apart(array):
    texts = (array if random.random() < 0.5 else pa.concat_arrays([array] * random.randrange(1, 5))).to_pylist()
    codes, firsts = distinct_texts(pa.array(texts, array.type))
    expected = {}
    assert codes.tolist() == [expected.setdefault(one, len(expected)) for one in texts]
    assert [texts[at] for at in firsts] == list(expected)
    assert firsts.tolist() == [texts.index(one) for one in expected]
    codes, firsts = distinct_texts(array)
    assert [array[int(firsts[code])].as_py() for code in codes] == array.to_pylist()

KINDS = ["bool", "int64", "float64", "us", "ns", "string", "large", "view", "dictionary", "small"]
buffer, series = TextBuffer(), Series()
FIELDS = ["word", "phrase", "name", "field", "integer", "decimal", "seconds", "nanoseconds", "json"]
SIGNS = [*'"\\:, a\t\r\n', "\\n", "\\u004a", "\\u00", "1.5", "a b", ", ", "12345678.123456789", "9" * 19, "é"]

def formed():
    between = [LinePart("text", random.choice([":", ", ", '"', "a"])) for _ in FIELDS]
    forms = LineForms([
        [LinePart("text", '"'), LinePart("json", column="json"), between[0], LinePart("words", column="words")],
        *([part for two in zip([LinePart(kind, "", kind) for kind in random.sample(FIELDS, size)], between)
           for part in two][: random.choice([2 * size - 1, 2 * size])] for size in random.choices(range(1, 4), k=3)),
    ])
    data = bytearray("".join(random.choices(SIGNS, k=random.randrange(1, 900))).encode())
    for others_alone in (False, True):
        count, arrays = forms.read(data, len(data), 1, others_alone=others_alone)
        assert count >= len(arrays[0])
        for array in arrays:
            array.validate(full=True)

for _ in range(int(sys.argv[2])):
    formed()
    rows = random.randrange(40)
    kinds = random.choices(KINDS, k=random.randrange(1, 6))
    names = [f"c{at}{text()}" for at in range(len(kinds))]
    whole = pa.record_batch([column(kind, rows) for kind in kinds], names=names)
    start = random.randrange(rows + 1)
    batch = whole.slice(start, random.randrange(rows - start + 1))
    lines = bytes(buffer.ndjson(batch)).decode().split("\n")
    assert len(lines) == batch.num_rows + 1 and lines[-1] == ""
    for line in lines[:-1]:
        assert list(json.loads(line)) == names
    taken_apart("".join(json.dumps({k: json.loads(line) if k == "a" else text() for k in random.sample("abc", 2)})
                        + random.choice(["\n", "\r\n", "\\", ""]) for line in lines[:-1]).encode())
    document = json.dumps({k: random.choice([text(), [number() for _ in range(9)], [None, {k: [1, text()]}], {k: [2]}])
                           for k in random.sample("abc", 3)}, ensure_ascii=random.random() < 0.5).encode()
    in_rows("".join(json.dumps({"timestamp": random.choice(TIMES), **{k: value() for k in random.sample("abcd", 3)}},
                               ensure_ascii=random.random() < 0.5) + "\n" for _ in range(rows)).encode())
    in_rows("".join(line + "\n" for line in lines[:-1]).encode())
    cut_up(document)
    counted(document.replace(b'"b"', random.choice([b'"a"', b'"b"'])))
    before = text().encode() * random.choice([1, 1000])
    buffer.start(before)
    assert bytes(buffer.ndjson(batch)).decode() == before.decode() + "\n".join(lines)
    buffer.ndjson(batch, as_array=True)
    split_up(bytes(buffer.csv(batch, spreadsheet=random.random() < 0.5)))
    buffer.csv(batch, spreadsheet=True, delimiter=";", decimal=",")
    in_sheet(batch)
    paged(random.choice([b"", b"\x15\x00\x15\x20\x15\x20\x2c\x15\x08"]) + random.randbytes(random.randrange(60)))
    keys = list(range(2 * len(kinds)))
    count = batch.num_rows
    ends = np.array(sorted([*random.choices(range(count + 1), k=random.randrange(4)), count]), np.int64)
    sums = digest_sums_of_runs(batch, keys, ends).astype(object).sum(axis=0) % 2**64
    assert list(sums) == digest_sums(batch, keys, count)
    in_lines(batch)
    for array in batch.columns:
        if array.type in {pa.string(), pa.large_string(), pa.string_view()}:
            told_apart(array)
    looked_at(batch)
    looked_at(pa.record_batch([spoiled(batch.column(0))], names=["c"]))

for _ in range(int(sys.argv[2]) // 10):
    groups = GroupedValues(
        [pa.int64(), pa.string(), pa.string(), pa.float64(), pa.bool_()],
        {"p50": 0.5, "p99": 0.99, "p0": 0.0, "p100": 1.0},
        lost_are_infinite=random.random() < 0.5,
        budget_bytes=random.choice([1, 20_000, 1_000_000]),
        threads=random.choice([1, 2, 9]),
        directory=Path(sys.argv[3]),
    )
    added = 0
    texts = [text() for _ in range(random.choice([1, 2, 3000]))]
    for session in range(3):
        rows = random.randrange(1, 4000)
        added += rows
        plain = pa.array([random.choice(texts) if random.random() < 0.9 else None for _ in range(rows)], pa.string())
        keys = [
            pa.array([random.randrange(1 + session * 3) for _ in range(rows)], pa.int64()),
            plain.dictionary_encode() if random.random() < 0.5 else plain,
            pa.array(["x"] * rows).dictionary_encode(),
            pa.array([maybe(lambda: random.choice([0.0, -0.0, math.nan, 1e300])) for _ in range(rows)], pa.float64()),
            pa.array([maybe(lambda: random.random() < 0.5) for _ in range(rows)], pa.bool_()),
        ]
        at = pa.array(range(rows), pa.int64())
        groups.add(keys, at, at, pa.array([maybe(number) for _ in range(rows)], pa.float64()), session=session)
    for figures in groups.figures(random.choice([1, 100, 100_000])):
        added -= sum(int(figures.integers[name].sum()) for name in ("count", "null_count", "non_finite_count"))
        for key in figures.keys:
            key.validate(full=True)
    assert added == 0
print("done")
"""


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """A copy of the package whose compiled part has the sanitizers in it, and the runtime to load first."""
    compiler = build.find_compiler()
    if compiler is None or shutil.which(compiler[0]) is None:
        pytest.skip("no C++ compiler on this machine")
    runtime = subprocess.run([*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    library = Path(runtime.stdout.strip())
    if not library.is_absolute():
        pytest.skip("this compiler has no AddressSanitizer to load")
    place = tmp_path_factory.mktemp("sanitized")
    shutil.copytree(ROOT / "pipeline", place / "pipeline", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    build.build(place / "pipeline" / "native", extra_flags=SANITIZERS)
    # The C++ runtime must be there before the sanitizer looks for what it wraps.
    names = subprocess.run([*compiler, "-print-file-name=libstdc++.so.6"], capture_output=True, text=True, check=False)
    return place, f"{library}:{names.stdout.strip()}"


@pytest.mark.parametrize("seed", range(2))
def test_random_batches_under_the_sanitizers(sanitized, seed, tmp_path):
    place, preload = sanitized
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(seed), str(ROUNDS), str(tmp_path), str(place)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(place),
            "LD_PRELOAD": preload,
            # Python keeps memory until its end; what the compiled part loses would show in the memory tests.
            "ASAN_OPTIONS": "detect_leaks=0",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "done"
