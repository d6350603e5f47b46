"""What ping, fping, mtr and cyclictest print in other versions, with other options, in other languages."""

from __future__ import annotations

import random

import pytest
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions

STARTED = "2026-01-01T00:00:00Z"
SUMMARY = "\n--- h ping statistics ---\n{} packets transmitted, {} received, 0% packet loss, time 9ms\n"
HEAD = "PING h (192.0.2.1) 56(84) bytes of data.\n"


def answers(tmp_path, text, columns="value, icmp_seq, outcome", name="x.txt"):
    """The samples of a text, and what was said of it."""
    (tmp_path / name).write_text(text)
    warnings = import_sessions(tmp_path / name, tmp_path / name.replace(".", "-"), started_at=STARTED).warnings
    store = tmp_path / name.replace(".", "-")
    query = f"SELECT {columns} FROM measurements WHERE metric IN ('rtt', 'latency') ORDER BY sequence"
    return rows_of(store, query), [one.split(": ", 1)[1] for one in warnings]


LINES = {
    "64 bytes from h (192.0.2.1): icmp_seq=7 ttl=55 time=17.6 ms": (17.6, 7, "h (192.0.2.1)", 55),
    "64 bytes from h (192.0.2.1): icmp_req=7 ttl=55 time=17.6 ms": (17.6, 7, "h (192.0.2.1)", 55),
    "64 bytes from fe80::1%eth0: icmp_seq=7 ttl=64 time=0.064 ms": (0.064, 7, "fe80::1%eth0", 64),
    "64 bytes from ::1: icmp_seq=7 ident=16797 ttl=64 time=0.064 ms": (0.064, 7, "::1", 64),
    "64 bytes from 192.0.2.1: seq=7 ttl=64 time=0.067 ms": (0.067, 7, "192.0.2.1", 64),
    "64 bytes from 192.0.2.1: icmp_seq=7 ttl=64 time=0,045 ms": (0.045, 7, "192.0.2.1", 64),
    "16 bytes from ::1, icmp_seq=7 hlim=64 time=0.069 ms": (0.069, 7, "::1", 64),
    "64 Bytes von 192.0.2.1: icmp_seq=7 ttl=64 Zeit=0.040 ms": (0.04, 7, "192.0.2.1", 64),
    "64 octets de 192.0.2.1 : icmp_seq=7 ttl=64 temps=0.050 ms": (0.05, 7, "192.0.2.1", 64),
    "64 \u5b57\u8282\uff0c\u6765\u81ea 192.0.2.1: icmp_seq=7 ttl=64 \u65f6\u95f4=0.045 \u6beb\u79d2": (
        0.045,
        7,
        "192.0.2.1",
        64,
    ),
    "64 bytes from 192.0.2.1: icmp_seq=7 ttl=64 time=1003 ms\a": (1003, 7, "192.0.2.1", 64),
}


@pytest.mark.parametrize("line", LINES)
def test_an_answer_is_read_as_each_ping_writes_it(tmp_path, line):
    other = line.replace("=7 ", "=8 ")
    text = f"{HEAD}{line}\n[1795883512.323695] {other}\n" + SUMMARY.format(2, 2)
    rows, warnings = answers(tmp_path, text, "value, icmp_seq, host, ttl, epoch_us(timestamp)")
    value, number, *more = LINES[line]
    assert rows == [(value, number, *more, 1767225600000000), (value, 8, *more, 1795883512323695)]
    assert warnings == []


ANSWER = "64 bytes from 192.0.2.1: icmp_seq={} ttl=64 time={} ms\n"
LOST = "no answer yet for icmp_seq={}\n"


def test_what_is_answered_late_was_not_lost(tmp_path):
    text = HEAD + LOST.format(1) + LOST.format(2) + ANSWER.format(1, 1400) + ANSWER.format(3, 5) + SUMMARY.format(3, 2)
    assert answers(tmp_path, text) == ([(None, 2, "no answer"), (1400, 1, None), (5, 3, None)], [])


