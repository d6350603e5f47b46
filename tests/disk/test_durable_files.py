"""Files that end on the disk hold what was written to them, whatever the file system makes of their writes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import mmap
import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import row, write_ndjson

import pipeline
from pipeline.disk import durable
from pipeline.disk.files import new_file
from pipeline.errors import DestinationError

BLOCK = 4096
PIECES = st.lists(st.integers(0, 3 * BLOCK) | st.sampled_from([BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK]), max_size=12)
DIRECT = pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system has no O_DIRECT")


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "BLOCK_BYTES", BLOCK)
        yield


class Recorded:
    """A raw file that notes how each write was made, and can refuse or shorten it."""

    def __init__(self, file, *, refuse=None, shorten=None):
        self._file, self._refuse, self._shorten = file, refuse, shorten
        self.writes = []

    def fileno(self):
        return self._file.fileno()

    def write(self, data):
        direct = bool(fcntl.fcntl(self.fileno(), fcntl.F_GETFL) & getattr(os, "O_DIRECT", 0))
        if self._refuse and (direct or not self._refuse[1]):
            raise OSError(self._refuse[0], os.strerror(self._refuse[0]))
        if self._shorten:
            data = data[: self._shorten]
        self.writes.append((direct, data.nbytes))
        return self._file.write(data)


def write(path, pieces, **how):
    """Write pieces of text that never repeats; give what was written, and the writes of the raw file."""
    data = os.urandom(sum(pieces))
    at = 0
    with path.open("xb", buffering=0) as raw:
        file = Recorded(raw, **how)
        whole = durable.DurableFile(file)
        for size in pieces:
            whole.write(memoryview(data)[at : at + size])
            at += size
        whole.end()
    return data, file.writes


@pytest.mark.parametrize("directory", [tempfile.gettempdir(), "/dev/shm"])  # noqa: S108 - it is no disk's
@given(pieces=PIECES)
def test_a_file_holds_what_was_written(directory, pieces):
    if not Path(directory).is_dir():
        pytest.skip("there is no such directory")
    data = [os.urandom(size) for size in pieces]
    with tempfile.TemporaryDirectory(dir=directory) as place:
        path = Path(place) / "file"
        with new_file(path, "file", sync=True, hashed=True) as file:
            for one in data:
                file.write(one)
        assert path.read_bytes() == b"".join(data)
    assert file.sha256 == hashlib.sha256(b"".join(data)).hexdigest()


@DIRECT
def test_blocks_go_past_the_page_cache_and_the_rest_does_not(tmp_path):
    data, writes = write(tmp_path / "file", [100, 3 * BLOCK])
    assert (tmp_path / "file").read_bytes() == data
    assert writes == [(True, BLOCK)] * 3 + [(False, 100)]


@DIRECT
def test_a_file_shorter_than_a_block_is_written_at_its_end(tmp_path):
    data, writes = write(tmp_path / "file", [1, BLOCK - 2])
    assert (tmp_path / "file").read_bytes() == data
    assert writes == [(False, BLOCK - 1)]


@DIRECT
@given(sizes=st.lists(st.sampled_from([0, 1, 3, 8]) | st.integers(1, 20), max_size=6), odd=st.sets(st.integers(0, 5)))
def test_pages_of_memory_are_written_as_they_lie(sizes, odd):
    """Pages that follow pages are not gathered; behind anything else they are."""
    with tempfile.TemporaryDirectory() as place, (Path(place) / "file").open("xb", buffering=0) as raw:
        file = Recorded(raw)
        whole = durable.DurableFile(file)
        expected, wanted, is_whole = b"", [], True
        for at, pages in enumerate(sizes):
            memory = mmap.mmap(-1, max(pages * BLOCK, 1))
            memory[:] = os.urandom(len(memory))
            data = memoryview(memory)[: pages * BLOCK]
            if at in odd and pages:
                data, is_whole = data[:-1], False
            if is_whole and pages:
                wanted.append((True, pages * BLOCK))
            expected += bytes(data)
            whole.write(data)
        assert file.writes[: len(wanted)] == wanted
        whole.end()
        assert (Path(place) / "file").read_bytes() == expected


@DIRECT
def test_an_export_is_written_as_its_text_lies_in_memory(tmp_path, monkeypatch):
    written = []
    pages = durable.DurableFile._write_pages
    monkeypatch.setattr(durable, "BLOCK_BYTES", 2 << 20)
    monkeypatch.setattr(
        durable.DurableFile, "_write_pages", lambda self, data: [written.append(data.nbytes), pages(self, data)]
    )
    source = write_ndjson(tmp_path / "a.ndjson", [row(sequence=at) for at in range(20_000)])
    pipeline.export_measurements(source, tmp_path / "out", format="ndjson")
    size = next((tmp_path / "out").glob("measurements*")).stat().st_size
    assert size - BLOCK < sum(written) <= size
    assert all(one % BLOCK == 0 and one < (2 << 20) for one in written)


@DIRECT
def test_where_direct_writes_are_refused_they_are_made_as_usual(tmp_path):
    data, writes = write(tmp_path / "file", [5 * BLOCK + 7], refuse=(errno.EINVAL, True))
    assert (tmp_path / "file").read_bytes() == data
    assert writes == [(False, BLOCK)] * 5 + [(False, 7)]


@DIRECT
def test_where_the_flag_is_refused_writes_are_made_as_usual(tmp_path, monkeypatch):
    original = fcntl.fcntl

    def refuse(descriptor, command, argument=0):
        if command == fcntl.F_SETFL and argument & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return original(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    data, writes = write(tmp_path / "file", [5 * BLOCK + 7])
    assert (tmp_path / "file").read_bytes() == data
    assert writes == [(False, BLOCK)] * 5 + [(False, 7)]


@pytest.mark.parametrize("shorten", [512, 1000, BLOCK - 1])
def test_short_writes_are_completed(tmp_path, shorten):
    data, _ = write(tmp_path / "file", [3 * BLOCK + 7], shorten=shorten)
    assert (tmp_path / "file").read_bytes() == data


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EINVAL])
def test_other_errors_are_errors(tmp_path, code):
    with pytest.raises(OSError, match=re.escape(os.strerror(code))):
        write(tmp_path / "file", [3 * BLOCK], refuse=(code, False))


def test_a_full_device_is_said(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    with (tmp_path / "full").open("wb", buffering=0) as raw:
        whole = durable.DurableFile(raw)
        with pytest.raises(OSError, match="No space"):
            whole.write(memoryview(bytes(2 * BLOCK)))


def test_a_file_that_is_there_is_not_written(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(DestinationError), new_file(tmp_path / "file", "file", sync=True, hashed=False):
        pass
    assert (tmp_path / "file").read_bytes() == b"old"
