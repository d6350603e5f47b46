"""Draws what the benchmarks printed, as `python benchmarks/plot.py RESULTS.txt OUT.svg`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

ROW = re.compile(r"^  (\S+(?:, \w+)?)\s+([\d.]+)\s+[\d.]+\s+[\d.]+\s+[\d.]+\s+(\d+)\s+[\d.]+$")
OURS = "pipeline"


def read_results(text: str) -> dict[str, list[tuple[str, float, float]]]:
    """Read engine, median seconds and peak megabytes by task."""
    tasks: dict[str, list[tuple[str, float, float]]] = {}
    task = ""
    for line in text.splitlines():
        if heading := re.match(r"^([\w-]+): [\d,]+ rows", line):
            task = heading[1]
        elif found := ROW.match(line):
            tasks.setdefault(task, []).append((found[1], float(found[2]), float(found[3])))
    return tasks


def draw(tasks: dict[str, list[tuple[str, float, float]]], target: Path) -> None:
    """Draw seconds and memory of each engine, a row of axes per task."""
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    figure, axes = plt.subplots(len(tasks), 2, figsize=(9, 1.7 * len(tasks)), squeeze=False)
    for (task, rows), (left, right) in zip(tasks.items(), axes, strict=True):
        names = [name for name, _, _ in rows]
        colors = ["tab:blue" if name.startswith(OURS) else "lightgray" for name in names]
        for ax, place, unit in ((left, 1, "seconds"), (right, 2, "peak MB")):
            bars = ax.barh(names, [row[place] for row in rows], color=colors)
            ax.bar_label(bars, fmt="%.2f" if place == 1 else "%.0f", padding=2, fontsize=7)
            ax.invert_yaxis()
            ax.margins(x=0.15)
            ax.tick_params(labelsize=7)
            ax.set_title(f"{task}, {unit}", fontsize=8)
        right.set_yticklabels([])
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    draw(read_results(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
