"""fping's lines of JSON, and what ping of Windows prints in English and German."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from link_readers import fping_json
from link_texts import FPING_JSON, PING_WINDOWS, PING_WINDOWS_GERMAN
from project import HARNESS_FILES
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions

STARTED = "2026-01-01T00:00:00Z"
COLUMNS = "metric, value, host, probe, epoch_us(timestamp)"


def told(tmp_path, text, columns="metric, value, outcome", name="x.txt", where="metric = 'rtt'"):
    """The rows of a text, and what was said of it."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    store = tmp_path / name.replace(".", "-")
    warnings = import_sessions(path, store, started_at=STARTED, timezone="UTC").warnings
    query = f"SELECT {columns} FROM measurements WHERE {where} ORDER BY sequence"
    return rows_of(store, query), [one.split(": ", 1)[1] for one in warnings]


def test_every_reply_of_fping_is_the_one_that_plain_python_reads(tmp_path):
    path = HARNESS_FILES / "fping" / "fping-5.5.json"
    rows, warnings = told(tmp_path, path.read_text(), COLUMNS)
    expected = fping_json(path)
    assert (rows, warnings) == (expected, [])
    assert len(expected) == 24
    assert expected[2][1] is None
    (session,) = list_sessions(tmp_path / "x-txt")
    assert session["origin"]["ignored"] == {"resp.size": 23, "summary.loss": 2}


@pytest.mark.skipif(shutil.which("fping") is None, reason="fping is not installed")
def test_the_fping_that_is_here(tmp_path):
    ran = subprocess.run(
        ["fping", "-J", "-D", "-c", "3", "-p", "10", "127.0.0.1"], check=False, capture_output=True, text=True
    )
    if not ran.stdout.startswith("{"):
        pytest.skip(f"fping here writes no JSON: {ran.stderr.strip().splitlines()[0]}")
    rows, _ = told(tmp_path, ran.stdout, COLUMNS)
    assert rows == fping_json(tmp_path / "x.txt")


def test_a_list_of_replies_is_samples_where_no_line_has_them(tmp_path):
    listed = '{"vSum": {"host": "192.0.2.1", "values": [0.022, null, 12.5]}}\n'
    rows, warnings = told(tmp_path, listed, "value, host, probe, outcome")
    expected = [(0.022, "192.0.2.1", 0, None), (None, "192.0.2.1", 1, "no reply"), (12.5, "192.0.2.1", 2, None)]
    assert (rows, warnings) == (expected, [])
    rows, warnings = told(tmp_path, FPING_JSON + listed, name="y.txt")
    assert (len(rows), warnings) == (10, [])
    (session,) = list_sessions(tmp_path / "y-txt")
    assert session["origin"]["ignored"]["vSum of -C, which are the replies again"] == 1


def test_summaries_of_fping_are_aggregates_of_a_host_and_of_intervals(tmp_path):
    figures = {"host": "192.0.2.1", "xmt": 5, "rcv": 4, "loss": 20, "outage(ms)": 100}
    figures |= {"rttMin": 0.04, "rttAvg": 0.05, "rttMax": 1.5}
    more = {"host": "192.0.2.1", "xmt": 1, "rcv": 2, "return": 200}
    lines = [{"intSum": {"time": 1796019157, **figures}}, {"summary": figures}, {"summary": more}]
    text = "".join(json.dumps(one) + "\n" for one in lines)
    rows, warnings = told(tmp_path, text, "metric, value, unit, interval_end", where="true")
    values = [5, 4, 1, 100, 0.04, 0.05, 1.5]
    names = ["packets_sent", "packets_received", "packets_lost", "outage", "rtt_min", "rtt_mean", "rtt_max"]
    units = ["1"] * 3 + ["ms"] * 4
    assert rows[:14] == [
        (name, value, unit, end)
        for end in ("1796019157", None)
        for name, value, unit in zip(names, values, units, strict=True)
    ]
    assert [row[:2] for row in rows[14:]] == [("packets_sent", 1), ("packets_received", 2)]
    assert warnings == []
    assert all(facts["is_aggregate"] for facts in list_sessions(tmp_path / "x-txt")[0]["metric_facts"].values())


