"""What verification finds in a package, and changes that are made so that all sums fit."""

from __future__ import annotations

import hashlib
import json

from directories import descriptor

from pipeline import verify_package

FORMATS = ("ndjson", "json", "csv", "parquet", "arrow")


def problems(package, **options):
    return {(one.file, one.problem) for one in verify_package(package, **options).problems}


def files_blamed(package, **options):
    return {file for file, _ in problems(package, **options)}


def seal(package):
    """Make sizes, hashes and SHA256SUMS fit again, as somebody would who wants a change to stay unnoticed."""
    described = descriptor(package)
    sums = {}
    for resource in described["resources"]:
        data = (package / resource["path"]).read_bytes()
        resource["bytes"], resource["hash"] = len(data), f"sha256:{hashlib.sha256(data).hexdigest()}"
        sums[resource["path"]] = resource["hash"].removeprefix("sha256:")
    write_descriptor(package, described)
    sums["datapackage.json"] = hashlib.sha256((package / "datapackage.json").read_bytes()).hexdigest()
    (package / "SHA256SUMS").write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")


def write_descriptor(package, value):
    (package / "datapackage.json").write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
