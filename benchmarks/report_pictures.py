"""Draws the report of the recorded sessions in a browser, without a network and without scripts, and asks axe about it.

Needs Chromium, npm, which fetches axe-core, and the Python package playwright. The pictures go into docs/.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import resvg_py  # noqa: F401 - says early that the group of tests is missing
from playwright.sync_api import Browser, sync_playwright

import pipeline

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PICTURES: dict[str, dict[str, Any]] = {
    "report-light.png": {"viewport": {"width": 1160, "height": 1120}, "color_scheme": "light"},
    "report-dark.png": {"viewport": {"width": 1160, "height": 900}, "color_scheme": "dark"},
    "report-phone.png": {"viewport": {"width": 390, "height": 800}, "color_scheme": "light"},
    "report-print.png": {"viewport": {"width": 794, "height": 1123}, "color_scheme": "dark"},
}
"""By name: what the browser is; the print is as wide as A4."""
PLACES = {"report-dark.png": "time", "report-phone.png": "percentiles", "report-print.png": "percentiles"}
"""Which section a picture begins with; the others begin with the page."""


def make_report(directory: Path) -> Path:
    """Write the report of the recorded sessions."""
    path = directory / "report.html"
    pipeline.write_report(
        ROOT / "data" / "fixtures" / "teleoperation",
        path,
        by=["network_profile"],
        kinds=["packets_lost=counter"],
        targets=ROOT / "data" / "fixtures" / "targets" / "teleoperation.toml",
    )
    return path


def draw(browser: Browser, report: Path, name: str, to: Path) -> None:
    """Draw one picture, network cut, scripts off."""
    context = browser.new_context(**PICTURES[name], java_script_enabled=False, offline=True)
    page = context.new_page()
    if name == "report-print.png":
        page.emulate_media(media="print")
    page.goto(f"{report.as_uri()}#{PLACES[name]}" if name in PLACES else report.as_uri())
    page.screenshot(path=to)
    context.close()


def axe_source(directory: Path) -> str:
    """Fetch axe-core."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing, which fetches axe-core")
    packed = subprocess.run([npm, "pack", "--silent", "axe-core"], cwd=directory, capture_output=True, check=True)
    with tarfile.open(directory / packed.stdout.decode().split()[-1]) as archive:
        found = archive.extractfile("package/axe.min.js")
        if found is None:
            raise SystemExit("axe-core has no axe.min.js")
        return found.read().decode()


def violations(browser: Browser, report: Path, axe: str) -> list[str]:
    """Ask axe about the page, in light and dark, with all tables open."""
    told = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, bypass_csp=True, offline=True)
        page = context.new_page()
        page.goto(report.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        page.evaluate(axe)
        found = json.loads(page.evaluate("axe.run().then(result => JSON.stringify(result.violations))"))
        told += [f"{scheme}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}" for one in found]
        context.close()
    return told


def main() -> int:
    """Draw all, and ask."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is missing")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        directory = Path(name)
        report = make_report(directory)
        assert not re.search(r"<script|https?://", report.read_text())  # noqa: S101 - nothing to load, nothing to run
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for picture in PICTURES:
            draw(browser, report, picture, DOCS / picture)
            print(f"docs/{picture}: {(DOCS / picture).stat().st_size / 1000:.0f} kB")
        found = violations(browser, report, axe_source(directory))
        browser.close()
    print("\n".join(found) or "axe finds nothing")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
