"""Faulty files of targets: each gives one line, with file, line and what to write, before anything is read."""

from __future__ import annotations

import pytest

from pipeline.errors import TomlError
from pipeline.targets.target_file import read_targets

GOOD = """[[target]]
name = "round trip"
metric = "control_rtt"
figure = "p95"
limit = "< 50 ms"
"""

FAULTY = {
    "empty": ("", 1, "the file lacks target, tables, each under [[target]]"),
    "no target": ("target = []", 1, "has no [[target]]"),
    "no TOML": ("[[target]\n", 1, "is no TOML"),
    "no quotes": (GOOD + "per = session\n", 6, "is no TOML, column 7"),
    "key twice": (GOOD + 'name = "b"\n', 6, "is no TOML"),
    "one table": (GOOD.replace("[[target]]", "[target]"), 1, "target must be tables, each under [[target]]"),
    "another table": (
        GOOD.replace("[[target]]", "[[targets]]"),
        1,
        "no key 'targets' in the file; did you mean 'target'?",
    ),
    "key above": ("name = 1\n" + GOOD, 1, "no key 'name' in the file; keys: 'target'"),
    "unknown key": (GOOD + 'metrik = "a"\n', 6, "no key 'metrik' in [[target]]; did you mean 'metric'?"),
    "key of the command": (
        GOOD + 'where_session = "a"\n',
        6,
        "no key 'where_session' in [[target]]; did you mean 'sessions'",
    ),
    "a window that is too long": (GOOD + 'per = "99999999d"\n', 6, "per '99999999d': is longer than any session"),
    "no name": (GOOD.replace('name = "round trip"\n', ""), 1, "[[target]] lacks name"),
    "no metric": (GOOD.replace('metric = "control_rtt"\n', ""), 1, "[[target]] lacks metric"),
    "no figure": (GOOD.replace('figure = "p95"\n', ""), 1, "[[target]] lacks figure"),
    "no limit": (GOOD.replace('limit = "< 50 ms"\n', ""), 1, "[[target]] lacks limit"),
    "second lacks": (GOOD + "[[target]]\nname = 'b'\n", 6, "[[target]] lacks metric"),
    "same name": (GOOD + GOOD, 7, "name 'round trip' is that of the target in line 2"),
    "empty name": (GOOD.replace("round trip", ""), 2, "name must be a text"),
    "list of metrics": (GOOD.replace('"control_rtt"', '["a"]'), 3, "metric must be a text"),
    "limit a number": (GOOD.replace('"< 50 ms"', "50"), 5, "limit must be a text in quotes"),
    "limit without sign": (GOOD.replace("< 50 ms", "50 ms"), 5, "limit '50 ms': write one of < <= > >="),
    "limit equal": (GOOD.replace("< 50 ms", "== 50 ms"), 5, "limit '== 50 ms': write one of"),
    "limit without number": (GOOD.replace("< 50 ms", "< ms"), 5, "limit '< ms': write one of"),
    "limit of two units": (GOOD.replace("< 50 ms", "< 50 ms s"), 5, "limit '< 50 ms s': write one of"),
    "limit not finite": (GOOD.replace("< 50 ms", "< inf ms"), 5, "limit '< inf ms': write one of"),
    "limit too large": (GOOD.replace("< 50 ms", "< 1e999 ms"), 5, "lies beyond the range of float64"),
    "figure unknown": (GOOD.replace("p95", "median"), 4, "figure 'median': "),
    "figure misspelt": (GOOD.replace("p95", "men"), 4, "figure 'men': did you mean 'mean'?"),
    "figure in capitals": (GOOD.replace("p95", "P95"), 4, "figure 'P95': did you mean 'p95'?"),
    "p100": (GOOD.replace("p95", "p100"), 4, "figure 'p100': the maximum of what may come is in no sample"),
    "p0": (GOOD.replace("p95", "p0"), 4, "the minimum of what may come is in no sample"),
    "p99.9": (GOOD.replace("p95", "p99.9"), 4, "figure 'p99.9': did you mean "),
    "p99_90": (GOOD.replace("p95", "p99_90"), 4, "figure 'p99_90': did you mean 'p99_9'?"),
    "p05": (GOOD.replace("p95", "p05"), 4, "figure 'p05': did you mean 'p5'?"),
    "time": (GOOD.replace("p95", "first_timestamp"), 4, "figure 'first_timestamp': did you mean 'first'"),
    "share of nothing": (GOOD.replace("p95", "share"), 4, "figure 'share': did you mean 'share(value < 50 ms)'?"),
    "share without sign": (GOOD.replace("p95", "share(value 50 ms)"), 4, "write it as share(value < 50 ms)"),
    "share in ms": (
        GOOD.replace("p95", "share(value < 5 ms)"),
        5,
        "share is a part of the samples; write it in % or 1",
    ),
    "loss in ms": (GOOD.replace("p95", "loss"), 5, "loss is a part of the samples; write it in % or 1"),
    "rate in ms": (GOOD.replace("p95", "rate"), 5, "rate is in Hz, samples a second"),
    "rate in nothing": (GOOD.replace("p95", "rate").replace(" ms", ""), 5, "rate is in Hz; write '< 50 Hz'"),
    "rate of no unit": (GOOD.replace("p95", "rate").replace("ms", "quick"), 5, "'quick' is no UCUM code"),
    "count in ms": (GOOD.replace("p95", "count"), 5, "count is a number without a unit"),
    "per nothing": (GOOD + 'per = "minute"\n', 6, "per 'minute': give session, all, or a window such as 10s"),
    "per of another unit": (GOOD + 'per = "500ms"\n', 6, "per '500ms': give session, all, or a window"),
    "confidence in %": (GOOD + "confidence = 95\n", 6, "confidence must be from 0.5 to below 1, such as 0.95, not 95"),
    "confidence a text": (GOOD + 'confidence = "95%"\n', 6, "confidence must be a number"),
    "confidence of a mean": (GOOD.replace("p95", "mean") + "confidence = 0.9\n", 6, "confidence is for quantiles"),
    "lost misspelt": (GOOD + 'lost = "infinit"\n', 6, "lost 'infinit': did you mean 'infinite'?"),
    "lost of a rate": (
        GOOD.replace("p95", "rate").replace("ms", "Hz") + 'lost = "exclude"\n',
        6,
        "lost changes nothing of rate; leave it out",
    ),
}


