"""Names of sessions in paths: safe everywhere, unique, made of the id alone, and never outside their directory."""

from __future__ import annotations

import hashlib
import re

from directories import names_in
from hostile_names import HOSTILE_IDS, SAFE, everything_below, is_safe
from hypothesis import example, given
from hypothesis import strategies as st
from samples import row, write_ndjson

from pipeline import import_sessions, list_sessions
from pipeline.disk.safe_names import safe_name, safe_names


def twin(text, digits=12):
    """The name that `<kept>/` gets, which another session may have for its id."""
    return f"{text}-{hashlib.sha256(f'{text}/'.encode()).hexdigest()[:digits]}"


IDS = st.text(min_size=1, max_size=128) | st.sampled_from(HOSTILE_IDS) | st.from_regex(SAFE, fullmatch=True)
ENCODABLE = IDS.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@given(session_id=ENCODABLE)
@example(session_id="nul")
@example(session_id="a.")
@example(session_id="\u017f")  # the long s, whose upper case is S
@example(session_id="\u212a")  # the Kelvin sign, whose lower case is k
def test_a_name_is_safe_and_the_id_itself_where_that_is(session_id):
    name = safe_name(session_id)
    assert is_safe(name)
    assert (name == session_id) == is_safe(session_id)
    assert safe_name(session_id) == name


@given(ids=st.lists(ENCODABLE, unique=True, max_size=12))
@example(ids=HOSTILE_IDS)
@example(ids=["x/", twin("x")])
@example(ids=[twin("x").upper(), "x/"])
@example(ids=["x/", twin("x"), twin("x").upper(), twin("x", 16), twin("x", 16).upper()])
@example(ids=["\u212a", "k", "K"])
def test_names_are_unique_even_ignoring_case(ids):
    names = safe_names(ids)
    assert names.keys() == set(ids)
    assert len({name.lower() for name in names.values()}) == len(ids)
    assert all(is_safe(name) for name in names.values())


@given(ids=st.lists(ENCODABLE, unique=True, max_size=8), data=st.data())
def test_a_name_does_not_depend_on_the_order_of_the_sessions(ids, data):
    assert safe_names(ids) == safe_names(data.draw(st.permutations(ids)))


def test_names_stay_within_the_limit_whatever_collides():
    long = "y" * 90
    kept = long[:80]
    digest = hashlib.sha256(f"{long}/".encode()).hexdigest()
    taken = [f"{kept}-{digest[:digits]}" for digits in (12, 16)]
    ids = [f"{long}/", *taken, *(name.upper() for name in taken)]
    names = safe_names(ids)
    assert len({name.lower() for name in names.values()}) == len(ids)
    assert all(is_safe(name) for name in names.values())


def test_ids_that_differ_only_in_case_are_all_replaced():
    names = safe_names(["Run", "run", "other"])
    assert names["other"] == "other"
    assert re.fullmatch(r"Run-[0-9a-f]{12}", names["Run"])
    assert re.fullmatch(r"run-[0-9a-f]{12}", names["run"])


def test_a_replaced_name_keeps_what_is_allowed_of_the_id():
    digest = hashlib.sha256(b"a/b c.d").hexdigest()[:12]
    assert safe_name("a/b c.d") == f"abc.d-{digest}"
    assert re.fullmatch(r"session-[0-9a-f]{12}", safe_name("😀"))
    assert re.fullmatch(r"session-[0-9a-f]{12}", safe_name("con"))


def test_hostile_ids_stay_inside_the_store(tmp_path):
    rows = [row(session_id, 0) for session_id in HOSTILE_IDS]
    (tmp_path / "work").mkdir()
    store = tmp_path / "work" / "store"
    import_sessions(write_ndjson(tmp_path / "work" / "a.ndjson", rows), store)
    directories = names_in(store / "sessions")
    assert all(is_safe(name) for name in directories)
    assert len({name.lower() for name in directories}) == len(HOSTILE_IDS)
    outside = [name for name in everything_below(tmp_path) if not name.startswith("work/store/")]
    assert outside == ["work", "work/a.ndjson", "work/store"]
    assert names_in(store) == ["index.parquet", "sessions", "staging", "store.json"]
    assert {session["session_id"] for session in list_sessions(store)} == set(HOSTILE_IDS)


def test_sessions_that_come_later_get_names_of_their_own(tmp_path):
    """Ids that collide but for case, or with a replaced name, in imports after one another."""
    ids = ["run", "RUN", "x/", twin("x"), twin("x").upper(), twin("x", 16)]
    for at, session_id in enumerate(ids):
        import_sessions(write_ndjson(tmp_path / f"{at}.ndjson", [row(session_id, at)]), tmp_path / "store")
    assert {session["session_id"] for session in list_sessions(tmp_path / "store")} == set(ids)
    directories = names_in(tmp_path / "store" / "sessions")
    assert len({name.lower() for name in directories}) == len(ids)
    # Each is found again to be replaced.
    for at, session_id in enumerate(ids):
        source = write_ndjson(tmp_path / f"{at}.ndjson", [row(session_id, at, value=float(at))])
        import_sessions(source, tmp_path / "store", if_exists="replace")
    assert names_in(tmp_path / "store" / "sessions") == sorted(directories)
    assert len(list_sessions(tmp_path / "store")) == len(ids)
