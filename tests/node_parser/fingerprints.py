"""One fingerprint of all nodes for each kind of text and each way to cut it: the proof that a rewrite changes nothing.

    python -m tests.node_parser.fingerprints FOLDER --write before.json      # in the old state
    python -m tests.node_parser.fingerprints FOLDER --against before.json    # in the new one

FOLDER holds one folder for each format (`markdown`, `html`, `legal`, ...) with files. Generated and odd texts come
from `tests.node_parser.texts`. A fingerprint covers texts, offsets, metadata and what is embedded; ids are left out,
because they tell the parser's settings apart and may change with them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import Document, MetadataMode, TextNode

from llama_index_prod_rag import DocumentAwareNodeParser, SemanticChunker
from tests.node_parser.texts import NAMED, PIECES, generated

_FOLDERS = {"tex": "latex", "papers": "paper"}
_DIRECTIONS = 16


class WordDirections(BaseEmbedding):
    """A direction for each text from the hashes of its words: likeness without a model, the same on every machine."""

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = [0.0] * _DIRECTIONS
        for word in text.lower().split():
            vector[hashlib.sha256(word.encode(errors="replace")).digest()[0] % _DIRECTIONS] += 1.0
        return vector

    _get_query_embedding = _get_text_embedding

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def fingerprints(folder: Path | None) -> dict[str, str]:
    """Fingerprint of the nodes, for each kind of text and each way to cut it."""
    found: dict[str, str] = {}
    for kind, format_name, documents in _collections(folder):
        for name, parser in _parsers(format_name):
            found[f"{kind}, {name}"] = _fingerprint(parser.get_nodes_from_documents(documents))
    return found


def _collections(folder: Path | None) -> Iterator[tuple[str, str, list[Document]]]:
    for each in sorted(folder.iterdir()) if folder else ():
        files = sorted(path for path in each.glob("*") if path.is_file())
        texts = {path.name: path.read_bytes().decode(errors="replace") for path in files}
        documents = [
            Document(text=text, id_=name, metadata={"file_name": name, "author": "A. N. Other"})
            for name, text in texts.items()
        ]
        yield f"{each.name} files", _FOLDERS.get(each.name, each.name), documents
    for name in PIECES:
        yield (
            f"{name} generated",
            name,
            [Document(text=text, id_=str(i)) for i, text in enumerate(generated(name, 150))],
        )
    yield "odd texts", "markdown", [Document(text=text, id_=name) for name, text in NAMED.items()]


def _parsers(format_name: str) -> list[tuple[str, Any]]:
    ways: list[dict[str, Any]] = [
        {"chunk_size": 60, "min_size": 5, "tokenizer": "simple"},
        {"chunk_size": 250, "tokenizer": "offline", "chunk_overlap": 30},
        {"chunk_size": 120, "tokenizer": "simple", "embed_model": WordDirections(), "include_parents": True},
    ]
    kind = {"format": format_name, "language": "python"}
    named: list[tuple[str, Any]] = [
        (f"structure {index}", DocumentAwareNodeParser(**kind, **way)) for index, way in enumerate(ways)
    ]
    for way in ways:
        way.pop("include_parents", None)
    return named + [(f"semantic {index}", SemanticChunker(**way)) for index, way in enumerate(ways)]


def _fingerprint(nodes: Any) -> str:
    digest = hashlib.sha256()
    for node in nodes:
        assert isinstance(node, TextNode)
        parts = [
            *(node.text, node.start_char_idx, node.end_char_idx, node.metadata, node.ref_doc_id),
            *(node.get_content(MetadataMode.EMBED), node.get_content(MetadataMode.LLM)),
            *(sorted(node.excluded_embed_metadata_keys), sorted(node.excluded_llm_metadata_keys)),
            len(node.child_nodes or []),
        ]
        digest.update(json.dumps(parts, default=str).encode())
    return f"{len(nodes)} nodes, {digest.hexdigest()[:24]}"


def main() -> int:
    """Print, write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    found = fingerprints(given.folder)
    if given.write:
        given.write.write_text(json.dumps(found, indent=1))
    if not given.against:
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in found.items())
        return 0
    before = json.loads(given.against.read_text())
    changed = {name for name in before.keys() | found.keys() if before.get(name) != found.get(name)}
    sys.stdout.writelines(f"{name}: {before.get(name)} -> {found.get(name)}\n" for name in sorted(changed))
    sys.stdout.write(f"{len(found) - len(changed)} of {len(found)} the same\n")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