def test_numbers_that_begin_again_are_of_other_probes(tmp_path):
    many = "".join(ANSWER.format(number % 65536, 1) for number in range(2, 65536 + 3))
    rows, _ = answers(tmp_path, HEAD + LOST.format(1) + many)
    assert rows[0] == (None, 1, "no answer")
    assert len(rows) == 1 + 65537
    twice = (HEAD + LOST.format(1) + SUMMARY.format(1, 0)) + HEAD + ANSWER.format(1, 2) + SUMMARY.format(1, 1)
    assert answers(tmp_path, twice, name="y.txt") == ([(None, 1, "no answer"), (2, 1, None)], [])


def test_errors_and_timeouts_are_lost_once(tmp_path):
    error = "From 192.0.2.9 icmp_seq=1 Destination Host Unreachable\n"
    text = (
        HEAD + LOST.format(1) + error + "Request timeout for icmp_seq 2\n" + ANSWER.format(3, 5) + SUMMARY.format(3, 1)
    )
    rows, warnings = answers(tmp_path, text)
    assert rows == [(None, 1, "Destination Host Unreachable"), (None, 2, "no answer"), (5, 3, None)]
    assert warnings == []
    redirect = "From 192.0.2.9: icmp_seq=1 Redirect Host(New nexthop: 192.0.2.8)\n"
    rows, _ = answers(tmp_path, HEAD + redirect + ANSWER.format(1, 5) + SUMMARY.format(1, 1), name="y.txt")
    assert rows == [(5, 1, None)]


def test_what_ping_does_not_tell_is_said(tmp_path):
    rows, warnings = answers(tmp_path, HEAD + ANSWER.format(1, 5) + ANSWER.format(4, 6) + SUMMARY.format(4, 2))
    assert [row[0] for row in rows] == [5, 6]
    assert warnings == ["2 of 4 probes were lost, says its summary, that have no line: ping writes one with -O alone"]
    short = "16 bytes from 192.0.2.1: icmp_seq=1 ttl=64\n"
    rows, warnings = answers(tmp_path, HEAD + short + ANSWER.format(2, 6) + SUMMARY.format(2, 2), name="y.txt")
    assert ([row[0] for row in rows], len(warnings)) == ([6], 1)
    assert warnings[0].startswith("holds 1 answers without a time")
    _, warnings = answers(tmp_path, HEAD + ANSWER.format(1, 5), name="z.txt")
    assert warnings[0].startswith("has no summary, the run was broken off")
    _, warnings = answers(tmp_path, HEAD + "Mon 12:00 " + ANSWER.format(1, 5) + SUMMARY.format(1, 1), name="t.txt")
    assert warnings[0].startswith("has text before 1 answers that is not read")


def test_duplicates_are_marked(tmp_path):
    again = ANSWER.format(1, 9).replace(" ms", " ms (DUP!)")
    summary = SUMMARY.format(1, 1).replace("received,", "received, +1 duplicates,")
    rows, warnings = answers(tmp_path, HEAD + ANSWER.format(1, 5) + again + summary, "value, duplicate")
    assert (rows, warnings) == ([(5, None), (9, True)], [])


def test_a_time_that_is_no_milliseconds_is_refused(tmp_path):
    (tmp_path / "x.txt").write_text(HEAD + ANSWER.format(1, 5).replace(" ms", " s"))
    with pytest.raises(SourceError, match=r"line 2: .*its times are in s, not in milliseconds"):
        import_sessions(tmp_path / "x.txt", tmp_path / "store", started_at=STARTED)


