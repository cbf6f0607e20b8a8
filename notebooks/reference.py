"""What the notebooks share: the Python language reference, questions about it, and the look of the plots.

The reference is the text behind `help()`: it ships with every CPython, so the notebooks need no download. The questions
in `questions.jsonl` were written for them. A question that the reference answers has a `quote` from the passage that
does; one that it does not answer has none.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
from cycler import cycler
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.schema import BaseNode, MetadataMode

from llama_index_prod_rag import CrossEncoderRerank, DocumentAwareNodeParser, load_embedding
from llama_index_prod_rag.evaluation import DiskScores
from llama_index_prod_rag.models import embed_texts, load_scorer
from llama_index_prod_rag.postprocessor import CachedScorer

STATEMENTS = (
    "with",
    "try",
    "function",
    "class",
    "for",
    "while",
    "async",
    "execmodel",
    "import",
    "calls",
    "assignment",
    "raise",
    "global",
    "nonlocal",
    "del",
    "assert",
    "lambda",
    "return",
    "break",
    "continue",
    "pass",
    "yield",
    "exprlists",
)
TOPICS = (
    *STATEMENTS,
    *[
        "customization",
        "attribute-access",
        "sequence-types",
        "numeric-types",
        "context-managers",
        "comparisons",
        "subscriptions",
        "dict",
        "slicings",
        "booleans",
        "integers",
        "floating",
        "power",
        "identifiers",
        "objects",
        "typesmapping",
        "strings",
        "binary",
        "shifting",
        "bitwise",
        "unary",
        "truth",
        "lists",
        "conversions",
        "await",
    ],
)
"""Topics that do not repeat one another: the reference also has collections of them (`compound`, `specialnames`)."""

BLUE, ORANGE, GREEN, PINK, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
"""Colours that people with colour blindness can tell apart (Okabe and Ito, 2008)."""
GREY = "#6E6E6E"


@dataclass(frozen=True)
class Question:
    """A question, and a quote from the passage that answers it; None where the reference has no answer."""

    query: str
    quote: str | None


def documents(names: tuple[str, ...] = TOPICS) -> list[Document]:
    """One LlamaIndex document a topic."""
    return [
        Document(text=topics[name], id_=name, metadata={"file_name": f"{name}.rst"}) for name in names if name in topics
    ]


def questions() -> list[Question]:
    """Those with an answer, then those without; a quote that this Python's reference words otherwise is left out."""
    lines = (Path(__file__).parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    written = [Question(**json.loads(line)) for line in lines]
    texts = [_plain(topics[name]) for name in TOPICS if name in topics]
    return [each for each in written if each.quote is None or any(_plain(each.quote) in text for text in texts)]


def relevant(question: Question, nodes: list[BaseNode]) -> dict[str, int]:
    """Node id -> 1 for the passages that hold the quote: labels that survive any chunking."""
    if question.quote is None:
        return {}
    quote = _plain(question.quote)
    return {node.node_id: 1 for node in nodes if quote in _plain(node.get_content(MetadataMode.NONE))}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\"*`“”]", "", text.replace("’", "'")).split())


def reference_index() -> VectorStoreIndex:
    """The reference, chunked and embedded; vectors are kept on disk, so that only the first notebook computes them."""
    nodes = DocumentAwareNodeParser(chunk_size=250, tokenizer="offline").get_nodes_from_documents(documents())
    embedding = load_embedding("offline")
    vectors = embed_texts([node.get_content(MetadataMode.EMBED) for node in nodes], embedding=embedding)
    embedded = [node.model_copy(update={"embedding": row}) for node, row in zip(nodes, vectors.tolist(), strict=True)]
    return VectorStoreIndex(embedded, embed_model=embedding)


def cached_reranker(**settings: object) -> CrossEncoderRerank:
    """A `CrossEncoderRerank` whose pair scores are kept on disk, for the same reason."""
    return CrossEncoderRerank(scorer=CachedScorer(load_scorer("offline"), DiskScores()), model="offline", **settings)


def plot_style() -> None:
    """Light, quiet, readable on a light and on a dark page."""
    plt.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PINK, SKY, RED]),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": "medium",
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.figsize": (7.5, 3.6),
            "font.size": 10,
            "grid.color": "#E3E3E3",
            "legend.frameon": False,
        }
    )
