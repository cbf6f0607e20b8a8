"""What both parsers share: options, budgets that count metadata, and nodes with exact offsets and relations."""

from __future__ import annotations

import asyncio
import logging
import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
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
from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.utils import get_tqdm_iterable
from numpy.typing import NDArray
from typing_extensions import Self

from llama_index_prod_rag.chunking.packing import pack_units, split_chunk
from llama_index_prod_rag.chunking.units import Budget, Chunk, Source, Unit
from llama_index_prod_rag.errors import ConfigurationError, refuse_unknown
from llama_index_prod_rag.models.tokenizers import embedder_tokenizer, load_counter
from llama_index_prod_rag.node_parser.embedded_metadata import EmbeddedMetadata
from llama_index_prod_rag.node_parser.hierarchy import link_neighbours
from llama_index_prod_rag.text.graphemes import without_surrogates
from llama_index_prod_rag.text.tokens import SIMPLE, HuggingFaceCounter, TokenCounter

_logger = logging.getLogger(__name__)

AUTO = "auto"


def stable_id(i: int, doc: BaseNode) -> str:
    """The id of a document's i-th chunk: the same whenever the document is parsed again under the same id.

    Examples:
        >>> stable_id(0, Document(text="", id_="a")) == stable_id(0, Document(text="other", id_="a"))
        True
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{doc.node_id}/{i}"))


_ID_FUNCTIONS: dict[str, Callable[[int, BaseNode], str]] = {
    "stable_id": stable_id,
    "default_id_func": default_id_func,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One document on its way through a parser: what is embedded with it, its text, and its units."""

    node: BaseNode
    source: Source
    units: Sequence[Unit]
    embedded: EmbeddedMetadata


