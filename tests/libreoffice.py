"""LibreOffice in a language of its own, and what its sheets show."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

from machine import SOFFICE

NS = {
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
}


def make_profile(directory, language):
    """A profile of our own, so that neither the user's settings nor a running program interfere."""
    settings = directory / "user"
    settings.mkdir(parents=True)
    (settings / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">'
        f"<value>{language}</value></prop></item></oor:items>",
        encoding="utf-8",
    )
    return directory


def convert(profile, out, to, *paths, infilter=None):
    """Convert files in one go; gives the results, in order."""
    done = subprocess.run(
        [
            SOFFICE,
            "--headless",
            f"-env:UserInstallation={profile.as_uri()}",
            *([f"--infilter={infilter}"] if infilter else []),
            "--convert-to",
            to,
            "--outdir",
            out,
            *paths,
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    found = [out / f"{Path(path).stem}.{to.split(':')[0]}" for path in paths]
    assert all(path.is_file() for path in found), done
    return found


def _name(space, name):
    return f"{{{NS[space]}}}{name}"


def _cell_text(cell):
    """Text of a cell, its paragraphs being lines; tabs and repeated spaces are elements of their own."""

    def text(element):
        parts = [element.text or ""]
        for child in element:
            if child.tag == _name("text", "tab"):
                parts.append("\t")
            elif child.tag == _name("text", "s"):
                parts.append(" " * int(child.get(_name("text", "c"), "1")))
            elif child.tag == _name("text", "line-break"):
                parts.append("\n")
            else:
                parts.append(text(child))
            parts.append(child.tail or "")
        return "".join(parts)

    return "\n".join(text(paragraph) for paragraph in cell.findall("text:p", NS))


def _cells(row_element):
    """Cells of a row as (kind, value, formula)."""
    cells = []
    for cell in row_element.findall("table:table-cell", NS):
        kind = cell.get(_name("office", "value-type"))
        value = None
        if kind == "float":
            value = float(cell.get(_name("office", "value")))
        elif kind is not None:
            value = _cell_text(cell)
        repeated = int(cell.get(_name("table", "number-columns-repeated"), "1"))
        cells += [(kind, value, cell.get(_name("table", "formula")))] * min(repeated, 100)
    return cells


def parse_fods(path):
    """Rows of the one sheet of a flat OpenDocument file, empty rows at the end left out."""
    sheets = list(ET.parse(path).getroot().iter(_name("table", "table")))  # noqa: S314 - LibreOffice wrote it
    assert len(sheets) == 1
    rows = []
    for element in sheets[0].iter(_name("table", "table-row")):
        cells = _cells(element)
        repeated = int(element.get(_name("table", "number-rows-repeated"), "1"))
        if any(kind is not None for kind, _, _ in cells):
            rows += [cells] * repeated
    return rows
