"""A hybrid retriever over Elasticsearch: both legs in one round trip, fused here, on any licence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.settings import Settings

from llama_index_prod_rag.calls import Call, arun, run
from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.errors import ConfigurationError, RetrievalError, check_count
from llama_index_prod_rag.fusion.rules import parse_rule
from llama_index_prod_rag.retrievers.elasticsearch import queries
from llama_index_prod_rag.retrievers.elasticsearch.connection import Clients, Connection
from llama_index_prod_rag.retrievers.elasticsearch.documents import source_text
from llama_index_prod_rag.retrievers.elasticsearch.embedder_note import model_name
from llama_index_prod_rag.retrievers.elasticsearch.failures import call
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body
from llama_index_prod_rag.retrievers.elasticsearch.responses import Answer, Hit, tell_apart
from llama_index_prod_rag.retrievers.elasticsearch.schema import IndexSchema
from llama_index_prod_rag.retrievers.elasticsearch.search import BM25, DENSE, IndexSearch, Question, SearchOptions
from llama_index_prod_rag.retrievers.elasticsearch.settings import BASE_SETTINGS, merge, split_settings
from llama_index_prod_rag.retrievers.elasticsearch.store import store_settings, vector_store_of
from llama_index_prod_rag.retrievers.filtered import FilteredRetriever
from llama_index_prod_rag.retrievers.filters import passing
from llama_index_prod_rag.retrievers.fusing import LegResult, fuse_legs
from llama_index_prod_rag.retrievers.hybrid import DEFAULT_ALPHA
from llama_index_prod_rag.text.graphemes import replace_surrogates
from llama_index_prod_rag.trace.events import emit
from llama_index_prod_rag.trace.records import LegHit, RetrievalRecord
from llama_index_prod_rag.trace.scored_node import ScoredNode

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.indices.vector_store.base import VectorStoreIndex
    from llama_index.core.vector_stores.types import BasePydanticVectorStore, MetadataFilters

_logger = logging.getLogger(__name__)
_BAD_REQUEST = 400


class ElasticsearchHybridRetriever(FilteredRetriever):
    """Dense and BM25 search of one Elasticsearch index in a single request, fused in the client.

    It reads an index that LlamaIndex's `ElasticsearchStore` or this package's `ingest` wrote, or your own. The server's
    `rrf` and `linear` retrievers need a paid licence and return fused scores alone; here every licence will do, and
    each leg's raw scores and the returned hits' vectors stay available in the retrieval record.

    A leg that fails is left out with a warning, and with the reason in the record; when none is left, or with
    `on_leg_failure="raise"`, a `RetrievalError` says what to do. Filters are applied by the server, and each hit is
    checked against its own metadata before it is returned. The first search asks for the similarity of the vector
    field, the embedding model that `ingest` noted and the types of the text fields, and warns of those that hold no
    words; one with filters, and a leg that finds nothing, also for the types of the fields concerned.

    Args:
        index: index or alias.
        url: server, `"https://host:9200"`; or a `connection`.
        fields: text fields to search, with boosts: `["title^2", "content"]`.
        embed_model: embeds the question; `Settings.embed_model` when it is needed and not given. A question that
            brings its embedding is not embedded again.
        similarity_top_k: most hits to return.
        alpha: weight of the dense leg, 0 to 1; the lexical one gets the rest. A leg of weight 0 is not searched.
        filters: only nodes whose metadata passes are returned; `with_filters` sets them per query.
        connection: how to reach the server, where a URL alone does not do.
        options: how the index is laid out and searched.
        settings: single attributes of `Connection` and `SearchOptions` by their names (`api_key=...`,
            `text_field=...`), `access` (an `AccessPolicy`), and `callback_manager`, `object_map`, `objects` and
            `verbose` of LlamaIndex's base class.

    Raises:
        ConfigurationError: settings that contradict each other, are out of range, or do not exist; on a search, when
            the index was filled with another embedding model.
        MissingExtraError: on the first search, when the `elasticsearch` extra is not installed.

    Examples:
        >>> ElasticsearchHybridRetriever("docs", url="https://me:secret@search.example:9200", fields=["title", "body"])
        ElasticsearchHybridRetriever('docs', url='https://search.example:9200')
    """

    def __init__(
        self,
        index: str,
        *,
        url: str | None = None,
        fields: Sequence[str] = ("content",),
        embed_model: BaseEmbedding | None = None,
        similarity_top_k: int = 10,
        alpha: float = DEFAULT_ALPHA,
        filters: MetadataFilters | None = None,
        connection: Connection | None = None,
        options: SearchOptions | None = None,
        **settings: Any,
    ) -> None:
        reaching, searching, base = split_settings(settings, Connection, SearchOptions, BASE_SETTINGS)
        super().__init__(**base)
        check_count("similarity_top_k", similarity_top_k)
        if not 0.0 <= alpha <= 1.0:
            raise ConfigurationError(f"alpha is the dense leg's weight, between 0 and 1, not {alpha}")
        options = merge(options or SearchOptions(), searching)
        self.search = IndexSearch.of(
            index, fields, replace(options, leg_top_k=max(options.leg_top_k, similarity_top_k))
        )
        self.similarity_top_k = similarity_top_k
        self.weights = {DENSE: float(alpha), BM25: 1.0 - alpha}
        self.rule = parse_rule(options.rule)
        self._filters = filters
        self.embed_model = embed_model
        self.connect(connection, url=url, **reaching)

    @classmethod
    def from_store(
        cls, store: BasePydanticVectorStore, *, embed_model: BaseEmbedding | None = None, **settings: Any
    ) -> ElasticsearchHybridRetriever:
        """The retriever over the index of LlamaIndex's `ElasticsearchStore`, with its server, login and field names.

        Args:
            store: a store with dense vectors, or with BM25 alone; it is only read, and its own client stays its own.
            embed_model: embeds the question; it must be the model that the index was built with.
            settings: what else the constructor takes.

        Raises:
            ConfigurationError: it is another store, or one of sparse vectors.
        """
        return cls(**{**store_settings(store), "embed_model": embed_model, **settings})

    @classmethod
    def from_index(cls, index: VectorStoreIndex, **settings: Any) -> ElasticsearchHybridRetriever:
        """The retriever over a LlamaIndex index whose vector store is an `ElasticsearchStore`; its embedder as well.

        Args:
            index: the index.
            settings: what else the constructor takes.

        Raises:
            ConfigurationError: the index keeps its vectors elsewhere.
        """
        store = vector_store_of(index)
        return cls.from_store(store, **{"embed_model": index._embed_model, "object_map": index._object_map, **settings})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.search.index!r}, {self._clients.connection})"

    def connect(self, connection: Connection | None = None, **settings: Any) -> None:
        """Say how to reach the server, or say it again: credentials and clients do not survive pickling.

        Args:
            connection: where the server is and how to log in.
            settings: attributes of `Connection`, instead.

        Raises:
            ConfigurationError: not exactly one of url, cloud_id and clients, or two kinds of credentials.
        """
        given = {name: value for name, value in settings.items() if value is not None}
        self._clients = Clients(Connection(**given) if connection is None else merge(connection, given))
        self._schema = IndexSchema(self.search.index, self._clients.connection)

    @property
    def filters(self) -> MetadataFilters | None:
        """What a node's metadata must pass; `with_filters` sets it per query."""
        return self._filters

    def close(self) -> None:
        """Close the connections that this retriever opened for `retrieve`."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections that this retriever opened, those of the running event loop included."""
        await self._clients.aclose()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        client = self._clients.sync()
        if client is None:
            raise ConfigurationError("an async_client serves aretrieve alone: give a client or the url for retrieve")
        return run(self._answer(query_bundle), client.options(request_timeout=self.search.timeout))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        client = self._clients.asynchronous()
        if client is None:
            return await asyncio.to_thread(self._retrieve, query_bundle)
        return await arun(self._answer(query_bundle), client.options(request_timeout=self.search.timeout))

    def _handle_recursive_retrieval(self, query_bundle: QueryBundle, nodes: list[NodeWithScore]) -> list[NodeWithScore]:
        resolved = BaseRetriever._handle_recursive_retrieval(self, query_bundle, nodes)
        return self._check_resolved(nodes, resolved)

    async def _ahandle_recursive_retrieval(
        self, query_bundle: QueryBundle, nodes: list[NodeWithScore]
    ) -> list[NodeWithScore]:
        resolved = await BaseRetriever._ahandle_recursive_retrieval(self, query_bundle, nodes)
        return self._check_resolved(nodes, resolved)

    def _check_resolved(self, hits: list[NodeWithScore], resolved: list[NodeWithScore]) -> list[NodeWithScore]:
        """Hits were checked by their documents; what came from an object behind one has metadata of its own."""
        known = {hit.node_id for hit in hits}
        allowed = {id(hit) for hit in passing([hit for hit in resolved if hit.node_id not in known], self._filters)}
        return [hit for hit in resolved if hit.node_id in known or id(hit) in allowed]

    async def _answer(self, bundle: QueryBundle) -> list[NodeWithScore]:
        vector, unembedded = await self._embed(bundle)
        question = Question(await self._search_as_mapped(), replace_surrogates(bundle.query_str), vector, self._filters)
        failed = {} if unembedded is None else {DENSE: unembedded}
        answers = tell_apart(await self._find(question))
        self._warn_of_shared_ids(answers)
        if self.weights[BM25]:
            await self._schema.warn_unread(self.search.field_names)
        for leg, answer in answers.items():
            refused = leg == BM25 and answer.status == _BAD_REQUEST  # a field that holds no words
            told = answer.hits or (answer.failed and not refused)
            reason = answer.failed if told else await self._why_empty(leg) or answer.failed
            if reason is not None:
                failed[leg] = reason
        self._report(failed, answers)
        if self.search.server_fusion is not None:
            record = _make_served_record(question, answers[self.search.server_fusion], failed)
        else:
            completed = await self._complete(question, answers) if self.search.complete_scores else {}
            record = self._fuse(question, answers, failed, completed)
        return await self._hits(record, {hit.id: hit for answer in answers.values() for hit in answer.hits})

    def _warn_of_shared_ids(self, answers: Mapping[str, Answer]) -> None:
        shared = next((hit for answer in answers.values() for hit in answer.hits if hit.shared), None)
        if shared is not None:
            self._schema.warn_once(
                "shared ids",
                f"several indices behind {self.search.index} have a document {shared.place[1]}: where both are found, "
                "their nodes are called index/id; give each document an id of its own",
            )

    async def _search_as_mapped(self) -> IndexSearch:
        """The search, with what the mapping says of the vectors where the user did not say it."""
        search = self.search
        if search.similarity is not None or not self.weights[DENSE]:
            return search
        mapped = await self._schema.vectors_as_mapped(search.vector_field)
        rescore = mapped.rescore if search.rescore is None else search.rescore
        return replace(search, similarity=mapped.similarity, rescore=rescore)

    async def _find(self, question: Question) -> dict[str, Answer]:
        """What the legs found, without anything that a filter excludes by the documents' own metadata.

        A hit that the server let through and its metadata does not, or no hit at all, may come from types of fields
        that have changed since they were asked for (an alias that was switched): they are asked for again.
        """
        names = question.filtered_fields
        types, fresh = await self._schema.types_of(names)
        while True:
            found = await self._ask(self._bodies(question, question.filter_clause(types)))
            kept = {leg: question.keep_permitted(answer, types) for leg, answer in found.items()}
            if fresh or (kept == found and any(answer.hits for answer in kept.values())):
                return kept
            known = types
            types, fresh = await self._schema.types_of(names, anew=True)
            if types == known:
                return kept

    def _bodies(self, question: Question, filters: Body | None) -> dict[str, Body]:
        """What is asked in the one request: each leg, or the server's fusion of both."""
        rule = self.search.server_fusion
        if rule is None:
            legs = [
                leg for leg, weight in self.weights.items() if weight and (leg == BM25 or question.vector is not None)
            ]
            return {leg: question.leg_body(leg, filters) for leg in legs}
        return {} if question.vector is None else {rule: question.fusion_body(rule, filters, self.weights[DENSE])}

    async def _embed(self, bundle: QueryBundle) -> tuple[list[float] | None, str | None]:
        """The question's vector, or why there is none."""
        unneeded = not self.weights[DENSE] and self.search.server_fusion is None
        if bundle.embedding is not None or unneeded:
            return bundle.embedding, None
        model, texts = self.embed_model or Settings.embed_model, list(bundle.embedding_strs)
        await self._schema.refuse_other_embedder(model, self.search.vector_field)
        try:
            # Several strings are averaged, as in LlamaIndex's vector retriever.
            return await Call(
                lambda: model.get_agg_embedding_from_queries(texts),
                lambda: model.aget_agg_embedding_from_queries(texts),
            ), None
        except Exception as error:  # whatever a third-party model raises, the lexical leg can answer
            return None, f"the question could not be embedded: {describe(error)}"

    async def _ask(self, bodies: Mapping[str, Body]) -> dict[str, Answer]:
        """Several searches in one round trip."""
        if not bodies:
            return {}
        lines = queries.msearch(self.search.index, list(bodies.values()))
        response = await call("msearch", self._clients.connection, searches=lines)
        return {name: self.search.read(item) for name, item in zip(bodies, response["responses"], strict=True)}

    async def _why_empty(self, leg: str) -> str | None:
        """A search of a field that is not in the mapping, or inside a nested one, finds nothing, without an error."""
        if leg == DENSE:
            return await self._schema.why_missing({self.search.vector_field}, setting="vector_field")
        names = self.search.field_names
        return await self._schema.why_unread(names) or await self._schema.why_missing(names, setting="fields")

    def _report(self, failed: Mapping[str, str], answers: Mapping[str, Answer]) -> None:
        for leg, reason in failed.items():
            _logger.warning("the %s leg over index %s: %s", leg, self.search.index, reason)
        answered = any(answer.hits or leg not in failed for leg, answer in answers.items())
        if failed and (self.search.on_leg_failure == "raise" or not answered):
            raise RetrievalError("; ".join(f"{leg}: {reason}" for leg, reason in failed.items()))

    async def _complete(self, question: Question, answers: Mapping[str, Answer]) -> dict[str, dict[str, float]]:
        """Each leg's score for what only the other leg returned, in one more round trip."""
        found = {leg: {hit.place: hit.id for hit in answer.hits} for leg, answer in answers.items() if answer.hits}
        every = {place: id_ for of_leg in found.values() for place, id_ in of_leg.items()}
        wanted = {leg: every.keys() - of_leg.keys() for leg, of_leg in found.items()}
        computed = {BM25, DENSE} if (question.search.similarity or "cosine") in queries.SCRIPTED else {BM25}
        bodies = {leg: question.completion_body(leg, at) for leg, at in wanted.items() if at and leg in computed}
        scores: dict[str, dict[str, float]] = {}
        for leg, answer in (await self._ask(bodies)).items():
            if answer.failed is not None:
                _logger.warning("the %s leg's missing scores were not computed: %s", leg, answer.failed)
                continue
            known = {hit.place: question.search.raw_score(leg, hit.score, exact=True) for hit in answer.hits}
            known = {**dict.fromkeys(wanted[leg], 0.0), **known} if leg == BM25 else known
            scores[leg] = {every[place]: score for place, score in known.items() if place in every}
        return scores

    def _fuse(
        self,
        question: Question,
        answers: Mapping[str, Answer],
        failed: Mapping[str, str],
        completed: Mapping[str, Mapping[str, float]],
    ) -> RetrievalRecord:
        # Parsing a node costs more than fusing it, so stand-ins are fused and only what is returned is parsed.
        found = {hit.id: hit for answer in answers.values() for hit in answer.hits}
        texts = self.search.searched_texts(found)
        stand_ins = {node_id: TextNode(id_=node_id, text=text) for node_id, text in texts.items()}
        results = {leg: LegResult(failed=reason) for leg, reason in failed.items()}
        for leg, answer in answers.items():
            scores = [(hit.id, question.search.raw_score(leg, hit.score)) for hit in answer.hits]
            hits = [NodeWithScore(node=stand_ins[node_id], score=score) for node_id, score in scores]
            results[leg] = LegResult(hits, answer.seconds, failed.get(leg))
        _, record = fuse_legs(
            question.text,
            results,
            rule=self.rule,
            weights=self.weights,
            floors={BM25: 0.0} | ({DENSE: -1.0} if question.search.has_cosine else {}),
            top_k=0,
            completed=completed,
            query_vector=question.vector,
            lift_mentions=self.search.lift_mentions,
            models=self._models(),
        )
        return record

    def _models(self) -> dict[str, str]:
        """Name the model that embeds questions; where none was given or set, asking for its name would load one."""
        name = model_name(self.embed_model or Settings._embed_model)
        return {} if name is None else {DENSE: name}

    async def _hits(self, record: RetrievalRecord, found: Mapping[str, Hit]) -> list[NodeWithScore]:
        best = list(record.fused.items())[: self.similarity_top_k]
        if best and not any(source_text(found[node_id], self.search.text_field) for node_id, _ in best):
            await self._insist_on_text()
        if self.search.vectors and best:
            record = replace(record, vectors=await self._vectors_of([found[node_id] for node_id, _ in best]))
        emit(record)
        return [ScoredNode(node=self.search.node(found[id_]), score=score, retrieval=record) for id_, score in best]

    async def _insist_on_text(self) -> None:
        reason = await self._schema.why_missing({self.search.text_field}, setting="text_field")
        if reason is not None:
            raise RetrievalError(f"{reason}; the hits would have no text")
        _logger.warning(
            "no hit from index %s has text in %s: set text_field, or keep it in _source",
            self.search.index,
            self.search.text_field,
        )

    async def _vectors_of(self, hits: Sequence[Hit]) -> dict[str, Sequence[float]]:
        ids = {hit.place: hit.id for hit in hits}
        try:
            answers = await self._ask({"vectors": queries.vectors_body(ids.keys(), self.search.vector_field)})
        except RetrievalError as error:  # the hits are there; return them without vectors
            _logger.warning("the vectors of the hits were not fetched: %s", error)
            return {}
        vectors = {ids[hit.place]: hit.fields.get(self.search.vector_field) for hit in answers["vectors"].hits}
        return {node_id: vector for node_id, vector in vectors.items() if vector is not None}


def _make_served_record(question: Question, answer: Answer, failed: Mapping[str, str]) -> RetrievalRecord:
    """One leg, named after the rule: the server tells nothing about those it fused."""
    rule = str(question.search.server_fusion)
    return RetrievalRecord(
        query=question.text,
        legs={rule: {hit.id: LegHit(rank, hit.score) for rank, hit in enumerate(answer.hits, start=1)}},
        weights={rule: 1.0},
        rule=f"server {rule}",
        fused={hit.id: hit.score for hit in answer.hits},
        failed=failed,
        seconds={rule: answer.seconds},
        query_vector=question.vector,
    )