@pytest.mark.parametrize("what", FAULTY)
def test_a_faulty_file_gives_one_line(tmp_path, what):
    text, line, says = FAULTY[what]
    file = tmp_path / "targets.toml"
    file.write_text(text)
    with pytest.raises(TomlError) as caught:
        read_targets(file)
    message = str(caught.value)
    assert message.startswith(f"{file}:{line}: ")
    assert says in message
    assert "\n" not in message


def test_at_least_forty_faults_are_tried():
    assert len(FAULTY) >= 40


def test_the_command_says_it_in_one_line_before_it_opens_the_source(commands, tmp_path, tmp_path_factory):
    (tmp_path / "targets.toml").write_text(GOOD + 'metrik = "a"\n')
    result = commands.run(
        ["check", "nothing.ndjson", "--targets", "targets.toml"], cwd=tmp_path, tmp=tmp_path_factory.mktemp("t")
    )
    assert (result.status, result.out) == (2, "")
    assert result.err == "pipeline: targets.toml:6: no key 'metrik' in [[target]]; did you mean 'metric'?\n"


def test_a_good_file_is_read_as_it_stands(tmp_path):
    file = tmp_path / "targets.toml"
    file.write_text(
        GOOD + '[[target]]\nname="b"\nmetric="m"\nfigure="share( value>=0.5s )"\nlimit=" >=  99.5% "\nper="2h"\n'
    )
    first, second = read_targets(file)
    assert (first.per, first.window_seconds, first.lost, first.confidence, first.sessions) == ("session", *[None] * 4)
    assert (first.limit.operator, float(first.limit.number), first.limit.unit) == ("<", 50.0, "ms")
    assert (second.figure.text, second.limit.text) == ("share(value >= 0.5 s)", ">= 99.5 %")
    assert second.window_seconds == 7200
    assert (second.lines[""], second.lines["limit"]) == (6, 10)
