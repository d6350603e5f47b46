"""`pipeline harnesses`: lists the harnesses whose files are known."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from pipeline.cli.command import Command
from pipeline.cli.options import add_choice
from pipeline.cli.streams import writing_to_standard_output
from pipeline.cli.table import print_table

if TYPE_CHECKING:
    import argparse

_LINE = 100
_WIDTH = 48
"""Characters of the names of metrics in a row."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("harness", nargs="?", metavar="HARNESS", help="only this one, with all that is known of it")
    add_choice(parser, "--format", ("table", "json"), "table", metavar="F")


def _run(options: argparse.Namespace) -> int:
    from pipeline.importers.known import list_harnesses  # noqa: PLC0415

    known = list_harnesses(options.harness)
    if options.format == "json":
        with writing_to_standard_output():
            print(json.dumps(known, ensure_ascii=False, indent=2))
    elif options.harness is None:
        header = ("harness", "importer", "files", "versions tried", "samples", "aggregates")
        print_table(header, [_row(one) for one in known])
    else:
        with writing_to_standard_output():
            print("\n\n".join(map(_described, known)))
    return 0


def _row(one: dict[str, Any]) -> list[str]:
    names = [_shortened([each["metric"] for each in one[kind]]) for kind in ("samples", "aggregates")]
    return [one["harness"] or "", one["importer"], one["format"], _versions(one), *names]


def _versions(one: dict[str, Any]) -> str:
    return " to ".join(one["versions"] or ())


def _shortened(names: list[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 5].rsplit(",", 1)[0] + ", ..."


def _described(one: dict[str, Any]) -> str:
    lines = [
        f"{one['importer']} ({one['format']}, revision {one['revision']})",
        *textwrap.wrap(one["about"], _LINE, initial_indent="  ", subsequent_indent="  "),
        *([f"  versions tried: {_versions(one)}"] if one["versions"] else []),
        *(f"  --assume {name}={'|'.join(values)}" for name, values in one["options"].items()),
    ]
    for kind in ("samples", "aggregates"):
        lines += [f"  {kind}:"] if one[kind] else []
        lines += [f"    {_facts(each)}" for each in one[kind]]
    return "\n".join(lines)


def _facts(each: dict[str, Any]) -> str:
    return f"{each['metric']}: {each['kind']}" + (f", {each['better']} is better" if each["better"] else "")


COMMAND = Command(
    name="harnesses",
    help="list the harnesses whose files are known",
    example="pipeline harnesses fio",
    usage="[HARNESS]",
    add_options=_add_options,
    run=_run,
)
