"""TOML files that say what to do: each problem has its line; lines are held against tomllib and a second reading."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.disk.checked_toml import (
    COUNT,
    FLAG,
    NUMBER,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    choice,
    either,
    parse_toml,
    read_toml,
)
from pipeline.disk.toml_lines import lines_of_keys
from pipeline.errors import TomlError, UsageError

KINDS = {
    "name": TEXT,
    "names": TEXTS,
    "flag": FLAG,
    "number": NUMBER,
    "count": COUNT,
    "mode": choice("statistics", "measurements"),
    "keep": either(COUNT, TEXT),
    "import": TABLE,
    "target": TABLES,
}

TEXT_OF_ALL = r"""# a comment = 1 [
name = "a # no comment"
"quoted.key" = 'its'
both = '''
two lines
= here'''

dotted . "with space" = [ # of arrays
  1, # one
  {a = "}", b = [2, 3]},
  1979-05-27 07:32:00, ]
ends = QUOTESa
with "quotes" and \"
here""QUOTES

[table.below]
x = 1
[table]
y = 2

[[target]]
name = "first"
  [target.inner]
  deep = true
[[ target ]]  # [[target]]
name = "second"
[[target.part]]
size = 1
[[target.part]]
size = 2
""".replace("QUOTES", 3 * '"')


def places(value, path=()):
    """All paths of what tomllib read."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


def test_every_key_has_the_line_that_it_stands_in():
    lines = lines_of_keys(TEXT_OF_ALL)
    assert set(lines) == set(places(tomllib.loads(TEXT_OF_ALL)))

    def line_with(part, nth=1):
        return [at for at, line in enumerate(TEXT_OF_ALL.splitlines(), start=1) if line.strip().startswith(part)][
            nth - 1
        ]

    assert lines["name",] == line_with("name =")
    assert lines["quoted.key",] == line_with('"quoted')
    assert lines["dotted", "with space"] == line_with("dotted")
    assert lines["dotted", "with space", 0] == line_with("1,")
    assert lines["dotted", "with space", 1, "b", 1] == line_with("{a")
    assert lines["dotted", "with space", 2] == line_with("1979")
    assert lines["table", "below", "x"] == line_with("x =")
    assert lines["table",] == line_with("[table]")
    assert lines["target",] == lines["target", 0] == line_with("[[target]]")
    assert lines["target", 0, "inner", "deep"] == line_with("deep")
    assert lines["target", 1] == line_with("[[ target")
    assert lines["target", 1, "part", 0] == line_with("[[target.part")
    assert lines["target", 1, "part", 1, "size"] == line_with("size", 2)


BARE = st.text("ab-_1", min_size=1, max_size=3)
KEY = BARE | st.text("ab.# =[]{}'", max_size=4).map(lambda text: f'"{text}"')
SCALAR = st.sampled_from(
    ["1", "1.5", "true", '"a#b"', "'}]'", '"\\""', '"""\n#x\n"""', "'''\n[y]\n'''", '""""""', "1979-05-27 07:32:00"]
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + "".join(f" {one}, # ,]\n" for one in items) + "]")
        | st.dictionaries(KEY, SCALAR.filter(lambda one: "\n" not in one), max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key} = {one}" for key, one in pairs.items()) + "}"
        )
    ),
    max_leaves=8,
)
LINE = st.tuples(KEY, VALUE).map(lambda pair: f"{pair[0]} = {pair[1]}") | st.sampled_from(
    ["[a]", "[[b]]", "[a.b]", "[[b.c]]", "[b.x]", "# c = 1", ""]
)


