"""Where chunks begin and end: defects that no score shows but every reader of a source sees.

    python -m benchmarks.chunk_ends FOLDER

FOLDER holds one folder for each format (`markdown`, `html`, `legal`, ...) with files. Counted per format and chunk
size: chunks that end with a title whose text is in the next one (titles are known from the reader's tree), and chunks
without a word.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from llama_index_prod_rag.chunking import Budget, Chunk, chunk_text
from llama_index_prod_rag.chunking.leaves import holds_word
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.structure import Reading, read

_FORMATS = {"tex": "latex", "papers": "paper"}
_CHUNK_SIZES = (60, 120, 250)


def defects(reading: Reading, chunks: list[Chunk]) -> Counter[str]:
    """How many chunks there are, and how many have each defect."""
    ends = {_last_sign(reading.text, block.end) for block in reading.root.walk() if block.kind == "heading"}
    found: Counter[str] = Counter(chunks=len(chunks))
    for chunk in chunks:
        last = _last_sign(reading.text, chunk.end)
        found["end with a title"] += last in ends and bool(reading.text[chunk.end :].strip())
        found["hold no word"] += not holds_word(reading.text[chunk.start : chunk.end])
    return found


def _last_sign(text: str, end: int) -> int:
    return len(text[:end].rstrip())


def _readings(folder: Path) -> Iterator[tuple[str, Reading]]:
    for path in sorted(folder.glob("*/*")):
        format_name = _FORMATS.get(path.parent.name, path.parent.name)
        yield format_name, read(path.read_bytes().decode(errors="replace"), format_name)


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    readings = list(_readings(given.folder))
    counter = load_counter("offline")
    for size in _CHUNK_SIZES:
        by_format: dict[str, Counter[str]] = {}
        for format_name, reading in readings:
            chunks = chunk_text(reading, counter, Budget(chunk_size=size, min_size=min(20, size // 4)))
            for name in (format_name, "all"):
                by_format.setdefault(name, Counter()).update(defects(reading, chunks))
        for name, found in by_format.items():
            shares = ", ".join(
                f"{found[each]} {each} ({100 * found[each] / max(1, found['chunks']):.2f} %)"
                for each in ("end with a title", "hold no word")
            )
            sys.stdout.write(f"{size} tokens, {name}: {found['chunks']} chunks, {shares}\n")


if __name__ == "__main__":
    main()
