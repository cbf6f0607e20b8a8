"""What an installation takes on disk: a fresh virtual environment for the core and for each extra, whole.

    python -m benchmarks.install_size [EXTRA ...]

Sizes are of everything under the environment, pip and the compiled modules included, in MB of 2^20 bytes. `core` is the
package without an extra. It downloads what pip's cache does not hold; PIP_INDEX_URL and PIP_EXTRA_INDEX_URL apply, and
on Linux decide whether torch is the CUDA build of several gigabytes or the one for processors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

_ROOT = Path(__file__).parents[1]
EXTRAS = (
    "core",
    "onnx",
    "offline",
    "elasticsearch",
    "code",
    "sheets",
    "rtf",
    "eval",
    "postgres",
    "tracing",
    "ray",
    "torch",
    "llm",
)


def size_of(folder: Path) -> float:
    """MB on disk, in whole blocks as `du` counts them where the system tells."""
    stats = [path.lstat() for path in folder.rglob("*")]
    return sum(512 * stat.st_blocks if hasattr(stat, "st_blocks") else stat.st_size for stat in stats) / 2**20


def measure(extra: str) -> dict[str, float]:
    """MB and seconds of an installation with one extra."""
    wanted = str(_ROOT) if extra == "core" else f"{_ROOT}[{extra}]"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "venv"
        began = time.perf_counter()
        venv.create(folder, with_pip=True, symlinks=os.name == "posix")
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wanted], check=True)
        return {"mb": round(size_of(folder)), "seconds": round(time.perf_counter() - began)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help=f"of {', '.join(EXTRAS)}; all when none is given")
    sizes = {}
    for chosen in parser.parse_args().extras or EXTRAS:
        sizes[chosen] = measure(chosen)
        sys.stderr.write(f"{chosen}: {sizes[chosen]['mb']:.0f} MB\n")
    print(json.dumps(sizes, indent=2))
