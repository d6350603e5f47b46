"""Where the project lies, and what was recorded for its tests."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURE_STORE = ROOT / "data" / "fixtures" / "teleoperation"
HARNESS_FILES = ROOT / "data" / "fixtures" / "harness"
SHARED = ROOT.parent / "shared"
