"""`CrossEncoderRerank`: the second stage, many candidates to the best few."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, QueryBundle
from llama_index_instrumentation import get_dispatcher
from pydantic import Field, PrivateAttr

from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.errors import ConfigurationError, InputError, MissingExtraError, refuse_unknown
from llama_index_prod_rag.fusion.rules import share_weights
from llama_index_prod_rag.models.pairs import PairScorer, Progress, sigmoid
from llama_index_prod_rag.models.scorers import shared_scorer
from llama_index_prod_rag.postprocessor.blending import CROSS_ENCODER, Blend, blend_with_legs, blend_with_scores
from llama_index_prod_rag.postprocessor.cascade import beginning, score_in_time, score_until_settled
from llama_index_prod_rag.postprocessor.linked import choose_linked, count_joint, cut_around
from llama_index_prod_rag.postprocessor.passages import FittedQuery, PassageReader, fit_query
from llama_index_prod_rag.postprocessor.pieces import Structured, score_pieces
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer, LruScores
from llama_index_prod_rag.postprocessor.settings import Cascade, Runtime
from llama_index_prod_rag.trace.events import emit
from llama_index_prod_rag.trace.records import Link, RerankRecord, RetrievalRecord, open_trace
from llama_index_prod_rag.trace.scored_node import carried_records, rescore

_dispatcher = get_dispatcher(__name__)


class CrossEncoderRerank(BaseNodePostprocessor):
    """Order candidates by a cross-encoder's reading of question and passage together, beside the retrieval's scores.

    Nodes and hits that come in stay as they were; what comes out are copies with new scores, which still refer to
    their retrieval record and now to a `RerankRecord` with every candidate's raw logit. A node that comes in several
    times is read and returned once, as its first hit.

    Attributes:
        model: hub name or folder of a sentence-transformers cross-encoder with one output, or `"offline"`.
        top_n: most nodes returned, at least 1.
        weights: `"cross_encoder"` orders by the pair score alone; a mapping of the retriever's leg names and
            `cross_encoder` to weights combines them; None keeps the retriever's own weights beside a share for the
            pair score.
        blend: that share, in [0, 1]; it also joins the pair score to the scores of a list without a retrieval record.
        activation: of the pair score where it orders alone: `sigmoid` (0 to 1) or `identity` (the raw logit).
        metadata: what precedes a node's text when it is scored: names of metadata entries, or one of LlamaIndex's
            metadata modes.
        max_windows: windows read of a passage that is longer than the model's limit, from its beginning; the best one
            counts. None reads to the end.
        deadline: seconds for reading, once the model is loaded, above 0; None has no limit. Candidates are read in the
            order of the list, a block at a time, then what `linked` and `pieces` add. A candidate that is not read in
            time follows those that were, in the list's order with the retrieval's scores, and stands in
            `RerankRecord.unread`.
        cascade: what the full model need not read.
        runtime: how the model is loaded and run.
        on_failure: `raise`, or `keep_order` to return the retrieval's order, with the reason in the record.
        cache_size: pair scores remembered in memory, for questions that come again; 0 remembers none.
        pieces: pairs of question and row, record or line that are read besides, of passages returned that have some
            (tables, CSV, JSON, YAML, code, logs); 0 reads none. They change no order: the record tells the gate.
        linked: passages that are read a second time behind the one that names them, where the retriever followed
            mentions (`LinkedRetriever`); what both say together counts for the second. One window and 800 characters
            of the first; 0 reads none.
        show_progress: a progress bar over the pairs.
        scorer: a loaded model instead of `model`; not serialised.

    Raises:
        ConfigurationError: a setting is out of range.
        InputError: `postprocess_nodes` was called without a query.
        ModelError: the model cannot be loaded.
        ScoringError: the model gave NaN for a node.
    """

    model: str = "cross-encoder/ms-marco-MiniLM-L6-v2"
    top_n: int = 5
    weights: dict[str, float] | Literal["cross_encoder"] | None = None
    blend: float = 0.2
    activation: Literal["sigmoid", "identity"] = "sigmoid"
    metadata: MetadataMode | tuple[str, ...] = ("title", "headings")
    max_windows: int | None = None
    deadline: float | None = None
    cascade: Cascade = Cascade()
    runtime: Runtime = Runtime()
    on_failure: Literal["raise", "keep_order"] = "raise"
    cache_size: int = 0
    pieces: int = 16
    linked: int = 8
    show_progress: bool = False
    scorer: PairScorer | None = Field(default=None, exclude=True, repr=False)
    _remembered: LruScores | None = PrivateAttr(default=None)

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which the component is serialized."""
        return "CrossEncoderRerank"

    if not TYPE_CHECKING:  # type checkers see the fields

        def __init__(self, **settings: Any) -> None:
            refuse_unknown("CrossEncoderRerank", settings, type(self).model_fields)
            super().__init__(**settings)
            self._remembered = LruScores(self.cache_size) if self.cache_size else None
            self._check_settings()  # not in a validator: pydantic would wrap the error into one of its own

    def _check_settings(self) -> None:
        if few := {name: getattr(self, name) for name in ("pieces", "linked") if getattr(self, name) < 0}:
            asked = ", ".join(f"{name}={count}" for name, count in few.items())
            raise ConfigurationError(f"{asked}: give a number of pairs, or 0 to read none")
        counts = {name: getattr(self, name) for name in ("top_n", "max_windows")}
        if low := {name: count for name, count in counts.items() if count is not None and count < 1}:
            raise ConfigurationError(f"must be at least 1: {low}")
        if not 0.0 <= self.blend <= 1.0:
            raise ConfigurationError(f"blend={self.blend} is a share between 0 and 1")
        if self.deadline is not None and not self.deadline > 0.0:
            raise ConfigurationError(f"deadline={self.deadline} leaves no time: give seconds above 0, or None")
        if isinstance(self.weights, dict):
            if CROSS_ENCODER not in self.weights:
                raise ConfigurationError(f"weights {self.weights} leave out {CROSS_ENCODER!r}: give the pair score one")
            share_weights(self.weights, self.weights)
        if self.cascade.keep is not None and self.cascade.keep < self.top_n:
            raise ConfigurationError(f"keep={self.cascade.keep} leaves fewer than top_n={self.top_n}: raise keep")
        if self.cascade.early_stop and isinstance(self.weights, str):
            raise ConfigurationError(
                "early_stop needs the retrieval's scores: it cannot go with weights='cross_encoder'"
            )

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise InputError("reranking needs the question: pass query_bundle or query_str")
        once = _first_of_each(nodes)
        with self._announce(once, query_bundle) as returned:
            returned.extend(self._rerank(once, query_bundle.query_str))
        return returned

    @contextmanager
    def _announce(self, nodes: list[NodeWithScore], query: QueryBundle) -> Iterator[list[NodeWithScore]]:
        """Fire LlamaIndex's start and end events around the block, which fills the list; on error the list is empty."""
        returned: list[NodeWithScore] = []
        _dispatcher.event(ReRankStartEvent(query=query, nodes=nodes, top_n=self.top_n, model_name=self._scorer_name))
        try:
            yield returned
        finally:
            _dispatcher.event(ReRankEndEvent(nodes=list(returned)))

    def _rerank(self, hits: Sequence[NodeWithScore], query: str) -> list[NodeWithScore]:
        began = time.perf_counter()
        try:
            record = self._score(hits, query, began)
        except (ConfigurationError, InputError, MissingExtraError):
            raise  # the user's to mend, today
        except Exception as error:
            emit(RerankRecord(self._scorer_name, seconds=time.perf_counter() - began, failed=describe(error)))
            if self.on_failure == "raise":
                raise
            return list(hits[: self.top_n])
        emit(record)
        read = [
            rescore(hit, record.scores[hit.node.node_id], rerank=record)
            for hit in hits
            if hit.node.node_id in record.scores
        ]
        unread = [rescore(hit, hit.score, rerank=record) for hit in hits if hit.node.node_id in record.unread]
        return [*sorted(read, key=lambda hit: -(hit.score or 0.0)), *unread][: self.top_n]

    def _score(self, hits: Sequence[NodeWithScore], query: str, began: float) -> RerankRecord:
        if not hits:
            return RerankRecord(self._scorer_name, seconds=time.perf_counter() - began)
        blend = self._blend(hits)
        asked = _Question.over(hits, query, self.pair_scorer(), self.deadline)
        passages = {node_id: self._passage(node) for node_id, node in asked.nodes.items()}
        kept = self._prefilter(asked, passages, blend)
        with _progress_bar(len(kept), self.show_progress) as progress:
            reader = asked.reader(passages, self.max_windows, progress)
            logits = self._read(reader, kept, blend, asked.remaining)
        late = asked.remaining() <= 0.0
        joint = self._read_linked(asked, _find_links(hits), logits)
        known = {**logits, **joint}
        scores = self._activate(known) if isinstance(self.weights, str) else blend.scores(known)
        return RerankRecord(
            model=self._scorer_name,
            logits=logits,
            scores=scores,
            pieces=self._read_pieces(asked, scores),
            joint=joint,
            seconds=time.perf_counter() - began,
            truncated=frozenset(reader.truncated),
            unread=frozenset(node for node in kept if late and node not in logits),
        )

    def _read_linked(
        self, asked: _Question, links: Mapping[str, Link], logits: Mapping[str, float]
    ) -> dict[str, float]:
        """Read linked passages behind those that name them."""
        nodes, chosen = asked.nodes, choose_linked(links, list(logits), self.linked)
        texts = {node: self._both(nodes[link.partner], link.start, nodes[node]) for node, link in chosen.items()}
        if not texts:
            return {}
        reader = asked.reader(texts, max_windows=1)
        return count_joint(logits, score_in_time(list(texts), reader.logits, asked.remaining, block=1), chosen)

    def _both(self, partner: BaseNode, start: int, node: BaseNode) -> str:
        text = partner.get_content(metadata_mode=MetadataMode.NONE)
        return "\n".join([*self._heading(partner), cut_around(text, start), self._passage(node)])

    def _read_pieces(self, asked: _Question, scores: Mapping[str, float]) -> dict[str, float]:
        """Read rows, records and lines of what is returned."""
        if not self.pieces:
            return {}
        first = sorted(scores, key=lambda node: -scores[node])[: self.top_n]
        passages = [_structured(asked.nodes[node]) for node in first]
        return score_pieces(asked.scorer, asked.text, passages, self.pieces, asked.remaining)

    def _read(
        self, reader: PassageReader, kept: Sequence[str], blend: Blend, remaining: Callable[[], float]
    ) -> dict[str, float]:
        if self.cascade.early_stop:
            return score_until_settled(blend, kept, self.top_n, reader.logits, remaining=remaining)
        return score_in_time(kept, reader.logits, remaining)

    def _prefilter(self, asked: _Question, passages: Mapping[str, str], blend: Blend) -> list[str]:
        """Choose the ids of what the full model reads."""
        prefilter, keep = self.cascade.prefilter, self.cascade.keep
        if prefilter is None or keep is None or len(passages) <= keep:
            return list(passages)
        if prefilter == "retrieval":
            return list(passages)[:keep]
        if prefilter == "beginning":
            reader = asked.reader({node: beginning(text) for node, text in passages.items()}, max_windows=1)
        else:
            runtime = self.runtime  # its weights file is the full model's
            smaller = shared_scorer(
                prefilter, device=runtime.device, dtype=runtime.dtype, trust_remote_code=runtime.trust_remote_code
            )
            reader = PassageReader(smaller, asked.text, passages, max_windows=1)
        first = reader.logits(list(passages))
        return list(blend.scores(first))[:keep]

    @property
    def _scorer_name(self) -> str:
        """Name what scores: a scorer of the user's own is not `model`, whose default nobody chose."""
        return self.model if self.scorer is None else self.scorer.name

    def pair_scorer(self) -> PairScorer:
        """Load the model, once per process, and return it: the gate picks its quotes with it.

        Raises:
            ModelError: the model cannot be loaded.
        """
        scorer = self.scorer or shared_scorer(self.model, **asdict(self.runtime))
        return CachedScorer(scorer, self._remembered) if self._remembered is not None else scorer

    def _passage(self, node: BaseNode) -> str:
        if isinstance(self.metadata, MetadataMode):
            return node.get_content(metadata_mode=self.metadata)
        return "\n".join([*self._heading(node), node.get_content(metadata_mode=MetadataMode.NONE)])

    def _heading(self, node: BaseNode) -> list[str]:
        keys = ("title", "headings") if isinstance(self.metadata, MetadataMode) else self.metadata
        return [str(node.metadata[key]) for key in keys if node.metadata.get(key)]

    def _blend(self, hits: Sequence[NodeWithScore]) -> Blend:
        if isinstance(self.weights, str):
            return blend_with_scores({}, share=1.0)
        if (record := _find_retrieval_record(hits)) is not None and record.legs:
            return blend_with_legs([hit.node.node_id for hit in hits], record, self.weights, self.blend)
        return blend_with_scores({hit.node.node_id: hit.score for hit in hits}, self.blend)

    def _activate(self, logits: Mapping[str, float]) -> Mapping[str, float]:
        return logits if self.activation == "identity" else {node: sigmoid(x) for node, x in logits.items()}


