"""What both parsers share: settings, and the way from documents to linked nodes. The cutting is `chunking`'s."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    field_serializer,
    field_validator,
)
from llama_index.core.node_parser import NodeParser
from llama_index.core.node_parser.node_utils import default_id_func
from llama_index.core.schema import BaseNode, Document, MetadataMode, TextNode
from llama_index.core.utils import get_tqdm_iterable
from typing_extensions import Self

from llama_index_prod_rag.chunking.pack import pack_plans
from llama_index_prod_rag.chunking.plan import plan_text
from llama_index_prod_rag.chunking.units import Budget, Chunk, Plan
from llama_index_prod_rag.errors import ConfigurationError, refuse_unknown
from llama_index_prod_rag.models.tokenizers import embedder_tokenizer, load_counter
from llama_index_prod_rag.node_parser.embedding import for_batches, restore_embed_model, unit_vectors
from llama_index_prod_rag.node_parser.hierarchy import link_family, link_neighbors
from llama_index_prod_rag.node_parser.ids import number, stable_ids
from llama_index_prod_rag.node_parser.nodes import envelope_of, nodes_of
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.text.graphemes import replace_surrogates
from llama_index_prod_rag.text.tokens import SIMPLE, HuggingFaceCounter, TokenCounter

_logger = logging.getLogger(__name__)

AUTO = "auto"

_ID_FUNCTIONS: dict[str, Callable[[int, BaseNode], str]] = {"default_id_func": default_id_func}
_MIN_SIZE = 20  # tokens: about one sentence, below which an embedding says little
_NOT_IN_IDS = {"callback_manager", "embed_model", "id_func", "include_prev_next_rel"}
"""Settings that do not change the chunks, or that hold more than what does (a model's keys and addresses)."""


class ChunkingParser(NodeParser):
    """Base of the parsers: a subclass says how a document is read."""

    chunk_size: int = Field(
        default=250, gt=0, description="Most tokens of a chunk, with the metadata that is embedded with it."
    )
    chunk_overlap: int = Field(
        default=0, ge=0, description="Most tokens of whole sentences repeated from the chunk before."
    )
    min_size: int | None = Field(
        default=None,
        ge=0,
        description="Smaller chunks join a neighbor where that fits; None: 20 tokens, half of small chunk sizes.",
    )
    tokenizer: str = Field(
        default=AUTO,
        description="Whose tokens are counted: 'auto' (the embedding model's, else an estimate), 'offline', a folder, "
        "a hub name, 'tiktoken:cl100k_base', or 'simple' (the estimate).",
    )
    embed_model: BaseEmbedding | None = Field(
        default=None, description="Lets boundaries fall where the topic turns; None: structure and size decide."
    )
    cohesion: float = Field(default=8.0, ge=0.0, description="Weight of likeness against even sizes.")
    embed_headings: bool = Field(default=True, description="Embed the heading path with the text.")
    id_func: Any = Field(
        default=None,
        description="(index, document) -> node id; None: the same ids for the same document, parser and settings.",
    )

    _counter: TokenCounter = PrivateAttr()

    def __init__(self, **data: Any) -> None:
        refuse_unknown(type(self).__name__, data, type(self).model_fields)
        try:
            super().__init__(**data)
        except ValidationError as error:  # pydantic wraps every ValueError: give back the one that says what to do
            for line in error.errors():
                if isinstance(ours := line.get("ctx", {}).get("error"), ConfigurationError):
                    raise ours from None
            raise

    @field_validator("embed_model", mode="before")
    @classmethod
    def _find_embed_model(cls, value: Any) -> Any:  # noqa: ANN401 - a model or its serialised form
        return restore_embed_model(value) if isinstance(value, dict) else value

    @field_serializer("embed_model")
    def _serialize_embed_model(self, value: BaseEmbedding | None) -> dict[str, Any] | None:
        return None if value is None else value.to_dict()

    @field_validator("id_func", mode="before")
    @classmethod
    def _find_id_function(cls, value: Any) -> Any:  # noqa: ANN401 - a function, its serialised name, or None
        if not isinstance(value, dict):
            return value
        name = value.get("id_func_name")
        if name not in _ID_FUNCTIONS:
            raise ConfigurationError(f"id_func {name!r} cannot be restored from its name: pass id_func again")
        return _ID_FUNCTIONS[name]

    @field_serializer("id_func")
    def _serialize_id_function(self, value: Callable[[int, BaseNode], str] | None) -> dict[str, str] | None:
        if value is None:
            return None
        return {"id_func_name": getattr(value, "__name__", type(value).__name__), "title": "id_func"}

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Check the sizes against each other, and find the tokenizer."""
        super().model_post_init(context)
        self._budget()
        self._counter = _find_counter(self.tokenizer, self.embed_model)

    @classmethod
    def from_defaults(cls, **settings: Any) -> Self:
        """Make the parser with these settings and defaults for the others, as every LlamaIndex parser can be made."""
        return cls(**settings)

    @abstractmethod
    def read(self, node: BaseNode, text: str) -> Reading:
        """Read a document's text: its tree of blocks, and how slices of the text read."""

    def _budget(self) -> Budget:
        """The sizes to keep; checked again at each use, for LlamaIndex's `Settings` may have changed them."""
        smallest = min(_MIN_SIZE, self.chunk_size // 2) if self.min_size is None else self.min_size
        return Budget(self.chunk_size, smallest, self.chunk_overlap, cohesion=self.cohesion)

    def _sections(self, document: BaseNode, plan: Plan) -> list[TextNode]:  # noqa: ARG002 - for those that have them
        """Nodes that stand above the chunks."""
        return []

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:  # noqa: ARG002 - LlamaIndex's signature
        plans = self._plans(nodes, show_progress=show_progress)
        texts, vectors = self._unit_texts(plans), None
        if self.embed_model is not None and texts:
            vectors = self.embed_model.get_text_embedding_batch(for_batches(texts), show_progress=show_progress)
        chunks = pack_plans(plans, None if vectors is None else unit_vectors(texts, vectors))
        return self._link(nodes, plans, chunks)

    async def _aparse_nodes(
        self,
        nodes: Sequence[BaseNode],
        show_progress: bool = False,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[BaseNode]:
        plans = await asyncio.to_thread(self._plans, nodes, show_progress=show_progress)
        texts, vectors = self._unit_texts(plans), None
        if self.embed_model is not None and texts:
            vectors = await self.embed_model.aget_text_embedding_batch(for_batches(texts), show_progress=show_progress)
        matrix = None if vectors is None else unit_vectors(texts, vectors)
        chunks = await asyncio.to_thread(pack_plans, plans, matrix)
        return await asyncio.to_thread(self._link, nodes, plans, chunks)

    def _plans(self, nodes: Sequence[BaseNode], *, show_progress: bool) -> list[Plan]:
        budget = self._budget()
        plans: list[Plan] = []
        for node in get_tqdm_iterable(nodes, show_progress, "Parsing nodes"):
            given = node.get_content(metadata_mode=MetadataMode.NONE)
            text = replace_surrogates(given)
            if text != given:
                _logger.warning("%s holds lone surrogates: each is replaced by U+FFFD", node.node_id)
            envelope = envelope_of(node, inherit=self.include_metadata, embed_headings=self.embed_headings)
            plans.append(plan_text(self.read(node, text), self._counter, budget, envelope))
        return plans

    def _unit_texts(self, plans: Sequence[Plan]) -> list[str]:
        return [] if self.embed_model is None else [text for plan in plans for text in plan.texts]

    def _link(
        self, documents: Sequence[BaseNode], plans: Sequence[Plan], chunks: Sequence[Sequence[Chunk]]
    ) -> list[BaseNode]:
        """The nodes of all documents, with ids and relations."""
        families: list[tuple[BaseNode, list[TextNode], list[TextNode]]] = []
        for document, plan, parts in zip(documents, plans, chunks, strict=True):
            _warn_of_long_metadata(document, parts, self.chunk_size)
            families.append((document, self._build(document, plan, parts), self._sections(document, plan)))
        number([(document, [*nodes, *above]) for document, nodes, above in families], self._id_function())
        linked: list[BaseNode] = []
        for _, nodes, above in families:
            linked += [*nodes, *link_family(above, nodes)]
        if self.include_prev_next_rel:
            link_neighbors(linked)
        return linked

    def _build(self, document: BaseNode, plan: Plan, chunks: Sequence[Chunk]) -> list[TextNode]:
        return nodes_of(document, plan, chunks)

    def _id_function(self) -> Callable[[int, BaseNode], str]:
        if self.id_func is not None:
            function: Callable[[int, BaseNode], str] = self.id_func
            return function
        settings = self.model_dump(exclude=_NOT_IN_IDS)
        model = getattr(self.embed_model, "model_name", None)
        return stable_ids({**settings, "parser": self.class_name(), "embed_model": model})

    def _postprocess_parsed_nodes(
        self,
        nodes: list[BaseNode],
        parent_doc_map: dict[str, Document],  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[BaseNode]:
        """Nothing: offsets, metadata and relations are set already; LlamaIndex's own pass would guess them anew."""
        return nodes


def _warn_of_long_metadata(document: BaseNode, chunks: Sequence[Chunk], chunk_size: int) -> None:
    if left_out := list(dict.fromkeys(key for chunk in chunks for key in chunk.head.too_long)):
        _logger.warning(
            "metadata of %s is too long to embed with chunks of %d tokens; left out of the embedded text: %s. "
            "Exclude these keys yourself (excluded_embed_metadata_keys) or raise chunk_size.",
            document.node_id,
            chunk_size,
            ", ".join(left_out),
        )


def _find_counter(tokenizer: str, embed_model: BaseEmbedding | None) -> TokenCounter:
    if tokenizer != AUTO:
        return load_counter(tokenizer)
    fast = embedder_tokenizer(embed_model)
    return load_counter(SIMPLE) if fast is None else HuggingFaceCounter(fast)
