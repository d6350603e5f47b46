"""Results in Jupyter: what they hold is shown, and whatever it is, it is text."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

import pipeline

HOSTILE = "<img src=x onerror=alert(1)>&\"'</td>"
TAGS = {"div", "p", "table", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """Reads a page, of which no tag but those of a table are wanted."""

    def __init__(self, page):
        super().__init__()
        self.open, self.cells, self.text = [], [], ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= {"style"}
        self.open.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open[-1] in {"td", "th"}:
            self.cells[-1] += data


@pytest.fixture
def hostile_store(tmp_path):
    """A store in a directory, with a session, whose names are HTML."""
    store = tmp_path / HOSTILE.replace("/", "")
    with pipeline.record_session(store, session_id=HOSTILE, configuration={HOSTILE: 1}, harness=HOSTILE) as session:
        session.record(HOSTILE, 1.5, unit="ms", **{HOSTILE: "x"})
        session.record(HOSTILE, None, unit="ms")
        page = Page(session._repr_html_())
    assert f"{HOSTILE}: being recorded into {store}, 2 measurements" in page.text
    assert page.cells == ["attribute", "type", HOSTILE, "str"]
    return store


def test_sessions_are_shown_as_text(hostile_store):
    sessions = pipeline.list_sessions(hostile_store)
    assert json.loads(json.dumps(sessions)) == sessions == [dict(sessions[0])]
    page = Page(sessions._repr_html_())
    assert page.text.startswith("1 session")
    row = dict(zip(page.cells[:8], page.cells[8:], strict=True))
    assert (row["session_id"], row["harness"], row["metrics"]) == (HOSTILE, HOSTILE, HOSTILE)
    assert (row["measurements"], row["lost"]) == ("2", "1")
    assert json.loads(row["configuration"]) == {HOSTILE: 1}


def test_reports_are_shown_as_text(hostile_store, tmp_path):
    to = tmp_path / f"out {HOSTILE}".replace("/", "")
    report = pipeline.export_measurements(hostile_store, to, with_statistics=True)
    page = Page(report._repr_html_())
    assert f"{to}: 3 files, 3 rows, " in page.text
    assert [one.name for one in report.files] == page.cells[5::5]
    assert [one.sha256 for one in report.files] == page.cells[9::5]
    again = pipeline.export_measurements(hostile_store, to, with_statistics=True)
    assert "was there already" in Page(again._repr_html_()).text
    empty = pipeline.export_measurements(hostile_store, tmp_path / "empty", since="2030-01-01")
    assert "warning: nothing matches" in Page(empty._repr_html_()).text


def test_a_verification_is_shown_as_text(hostile_store, tmp_path):
    to = tmp_path / f"out {HOSTILE}".replace("/", "")
    pipeline.export_measurements(hostile_store, to)
    found = Page(pipeline.verify_package(to)._repr_html_())
    assert f"{to}: no problem found in 2 files, 3 rows read back" in found.text
    (to / HOSTILE.replace("/", "")).touch()
    found = Page(pipeline.verify_package(to, quick=True)._repr_html_())
    assert f"{to}: 1 problem in 2 files in " in found.text
    assert found.cells[2] == HOSTILE.replace("/", "")


def test_an_import_is_shown_as_text(hostile_store, tmp_path):
    rows = [{"session_id": one, "sequence": 0, "metric": "x", "value": 1} for one in (HOSTILE, "<b>new</b>")]
    rows = [row | {"timestamp": "2026-01-01T00:00:00Z", "unit": None} for row in rows]
    rows.append(rows[1] | {"value": "x", "sequence": 1})
    (tmp_path / "rows.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = pipeline.import_sessions(tmp_path / "rows.ndjson", hostile_store, if_exists="skip", skip_bad=True)
    page = Page(report._repr_html_())
    assert f"{hostile_store}: 1 session, 1 row imported in " in page.text
    assert "1 bad row left out" in page.text
    assert page.cells == ["session_id", "is", "<b>new</b>", "imported", HOSTILE, "unchanged"]


def test_of_very_many_sessions_the_first_are_shown(hostile_store):
    sessions = pipeline.list_sessions(hostile_store)
    page = Page(type(sessions)(sessions * 1500)._repr_html_())
    assert page.text.startswith("1,500 sessions")
    assert page.text.rstrip().endswith("and 1,300 more")
    assert len(page.cells) == 201 * 8


def test_long_texts_are_cut(tmp_path):
    with pipeline.record_session(tmp_path / "store", configuration={"x": "y" * 5000}) as session:
        session.record("m", 1.0)
    assert len(pipeline.list_sessions(tmp_path / "store")._repr_html_()) < 2000
