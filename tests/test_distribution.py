"""What the project says of itself to those who install it: its licence, and where its extras come from."""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from project import ROOT

NAME = "measurement-export-pipeline"
DEBIANS_COPY = Path("/usr/share/common-licenses/Apache-2.0")


def test_the_licence_is_in_the_repository_and_in_what_is_installed():
    text = (ROOT / "LICENSE").read_bytes()
    installed = distribution(NAME)  # from the wheel that the build makes, editable or not
    assert installed.metadata["License-Expression"] == "Apache-2.0"
    assert installed.metadata.get_all("License-File") == ["LICENSE"]
    [file] = [one for one in installed.files or [] if one.match("*.dist-info/licenses/LICENSE")]
    assert file.read_binary() == text
    assert "Apache-2.0" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not DEBIANS_COPY.exists(), reason="no copy of the licence by others is here")
def test_the_licence_has_its_full_text_to_the_byte():
    assert (
        hashlib.sha256((ROOT / "LICENSE").read_bytes()).digest() == hashlib.sha256(DEBIANS_COPY.read_bytes()).digest()
    )


def test_nobody_is_told_to_install_a_package_of_ours_from_an_index():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    told = []
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*"), *ROOT.glob("pipeline/**/*.py"), *ROOT.glob("findings/*")]:
        if path.is_file() and path.suffix not in {".png", ".svg"}:
            words = " ".join(path.read_text(encoding="utf-8").split())
            told += re.findall(r"\b(?:pip install|uv add|uv tool install|uv pip install)\s+(.{1,60})", words)
    assert told
    ours = re.compile(r"'?(?:\.(?=[`'\s)])|\.\[[\w,]+\])")
    others = re.compile(r"(?:--\S+ )*uv\b")
    assert [one for one in told if not ours.match(one) and not others.match(one)] == []
    assert [one for one in told if (found := re.match(r"'?\.\[(\w+)\]", one)) and found[1] not in extras] == []
