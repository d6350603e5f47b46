"""MCAP: times and gaps of all messages and numbers of those in JSON, as the package `mcap` reads them."""

from __future__ import annotations

import io
import itertools
import json
import struct
import sys
import zlib
from collections import Counter, defaultdict

import lz4.frame
import pytest
import zstandard
from mcap.exceptions import EndOfFile
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer
from project import SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions
from pipeline.importers import mcap_records
from pipeline.importers.decoded import Told, load_reader

REAL = sorted([*(SHARED / "harness" / "mcap").glob("*.mcap"), *(SHARED / "recorded" / "mcap").glob("*.mcap")])
T0 = 1795882000000000001
QUERY = """SELECT metric, value, unit, epoch_ns(timestamp), publish_time_ns, topic, schema, encoding,
    message_sequence, element FROM measurements"""
MAGIC = b"\x89MCAP0\r\n"


def written(messages=40, *, step=3, **options):
    """A file whose messages are of three topics, two of them in JSON, in an order that is not that of time."""
    out = io.BytesIO()
    writer = Writer(out, **{"chunk_size": 900, **options})
    writer.start("ros2", "tests")
    schema = writer.register_schema("Rtt", "jsonschema", b'{"type": "object"}')
    binary = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
    channels = [
        writer.register_channel("/rtt", "json", schema),
        writer.register_channel("/größe", "json", 0),
        writer.register_channel("/chatter", "cdr", binary),
        writer.register_channel("/rtt", "json", schema, {"callerid": "other"}),
    ]
    writer.add_metadata("run", {"robot": "r7", "site": "Köln"})
    writer.add_attachment(T0, T0, "calibration.yaml", "text/yaml", b"a: 1")
    for number in range(messages):
        place = number * step % messages
        value = {
            "rtt": place / 4,
            "nested": {"n": 2**53 + 2 * place, "list": [1, [2.5]]},
            "ok": True,
            "name": "x",
            "no": None,
        }
        data = b"\x00\x01\x00\x00abc" if number % 4 == 2 else json.dumps(value, ensure_ascii=False).encode()
        time = T0 + place * 1_000_003
        writer.add_message(channels[number % 4], time, data, time - place * 7, number)
    writer.finish()
    return out.getvalue()


def read_with_mcap(data):
    """Messages with their channel and the name of their schema, in the file's order; what is whole of a file."""
    schemas, channels, found = {0: None}, {}, []
    try:
        for record in StreamReader(io.BytesIO(data), validate_crcs=True).records:
            if isinstance(record, Schema):
                schemas[record.id] = record.name
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message):
                channel = channels[record.channel_id]
                found.append((record, channel, schemas[channel.schema_id]))
    except (EndOfFile, struct.error):
        pass  # the package raises either where a file ends early
    return found


