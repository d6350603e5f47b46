# ruff: noqa: E501, S314
"""Samples of JMeter's XML: those that the compiled part reads are what a parser of all XML makes of the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from load_files import JMETER_XML

from pipeline import SourceError
from pipeline.importers.decoded import Told
from pipeline.importers.readers import jmeter_xml

PIECES = [
    '<httpSample t="1" lt="2" ts="1795883512000" s="true" lb="page" rc="200" tn="a 1-1"/>\n',
    "<httpSample\r\n  t='12' by = '3' lb='a &amp; &#233;&#x1F600; \"b\"' own=\"x&quot;\\ \ty\" other='\u00e9'></httpSample >",
    '<sample t="5" lb="outer"><httpSample t="2" lb="inner"><sample t="1"/></httpSample>text\u20ac</sample>',
    '<sampleResult time="7" t="8" timeStamp="9" label="old" success="false" dataType="" threadName="x"/>',
    '<sample t="3" lb="x"><java.net.URL>\n http://192.0.2.1/?a=1&amp;b=2 </java.net.URL><java.net.URL>y</java.net.URL></sample>',
    '<sample t="3"><assertionResult x="1"><name>n</name><failureMessage>was \u00e9 wrong</failureMessage></assertionResult></sample>',
    '<sample t="4" sc="2"><responseData class="java.lang.String">&lt;p></responseData><cookies/></sample>',
    '<sample t="4"><java.net.URL><![CDATA[<x>]]></java.net.URL></sample><!-- a <sample t="1"/> --><?x y?>',
    '<!-- /> <sample t="1"/><sample t="2"/> --><![CDATA[ <sample t="1"/> <sample t="2"/>]]><?x <sample t="1"/> <sample t="2"/> ?>',
    '<sample t="1" lb="/>"/><sample t="1" lb=\'a>b\'><x y="</sample>"/></sample>',
    *(
        '<sample t="-6" it="" lt="x"/>',
        '<sample lb="no time"/>',
        '<sample t="1" t="2"/>',
        '<sample t="1"b="2"/>',
        "<sample t=1/>",
    ),
    *(
        '<sample t="1" lb="a<b"/>',
        '<sample t="1" lb="&nbsp;"/>',
        '<sample t="1">]]></sample>',
        '<sample t="1" lb="&#0;"/>',
    ),
    *(
        '<sample t="1">\x01</sample>',
        '<sample t="1" lb="\uffff"/>',
        '<sample t="1"></httpSample>',
        "</testResults>",
        "text",
        "<x/>",
    ),
    *(
        '<sample t="1" lb="a\r\nb"/>',
        '<sample t="1"><java.net.URL>a\r\nb\u00a0</java.net.URL></sample>',
        '<sample t="\u0663"/>',
    ),
]
HEADS = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n', '<testResults own="1">',
    '<?xml version="1.0" encoding="iso-8859-1"?><testResults>',
    "<?xml version='1.0' encoding = 'iso-8859-1' ?><testResults>", "<other>", "",
]  # fmt: skip


def read(path, *, is_quick):
    """Read a file; give its rows, what is told, and what is wrong."""
    told, rows, problem = Told(), [], None
    with pytest.MonkeyPatch.context() as patched:
        if not is_quick:
            patched.setattr(jmeter_xml._Parsing, "is_between", property(lambda _: False))
        try:
            for batch in jmeter_xml.read(path, told):
                batch.validate(full=True)
                rows += batch.to_pylist()
        except SourceError as error:
            return None, str(error)
    for row in rows:
        row["more"] = row["more"] and json.loads(row["more"])
    return (rows, told.notes, told.unused), problem


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("xml") / "x.jtl"


def check(path, data, block_bytes):
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jmeter_xml, "_BLOCK_BYTES", block_bytes)
        patched.setattr(jmeter_xml, "_FEW_ROWS", 1)
        quick, slow = read(path, is_quick=True), read(path, is_quick=False)
        if quick[1] is None or slow[1] is None:
            assert quick == slow
        else:  # of several faults another may be told first
            assert re.match("line [0-9]+: ", quick[1])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([HEADS[0], HEADS[0], *HEADS]), st.lists(st.sampled_from(PIECES), max_size=8),
    st.integers(0), st.integers(0, 3), st.sampled_from([b"", b"", b"<", b">", b"&", b'"', b"\xff", b"/", b"\n", b" "]), st.booleans(),
    st.sampled_from([20, 300, 100_000]),
)  # fmt: skip
@example(HEADS[0], PIECES[:8], 0, 0, b"", False, 100_000)
@example(HEADS[0], ["text"], 30, 1, b"", True, 20)
def test_what_is_read_quickly_is_what_a_parser_reads(path, head, pieces, place, removed, piece, is_damaged, size):
    data = (head + "".join(pieces) + "\n</testResults>\n").encode()
    if is_damaged:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + removed :]
    check(path, data, size)


@pytest.mark.parametrize("piece", PIECES)
def test_what_is_wrong_is_told_alike(path, piece):
    path.write_bytes(f"{HEADS[0]}{PIECES[0]}{piece}{PIECES[0]}</testResults>".encode())
    assert read(path, is_quick=True) == read(path, is_quick=False)


@pytest.mark.parametrize("size", [20, 300, 1 << 18])
def test_a_file_as_jmeter_writes_it(path, size):
    check(path, JMETER_XML.encode(), size)


def test_samples_are_those_of_an_independent_reader(path):
    text = HEADS[0] + "".join(PIECES[:7]) * 900 + "</testResults>"
    path.write_text(text, newline="")
    (rows, notes, _), problem = read(path, is_quick=True)
    elements = [one for one in ET.fromstring(text).iter() if one.tag in {"sample", "httpSample", "sampleResult"}]
    assert [(row["t"], row["lb"]) for row in rows] == [
        (one.get("t"), one.get("lb", one.get("label"))) for one in elements
    ]
    assert [row["failure_message"] for row in rows if row["failure_message"]] == ["was \u00e9 wrong"] * 900
    assert [row["parent"] for row in rows if row["depth"]] == ["outer", "inner"] * 900
    assert (notes, problem) == ([], None)


def test_most_samples_are_read_quickly(path, monkeypatch):
    """Else all of this would test a parser against itself."""
    path.write_text(HEADS[0] + "".join(PIECES[:7]) * 900 + "</testResults>", newline="")
    parsed = []
    monkeypatch.setattr(jmeter_xml, "_batch", parsed.extend)
    assert sum(len(batch) for batch in jmeter_xml.read(Path(path), Told()) if batch is not None) > 8000
    assert len(parsed) < 20


@pytest.mark.parametrize("name", ["TF-8", "big5", "none"])
def test_an_encoding_that_is_not_known_is_told(path, name):
    path.write_text(f'<?xml version="1.0" encoding="{name}"?>\n<testResults>\n{PIECES[0]}</testResults>\n')
    assert read(path, is_quick=True)[1].startswith("line 1: cannot be decoded (")


@pytest.mark.parametrize("declared", ['encoding="iso-8859-1"', "encoding = 'latin-1' "])
def test_a_file_that_is_declared_to_be_no_utf_8_is_none(path, declared):
    path.write_text(f"<?xml version='1.0' {declared}?><testResults>{PIECES[0] * 2}<sample t='1' lb='é'/></testResults>")
    (rows, _, _), _ = read(path, is_quick=True)
    assert rows[-1]["lb"] == "é".encode().decode("latin-1")
