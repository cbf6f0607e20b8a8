"""Who may see what: a person becomes filters that every search carries, and nobody's question is an error.

Fail closed: without a principal nothing is searched, a node without an access list is seen by nobody unless the policy
says otherwise, and a list that denies beats one that allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from typing import Literal

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import AccessError, ConfigurationError
from llama_index_prod_rag.retrievers.filters import both, passing
from llama_index_prod_rag.trace.ports import TakesFilters


@dataclass(frozen=True, slots=True)
class Principal:
    """Says who asks: a user, their groups, and the tenant whose data they may see.

    Attributes:
        user: their name, as access lists write it; None for somebody who is known by groups alone.
        groups: the groups they belong to.
        tenant: whose data they may see at all, where the policy has a `tenant_key`.

    Examples:
        >>> Principal(user="anna", groups=["staff"]).names
        ('anna', 'staff')
    """

    user: str | None = None
    groups: tuple[str, ...] = ()
    tenant: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.groups, str):
            raise ConfigurationError(f"groups is a list of names, not one: groups=[{self.groups!r}]")
        object.__setattr__(self, "groups", tuple(self.groups))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that an access list may know them by."""
        return (*([self.user] if self.user else []), *self.groups)


_acting: ContextVar[Principal | None] = ContextVar("prod_rag_principal", default=None)


