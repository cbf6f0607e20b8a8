"""The way in for a string: a text in, chunks out. Core: no LlamaIndex, no model."""

from __future__ import annotations

from llama_index_prod_rag.chunking.heads import Envelope
from llama_index_prod_rag.chunking.pack import pack_plans
from llama_index_prod_rag.chunking.plan import plan_text
from llama_index_prod_rag.chunking.units import Budget, Chunk
from llama_index_prod_rag.structure.formats import read
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.text.tokens import TokenCounter


def chunk_text(
    text: str | Reading, counter: TokenCounter, budget: Budget, envelope: Envelope | None = None
) -> list[Chunk]:
    r"""Cut a text into chunks, none over the budget.

    Args:
        text: a string, which is read as prose, or what `structure.read` gives for a text of any format.
        counter: counts tokens.
        budget: sizes to keep.
        envelope: metadata that will be embedded with each chunk, and how; it counts in the budget.

    Returns:
        Chunks in reading order: where each begins and ends in the text, the headings above it, and its metadata.

    Examples:
        >>> from llama_index_prod_rag.text.tokens import SimpleCounter
        >>> text = "# Birds\n\nOwls hunt at night.\n\n## Ducks\n\nThey swim all day."
        >>> chunks = chunk_text(read(text, "markdown"), SimpleCounter(), Budget(chunk_size=16))
        >>> [(text[chunk.start : chunk.end], chunk.path) for chunk in chunks][1]
        ('## Ducks\n\nThey swim all day.', ('Birds', 'Ducks'))
    """
    reading = read(text, "prose") if isinstance(text, str) else text
    return pack_plans([plan_text(reading, counter, budget, envelope)])[0]
