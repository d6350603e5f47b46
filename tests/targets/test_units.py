"""Units of limits and data: converted exactly within a dimension, and never across two."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from pipeline.errors import UsageError
from pipeline.targets import units
from pipeline.targets.units import UnknownUnitError, conversion_factor, is_time

FACTORS = {
    ("ms", "ms"): "1",
    ("ms", "s"): "0.001",
    ("s", "ms"): "1000",
    ("us", "ms"): "0.001",
    ("min", "s"): "60",
    ("h", "min"): "60",
    ("ns", "h"): "1e-9/3600",
    ("kBy", "By"): "1000",
    ("KiBy", "By"): "1024",
    ("By", "bit"): "8",
    ("Mbit/s", "By/s"): "125000",
    ("Hz", "/s"): "1",
    ("1/s", "Hz"): "1",
    ("kHz", "Hz"): "1000",
    ("%", "1"): "0.01",
    ("1", "%"): "100",
    ("{packet}", "1"): "1",
    ("{frame}/s", "Hz"): "1",
    ("foo", "foo"): "1",
    (None, "1"): "1",
    ("1", None): "1",
    (None, None): "1",
}
APART = [
    ("ms", "By"),
    ("By", "1"),
    ("bit/s", "Hz"),
    ("rad", "1"),
    ("Cel", "K"),
    ("dB", "1"),
    (None, "ms"),
    ("ms", None),
]


@pytest.mark.parametrize("pair", FACTORS, ids=str)
def test_units_of_one_dimension_are_converted_exactly(pair):
    number, _, divisor = FACTORS[pair].partition("/")
    assert conversion_factor(*pair) == Decimal(number) / Decimal(divisor or 1)


def test_units_of_time_are_those_of_the_library():
    for unit in units._SECONDS:
        for to in units._SECONDS:
            exact = units._converted(unit, to)
            assert float(conversion_factor(unit, to)) == pytest.approx(float(exact), rel=1e-15)


@pytest.mark.parametrize("pair", APART, ids=str)
def test_units_that_do_not_fit_have_no_factor(pair):
    assert conversion_factor(*pair) is None
    assert conversion_factor(*pair[::-1]) is None


def test_what_is_no_unit_is_named():
    for pair in (("msec", "ms"), ("ms", "msec")):
        with pytest.raises(UnknownUnitError, match="'msec' is no UCUM code") as caught:
            conversion_factor(*pair)
        assert caught.value.unit == "msec"


def test_time_is_told_without_the_library():
    assert [one for one in ("s", "ms", "us", "ns", "min", "h", "d") if not is_time(one)] == []
    assert [one for one in ("m", "Hz", "By", "1", "", "mss", "bit/s", None) if is_time(one)] == []


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ucumvert", None)
    units._registry.cache_clear()
    units._converted.cache_clear()
    assert conversion_factor("ms", "ms") == 1
    with pytest.raises(UsageError, match=r"pip install '\.\[units\]'"):
        conversion_factor("By", "kBy")
    assert conversion_factor("ms", "s") == Decimal("0.001")
