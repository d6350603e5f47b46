"""CSV for spreadsheet programs of a language: numbers are the numbers, and text stays text, as LibreOffice shows it."""

from __future__ import annotations

import csv
import io
import random

import pytest
from directories import descriptor, only
from libreoffice import convert, make_profile, parse_fods
from machine import needs_libreoffice
from project import FIXTURE_STORE
from samples import row, write_ndjson

import pipeline
from pipeline.writers.locales import LOCALES

SPOKEN = {"en": "en-US", "de": "de-DE"}
"""What LibreOffice is set to."""
NUMBERS = [0.0, 40.193, -1.5, 1234567.891, 1e-07, 1e16, 2.0**53, -123456789.12345679, 0.1]
TAKEN = {
    "en": set("9.10|1.000|007|1e5|2024-01-02|1/2|10:30|Jan 5|TRUE|5%|$5|(5)|10:30 PM| 5".split("|")),  # noqa: SIM905
    "de": set("9,10|1.000|007|1e5|2024-01-02|24.11.|10:30|5 Mai|WAHR|5%|5 €|(5)|1.2.3|Mrz 24".split("|")),  # noqa: SIM905
}
"""Texts that LibreOffice takes for something else where nothing keeps them."""
LEFT_ALONE = [
    "lan-20261124T180601Z-13",
    "robot-01x",
    "p99",
    "m1",
    "channel 5",
    "control_rtt",
    "größe",
    "v1.2.3",
    "plain",
]
WORDS = """
0 1 5 12 24 007 99 2024 31 . , - / : + % $ € £ ¥ ( ) ' # e E T Z AM PM a p h d D EUR USD CHF st of den vom Uhr x
Jan January Januar Feb März Mrz Apr May Mai June Juni Jul Juli August Sept Okt October Nov Dez December
Mon Mo Montag Tuesday Di Do Thursday Friday Sonntag So true FALSE wahr Falsch
"""
ATOMS = [*WORDS.split(), " ", "  ", "\u00a0", "\u202f", "\u2212", "\uff15", "½"]
NAMES = [word for word in ATOMS if word[0].isupper() and len(word) > 1]


def hostile_texts():
    """Texts made of what numbers, dates and truth values are made of, the same each time."""
    made = random.Random(7)  # noqa: S311 - no secret
    texts = ["".join(made.choices(ATOMS, k=made.randrange(1, 6))) for _ in range(4_000)]
    for _ in range(2_000):
        parts = [made.choice(ATOMS[:7]), made.choice(NAMES), made.choice(["24", "2024", "1899"])]
        made.shuffle(parts)
        texts.append(made.choice([" ", "-", ". ", "/", ", "]).join(parts[made.randrange(2) :]))
    known = [*TAKEN["en"], *TAKEN["de"], *LEFT_ALONE, "1" * 400, "a;b", 'say "5"', "1;2", "1,2"]
    return list(dict.fromkeys(text for text in [*known, *texts] if text))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    texts = hostile_texts()
    rows = [row("s", at, label=text, value=NUMBERS[at % len(NUMBERS)]) for at, text in enumerate(texts)]
    return write_ndjson(tmp_path_factory.mktemp("texts") / "a.ndjson", rows)