@given(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_lines_are_found_for_whatever_tomllib_reads(lines, end):
    text = end.join(line.replace("\n", end) for line in lines)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = lines_of_keys(text)
    assert set(found) == set(places(value))
    for path, line in found.items():
        if path and isinstance(path[-1], str) and path[-1].isalnum():
            assert path[-1] in text.split("\n")[line - 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\nnam = 'a'", "f.toml:2: no key 'nam' in the file; did you mean 'name' or 'names'?"),
        ("[import]\n\n[[target]]\n[imports]", "f.toml:4: no key 'imports' in the file; did you mean 'import'?"),
        ("name = 1", "f.toml:1: name must be a text in quotes"),
        ("name = ''", "f.toml:1: name must be a text in quotes"),
        ("names = 'a'", "f.toml:1: names must be a list of texts"),
        ("names = [\n1]", "f.toml:1: names must be a list of texts"),
        ("flag = 1", "f.toml:1: flag must be true or false, not 1"),
        ("number = true", "f.toml:1: number must be a number, not true"),
        ("number = nan", "f.toml:1: number must be a number, not nan"),
        ("count = 0", "f.toml:1: count must be a whole number from 1 on, not 0"),
        ("count = 1.0", "f.toml:1: count must be a whole number from 1 on, not 1.0"),
        ("keep = []", "f.toml:1: keep must be a whole number from 1 on or a text in quotes"),
        ("name = 'a'\nmode = 'statistic'", "f.toml:2: mode 'statistic': did you mean 'statistics'?"),
        ("mode = 1979-05-27", "f.toml:1: mode must be one of 'statistics', 'measurements', not 1979-05-27"),
        ("[target]", "f.toml:1: target must be tables, each under [[target]], not the table [target]"),
        ("[[import]]", "f.toml:1: import must be a table, [import], not tables, each under [[import]]"),
        ("name = ", "f.toml:1: is no TOML, "),
        ("name = 'a'\nflag = treu", "f.toml:2: is no TOML, column 8: "),
        ("name = 'a'\nname = 'b'", "f.toml:2: is no TOML, at its end: Cannot overwrite"),
        ("names = ['a',\n\n", "f.toml:1: is no TOML, at its end: "),
        ("names = " + "[" * 5_000, "f.toml: is no TOML for this: "),
        ("count = " + "9" * 5_000, "f.toml: is no TOML that can be read: "),
        ("", "f.toml:1: the file lacks target, tables, each under [[target]]"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, says):
    with pytest.raises(TomlError) as caught:
        parse_toml(text, "f.toml").check(KINDS, required=["target"])
    assert str(caught.value).startswith(says)
    assert isinstance(caught.value, UsageError)


def test_a_table_in_a_file_tells_its_own_lines():
    root = parse_toml("name = 'a'\n[import]\nfiles = []\n[[target]]\n[[target]]\nlimit = '< 5'\nx = 1\n", "f.toml")
    root.check(KINDS, required=["name"])
    assert root.table("flag") is None
    assert root.tables("nothing") == []
    first, second = root.tables("target")
    assert (first.heading, first.line(), second.line(), second.line("limit")) == ("[[target]]", 4, 5, 6)
    assert (root.table("import").heading, root.table("import").line("files", 3)) == ("[import]", 3)
    with pytest.raises(TomlError, match=r"^f.toml:7: no key 'x' in \[\[target\]\]; keys: 'limit'$"):
        second.check({"limit": TEXT})
    with pytest.raises(TomlError, match=r"^f.toml:4: \[\[target\]\] lacks limit, a text"):
        first.check({"limit": TEXT}, required=["limit"])
    assert (second.error("is late", "limit").file, second.error("is late", "limit").line) == ("f.toml", 6)


def test_what_cannot_be_read_is_named(tmp_path):
    file = tmp_path / "targets.toml"
    for make, says in (
        (lambda: None, "cannot be read (No such file or directory)"),
        (file.mkdir, "cannot be read (Is a directory)"),
        (lambda: (file.rmdir(), file.write_bytes(b"name = 'a'\n# \xe4\n")), "holds bytes that are no UTF-8"),
    ):
        make()
        with pytest.raises(TomlError) as caught:
            read_toml(file)
        assert str(caught.value).startswith(str(file))
        assert str(caught.value).endswith(says)
    assert caught.value.line == 2
    file.write_bytes(b"\xef\xbb\xbfname = 'a'\r\n")
    assert read_toml(file).values == {"name": "a"}
    with pytest.raises(UsageError, match="is a URL"):
        read_toml("s3://bucket/targets.toml")
