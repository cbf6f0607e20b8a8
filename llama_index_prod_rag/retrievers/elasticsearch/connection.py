"""Connections to a server. Credentials stay inside: they are not shown by `repr` and not pickled."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch

_LOST = "the credentials were not pickled with the retriever: call its connect(...) with them again"
_LOST_CLIENT = "clients are not pickled: call connect(...) on the retriever again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the server is and how to log in, or clients that know.

    Attributes:
        url: `"https://host:9200"`; a user and password inside it are taken out and become `basic_auth`.
        cloud_id: deployment in Elastic Cloud, instead of a URL.
        api_key: the encoded key.
        basic_auth: user and password, instead of a key.
        bearer_auth: a token, instead of a key.
        ca_certs: file of the certificate authority that signed the server's certificate.
        options: what else the clients take, such as `{"ssl_assert_fingerprint": ...}`; not shown and not pickled.
        client: a synchronous client of your own, used by `retrieve`, and by `aretrieve` in a thread when there is no
            `async_client`. It stays open.
        async_client: an asynchronous client of your own, used by `aretrieve`.
        lost: what pickling took away; not for you to set.

    Raises:
        ConfigurationError: not exactly one of URL, cloud id and clients, or two kinds of credentials.

    Examples:
        >>> Connection(url="https://me:secret@search.example:9200")
        Connection(url='https://search.example:9200')
    """

    url: str | None = None
    cloud_id: str | None = None
    api_key: str | None = None
    basic_auth: tuple[str, str] | None = None
    bearer_auth: str | None = None
    ca_certs: str | Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    client: Elasticsearch | None = None
    async_client: AsyncElasticsearch | None = None
    lost: str | None = None

    def __post_init__(self) -> None:
        if self.has_clients:
            if any(self._logins) or self.url or self.cloud_id or self.ca_certs or self.options:
                raise ConfigurationError("a client already knows its server and credentials: give them, or the client")
            return
        if (self.url is None) == (self.cloud_id is None) and self.lost is None:
            raise ConfigurationError("give either the url of the Elasticsearch server or a cloud_id")
        if self.url is not None:
            url, login = _split_login(self.url)
            object.__setattr__(self, "url", url)
            if login is not None and self.basic_auth is None:
                object.__setattr__(self, "basic_auth", login)
        if sum(login is not None for login in self._logins) > 1:
            raise ConfigurationError("give either api_key or basic_auth or bearer_auth, not both")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __str__(self) -> str:
        if self.has_clients:
            return "client=..."
        shown = {"url": self.url, "cloud_id": self.cloud_id, "ca_certs": self.ca_certs}
        return ", ".join(f"{name}={str(value)!r}" for name, value in shown.items() if value is not None)

    def __reduce__(self) -> tuple[Any, ...]:
        lost = self.lost or (_LOST_CLIENT if self.has_clients else None)
        lost = lost or (_LOST if any(self._logins) or self.options else None)
        return _restore, (self.url, self.cloud_id, self.ca_certs, lost)

    @property
    def _logins(self) -> tuple[object, ...]:
        return self.api_key, self.basic_auth, self.bearer_auth

    @property
    def has_clients(self) -> bool:
        """Whether the user gave clients of their own instead of an address."""
        return self.client is not None or self.async_client is not None

    @classmethod
    def like(cls, client: Elasticsearch | AsyncElasticsearch) -> Connection:
        """The same servers with the same login and certificates as a client's, for clients of one's own.

        A client belongs to the event loop it is used in, so that another part of a program cannot share it.

        Args:
            client: a client that is in use elsewhere; it is only read.
        """
        nodes = [node.config for node in client.transport.node_pool.all()]
        login = client._headers.get("authorization")  # the only place where a client keeps it
        options = {"hosts": nodes, **({"headers": {"authorization": login}} if login else {})}
        first = nodes[0]
        return cls(url=f"{first.scheme}://{first.host}:{first.port}{first.path_prefix}", options=options)

    def open(self) -> Elasticsearch:
        """A synchronous client of one's own, to create and fill indices with; to be closed.

        Client library 9 talks through it to servers 8 and 9, as library 8 does; see `_dialects`.

        Raises:
            ConfigurationError: the credentials or clients were lost by pickling.
            MissingExtraError: the `elasticsearch` extra is not installed.
        """
        client: Elasticsearch = library().Elasticsearch(transport_class=_dialects()[0], **self._arguments())
        return client

    def aopen(self) -> AsyncElasticsearch:
        """Make an asynchronous client, as `open` makes a synchronous one."""
        client: AsyncElasticsearch = library().AsyncElasticsearch(transport_class=_dialects()[1], **self._arguments())
        return client

    def _arguments(self) -> dict[str, Any]:
        if self.lost is not None:
            raise ConfigurationError(self.lost)
        given = {
            "hosts": self.url,
            "cloud_id": self.cloud_id,
            "api_key": self.api_key,
            "basic_auth": self.basic_auth,
            "bearer_auth": self.bearer_auth,
            "ca_certs": str(self.ca_certs) if self.ca_certs is not None else None,
            "serializers": serializers(),
        }
        return {**{name: value for name, value in given.items() if value is not None}, **self.options}


