"""A hybrid retriever over Elasticsearch: both legs in one round trip, fused here, on any licence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.settings import Settings

from llama_index_prod_rag.errors import ConfigurationError, RetrievalError
from llama_index_prod_rag.fusion.rules import FusionRule, parse_rule
from llama_index_prod_rag.retrievers.elasticsearch import queries
from llama_index_prod_rag.retrievers.elasticsearch.client import Clients, Connection, call
from llama_index_prod_rag.retrievers.elasticsearch.filters import filter_query, filtered_fields, with_sub_fields
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body
from llama_index_prod_rag.retrievers.elasticsearch.responses import Answer, Hit
from llama_index_prod_rag.retrievers.elasticsearch.search import BM25, DENSE, IndexSearch
from llama_index_prod_rag.retrievers.elasticsearch.steps import Steps, arun, embed_question, run
from llama_index_prod_rag.retrievers.fusing import LegResult, fuse_legs
from llama_index_prod_rag.retrievers.hybrid import DEFAULT_ALPHA, DEFAULT_RULE
from llama_index_prod_rag.trace.events import emit
from llama_index_prod_rag.trace.records import LegHit, RetrievalRecord
from llama_index_prod_rag.trace.scored_node import ScoredNode

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.vector_stores.types import MetadataFilters

_logger = logging.getLogger(__name__)


class ElasticsearchHybridRetriever(BaseRetriever):
    """Dense and BM25 search of one Elasticsearch index in a single request, fused in the client.

    It reads an index that LlamaIndex's `ElasticsearchStore` or this package's `ingest` wrote, or your own. The server's
    `rrf` and `linear` retrievers need a paid licence and return fused scores alone; here every licence will do, and
    each leg's raw scores and the returned hits' vectors stay available in the retrieval record.

    A leg that fails is left out with a warning, and with the reason in the record; when none is left, or with
    `on_leg_failure="raise"`, a `RetrievalError` says what to do. The first search with filters, and a leg that finds
    nothing, also ask for the types of the fields concerned.

    Args:
        index: index or alias.
        url: server, `"https://host:9200"`; or `cloud_id`, or a `client` and / or `async_client` of your own.
        cloud_id: deployment in Elastic Cloud.
        api_key: encoded API key.
        basic_auth: user and password.
        ca_certs: file of the authority that signed the server's certificate.
        client: used by `retrieve`, and by `aretrieve` in a thread when there is no `async_client`.
        async_client: used by `aretrieve`.
        fields: text fields to search, with boosts: `["title^2", "content"]`.
        text_field: field that becomes the node's text.
        vector_field: the `dense_vector` field.
        metadata_field: object that holds the metadata; None when they are fields of the document itself.
        lexical: how several fields are matched; the default blends their statistics. See `queries.lexical_query`.
        similarity: the vector field's similarity, as in its mapping; raw dense scores are on this scale.
        exact: compare with every vector by `script_score`, instead of approximate kNN; cosine and dot product only.
        num_candidates: kNN candidates a shard; None takes twice `leg_top_k`.
        similarity_top_k: hits returned.
        leg_top_k: hits each leg contributes to the fusion.
        alpha: weight of the dense leg, 0 to 1; BM25 has the rest. A leg of weight 0 is not searched.
        rule: how the legs are fused; a name for `fusion.rules.parse_rule`, or a rule.
        complete_scores: compute a leg's score for what only the other leg found, in a second round trip.
        server_fusion: `"rrf"` or `"linear"` to fuse in the server (licensed); None fuses here.
        filters: metadata filters, applied to both legs inside the server.
        embed_model: embeds the question; None takes `Settings.embed_model` when first needed. A `QueryBundle` that
            brings its embedding is not embedded again.
        vectors: fetch the returned hits' vectors for the record, in a second, small request; bringing them with every
            hit of both legs would cost more than the search itself.
        timeout: seconds the server has for one request.
        on_leg_failure: `"degrade"` goes on without a leg that failed; `"raise"` does not.
        callback_manager: LlamaIndex's.

    Raises:
        ConfigurationError: settings that contradict each other or are out of range.
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
        cloud_id: str | None = None,
        api_key: str | None = None,
        basic_auth: tuple[str, str] | None = None,
        ca_certs: str | Path | None = None,
        client: Elasticsearch | None = None,
        async_client: AsyncElasticsearch | None = None,
        fields: Sequence[str] = ("content",),
        text_field: str = "content",
        vector_field: str = "embedding",
        metadata_field: str | None = "metadata",
        lexical: queries.LexicalKind = "cross_fields",
        similarity: queries.Similarity = "cosine",
        exact: bool = False,
        num_candidates: int | None = None,
        similarity_top_k: int = 10,
        leg_top_k: int = 100,
        alpha: float = DEFAULT_ALPHA,
        rule: FusionRule | str = DEFAULT_RULE,
        complete_scores: bool = False,
        server_fusion: queries.ServerRule | None = None,
        filters: MetadataFilters | None = None,
        embed_model: BaseEmbedding | None = None,
        vectors: bool = True,
        timeout: float = 10.0,
        on_leg_failure: Literal["degrade", "raise"] = "degrade",
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager=callback_manager)
        if similarity_top_k < 1:
            raise ConfigurationError(f"similarity_top_k must be at least 1, not {similarity_top_k}")
        if not 0.0 <= alpha <= 1.0:
            raise ConfigurationError(f"alpha is the dense leg's weight, between 0 and 1, not {alpha}")
        if server_fusion is not None and (exact or complete_scores):
            raise ConfigurationError("the server's fusion takes kNN alone: drop exact and complete_scores, or it")
        self.search = IndexSearch(
            index=index,
            fields=tuple(fields),
            text_field=text_field,
            vector_field=vector_field,
            metadata_field=metadata_field,
            lexical=lexical,
            similarity=similarity,
            exact=exact,
            num_candidates=num_candidates,
            leg_top_k=max(leg_top_k, similarity_top_k),
            timeout=timeout,
        )
        self.similarity_top_k = similarity_top_k
        self.vectors = vectors
        self.weights = {DENSE: float(alpha), BM25: 1.0 - alpha}
        self.rule = parse_rule(rule) if isinstance(rule, str) else rule
        self.complete_scores = complete_scores
        self.server_fusion = server_fusion
        self.filters = filters
        self.embed_model = embed_model
        self._raises = on_leg_failure == "raise"
        self._kinds: dict[str, str] = {}
        self.connect(
            url=url,
            cloud_id=cloud_id,
            api_key=api_key,
            basic_auth=basic_auth,
            ca_certs=ca_certs,
            client=client,
            async_client=async_client,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.search.index!r}, {self._clients})"

    def connect(
        self,
        *,
        url: str | None = None,
        cloud_id: str | None = None,
        api_key: str | None = None,
        basic_auth: tuple[str, str] | None = None,
        ca_certs: str | Path | None = None,
        client: Elasticsearch | None = None,
        async_client: AsyncElasticsearch | None = None,
    ) -> None:
        """Say how to reach the server, or say it again: credentials and clients do not survive pickling.

        The parameters are the constructor's.

        Raises:
            ConfigurationError: not exactly one of url, cloud_id and clients, or two kinds of credentials.
        """
        if client is None and async_client is None:
            connection = Connection(url, cloud_id, api_key, basic_auth, ca_certs)
            self._clients = Clients(connection)
        elif any(value is not None for value in (url, cloud_id, api_key, basic_auth, ca_certs)):
            raise ConfigurationError("a client already knows its server and credentials: give them, or the client")
        else:
            self._clients = Clients(client=client, async_client=async_client)

    def with_filters(self, filters: MetadataFilters | None) -> ElasticsearchHybridRetriever:
        """The same retriever over the same connections with other filters: one query's do not wait for another's."""
        view = copy(self)
        view.filters = filters
        return view

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
        return run(self._steps(query_bundle), client.options(request_timeout=self.search.timeout))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        client = self._clients.asynchronous()
        if client is None:
            return await asyncio.to_thread(self._retrieve, query_bundle)
        return await arun(self._steps(query_bundle), client.options(request_timeout=self.search.timeout))

    def _steps(self, bundle: QueryBundle) -> Steps[list[NodeWithScore]]:
        text = bundle.query_str
        vector, unembedded = yield from self._embed(bundle)
        failed = {} if unembedded is None else {DENSE: unembedded}
        filters = yield from self._filter_clause()
        answers = yield from self._ask(self._bodies(text, vector, filters))
        for leg, answer in answers.items():
            reason = answer.failed if answer.failed or answer.hits else (yield from self._why_empty(leg))
            if reason is not None:
                failed[leg] = reason
        self._report(failed, answers)
        if self.server_fusion is not None:
            record = _served_record(text, vector, self.server_fusion, answers[self.server_fusion], failed)
        else:
            completed = (yield from self._complete(text, vector, answers)) if self.complete_scores else {}
            record = self._fuse(text, vector, answers, failed, completed)
        return (yield from self._hits(record, {hit.id: hit for answer in answers.values() for hit in answer.hits}))

    def _bodies(self, text: str, vector: Sequence[float] | None, filters: Body | None) -> dict[str, Body]:
        """What is asked in the one request: each leg, or the server's fusion of both."""
        if self.server_fusion is None:
            legs = [leg for leg, weight in self.weights.items() if weight and (leg == BM25 or vector is not None)]
            return {leg: self.search.leg_body(leg, text, vector or [], filters) for leg in legs}
        if vector is None:
            return {}
        rule, alpha = self.server_fusion, self.weights[DENSE]
        return {rule: self.search.fusion_body(rule, text, vector, filters, alpha)}

    def _embed(self, bundle: QueryBundle) -> Steps[tuple[list[float] | None, str | None]]:
        """The question's vector, or why there is none."""
        unneeded = not self.weights[DENSE] and self.server_fusion is None
        if bundle.embedding is not None or unneeded:
            return bundle.embedding, None
        try:
            return (yield embed_question(self.embed_model or Settings.embed_model, bundle.embedding_strs)), None
        except Exception as error:  # whatever a third-party model raises, the lexical leg can answer
            return None, f"the question could not be embedded: {type(error).__name__}: {error}"

    def _filter_clause(self) -> Steps[Body | None]:
        names = filtered_fields(self.filters, self.search.metadata_field)
        kinds = (yield from self._kinds_of(names)) if names else {}
        return filter_query(self.filters, kinds, metadata_field=self.search.metadata_field)

    def _kinds_of(self, names: set[str]) -> Steps[Mapping[str, str]]:
        """Types of fields and sub-fields; a field that is missing today may be there tomorrow, so only finds last."""
        if wanted := names - self._kinds.keys():
            found = yield from self._call("field_caps", index=self.search.index, fields=with_sub_fields(wanted))
            self._kinds |= {path: min(kinds) for path, kinds in found["fields"].items()}
        return {path: self._kinds[path] for path in with_sub_fields(names) if path in self._kinds}

    def _ask(self, bodies: Mapping[str, Body]) -> Steps[dict[str, Answer]]:
        """Several searches in one round trip."""
        if not bodies:
            return {}
        lines = queries.msearch(self.search.index, list(bodies.values()))
        response = yield from self._call("msearch", searches=lines)
        return {name: self.search.read(item) for name, item in zip(bodies, response["responses"], strict=True)}

    def _call(self, method: str, **arguments: Any) -> Steps[Any]:
        return call(method, self._clients.connection, **arguments)

    def _why_empty(self, leg: str) -> Steps[str | None]:
        """A search of a field that is not in the mapping finds nothing, without an error."""
        names = {self.search.vector_field} if leg == DENSE else self.search.field_names
        if (yield from self._kinds_of(names)):
            return None
        setting = "vector_field" if leg == DENSE else "fields"
        return f"index {self.search.index} has no field {' or '.join(sorted(names))}: set {setting} to one that it has"

    def _report(self, failed: Mapping[str, str], answers: Mapping[str, Answer]) -> None:
        for leg, reason in failed.items():
            _logger.warning("the %s leg over index %s: %s", leg, self.search.index, reason)
        answered = any(answer.hits or leg not in failed for leg, answer in answers.items())
        if failed and (self._raises or not answered):
            raise RetrievalError("; ".join(f"{leg}: {reason}" for leg, reason in failed.items()))

    def _complete(
        self, text: str, vector: Sequence[float] | None, answers: Mapping[str, Answer]
    ) -> Steps[dict[str, dict[str, float]]]:
        """Each leg's score for what only the other leg returned, in one more round trip."""
        found = {leg: {hit.id for hit in answer.hits} for leg, answer in answers.items() if answer.hits}
        wanted = {leg: set().union(*found.values()) - ids for leg, ids in found.items()}
        bodies = {
            leg: self.search.completion_body(leg, text, vector or [], ids)
            for leg, ids in wanted.items()
            if ids and (leg == BM25 or self.search.has_cosine)
        }
        scores: dict[str, dict[str, float]] = {}
        for leg, answer in (yield from self._ask(bodies)).items():
            if answer.failed is not None:
                _logger.warning("the %s leg's missing scores were not computed: %s", leg, answer.failed)
                continue
            known = {hit.id: hit.score if leg == BM25 else hit.score - 1.0 for hit in answer.hits}
            scores[leg] = {**dict.fromkeys(wanted[leg], 0.0), **known} if leg == BM25 else known
        return scores

    def _fuse(
        self,
        text: str,
        vector: Sequence[float] | None,
        answers: Mapping[str, Answer],
        failed: Mapping[str, str],
        completed: Mapping[str, Mapping[str, float]],
    ) -> RetrievalRecord:
        # Parsing a node costs more than fusing it, so stand-ins are fused and only what is returned is parsed.
        stand_ins = {hit.id: TextNode(id_=hit.id) for answer in answers.values() for hit in answer.hits}
        results = {leg: LegResult(failed=reason) for leg, reason in failed.items()}
        for leg, answer in answers.items():
            scores = [(hit.id, self.search.raw_score(leg, hit.score)) for hit in answer.hits]
            hits = [NodeWithScore(node=stand_ins[node_id], score=score) for node_id, score in scores]
            results[leg] = LegResult(hits, answer.seconds, failed.get(leg))
        _, record = fuse_legs(
            text,
            results,
            rule=self.rule,
            weights=self.weights,
            floors={BM25: 0.0} | ({DENSE: -1.0} if self.search.has_cosine else {}),
            top_k=0,
            completed=completed,
            query_vector=vector,
        )
        return record

    def _hits(self, record: RetrievalRecord, found: Mapping[str, Hit]) -> Steps[list[NodeWithScore]]:
        best = list(record.fused.items())[: self.similarity_top_k]
        if self.vectors and best:
            record = replace(record, vectors=(yield from self._vectors_of([node_id for node_id, _ in best])))
        emit(record)
        return [ScoredNode(node=self.search.node(found[id_]), score=score, retrieval=record) for id_, score in best]

    def _vectors_of(self, ids: Sequence[str]) -> Steps[dict[str, Sequence[float]]]:
        try:
            answers = yield from self._ask({"vectors": queries.vectors_body(ids, self.search.vector_field)})
        except RetrievalError as error:  # the hits are there; that their vectors are not is no reason to withhold them
            _logger.warning("the vectors of the hits were not fetched: %s", error)
            return {}
        return {hit.id: hit.vector for hit in answers["vectors"].hits if hit.vector is not None}


def _served_record(
    text: str, vector: Sequence[float] | None, rule: str, answer: Answer, failed: Mapping[str, str]
) -> RetrievalRecord:
    """One leg, named after the rule: the server tells nothing about those it fused."""
    return RetrievalRecord(
        query=text,
        legs={rule: {hit.id: LegHit(rank, hit.score) for rank, hit in enumerate(answer.hits, start=1)}},
        weights={rule: 1.0},
        rule=f"server {rule}",
        fused={hit.id: hit.score for hit in answer.hits},
        failed=failed,
        seconds={rule: answer.seconds},
        query_vector=vector,
    )
