"""Changes the records of a store's sessions, as somebody does who makes their checksums anew."""

import hashlib
import json


def checksum(record):
    """As docs/commands.md has it."""
    rest = {key: value for key, value in record.items() if key != "record_sha256"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