class ChunkingParser(NodeParser):
    """Base of the parsers: a subclass says which units a text has."""

    chunk_size: int = Field(
        default=250, gt=0, description="Most tokens of a chunk, with the metadata that is embedded with it."
    )
    chunk_overlap: int = Field(
        default=0, ge=0, description="Most tokens of whole sentences repeated from the chunk before."
    )
    min_size: int = Field(default=20, ge=0, description="Smaller chunks are merged with a neighbour where that fits.")
    tokenizer: str = Field(
        default=AUTO,
        description="Whose tokens are counted: 'auto' (the embedding model's, else an estimate), 'offline', a folder, "
        "a hub name, 'tiktoken:cl100k_base', or 'simple' (the estimate).",
    )
    embed_model: BaseEmbedding | None = Field(
        default=None, description="Lets boundaries fall where the topic turns; None: structure and size decide."
    )
    embed_headings: bool = Field(default=True, description="Embed the heading path with the text.")
    id_func: Any = Field(default=stable_id, description="(index, document) -> node id; None is `stable_id`.")

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
    def _serialise_embed_model(self, value: BaseEmbedding | None) -> dict[str, Any] | None:
        return None if value is None else value.to_dict()

    @field_validator("id_func", mode="before")
    @classmethod
    def _find_id_function(cls, value: Any) -> Any:  # noqa: ANN401 - a function, its serialised name, or None
        if isinstance(value, dict):
            name = value.get("id_func_name")
            if name not in _ID_FUNCTIONS:
                raise ConfigurationError(f"id_func {name!r} cannot be restored from its name: pass id_func again")
            return _ID_FUNCTIONS[name]
        return stable_id if value is None else value

    @field_serializer("id_func")
    def _serialise_id_function(self, value: Callable[[int, BaseNode], str]) -> dict[str, str]:
        return {"id_func_name": getattr(value, "__name__", type(value).__name__), "title": "id_func"}

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Check the sizes against each other, and find the tokenizer."""
        super().model_post_init(context)
        self._budget()
        self._counter = _find_counter(self.tokenizer, self.embed_model)

    @classmethod
    def from_defaults(cls, **settings: Any) -> Self:
        """The parser with these settings and defaults for the others, as on every LlamaIndex parser."""
        return cls(**settings)

    @abstractmethod
    def _plan(self, node: BaseNode, text: str, embedded: EmbeddedMetadata) -> Plan:
        """The units of a text."""

    @abstractmethod
    def _budget(self) -> Budget:
        """The sizes to keep."""

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:  # noqa: ARG002 - LlamaIndex's signature
        plans = self._plans(nodes, show_progress=show_progress)
        texts = self._unit_texts(plans)
        vectors = None
        if self.embed_model is not None and texts:
            vectors = self.embed_model.get_text_embedding_batch(for_batches(texts))
        return self._finish(plans, texts, vectors)

    async def _aparse_nodes(
        self,
        nodes: Sequence[BaseNode],
        show_progress: bool = False,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[BaseNode]:
        plans = await asyncio.to_thread(self._plans, nodes, show_progress=show_progress)
        texts = self._unit_texts(plans)
        vectors = None
        if self.embed_model is not None and texts:
            vectors = await self.embed_model.aget_text_embedding_batch(for_batches(texts))
        return await asyncio.to_thread(self._finish, plans, texts, vectors)

    def _plans(self, nodes: Sequence[BaseNode], *, show_progress: bool) -> list[Plan]:
        plans: list[Plan] = []
        for node in get_tqdm_iterable(nodes, show_progress, "Parsing nodes"):
            given = node.get_content(metadata_mode=MetadataMode.NONE)
            text = without_surrogates(given)
            if text != given:
                _logger.warning("%s holds lone surrogates: each is replaced by U+FFFD", node.node_id)
            embedded = EmbeddedMetadata(
                node, self._counter, self.chunk_size, inherit=self.include_metadata, embed_headings=self.embed_headings
            )
            plans.append(self._plan(node, text, embedded))
        return plans

    def _unit_texts(self, plans: Sequence[Plan]) -> list[str]:
        if self.embed_model is None:
            return []
        return [plan.source.render(unit.start, unit.end) for plan in plans for unit in plan.units]

    def _finish(
        self, plans: Sequence[Plan], texts: Sequence[str], vectors: Sequence[Sequence[float]] | None
    ) -> list[BaseNode]:
        matrix = None
        if vectors is not None:
            rows = {text: row for row, text in enumerate(for_batches(texts))}
            matrix = unit_vectors(vectors)[[rows[text] for text in texts]]
        nodes: list[BaseNode] = []
        position = 0
        for plan in plans:
            part = None if matrix is None else matrix[position : position + len(plan.units)]
            position += len(plan.units)
            nodes.extend(self._build(plan, self._chunks(plan, part)))
        if self.include_prev_next_rel:
            link_neighbours(nodes)
        return nodes

    def _chunks(self, plan: Plan, vectors: NDArray[np.float32] | None) -> list[tuple[Chunk, TextNode]]:
        """Chunks with their nodes; one whose embedded text is over `chunk_size` is cut until it is not.

        Counts of parts do not quite add up in every tokenizer, so what will be embedded is counted as a whole.
        """
        done: list[tuple[Chunk, TextNode]] = []
        waiting = pack_units(plan.units, plan.source, self._budget(), vectors)
        while waiting:
            built = [(chunk, self._node(plan, chunk)) for chunk in waiting]
            sizes = self._counter.count([node.get_content(MetadataMode.EMBED) for _, node in built])
            waiting = []
            for (chunk, node), size in zip(built, sizes, strict=True):
                parts = [chunk]
                if size > self.chunk_size:
                    taken = plan.embedded.overhead(chunk.path, chunk.metadata)
                    share = max(0.0, (self.chunk_size - taken) / max(1, size - taken))
                    parts = split_chunk(chunk, plan.source, share, self._counter)
                if len(parts) > 1:
                    waiting.extend(parts)
                else:
                    done.append((chunk, node))
        return sorted(done, key=lambda pair: pair[0].start)

    def _node(self, plan: Plan, chunk: Chunk) -> TextNode:
        metadata = plan.embedded.of(chunk.path, chunk.metadata)
        return plan.embedded.node(plan.source.render(chunk.start, chunk.end), metadata)

    def _build(self, plan: Plan, chunks: Sequence[tuple[Chunk, TextNode]]) -> list[TextNode]:
        origin = origin_of(plan.node)
        for index, (chunk, node) in enumerate(chunks):
            node.id_ = self.id_func(index, plan.node)
            node.relationships[NodeRelationship.SOURCE] = origin.source
            if origin.offset is not None:
                node.start_char_idx = chunk.start + origin.offset
                node.end_char_idx = chunk.end + origin.offset
        return [node for _, node in chunks]

    def _postprocess_parsed_nodes(
        self,
        nodes: list[BaseNode],
        parent_doc_map: dict[str, Document],  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[BaseNode]:
        """Nothing: offsets, metadata and relations are set already; LlamaIndex's own pass would guess them anew."""
        return nodes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a parsed node's text comes from: its document, and how far into it, if that is known."""

    source: RelatedNodeInfo
    offset: int | None


