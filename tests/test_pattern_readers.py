"""Other engines read a store by a pattern: beside what changes it they have each session old or new, or an error."""

from __future__ import annotations

from pattern_readers import read_beside_changes


def test_a_reader_by_a_pattern_never_has_a_mixture(tmp_path):
    outcomes = read_beside_changes(tmp_path, reads=60)
    assert outcomes["as before"]
    assert outcomes.total() >= 60
