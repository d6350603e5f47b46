"""The tables of docs/importing.md name every harness, and the versions that its importers say."""

from __future__ import annotations

import re
from collections import defaultdict

from project import ROOT

from pipeline import list_harnesses

TEXT = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")


def rows_of(heading):
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [(cells[0].strip("`"), *cells[1:]) for cells in rows[2:]]


def said():
    """The versions that importers say, by harness; those of one harness say the same or nothing."""
    found = defaultdict(set)
    for one in list_harnesses():
        found[one["harness"]] |= {" to ".join(one["versions"])} if one["versions"] else set()
    return found


def test_every_harness_is_in_a_table():
    # The first cell of a row names one, or several with commas between them.
    first = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    named = {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}
    assert set(said()) - named == set()
    assert {name for name, *_ in rows_of("What files cannot tell")} <= set(said())


def test_versions_are_those_of_the_importers():
    for name, versions, lacking, source in rows_of("What files cannot tell"):
        told = said()[name]
        assert versions in told or (versions == "any" and not told), name
        assert lacking, name
        assert re.fullmatch(r"\[[^]]+\]\(https://\S+\)", source), name
