"""The resources of a package, and their rows as read by others."""

from __future__ import annotations

import csv
import io

import frictionless
from directories import descriptor
from readers import READERS, decompress


def resources_of(directory, table):
    return [r for r in descriptor(directory)["resources"] if r["pipeline:table"] == table]


def kinds_of(resource):
    """Columns as (name, kind), from the schema of the descriptor."""
    schema = resource.get("schema") or resource["pipeline:schema"]
    kinds = {"timestamp[us]": "us", "timestamp[ns]": "ns"}
    return [(field["name"], kinds.get(field["pipeline:type"], field["pipeline:type"])) for field in schema["fields"]]


def rows_of(directory, resource):
    """Rows of a resource, read by others."""
    name = resource.get("pipeline:format") or resource["format"]
    data = decompress(directory / resource["path"])
    data = data.removeprefix(b"\xef\xbb\xbf")
    if "dialect" in resource:
        return list(csv.DictReader(io.StringIO(data.decode(), newline=""), delimiter=resource["dialect"]["delimiter"]))
    if name == "json":
        return READERS["json"]["python"](data, kinds_of(resource), table=resource["pipeline:table"])
    return READERS[name]["pyarrow" if "pyarrow" in READERS[name] else "python"](data, kinds_of(resource))


def assert_frictionless(directory):
    report = frictionless.validate(str(directory / "datapackage.json"))
    assert report.valid, report.flatten(["name", "type", "rowNumber", "fieldName", "message"])[:5]
    assert len(report.tasks) == len(descriptor(directory)["resources"])
    assert not report.warnings
    return report