@dataclass(frozen=True, slots=True)
class _Question:
    """What is read for one question: the candidates' nodes by id, the model, and the seconds that are left."""

    text: str
    nodes: Mapping[str, BaseNode]
    scorer: PairScorer
    fitted: FittedQuery
    remaining: Callable[[], float]

    @classmethod
    def over(cls, hits: Sequence[NodeWithScore], text: str, scorer: PairScorer, deadline: float | None) -> _Question:
        """Start the clock over a list of candidates."""
        until = math.inf if deadline is None else time.monotonic() + deadline
        nodes = {hit.node.node_id: hit.node for hit in hits}
        return cls(text, nodes, scorer, fit_query(scorer, text), lambda: until - time.monotonic())

    def reader(
        self, texts: Mapping[str, str], max_windows: int | None, progress: Progress | None = None
    ) -> PassageReader:
        return PassageReader(self.scorer, self.fitted, texts, max_windows=max_windows, progress=progress)


def _first_of_each(hits: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    first: dict[str, NodeWithScore] = {}
    for hit in hits:
        first.setdefault(hit.node.node_id, hit)
    return list(first.values())


def _structured(node: BaseNode) -> Structured:
    text = node.get_content(metadata_mode=MetadataMode.NONE)
    return Structured(node.node_id, text, str(node.metadata.get("table_header") or ""))


def _find_retrieval_record(hits: Sequence[NodeWithScore]) -> RetrievalRecord | None:
    """The one retrieval the hits come from: as they carry it, or as the open trace knows it; None where several do."""
    carried = [record for record in carried_records(hits) if isinstance(record, RetrievalRecord)]
    if not carried and (trace := open_trace()) is not None:
        ids = {hit.node.node_id for hit in hits}
        retrievals = [record for record in trace.records if isinstance(record, RetrievalRecord)]
        carried = [record for record in retrievals[-1:] if ids <= record.fused.keys()]
    return carried[0] if len(carried) == 1 else None


def _find_links(hits: Sequence[NodeWithScore]) -> Mapping[str, Link]:
    """What the retrieval followed to the hits, by node id."""
    record = _find_retrieval_record(hits)
    return record.links if record else {}


@contextmanager
def _progress_bar(total: int, shown: bool) -> Iterator[Progress | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True)) as bars:
        task = bars.add_task("Reranking", total=total)
        yield lambda count: bars.advance(task, count)
