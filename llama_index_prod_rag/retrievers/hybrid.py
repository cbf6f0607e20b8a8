"""Hybrid retrieval over any legs: search them side by side, fuse, and keep what each of them knew."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.indices.vector_store.retrievers import VectorIndexRetriever
from llama_index.core.prompts import PromptTemplate
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle
from llama_index.core.settings import Settings
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.calls import Call, arun, run
from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.errors import ConfigurationError, RetrievalError, check_count
from llama_index_prod_rag.fusion.rules import FusionRule, parse_rule, share_weights
from llama_index_prod_rag.retrievers.access import add_filters, replace_filters
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.dense import DenseRetriever, check_is_vector_index
from llama_index_prod_rag.retrievers.expansion import EXPANSION_PROMPT, parse_wordings
from llama_index_prod_rag.retrievers.filtered import FilteredRetriever
from llama_index_prod_rag.retrievers.filters import both
from llama_index_prod_rag.retrievers.fusing import LegResult, fuse_legs
from llama_index_prod_rag.retrievers.legs import Lane, LegCall, arun_legs, model_of, own_copy, run_legs
from llama_index_prod_rag.trace.events import emit
from llama_index_prod_rag.trace.ports import HoldsVectors, ScoresNodes

# The best mean gain over dense on the train queries of five public sets, among settings that lose at most .005 nDCG@10
# to the better leg on any of them: benchmarks/hybrid.py prints the table.
DEFAULT_ALPHA = 0.65
DEFAULT_RULE = "z-score"

_log = logging.getLogger(__name__)


class HybridFusionRetriever(FilteredRetriever):
    """Asks several retrievers and fuses what they find into one list.

    Scores lie in [0, 1]; equal scores are ordered by node id. Every hit refers to a `RetrievalRecord` with each leg's
    ranks and raw scores; nothing is written into nodes, and no leg's hit or query bundle is changed.

    A leg that fails or is late is left out: the others' weights are scaled up, a warning is logged, and the record
    says why (`record.failed`). When every leg fails, that is an error.

    Args:
        legs: name -> retriever. Each should bring more hits than are returned in the end: 100 is a good number.
        alpha: weight of the first of two legs, 0 to 1; the second gets the rest.
        weights: leg -> weight, instead of alpha; equal weights when neither is given.
        rule: a fusion rule (`llama_index_prod_rag.fusion.FusionRule`, or your own), or the name of one (`RULE_NAMES`
            there).
        floors: leg -> the lowest score it could ever give, for `theoretical-min-max`; the legs of `from_index` know
            theirs.
        similarity_top_k: most hits to return.
        complete_scores: have legs score the nodes that only others found, where they can (`score_nodes`); otherwise
            a leg counts 0 for what it did not return.
        lift_mentions: lift hits that hold a code, quotation, name or title of the question that hardly any other hit
            holds; see `llama_index_prod_rag.fusion.mentions`.
        timeout: seconds that a leg may take; None waits.
        on_leg_failure: `"degrade"` leaves a failing leg out, `"raise"` raises.
        num_queries: wordings to search for; above 1 a language model writes the further ones. All wordings of one
            leg share its weight, and appear in the record as legs of their own (`bm25#2`).
        llm: writes the wordings; `Settings.llm` when it is needed and not given.
        query_gen_prompt: template with `{num_queries}` and `{query}`.
        kwargs: `callback_manager`, `object_map`, `objects` and `verbose` of LlamaIndex's base class.

    Raises:
        ConfigurationError: legs, weights or the rule do not fit together.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> nodes = [TextNode(text=text, id_=text) for text in ("red fox", "red wine", "white wine")]
        >>> legs = {"full": BM25FRetriever(nodes), "prefix": BM25FRetriever(nodes[:2])}
        >>> hits = HybridFusionRetriever(legs, alpha=0.5, rule="min-max").retrieve("red wine")
        >>> hits[0].node_id, hits[0].score, hits[0].retrieval.legs["prefix"]["red wine"].rank
        ('red wine', 1.0, 1)
    """

    def __init__(
        self,
        legs: Mapping[str, BaseRetriever],
        *,
        alpha: float | None = None,
        weights: Mapping[str, float] | None = None,
        rule: FusionRule | str = DEFAULT_RULE,
        floors: Mapping[str, float] | None = None,
        similarity_top_k: int = 10,
        complete_scores: bool = False,
        lift_mentions: bool = True,
        timeout: float | None = None,
        on_leg_failure: Literal["degrade", "raise"] = "degrade",
        num_queries: int = 1,
        llm: BaseLLM | None = None,
        query_gen_prompt: str = EXPANSION_PROMPT,
        **kwargs: Any,
    ) -> None:
        _check(legs, similarity_top_k, timeout, on_leg_failure, num_queries)
        self.legs = dict(legs)
        self.weights = _weights(list(legs), alpha, weights)
        self.rule = parse_rule(rule)
        self.floors = {**_known_floors(legs), **(floors or {})}
        self.similarity_top_k = similarity_top_k
        self._complete_scores = complete_scores
        self._lift_mentions = lift_mentions
        self._lanes = {name: Lane() for name in legs}  # shared by views: a leg that hangs does so in all of them
        self._timeout = timeout
        self._raises = on_leg_failure == "raise"
        self._num_queries = num_queries
        self._llm = llm
        self._prompt = query_gen_prompt
        super().__init__(**kwargs)

    @classmethod
    def from_index(
        cls,
        index: VectorStoreIndex,
        alpha: float = DEFAULT_ALPHA,
        *,
        nodes: Iterable[BaseNode] | None = None,
        filters: MetadataFilters | None = None,
        leg_top_k: int = 100,
        bm25: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> HybridFusionRetriever:
        """The usual two legs, `dense` and `bm25`, over one index.

        The lexical leg follows the index: what is added or deleted there is added or deleted here.

        Args:
            index: the index.
            alpha: weight of the dense leg, 0 to 1; `docs/components/hybrid.md` says how the default was chosen.
            nodes: the index's nodes, where they can be read neither in its docstore nor in its store; the lexical leg
                then does not follow it. Nodes that lie in the store alone are read there once
                (`BM25FRetriever.from_index`).
            filters: only nodes whose metadata passes are returned; `with_filters` sets them per query.
            leg_top_k: hits that each leg brings.
            bm25: settings of the lexical leg (`fields`, `language`, ...), as `BM25FRetriever` takes them.
            kwargs: what else the constructor takes; `weights` instead of alpha.

        Raises:
            ConfigurationError: the index is not a vector index, or its nodes can be read nowhere and none are given.
        """
        check_is_vector_index(index)
        # Objects behind nodes are resolved once, after fusion: what stands behind one has no score of the leg.
        settings = {"similarity_top_k": leg_top_k, "filters": filters, "object_map": {}, **(bm25 or {})}
        lexical = BM25FRetriever.from_index(index, **settings) if nodes is None else BM25FRetriever(nodes, **settings)
        dense = DenseRetriever(index, similarity_top_k=leg_top_k, filters=filters, object_map={})
        if kwargs.get("weights") is None:
            kwargs["alpha"] = alpha
        hybrid = cls({"dense": dense, "bm25": lexical}, **{"object_map": index._object_map, **kwargs})
        hybrid._filters = filters
        return hybrid

    def with_filters(self, filters: MetadataFilters | None) -> HybridFusionRetriever:
        """The same retriever with other filters in every leg: one query's filters do not wait for another's.

        Raises:
            ConfigurationError: a leg does not take filters per query, so it could return what they exclude.
        """
        view = super().with_filters(filters)
        view.legs = {name: replace_filters(leg, filters) for name, leg in self.legs.items()}
        return view

    def narrow(self, filters: MetadataFilters) -> HybridFusionRetriever:
        """The same retriever with filters besides those that it and each leg have.

        Raises:
            ConfigurationError: as `with_filters`.
        """
        view = super().with_filters(both(self._filters, filters))
        view.legs = {name: add_filters(leg, filters) for name, leg in self.legs.items()}
        return view

    def _get_prompts(self) -> PromptDictType:
        return {"query_gen_prompt": PromptTemplate(self._prompt)}

    def _update_prompts(self, prompts: PromptDictType) -> None:
        if isinstance(template := prompts.get("query_gen_prompt"), PromptTemplate):
            self._prompt = template.template

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return run(self._search(query_bundle))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await arun(self._search(query_bundle))

    async def _search(self, bundle: QueryBundle) -> list[NodeWithScore]:
        failed: dict[str, LegResult] = {}
        calls = self._calls(bundle, await self._expand(bundle, failed))
        await Call(lambda: run_legs(calls.values(), self._timeout), lambda: arun_legs(calls.values(), self._timeout))
        # Completing scores and fusing hundreds of hits is work: not on the loop.
        return await Call.in_thread(lambda: self._fuse(bundle, calls, failed))

    async def _expand(self, bundle: QueryBundle, failed: dict[str, LegResult]) -> list[str]:
        """Further wordings of the question; none where the language model fails, which `failed` then says."""
        if self._num_queries == 1:
            return []
        started, request = time.perf_counter(), self._request(bundle)
        try:
            answer = await Call(lambda: self._model().complete(request), lambda: self._model().acomplete(request))
            return parse_wordings(str(answer), bundle.query_str, self._num_queries - 1)
        except Exception as error:  # a language model is anybody's code
            if self._raises:
                raise RetrievalError(f"the query could not be expanded: {describe(error)}") from error
            why = describe(error)
            _log.warning("the query is searched without expansion: %s", why)
            failed["expansion"] = LegResult((), time.perf_counter() - started, why)
            return []

    def _model(self) -> BaseLLM:
        return self._llm if self._llm is not None else Settings.llm

    def _request(self, bundle: QueryBundle) -> str:
        return PromptTemplate(self._prompt).format(num_queries=self._num_queries - 1, query=bundle.query_str)

    def _calls(self, bundle: QueryBundle, wordings: Sequence[str]) -> dict[str, LegCall]:
        calls = {name: LegCall(leg, own_copy(bundle), self._lanes[name]) for name, leg in self.legs.items()}
        for number, wording in enumerate(wordings, start=2):
            calls |= {
                f"{name}#{number}": LegCall(leg, QueryBundle(wording), self._lanes[name])
                for name, leg in self.legs.items()
            }
        return calls

    def _fuse(
        self, bundle: QueryBundle, calls: Mapping[str, LegCall], failed: Mapping[str, LegResult]
    ) -> list[NodeWithScore]:
        self._report(calls)
        holder = next((leg for leg in self.legs.values() if isinstance(leg, HoldsVectors)), None)
        asked = sorted(calls.values(), key=lambda call: call.leg is not holder)  # legs may embed with different models
        query_vector = next((call.bundle.embedding for call in asked if call.bundle.embedding), None)
        ids = {hit.node.node_id for call in calls.values() for hit in call.result.hits}
        hits, record = fuse_legs(
            bundle.query_str,
            {name: call.result for name, call in calls.items()} | dict(failed),
            rule=self.rule,
            weights={name: self.weights[_leg(name)] for name in calls},
            top_k=self.similarity_top_k,
            floors={name: self.floors[_leg(name)] for name in calls if _leg(name) in self.floors},
            completed=self._score_missing(calls, ids) if self._complete_scores else None,
            vectors=None if holder is None else holder.node_vectors(ids),
            query_vector=query_vector,
            lift_mentions=self._lift_mentions,
            models={name: model for name, leg in self.legs.items() if (model := model_of(leg))},
        )
        emit(record)
        return hits

    def _report(self, calls: Mapping[str, LegCall]) -> None:
        failures = {name: call for name, call in calls.items() if call.result.failed is not None}
        for name, call in failures.items():
            if self._raises or len(failures) == len(calls):
                reasons = "; ".join(f"{leg}: {failure.result.failed}" for leg, failure in failures.items())
                raise RetrievalError(f"retrieval failed in {reasons}") from call.error
            _log.warning("the leg %r is left out: %s", name, call.result.failed)

    def _score_missing(self, calls: Mapping[str, LegCall], ids: set[str]) -> dict[str, Mapping[str, float]]:
        completed: dict[str, Mapping[str, float]] = {}
        for name, call in calls.items():
            missing = ids - {hit.node.node_id for hit in call.result.hits}
            if missing and call.result.failed is None and isinstance(call.leg, ScoresNodes):
                completed[name] = call.leg.score_nodes(call.bundle, sorted(missing))
        return completed


def _leg(call: str) -> str:
    return call.partition("#")[0]


def _check(
    legs: Mapping[str, BaseRetriever], top_k: int, timeout: float | None, on_leg_failure: str, num_queries: int
) -> None:
    if not legs:
        raise ConfigurationError("a hybrid retriever needs at least one leg")
    if bad := [name for name in legs if "#" in name or name in ("fusion", "expansion")]:
        raise ConfigurationError(f"{bad[0]!r} cannot name a leg: the record uses that name itself")
    check_count("similarity_top_k", top_k)
    check_count("num_queries", num_queries)
    if timeout is not None and not timeout > 0:
        raise ConfigurationError(f"timeout must be above 0 seconds, not {timeout}")
    if on_leg_failure not in ("degrade", "raise"):
        raise ConfigurationError(f"on_leg_failure must be 'degrade' or 'raise', not {on_leg_failure!r}")


def _weights(names: Sequence[str], alpha: float | None, weights: Mapping[str, float] | None) -> dict[str, float]:
    if alpha is None:
        return share_weights(weights if weights is not None else dict.fromkeys(names, 1.0), names)
    if weights is not None or len(names) != 2 or not 0.0 <= alpha <= 1.0:
        raise ConfigurationError(
            f"alpha is the weight of the first of two legs, between 0 and 1 (alpha={alpha}, legs={', '.join(names)}): "
            "give weights={leg: weight} otherwise, and not both"
        )
    return {names[0]: alpha, names[1]: 1.0 - alpha}


def _known_floors(legs: Mapping[str, BaseRetriever]) -> dict[str, float]:
    floors = {name: getattr(leg, "score_floor", None) for name, leg in legs.items()}
    cosine = {name: -1.0 for name, leg in legs.items() if isinstance(leg, VectorIndexRetriever)}
    return cosine | {name: float(floor) for name, floor in floors.items() if floor is not None}
