"""The thread that hashes a harness file ends with the import, however large the file is."""

from __future__ import annotations

import os
import threading
import time

import pytest

from pipeline import SourceError, import_sessions
from pipeline.importers.plain_text import Hashing

TEBIBYTE = 1 << 40
"""Of a file with nothing in it, which takes no room; to hash it takes half an hour."""


def of_size(path, size):
    path.touch()
    os.truncate(path, size)
    return path


def hashing_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("hash")]


def test_hashing_that_is_closed_ends_before_the_file_does(tmp_path):
    hashing = Hashing(of_size(tmp_path / "large", TEBIBYTE))
    assert hashing_threads()
    hashing.close()
    assert not hashing_threads()


@pytest.mark.parametrize("last", ["{", '{"type":"Point","metric":"x","data":{"time":"never","value":1}}'])
def test_an_import_that_fails_leaves_no_thread(tmp_path, monkeypatch, last):
    def hash_slowly(_path, is_wanted=lambda: True):
        end = time.monotonic() + 5
        while is_wanted() and time.monotonic() < end:
            time.sleep(0.01)

    monkeypatch.setattr("pipeline.importers.plain_text.file_sha256", hash_slowly)
    file = tmp_path / "k6.json"
    point = '{"type":"Point","metric":"x","data":{"time":"2026-01-01T00:00:00Z","value":1,"tags":{}}}'
    file.write_text(f"{point}\n{last}\n", encoding="utf-8")
    with pytest.raises(SourceError, match="line 2"):
        import_sessions([file], to=tmp_path / "store", importer="k6")
    assert not hashing_threads()