def test_what_else_fping_says(tmp_path):
    reply = '{{"resp": {{"timestamp": "{}", "host": "h", "seq": 0, "size": 64, "rtt": 0.5, "tos": -1, "ttl": 63}}}}\n'
    stamps = ["2026-11-28T17:31:55+0100", "2026-11-28 16:31:55", "Sat Nov 28 16:31:55 2026"]
    text = '{"warning": {"host": "no.invalid", "message": "Name or service not known"}}\n'
    rows, warnings = told(tmp_path, text + "".join(map(reply.format, stamps)), "epoch_us(timestamp), ttl")
    assert rows == [(1795883515000000, 63), (1795883515000000, 63), (1767225600000000, 63)]
    assert warnings == [
        "has times in a form that is not read, such as Sat Nov 28 16:31:55 2026: use -D alone",
        "fping says of no.invalid: Name or service not known",
    ]
    newer = reply.replace('"size"', '"jitter": 7, "size"').format("1796019157.5")
    _, warnings = told(tmp_path, newer, name="y.txt")
    assert warnings == ["holds 1 number that was not imported: resp.jitter"]


def test_a_reply_of_fping_without_its_time_is_bad(tmp_path):
    text = FPING_JSON + FPING_JSON.splitlines()[0].replace('"rtt"', '"time"') + "\n"
    with pytest.raises(SourceError, match=r"line 11: column 'value': 'no rtt' is no number"):
        told(tmp_path, text)


SUMMARIES = {
    "English": (PING_WINDOWS, [9, 8, 1, 10, 18, 14]),
    "German": (PING_WINDOWS_GERMAN, [4, 3, 1, 10, 13, 11]),
}


@pytest.mark.parametrize("language", SUMMARIES)
def test_ping_of_windows_is_read_in_two_languages(tmp_path, language):
    text, figures = SUMMARIES[language]
    rows, warnings = told(tmp_path, text.replace("\n", "\r\n"), "value, unit, ttl, outcome")
    lost = 4 if language == "English" else 1
    ttl = 57 if language == "English" else None
    count = figures[0]
    expected = [(n + 10, "ms", ttl, None) for n in range(count)]
    expected[lost] = (None, "ms", None, "timed out")
    assert (rows, warnings) == (expected, [])
    names = ["packets_sent", "packets_received", "packets_lost", "rtt_min", "rtt_max", "rtt_mean"]
    rows = rows_of(tmp_path / "x-txt", "SELECT metric, value FROM measurements WHERE metric <> 'rtt' ORDER BY sequence")
    assert rows == list(zip(names, figures, strict=True))
    (session,) = list_sessions(tmp_path / "x-txt")
    assert session["harness"]["name"] == "ping"
    assert "example.com" in session["configuration"]["command"][0]
    assert "ignored" not in session["origin"]


def test_what_ping_of_windows_prints_where_nothing_answers(tmp_path):
    lines = {
        "Reply from 192.0.2.9: Destination host unreachable.": (None, "Destination host unreachable"),
        "Reply from 192.0.2.9: TTL expired in transit.": (None, "TTL expired in transit"),
        "Antwort von 192.0.2.9: Zielhost nicht erreichbar.": (None, "Zielhost nicht erreichbar"),
        "PING: transmit failed. General failure. ": (None, "PING: transmit failed. General failure"),
        "General failure.": (None, "General failure"),
        "Reply from 127.0.0.1: bytes=32 time<1ms TTL=128": (0, None),
        "Reply from ::1: time<1ms ": (0, None),
    }
    head, end = (
        PING_WINDOWS.splitlines()[1],
        "\nPing statistics for h:\n    Packets: Sent = 7, Received = 5, Lost = 2 (2% loss),\n",
    )
    rows, warnings = told(tmp_path, "\n".join([head, *lines]) + "\n" + end, "value, outcome")
    assert rows == list(lines.values())
    assert warnings == [
        "measures whole milliseconds: 2 of 2 answers took less than one, and are 0",
        "counts 3 messages of other hosts as received in its statistics; they are lost samples",
    ]


