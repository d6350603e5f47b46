"""The findings have their form; what they claim is run by `just findings`, outside the tests."""

from __future__ import annotations

import re
import subprocess

import pytest
from project import ROOT

FINDINGS = sorted((ROOT / "findings").glob("*.sh"))
HEADER = re.compile(r"# Claim: .+\n(?:#   .+\n)*# Versions: .+\n(?:#   .+\n)*# Guess: .+\n(?:#   .+\n)*# Hurts: .+\n")


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_a_finding_says_what_it_claims_and_is_sound_shell(path):
    text = path.read_text(encoding="utf-8")
    assert HEADER.search(text), "begins with Claim, Versions, Guess and Hurts"
    assert "trap" in text, "removes its folder"
    assert not re.search(r"https?://|--index-url|--extra-index-url", text), "names no host"
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