def test_forms_of_fping(tmp_path):
    lists = "192.0.2.1 : 0.05 - 12.3\nlong.name :  - 104 1.02\n"
    columns = "host, probe, value, outcome"
    expected = [("192.0.2.1", 0, 0.05, None), ("192.0.2.1", 1, None, "no reply"), ("192.0.2.1", 2, 12.3, None)]
    assert answers(tmp_path, lists.split("long", maxsplit=1)[0], columns)[0] == expected
    each = "192.0.2.1  : [0], 84 bytes, 0.05 ms (0.05 avg, 0% loss) [<- 192.0.2.7]\n"
    each += "long.name : [0], timed out (NaN avg, 100% loss)\n"
    rows, _ = answers(tmp_path, each + "192.0.2.1 : 0.05 -\n", columns, "y.txt")
    assert rows == [("192.0.2.1", 0, 0.05, None), ("long.name", 0, None, "timed out")]
    alive = "192.0.2.1 is alive (0.45 ms)\nlong.name is unreachable\n"
    rows, _ = answers(tmp_path, alive, columns, "z.txt")
    assert rows == [("192.0.2.1", None, 0.45, None), ("long.name", None, None, "unreachable")]
    stamps = f"[2026-11-28T17:31:55+0100] {each.splitlines()[0]}\n[Sat Nov 28 16:31:55 2026] {each.splitlines()[0]}\n"
    rows, warnings = answers(tmp_path, stamps, "host, epoch_us(timestamp)", "t.txt")
    assert rows == [("192.0.2.1", 1795883515000000), ("192.0.2.1", 1767225600000000)]
    assert warnings == ["has times in a form that is not read, such as Sat Nov 28 16:31:55 2026: use -D alone"]


def test_numbers_of_mtr_begin_again(tmp_path):
    first = "".join(f"x 0 {number}\np 0 5 {number}\n" for number in range(33000, 65535))
    text = f"x 0 32999\n{first}x 1 32999\np 0 9 65534\np 1 7 32999\nx 0 33000\n"
    rows, _ = answers(tmp_path, "h 0 192.0.2.1\nd 0 a.test\n" + text, "hop, number, value, host, name")
    assert rows[0] == (1, 32999, None, "192.0.2.1", "a.test")
    assert rows[-2:] == [(2, 32999, 7, None, None), (1, 33000, None, "192.0.2.1", "a.test")]
    assert len(rows) == 1 + 32535 + 3
    old = "h 0 192.0.2.1\np 0 50\nh 0 192.0.2.2\np 0 60\n"
    rows, warnings = answers(tmp_path, old, "value, host", "y.raw")
    assert rows == [(50, "192.0.2.1 192.0.2.2"), (60, "192.0.2.1 192.0.2.2")]
    assert [one[:30] for one in warnings] == ["has no lines `x` of probes tha", "had answers of several address"]


def test_runs_of_mtr_that_were_put_together(tmp_path):
    rng = random.Random(3)  # noqa: S311 - the same runs each time
    lines, expected = ["h 0 192.0.2.1"], []
    for _ in range(1500):  # of several blocks
        for number in range(33000, 33001 + rng.randrange(1, 40)):
            hop, took = rng.randrange(3), rng.randrange(1000)
            lines.append(f"x {hop} {number}{rng.choice(['', '', ' '])}")
            is_lost = rng.random() < 0.2
            lines += [] if is_lost else [f"p {hop} {rng.choice(['', '0'])}{took} {number}"]
            expected.append((hop + 1, number, None if is_lost else took))
    text = "\n".join([*lines, "m 0 1 2 3 4", "", "odd"])
    rows, _ = answers(tmp_path, text, "hop, number, value", "x.raw")
    assert rows == expected
    (session,) = list_sessions(tmp_path / "x-raw")
    assert session["origin"]["ignored"] == {"m (labels of MPLS)": 1, "other lines": 1}


@pytest.mark.parametrize("line", ["x 0", "x", "p 0", "p 0 5 33000 7", "x 0 33x", "p 0 5"])
def test_a_line_of_mtr_that_is_cut_off_is_bad(tmp_path, line):
    text = f"x 0 33000\np 0 5 33000\n{line}\n"
    with pytest.raises(SourceError, match="is no whole line of a probe, the file may be cut off") as found:
        answers(tmp_path, text, name="x.raw")
    assert ("line 3: " in str(found.value)) == (line != "p 0 5")  # which alone would be of an older version


def test_a_time_of_mtr_that_is_no_number_is_bad(tmp_path):
    with pytest.raises(SourceError, match="line 2: column 'value': '5x' is no number"):
        answers(tmp_path, "x 0 33000\np 0 5x 33000\np 0 5 33000\n", name="x.raw")
