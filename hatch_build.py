"""Build hook: compiles the native part into the wheel, or beside its sources for an editable installation."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path(__file__).parent / "pipeline" / "native"
sys.path.insert(0, str(NATIVE))

import build as native_build  # noqa: E402 - found beside the sources it builds

# Compiles C++ wherever pip is, for machines that have no compiler.
COMPILER_PACKAGE = "ziglang>=0.13"


class NativeBuildHook(BuildHookInterface[Any]):
    """Compiles before a wheel is made; the wheel fits any Python on the platform."""

    def dependencies(self) -> list[str]:
        """Ask for a compiler from the package index where the system has none."""
        return [] if native_build.find_compiler() else [COMPILER_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the library into the wheel."""
        del version
        library = native_build.build(NATIVE)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append(str(library.relative_to(Path(__file__).parent)))