@contextmanager
def acting_as(principal: Principal) -> Iterator[Principal]:
    """Ask as somebody: for frameworks that call the engine themselves. Safe beside other threads and tasks.

    A thread that does not inherit the context has no principal: its questions are an error, not everybody's.

    Examples:
        >>> with acting_as(Principal(user="anna")) as principal:
        ...     AccessPolicy().principal() == principal
        True
    """
    token = _acting.set(principal)
    try:
        yield principal
    finally:
        _acting.reset(token)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How metadata says who may see a node.

    A node's access list lies in its metadata, as one name or a list of names; every parser here and of LlamaIndex
    hands a document's metadata down to its chunks.

    Attributes:
        key: metadata key of the list of users and groups that may see a node.
        deny_key: metadata key of the list of those who may not, whatever `key` says; None for no such list.
        tenant_key: metadata key that must equal the principal's tenant; None where there are no tenants.
        required: whether a question without a principal is an error; else it sees what is public.
        public: whether everybody sees nodes without an access list; else nobody does.
        foreign: what to do with a retriever that takes no filters: `"refuse"` it, or `"filter"` its hits afterwards,
            which loses those that did not fit into its list beside hits that are not allowed.

    Raises:
        ConfigurationError: a key is empty, or `foreign` is neither.

    Examples:
        >>> policy = AccessPolicy(key="groups", public=True)
        >>> [member.operator.value for member in policy.filters(Principal(groups=["staff"])).filters[0].filters]
        ['any', 'is_empty']
        >>> policy.principal()
        Traceback (most recent call last):
            ...
        llama_index_prod_rag.errors.AccessError: nobody asks this question: wrap the call in `with \
acting_as(Principal(...)):`, or use for_principal(...)
    """

    key: str = "groups"
    deny_key: str | None = None
    tenant_key: str | None = None
    required: bool = True
    public: bool = False
    foreign: Literal["refuse", "filter"] = field(default="refuse")

    def __post_init__(self) -> None:
        if "" in (self.key, self.deny_key, self.tenant_key) or self.foreign not in ("refuse", "filter"):
            raise ConfigurationError("an access policy needs keys that are not empty, and foreign='refuse' or 'filter'")

    def principal(self, given: Principal | None = None) -> Principal:
        """Who asks: the one given, else the one of `acting_as`.

        Raises:
            AccessError: nobody, where the policy requires somebody.
        """
        found = given if given is not None else _acting.get()
        if found is None and self.required:
            raise AccessError(
                "nobody asks this question: wrap the call in `with acting_as(Principal(...)):`, or use "
                "for_principal(...)"
            )
        return found if found is not None else Principal()

    def filters(self, principal: Principal) -> MetadataFilters:
        """What a node must pass to be seen by somebody.

        Raises:
            AccessError: the policy has tenants and the principal is of none.
        """
        members: list[MetadataFilter | MetadataFilters] = [self._allow(principal)]
        if self.deny_key is not None:
            denied = MetadataFilter(key=self.deny_key, value=list(principal.names), operator=FilterOperator.ANY)
            members.append(MetadataFilters(filters=[denied], condition=FilterCondition.NOT))
        if self.tenant_key is not None:
            if principal.tenant is None:
                raise AccessError(f"the principal has no tenant, and nodes are told apart by {self.tenant_key!r}")
            members.append(MetadataFilter(key=self.tenant_key, value=principal.tenant))
        return MetadataFilters(filters=members, condition=FilterCondition.AND)

    def _allow(self, principal: Principal) -> MetadataFilters:
        named = MetadataFilter(key=self.key, value=list(principal.names), operator=FilterOperator.ANY)
        unlisted = [MetadataFilter(key=self.key, value=None, operator=FilterOperator.IS_EMPTY)] if self.public else []
        return MetadataFilters(filters=[named, *unlisted], condition=FilterCondition.OR)

    def guard(self, retriever: BaseRetriever) -> GuardedRetriever:
        """A retriever that returns what its principal may see.

        Raises:
            ConfigurationError: it takes no filters, and the policy refuses such retrievers.
        """
        return GuardedRetriever(retriever, self)


def replace_filters(retriever: BaseRetriever, filters: MetadataFilters | None) -> BaseRetriever:
    """Make the same retriever with other filters instead of its own.

    Raises:
        ConfigurationError: it does not take filters per query, so it could return what they exclude.
    """
    if not isinstance(retriever, TakesFilters):
        raise ConfigurationError(
            f"{type(retriever).__name__} has no with_filters(), so it could return what filters exclude: use a "
            "retriever of this package, or give it that method"
        )
    return retriever.with_filters(filters)


def add_filters(retriever: BaseRetriever, filters: MetadataFilters) -> BaseRetriever:
    """Make the same retriever with filters besides its own.

    Raises:
        ConfigurationError: it does not take filters per query.
    """
    if callable(narrow := getattr(retriever, "narrow", None)):
        view: BaseRetriever = narrow(filters)
        return view
    return replace_filters(retriever, both(getattr(retriever, "_filters", None), filters))


class GuardedRetriever(BaseRetriever):
    """A retriever behind an access policy: no principal is an error, and every search carries the principal's filters.

    Args:
        retriever: one that takes filters per query (`with_filters`), or any where the policy filters afterwards.
        policy: who may see what.

    Raises:
        ConfigurationError: the retriever takes no filters, and the policy refuses such retrievers.
    """

    def __init__(self, retriever: BaseRetriever, policy: AccessPolicy) -> None:
        if policy.foreign == "refuse" and not isinstance(retriever, TakesFilters):
            raise ConfigurationError(
                f"{type(retriever).__name__} takes no filters per query, so it could return what nobody may see: use a "
                "retriever of this package, give it with_filters(), or AccessPolicy(foreign='filter')"
            )
        self._retriever = retriever
        self._policy = policy
        self._principal: Principal | None = None
        self._besides: MetadataFilters | None = None  # filters of a question that the retriever itself cannot take
        super().__init__(callback_manager=retriever.callback_manager, object_map=retriever.object_map)

    def __repr__(self) -> str:
        return f"GuardedRetriever({type(self._retriever).__name__}, key={self._policy.key!r})"

    def with_filters(self, filters: MetadataFilters | None) -> GuardedRetriever:
        """The same retriever with further filters; the principal's stay."""
        view = copy(self)
        if isinstance(self._retriever, TakesFilters):
            view._retriever = self._retriever.with_filters(filters)
        else:
            view._besides = filters
        return view

    def for_principal(self, principal: Principal) -> GuardedRetriever:
        """The same retriever asked by somebody, whatever the context says."""
        view = copy(self)
        view._principal = principal
        return view

    def required_filters(self) -> MetadataFilters:
        """Give the filters that a hit must pass now.

        Raises:
            AccessError: nobody asks, or the principal is of no tenant.
        """
        return both(self._besides, self._policy.filters(self._policy.principal(self._principal)))

    def _inner(self, required: MetadataFilters) -> BaseRetriever:
        takes_filters = isinstance(self._retriever, TakesFilters)
        return add_filters(self._retriever, required) if takes_filters else self._retriever

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        required = self.required_filters()
        return passing(self._inner(required).retrieve(query_bundle), required)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        required = self.required_filters()
        return passing(await self._inner(required).aretrieve(query_bundle), required)