def origin_of(node: BaseNode) -> Origin:
    """The document itself, or for a node that another parser made, its document and its place in it."""
    source = node.source_node
    if source is None:
        return Origin(_related(node), 0)
    start, end = getattr(node, "start_char_idx", None), getattr(node, "end_char_idx", None)
    # A node whose text is not the slice it points at (rendered HTML, rewritten text) has no offset to add to.
    exact = start is not None and end is not None and end - start == len(node.get_content(MetadataMode.NONE))
    return Origin(source, start if exact else None)


def _related(node: BaseNode) -> RelatedNodeInfo:
    try:
        return node.as_related_node_info()
    except UnicodeEncodeError:  # LlamaIndex's hash of a text with lone surrogates
        text = without_surrogates(node.get_content(MetadataMode.NONE))
        metadata = {key: without_surrogates(v) if isinstance(v, str) else v for key, v in node.metadata.items()}
        return Document(text=text, metadata=metadata, id_=node.node_id).as_related_node_info()


def for_batches(texts: Sequence[str]) -> list[str]:
    """Each text once, longest first: a batch is padded to its longest text, so it should hold texts of one length.

    Examples:
        >>> for_batches(["b", "aa", "b"])
        ['aa', 'b']
    """
    return sorted(dict.fromkeys(texts), key=len, reverse=True)


def unit_vectors(vectors: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Rows of length one; a row of zeros or of no numbers stays without direction."""
    matrix = np.nan_to_num(np.asarray(vectors, dtype=np.float32))
    norms = np.linalg.norm(matrix, axis=1, keepdims=True).astype(np.float32)
    norms[norms == 0] = 1.0
    matrix /= norms
    return matrix


def restore_embed_model(data: Mapping[str, Any]) -> BaseEmbedding:
    """An embedding model from its `to_dict()`.

    Raises:
        ConfigurationError: its class is not imported and not one that LlamaIndex ships with this package.
    """
    name = data.get("class_name")
    if name == "HuggingFaceEmbedding":
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        restored: BaseEmbedding = HuggingFaceEmbedding.from_dict(dict(data))
        return restored
    if name == "OnnxEmbedding":
        from llama_index_prod_rag.models.onnx_embedding import OnnxEmbedding

        return OnnxEmbedding.from_dict(dict(data))
    classes = BaseEmbedding.__subclasses__()
    for known in classes:  # grows while it runs: subclasses of subclasses
        if known.class_name() == name:
            return known.from_dict(dict(data))
        classes.extend(known.__subclasses__())
    raise ConfigurationError(f"no embedding class {name!r} is imported: import it first, or pass embed_model again")


def _find_counter(tokenizer: str, embed_model: BaseEmbedding | None) -> TokenCounter:
    if tokenizer != AUTO:
        return load_counter(tokenizer)
    fast = embedder_tokenizer(embed_model)
    return load_counter(SIMPLE) if fast is None else HuggingFaceCounter(fast)
