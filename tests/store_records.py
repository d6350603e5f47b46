"""Changes the records of a store's sessions, as somebody does who makes their checksums anew."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq


def checksum(record):
    """As docs/commands.md has it."""
    rest = {key: value for key, value in record.items() if key != "record_sha256"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def chunk_ranges(path):
    """Where the chunks of a file lie, by column and row group."""
    metadata = pq.read_metadata(path)
    found = {}
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(at)
            first = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)))
            found[chunk.path_in_schema, group] = (first, first + chunk.total_compressed_size)
    return found


def described_file(path, *, with_chunks=False):
    """What a record says of a file of rows; of a small one it says nothing of chunks."""
    data = path.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    described = {
        "name": path.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "footer_sha256": hashlib.sha256(data[footer:]).hexdigest(),
    }
    if not with_chunks:
        return described
    ranges = chunk_ranges(path)
    index = data[max((end for _, end in ranges.values()), default=4) : footer]
    chunks = {}
    for (name, _), (first, end) in ranges.items():
        chunks.setdefault(name, []).append(hashlib.sha256(data[first:end]).hexdigest())
    return described | {"page_index_sha256": hashlib.sha256(index).hexdigest(), "column_chunk_sha256": chunks}


def recorded_file(path):
    """What the record beside a file of rows says of it."""
    pack = path.with_name("sessions.ndjson.zst")
    if not pack.exists():
        return json.loads(path.with_name("session.json").read_bytes())["files"][0]
    with pack.open("rb") as file:
        return json.loads(pa.CompressedInputStream(file, "zstd").read().partition(b"\n")[0])["files"][0]


def write_record(path, record):
    path.write_text(json.dumps(record | {"record_sha256": checksum(record)}), encoding="utf-8")


def edit_record(path, **changes):
    write_record(path, json.loads(path.read_bytes()) | changes)


def make_early(path, *, with_hash=True):
    """Make a record one of version 0.1.0, which names no files, or of one before it, which had no hashes either."""
    record = json.loads(path.read_bytes())
    (file,) = record.pop("files")
    del record["record_sha256"]
    record |= {"format_version": 1, "bytes": file["bytes"]} | ({"sha256": file["sha256"]} if with_hash else {})
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
