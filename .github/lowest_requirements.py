"""Print every direct dependency pinned to its lower bound, so that CI can test what `pyproject.toml` promises."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_BOUND = re.compile(r'"([A-Za-z0-9_.-]+(?:\[[a-z]+\])?)>=([0-9.a-z]+)')
_TOOLS = re.compile(r"^(?:dev|bench|docs) = \[.*?\]$", re.MULTILINE | re.DOTALL)  # tools may be newer

if __name__ == "__main__":
    text = _TOOLS.sub("", Path(sys.argv[1]).read_text(encoding="utf-8").split("[project.scripts]")[0])
    sys.stdout.write("".join(f"{name}=={version}\n" for name, version in _BOUND.findall(text)))