def _restore(url: str | None, cloud_id: str | None, ca_certs: str | Path | None, lost: str | None) -> Connection:
    return Connection(url=url, cloud_id=cloud_id, ca_certs=ca_certs, lost=lost)


def _split_login(url: str) -> tuple[str, tuple[str, str] | None]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("the url of the server must look like https://host:9200")
    if parts.username is None:
        return url, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, (unquote(parts.username), unquote(parts.password or ""))


class Clients:
    """The synchronous and the asynchronous client of one server, made when first needed.

    An asynchronous client belongs to the event loop it was first used in, so each loop gets its own. Clients that the
    user gave are used as they are and left open.

    Args:
        connection: how to reach the server.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._client: Elasticsearch | None = None
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncElasticsearch] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[Any, ...]:
        return Clients, (self.connection,)

    def sync(self) -> Elasticsearch | None:
        """The synchronous client; None when the user gave only the asynchronous one."""
        if self.connection.has_clients:
            return self.connection.client
        if self._client is None:
            self._client = self.connection.open()
        return self._client

    def asynchronous(self) -> AsyncElasticsearch | None:
        """The asynchronous client of the running loop; None when the user gave only the synchronous one."""
        if self.connection.has_clients:
            return self.connection.async_client
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = self.connection.aopen()
        return self._by_loop[loop]

    def close(self) -> None:
        """Close the synchronous client, if it was made here."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def aclose(self) -> None:
        """Close the running loop's client, and the synchronous one."""
        client = self._by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()
        self.close()


def library() -> ModuleType:
    """Import the Elasticsearch client library and return it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import elasticsearch
    except ImportError:
        raise MissingExtraError("the Elasticsearch retriever", extra="elasticsearch") from None
    return elasticsearch


@lru_cache(maxsize=1)
def serializers() -> dict[str, Any]:
    """What reads the server's answers: fast where orjson is installed, and whatever they hold.

    orjson reads hits with vectors about four times faster than the standard library. It refuses a whole answer for
    one document with broken UTF-8 or a NaN, which the server keeps and gives back; such an answer is read again, with
    U+FFFD for what is broken. Give it to a client of your own: `Elasticsearch(url, serializers=serializers())`.
    """
    has_orjson = importlib.util.find_spec("orjson") is not None
    base: Any = library().OrjsonSerializer if has_orjson else library().JsonSerializer

    class AnswerSerializer(base):  # type: ignore[misc]
        def json_loads(self, data: bytes) -> Any:  # noqa: ANN401 - JSON
            try:
                return super().json_loads(data)
            except ValueError:
                return json.loads(data.decode("utf-8", "replace"))

    return dict.fromkeys(("application/json", "application/vnd.elasticsearch+json"), AnswerSerializer())


@lru_cache(maxsize=1)
def _dialects() -> tuple[type, type]:
    """Transports, synchronous and asynchronous, that ask the server for the answers of version 8.

    Client library 9 asks for those of version 9, which a server 8 refuses; a server 9 gives those of either version.
    What this package asks for is the same in both.
    """
    from elastic_transport import AsyncTransport, Transport

    class Transport8(Transport):
        def perform_request(self, method: str, target: str, *, headers: Any, **options: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
            return super().perform_request(method, target, headers=_asking_for_8(headers), **options)

    class AsyncTransport8(AsyncTransport):
        async def perform_request(self, method: str, target: str, *, headers: Any, **options: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
            return await super().perform_request(method, target, headers=_asking_for_8(headers), **options)

    return Transport8, AsyncTransport8


def _asking_for_8(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: re.sub(r"compatible-with=\d+", "compatible-with=8", value) for name, value in headers.items()}