@pytest.mark.parametrize("locale", SPOKEN)
@needs_libreoffice
def test_numbers_are_numbers_and_every_text_arrives_as_text(source, tmp_path, locale):
    guarded, plain = tmp_path / "guarded", tmp_path / "plain"
    pipeline.export_measurements(source, guarded, format="csv", spreadsheet=True, locale=locale, sync=False)
    taken = write_ndjson(
        tmp_path / "t.ndjson", [row("s", at, label=one) for at, one in enumerate(sorted(TAKEN[locale]))]
    )
    pipeline.export_measurements(taken, plain, format="csv", sync=False)
    naked = tmp_path / "naked.csv"
    with naked.open("w", encoding="utf-8", newline="") as file:
        delimiter = LOCALES[locale].delimiter
        csv.writer(file, delimiter=delimiter).writerows(
            csv.reader(io.StringIO(only(plain, "measurements_*").read_text(encoding="utf-8")))
        )
    cells, unguarded = map(
        parse_fods,
        convert(
            make_profile(tmp_path / "profile", SPOKEN[locale]),
            tmp_path / "opened",
            "fods",
            only(guarded, "measurements_*"),
            naked,
            # With what it calls detection of special numbers: dates, exponents, truth values.
            infilter=f"CSV:{ord(delimiter)},34,76,1,,0,false,true",
        ),
    )
    texts = hostile_texts()
    assert len(cells) == len(texts) + 1
    header = [value for _, value, _ in cells[0]]
    for at, (shown, text) in enumerate(zip(cells[1:], texts, strict=True)):
        found = dict(zip(header, shown, strict=False))
        number = NUMBERS[at % len(NUMBERS)]
        assert found["value"][0] == "float"
        assert found["value"][1] == pytest.approx(number, rel=1e-14)
        kind, value, formula = found["label"]
        assert kind == "string", text
        assert value in {text, "'" + text}, text
        assert formula in {None, f'of:="{text}"'}, text
        assert value == text or text.startswith(("+", "-")) or len(text) > 255, text
        assert formula is None or text not in LEFT_ALONE, text
    assert {label[0] for *_, label in unguarded[1:]}.isdisjoint({"string"})  # so that it can be believed


@pytest.mark.parametrize("locale", LOCALES)
def test_delimiter_and_decimal_sign_are_those_of_the_locale(tmp_path, locale):
    options = {"format": "csv", "with_statistics": True, "sync": False, "metrics": ["control_rtt"]}
    report = pipeline.export_measurements(FIXTURE_STORE, tmp_path / "out", spreadsheet=True, locale=locale, **options)
    assert report.warnings == ()
    pipeline.export_measurements(FIXTURE_STORE, tmp_path / "plain", **options)
    delimiter, decimal = (",", ".") if locale == "en" else (";", "." if locale == "de-CH" else ",")
    for pattern, numbers in (("measurements_*", ["value"]), ("statistics_*", ["mean", "p99"])):
        found, expected = (
            list(csv.DictReader(io.StringIO(only(tmp_path / to, pattern).read_text("utf-8-sig")), delimiter=sign))
            for to, sign in (("out", delimiter), ("plain", ","))
        )
        for name in numbers:
            assert [one[name] for one in found] == [one[name].replace(".", decimal) for one in expected]
    assert descriptor(tmp_path / "out")["pipeline:options"]["locale"] == locale
    assert pipeline.verify_package(tmp_path / "out").problems == ()


def test_a_repetition_has_the_same_locale(tmp_path):
    options = {"format": "csv", "spreadsheet": True, "sync": False}
    pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", locale="de", **options)
    assert pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", locale="de", **options).is_unchanged
    for locale in ("fr", None):
        with pytest.raises(pipeline.DestinationError, match="other options"):
            pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", locale=locale, **options)


def test_damage_is_found_in_any_locale(tmp_path):
    pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", spreadsheet=True, locale="de", hashed=False, sync=False)
    path = only(tmp_path / "out", "statistics_*")
    path.write_bytes(path.read_bytes().replace(b";", b",", 1))
    assert pipeline.verify_package(tmp_path / "out").problems


def test_without_a_locale_the_export_warns(tmp_path):
    report = pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", spreadsheet=True, sync=False)
    assert any("--locale" in warning and "xlsx" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"spreadsheet": True, "locale": "tlh"}, "--locale 'tlh'"),
        ({"locale": "de"}, "--spreadsheet"),
        ({"locale": "de", "format": "xlsx"}, "--spreadsheet"),
    ],
)
def test_a_locale_that_cannot_be_is_refused(tmp_path, options, named):
    with pytest.raises(pipeline.UsageError, match=named):
        pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
