"""A path in a store never changes its content, whatever happens to the store: who knows it is right or has an error."""

from __future__ import annotations

import hashlib
import json
import random

import pytest
from directories import measurement_files
from samples import row, write_ndjson

from pipeline import SourceError, compact_store, delete_sessions, import_sessions, list_sessions, verify_store

ALONE = ("s0", "s1")
PACKED = tuple(f"p{number:02}" for number in range(66))
STEPS = 25


class Story:
    """Changes a store, and looks after each change whether a path that it had before leads to other bytes."""

    def __init__(self, store, seed):
        self.store = store
        self.random = random.Random(seed)  # noqa: S311 - the same each time
        self.there: set[str] = set()
        self.seen: dict[str, str] = {}
        self.value = 0

    def add(self, ids):
        self.value += 1  # no two imports have the same rows
        rows = [row(one, at, value=self.value + at) for one in ids for at in range(2)]
        self.there |= set(ids)
        import_sessions(write_ndjson(self.store.parent / "rows.ndjson", rows), self.store, if_exists="replace")

    def delete(self, ids):
        gone = [one for one in ids if one in self.there]
        self.there -= set(gone)
        if gone:
            delete_sessions(self.store, sessions=gone, recorded=bool(self.value % 2))

    def step(self):
        ids = self.random.choice([ALONE, PACKED, PACKED[:1], PACKED[3:5], (*ALONE, *PACKED)])
        what = self.random.choice([self.add, self.add, self.delete, self.delete, self.compact])
        what(ids)

    def compact(self, _):
        compact_store(self.store)

    def look(self):
        for file in measurement_files(self.store):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            assert self.seen.setdefault(str(file.relative_to(self.store)), content) == content, file


@pytest.mark.parametrize("seed", range(6))
def test_no_path_leads_to_other_rows_than_before(tmp_path, seed):
    story = Story(tmp_path / "store", seed)
    story.add((*ALONE, *PACKED))
    for _ in range(STEPS):
        story.look()
        story.step()
    story.add(ALONE)
    story.look()
    assert not verify_store(story.store).problems


def test_a_session_that_comes_again_has_another_file(tmp_path):
    story = Story(tmp_path / "store", 0)
    for number in range(3):
        story.add(ALONE)
        names = {file.name for file in measurement_files(story.store)}
        assert names == {f"measurements-{number:04}.parquet"}
        story.delete(ALONE[:1])
        story.delete(ALONE[1:])
    assert json.loads((story.store / "store.json").read_text())["next_file_number"] == 3


def test_a_session_that_comes_again_out_of_a_pack_has_another_file(tmp_path):
    story = Story(tmp_path / "store", 0)
    story.add(PACKED)
    for _ in range(3):
        story.add(ALONE)
        story.look()
    compact_store(story.store)
    assert len({file.parent for file in measurement_files(story.store)}) == 1
    story.delete(ALONE)
    story.add(ALONE)
    story.look()


@pytest.mark.parametrize("number", [-1, True, "1", 1.5, None])
def test_a_number_that_is_none_is_an_error(tmp_path, number):
    story = Story(tmp_path / "store", 0)
    story.add(ALONE)
    said = json.loads((story.store / "store.json").read_text()) | {"next_file_number": number}
    (story.store / "store.json").write_text(json.dumps(said))
    with pytest.raises(SourceError, match=r"store\.json: next_file_number .*0 or more"):
        list_sessions(story.store)
