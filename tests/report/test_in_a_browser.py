"""A report in a real browser, opened from disk, without a network."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from report_sources import made_of

import pipeline

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_shows_the_page_and_prints_it_without_a_network(tmp_path):
    pipeline.write_report(made_of(tmp_path / "rows.parquet", 6_000), tmp_path / "report.html", by=["site"])
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    cut = ["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0"]
    ran = subprocess.run(
        [CHROMIUM, *options, *cut, "--dump-dom", (tmp_path / "report.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    text = (tmp_path / "report.html").read_text()
    for tag in ("svg", "table", "section", "path", "figure"):  # the browser mends what is not well formed
        assert len(re.findall(f"<{tag}[ >]", ran.stdout)) == len(re.findall(f"<{tag}[ >]", text))
    assert not re.search(r"Refused to|ERR_|Content Security Policy|CONSOLE", ran.stderr)