def numbers(value, path, element=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(one, f"{path}.{key}", element)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from numbers(one, f"{path}[]", (*element, str(place)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value), ",".join(element) or None


def expected_of(data):
    messages = read_with_mcap(data)
    times = defaultdict(list)
    for message, channel, _ in messages:
        times[channel.topic].append(message.log_time)
    before = {}
    for topic, logged in times.items():
        ordered = sorted(logged)
        before[topic] = Counter({(now, now - then): 1 for then, now in itertools.pairwise(ordered)})
    found = []
    for message, channel, schema in messages:
        more = (
            message.log_time,
            message.publish_time,
            channel.topic,
            schema,
            channel.message_encoding,
            message.sequence,
        )
        found.append(("message_latency", float(message.log_time - message.publish_time), "ns", *more, None))
        for (time, gap), count in before[channel.topic].items():
            if time == message.log_time and count:
                found.append(("message_gap", float(gap), "ns", *more, None))
        if channel.message_encoding == "json":
            value = json.loads(message.data)
            found += [(path, number, None, *more, place) for path, number, place in numbers(value, channel.topic)]
    return found


def imported(tmp_path, data, name="x.mcap"):
    path = tmp_path / name
    path.write_bytes(data)
    store = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
    import_sessions(path, store, timestamp_unit="ns")
    (session,) = list_sessions(store)
    return rows_of(store, f"{QUERY} ORDER BY sequence"), session


def record(kind, content):
    return struct.pack("<BQ", kind, len(content)) + content


def text(value):
    return struct.pack("<I", len(value)) + value.encode()


HEADER = record(1, text("") + text("tests"))
CHANNEL = record(4, struct.pack("<HH", 1, 0) + text("/a") + text("json") + struct.pack("<I", 0))
END = record(15, struct.pack("<I", 0)) + record(2, bytes(20)) + MAGIC


def message(data=b'{"a": 1}', channel=1, time=T0, publish=T0):
    return record(5, struct.pack("<HIQQ", channel, 0, time, publish) + data)


def chunk(records, *, says=None, compression="", packed=None, checksum=0):
    data = records if packed is None else packed
    says = len(records) if says is None else says
    head = struct.pack("<QQQI", T0, T0, says, checksum) + text(compression) + struct.pack("<Q", len(data))
    return record(6, head + data)


def file_of(*parts):
    return MAGIC + HEADER + b"".join(parts) + END


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_files_give_what_the_package_reads(tmp_path, path):
    found, _ = imported(tmp_path, path.read_bytes())
    assert found == expected_of(path.read_bytes())


KINDS = {
    "zstd": {"compression": CompressionType.ZSTD},
    "lz4": {"compression": CompressionType.LZ4},
    "plain": {"compression": CompressionType.NONE},
    "no chunks": {"use_chunking": False},
    "no checksums": {"enable_crcs": False},
    "no summary": {
        "use_statistics": False,
        "use_summary_offsets": False,
        "repeat_channels": False,
        "repeat_schemas": False,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_what_the_package_reads(tmp_path, kind):
    data = written(**KINDS[kind])
    found, session = imported(tmp_path, data)
    assert found == expected_of(data)
    assert len(found) > 100
    assert session["configuration"] == {
        "profile": "ros2",
        "library": session["configuration"]["library"],
        "metadata": {"run": {"robot": "r7", "site": "Köln"}},
        "attachments": [
            {
                "name": "calibration.yaml",
                "media_type": "text/yaml",
                "record_bytes": session["configuration"]["attachments"][0]["record_bytes"],
            }
        ],
    }


def test_what_is_not_read_is_told(tmp_path):
    _, session = imported(tmp_path, written())
    topics = {"/rtt": 20, "/größe": 10}
    assert session["origin"]["ignored"] == {
        "attachments": 1,
        "messages in cdr": 10,
        **{f"{topic}.{key}": count for topic, count in topics.items() for key in ("name", "ok")},
    }
    (warning,) = session["origin"]["warnings"]
    assert warning.startswith(
        "has 10 messages in cdr, of which the times were read and not the contents: /chatter; ros2 topic"
    )
    facts = session["metric_facts"]
    assert {facts[name]["kind"] for name in ("message_latency", "message_gap")} == {"duration"}


@pytest.mark.parametrize("kind", ["zstd", "no chunks"])
def test_of_a_file_that_is_cut_off_what_is_whole_is_taken(tmp_path, kind):
    data = written(13, **KINDS[kind])
    told = 0
    reader = load_reader("mcap")
    for size in range(len(MAGIC) + 9, len(data), 61):
        path = tmp_path / "cut.mcap"
        path.write_bytes(data[:size])
        notes = Told()
        found = sum(batch.num_rows for batch in reader.read(path, notes)) - 1  # the first is of the file itself
        assert found == len(expected_of(data[:size]))
        has_end = size >= data.index(record(15, b"\0" * 4)[:9]) + 9
        said = any("is cut off within the record at byte" in note or "has no end" in note for note in notes.notes)
        assert said is not has_end
        told += said
    assert told > 5


def test_times_that_say_nothing_are_no_latencies(tmp_path):
    later = message(time=T0 + 5, publish=0)
    found, session = imported(tmp_path, file_of(CHANNEL, message(publish=T0 - 2**53), later))
    latencies = [row[1] for row in found if row[0] == "message_latency"]
    assert latencies == [2**53, None]
    assert session["origin"]["warnings"] == [
        "has 1 messages without a publish time near their log time, which have no latency"
    ]
    _, session = imported(tmp_path, file_of(CHANNEL, message()), "same.mcap")
    assert session["origin"]["warnings"] == [
        "has the log time as the publish time of all messages, so that latencies are 0"
    ]


ZEROS = bytes(4 << 20)
PACKED = {"zstd": zstandard.compress(ZEROS), "lz4": lz4.frame.compress(ZEROS)}
BAD = {
    "zstd bomb": (chunk(b"", says=1000, compression="zstd", packed=PACKED["zstd"]), "unpacks to more than the 1,000"),
    "lz4 bomb": (chunk(b"", says=1000, compression="lz4", packed=PACKED["lz4"]), "unpacks to more than the 1,000"),
    "too large": (chunk(b"", says=1 << 40), "byte 30 says that it unpacks to 1,099,511,627,776 bytes; 134,217,728"),
    "less": (chunk(message(), says=1000), "unpacks to less than the 1,000 bytes"),
    "no zstd": (chunk(b"", says=4, compression="zstd", packed=b"abcd"), "is damaged: it is no zstd"),
    "no lz4": (chunk(b"", says=4, compression="lz4", packed=b"abcd" * 9), "is damaged: it is no lz4"),
    "unknown": (chunk(b"", compression="brotli"), "is packed with 'brotli'; zstd and lz4 can be read"),
    "checksum": (chunk(message(), checksum=7), "the chunk at byte 30 is damaged: its checksum is another"),
    "chunk in chunk": (chunk(chunk(message())), "the chunk at byte 30 holds another chunk"),
    "half a record": (chunk(message()[:20]), "the chunk at byte 30 ends within a record"),
    "head": (record(6, bytes(20)), "the chunk at byte 30 is damaged: its head cannot be read"),
    "no records": (record(6, bytes(28) + text("") + struct.pack("<Q", 99)), "of 99 bytes of records it has 0"),
    "channel": (message(channel=9), "byte 30: a message is of channel 9, which did not come"),
    "no channel": (record(4, b"\x01\x00"), "byte 30: a record of kind 4 cannot be read"),
    "short message": (record(5, b"\x01\x00"), "byte 30: a message ends early"),
    "late": (CHANNEL + message(time=2**63), "a message is later than nanoseconds in 63 bits count"),
    "no record": (bytes(9), "byte 30: is no record of MCAP"),
    "no JSON": (CHANNEL + message(b"{"), "byte 61: message 0 of topic '/a' is no JSON"),
    "no text": (CHANNEL + message(b"\xff"), "byte 61: message 0 of topic '/a' is no JSON"),
    "nested": (CHANNEL + message(b"[" * 100_000), "byte 61: message 0 of topic '/a' is no JSON"),
    "inexact": (CHANNEL + message(b'{"n": 9007199254740993}'), "9007199254740993 does not fit float64 without loss"),
    "other channel": (CHANNEL + CHANNEL.replace(b"/a", b"/b"), "channel 1 is there again, and another"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_damaged_or_hostile_is_refused(tmp_path, case):
    content, reason = BAD[case]
    (tmp_path / "x.mcap").write_bytes(file_of(content))
    with pytest.raises(SourceError, match=rf"x\.mcap: .*{reason}"):
        import_sessions(tmp_path / "x.mcap", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_no_more_is_unpacked_than_a_chunk_says():
    for compression, packed in PACKED.items():
        with pytest.raises(SourceError, match="unpacks to more"):
            mcap_records.unpacked(memoryview(packed), compression, 10, "x")
        assert mcap_records.unpacked(memoryview(packed), compression, len(ZEROS), "x") == ZEROS


def test_checksums_are_compared(tmp_path):
    inner = message()
    found, _ = imported(tmp_path, file_of(CHANNEL, chunk(inner, checksum=zlib.crc32(inner))))
    assert [row[:2] for row in found] == [("message_latency", 0), ("/a.a", 1)]


def test_lz4_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    (tmp_path / "x.mcap").write_bytes(written(**KINDS["lz4"]))
    with pytest.raises(SourceError, match=r"packed with lz4, which is not installed: .*pip install '\.\[mcap\]'"):
        import_sessions(tmp_path / "x.mcap", tmp_path / "store")


def test_a_file_of_one_magic_is_told(tmp_path):
    (tmp_path / "x.mcap").write_bytes(MAGIC)
    with pytest.raises(SourceError, match=r"is an MCAP file, .* cut off within its first record"):
        import_sessions(tmp_path / "x.mcap", tmp_path / "store")