def test_what_ping_of_windows_does_not_tell_is_said(tmp_path):
    begun = PING_WINDOWS.split("\nPing statistics", maxsplit=1)[0]
    _, warnings = told(tmp_path, begun)
    assert warnings == ["has no statistics, the run was broken off or goes on: which were lost at its end is not known"]
    _, warnings = told(tmp_path, PING_WINDOWS.replace("Request timed out.\n", "Neu.\n"), name="y.txt")
    assert warnings == ["holds 8 probes where its statistics say 9"]
    (session,) = list_sessions(tmp_path / "y-txt")
    assert session["origin"]["ignored"] == {"lines that are no answers": 1}
    rows, warnings = told(tmp_path, PING_WINDOWS.replace("Reply", "12:00:01 Reply"), name="z.txt")
    assert (len(rows), warnings) == (
        9,
        ["has text before 8 answers that is not read, such as a time that another program wrote"],
    )


def test_statistics_that_were_asked_for_meanwhile_count_once_and_runs_do_not_mix(tmp_path):
    asked = PING_WINDOWS.split("\nPing statistics", maxsplit=1)
    meanwhile = "\nPing statistics for 192.0.2.1:\n    Packets: Sent = 2, Received = 2, Lost = 0 (0% loss),\n"
    text = asked[0] + meanwhile + "\nPing statistics" + asked[1] + PING_WINDOWS_GERMAN
    rows, warnings = told(tmp_path, text, "value", where="metric = 'packets_sent'")
    assert (rows, warnings) == ([(9,), (4,)], [])


def test_an_answer_of_windows_that_is_cut_off_is_bad(tmp_path):
    whole = PING_WINDOWS.split("\nPing statistics", maxsplit=1)[0].rstrip("\n")
    for cut in ("ime=18ms TTL=57", "18ms TTL=57", "ms TTL=57", "s TTL=57"):
        (tmp_path / "x.txt").write_text(whole.removesuffix(cut), encoding="utf-8")
        with pytest.raises(SourceError, match="line 11: is no whole answer, the file may be cut off"):
            import_sessions(tmp_path / "x.txt", tmp_path / "store", started_at=STARTED)


OTHER_LANGUAGES = {
    "French": "Réponse de 192.0.2.1 : octets=32 temps=12 ms TTL=55\n",
    "Chinese": "回覆自 192.0.2.1: 位元組=32 時間=2ms TTL=54\n",
    "Japanese": "192.0.2.1 からの応答: バイト数 =32 時間 =7ms TTL=55\n",
}


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_other_languages_of_windows_are_refused_by_name(tmp_path, language):
    with pytest.raises(SourceError, match="ping of Windows prints in a language that is not read; English and German"):
        told(tmp_path, "Ping\n\n" + OTHER_LANGUAGES[language] * 3)


def test_german_in_the_code_page_of_the_console_says_what_to_do(tmp_path):
    (tmp_path / "x.txt").write_bytes(PING_WINDOWS_GERMAN.encode("cp850"))
    with pytest.raises(SourceError, match="iconv -f CP850 -t UTF-8"):
        import_sessions(tmp_path / "x.txt", tmp_path / "store", started_at=STARTED)
    (tmp_path / "y.txt").write_text(PING_WINDOWS_GERMAN, encoding="utf-16")  # as > of PowerShell 5 writes it
    assert import_sessions(tmp_path / "y.txt", tmp_path / "store", started_at=STARTED).rows == 10
