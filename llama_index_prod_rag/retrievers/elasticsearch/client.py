"""Connections to a server, and its failures in words that name a remedy.

Credentials stay inside the client: they are not shown by `repr`, not pickled, and no message quotes a request.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError, ProdRagError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch.responses import root_reason
from llama_index_prod_rag.retrievers.elasticsearch.steps import Steps, client_call

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch

_LOST = "the credentials were not pickled with the retriever: call its connect(...) with them again"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the server is and how to log in.

    Attributes:
        url: `"https://host:9200"`; a user and password inside it are taken out and become `basic_auth`.
        cloud_id: deployment id, instead of a URL.
        api_key: the encoded key.
        basic_auth: user and password, instead of a key.
        ca_certs: file of the certificate authority that signed the server's certificate.

    Raises:
        ConfigurationError: neither or both of URL and cloud id, or two kinds of credentials.

    Examples:
        >>> Connection(url="https://me:secret@search.example:9200")
        Connection(url='https://search.example:9200', cloud_id=None, ca_certs=None)
    """

    url: str | None = None
    cloud_id: str | None = None
    api_key: str | None = field(default=None, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    ca_certs: str | Path | None = None
    credentials_lost: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if (self.url is None) == (self.cloud_id is None):
            raise ConfigurationError("give either the url of the Elasticsearch server or a cloud_id")
        if self.url is not None:
            url, login = _split_login(self.url)
            object.__setattr__(self, "url", url)
            if login is not None and self.basic_auth is None:
                object.__setattr__(self, "basic_auth", login)
        if self.api_key is not None and self.basic_auth is not None:
            raise ConfigurationError("give either api_key or basic_auth, not both")

    def __reduce__(self) -> tuple[Any, ...]:
        has_credentials = self.api_key is not None or self.basic_auth is not None
        state = (self.url, self.cloud_id, None, None, self.ca_certs, self.credentials_lost or has_credentials)
        return type(self), state

    def client_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `Elasticsearch` and `AsyncElasticsearch`.

        Raises:
            ConfigurationError: the credentials were lost by pickling.
        """
        if self.credentials_lost:
            raise ConfigurationError(_LOST)
        given = {
            "hosts": self.url,
            "cloud_id": self.cloud_id,
            "api_key": self.api_key,
            "basic_auth": self.basic_auth,
            "ca_certs": str(self.ca_certs) if self.ca_certs is not None else None,
        }
        return {name: value for name, value in given.items() if value is not None}


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
    user gave are used as they are and left open; they are not pickled.

    Args:
        connection: how to reach the server; None when clients are given.
        client: a synchronous client.
        async_client: an asynchronous client.

    Raises:
        ConfigurationError: neither a connection nor a client, or both.
    """

    def __init__(
        self,
        connection: Connection | None = None,
        *,
        client: Elasticsearch | None = None,
        async_client: AsyncElasticsearch | None = None,
    ) -> None:
        given = client is not None or async_client is not None
        if given == (connection is not None):
            raise ConfigurationError("say how to reach Elasticsearch: give url or cloud_id, or client / async_client")
        self.connection = connection
        self._given = given
        self._client = client
        self._async_client = async_client
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncElasticsearch] = WeakKeyDictionary()

    def __str__(self) -> str:
        if self.connection is None:
            return "client=..."
        return f"url={self.connection.url!r}" if self.connection.url else f"cloud_id={self.connection.cloud_id!r}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.connection,)

    def sync(self) -> Elasticsearch | None:
        """The synchronous client; None when the user gave only the asynchronous one."""
        if self._client is None and not self._given:
            self._client = _library().Elasticsearch(**self._arguments())
        return self._client

    def asynchronous(self) -> AsyncElasticsearch | None:
        """The asynchronous client of the running loop; None when the user gave only the synchronous one."""
        if self._given:
            return self._async_client
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = _library().AsyncElasticsearch(**self._arguments())
        return self._by_loop[loop]

    def _arguments(self) -> dict[str, Any]:
        if self.connection is None:
            raise ConfigurationError("clients are not pickled: call connect(...) on the retriever again")
        return {**self.connection.client_arguments(), **_fast_json()}

    def close(self) -> None:
        """Close the synchronous client, if it was made here."""
        if not self._given and self._client is not None:
            self._client.close()
            self._client = None

    async def aclose(self) -> None:
        """Close the running loop's client, and the synchronous one."""
        client = self._by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()
        self.close()


def _restore(connection: Connection | None) -> Clients:
    clients = Clients.__new__(Clients)
    clients.connection, clients._given, clients._client, clients._async_client = connection, False, None, None
    clients._by_loop = WeakKeyDictionary()
    return clients


def _library() -> ModuleType:
    try:
        import elasticsearch
    except ImportError:
        raise MissingExtraError("the Elasticsearch retriever", extra="elasticsearch") from None
    return elasticsearch


def _fast_json() -> dict[str, Any]:
    """orjson, where it is installed, reads hits with vectors about four times faster than the standard library."""
    if importlib.util.find_spec("orjson") is None:
        return {}
    serializer = _library().OrjsonSerializer()
    return {"serializers": dict.fromkeys(("application/json", "application/vnd.elasticsearch+json"), serializer)}


# (HTTP status, words in the server's reason, what to do about it); the first that fits is shown.
_REMEDIES: Sequence[tuple[int, str, str]] = (
    (404, "no such index", "check the index's name, or create it with create_index(...) and ingest(...)"),
    (400, "number of dimensions", "embed the question with the model that the index was built with"),
    (400, "maxclausecount", "shorten the question"),
    (400, "unknown retriever", "this server has no such retriever: leave server_fusion=None, which needs no licence"),
    (403, "license", "the server's licence does not include it: leave server_fusion=None, which needs no licence"),
    (401, "", "check the api_key or basic_auth"),
    (403, "", "give the user of these credentials the `read` privilege on the index"),
    (429, "", "the server is overloaded: retry later, lower leg_top_k or num_candidates, or add capacity"),
    (503, "", "no shard is ready: wait until the cluster is green or yellow"),
)


def with_remedy(reason: str, status: int) -> str:
    """The server's reason, and what to do about it where that is known.

    Examples:
        >>> with_remedy("no such index [docs]", 404)
        "no such index [docs]: check the index's name, or create it with create_index(...) and ingest(...)"
    """
    for expected, words, remedy in _REMEDIES:
        if status == expected and words in reason.lower():
            return f"{reason}: {remedy}"
    return f"{reason} (HTTP {status})"


def explain(error: Exception, connection: Connection | None = None) -> str:
    """What a client's exception means, without quoting the request or any header.

    Args:
        error: from the `elasticsearch` library.
        connection: names the server in the message.
    """
    library = _library()
    server = f"Elasticsearch at {connection.url}" if connection and connection.url else "Elasticsearch"
    if isinstance(error, library.ApiError):
        body = error.body if isinstance(error.body, Mapping) and "error" in error.body else {"error": error.message}
        return with_remedy(root_reason(body), error.meta.status)
    if isinstance(error, library.ConnectionTimeout):
        return f"{server} did not answer in time: raise `timeout`, or look at the server's load"
    if isinstance(error, library.SSLError):
        return f"the certificate of {server} is not trusted: give its authority's file as ca_certs"
    if isinstance(error, library.ConnectionError):
        return f"{server} cannot be reached: start the server, or check host, port and scheme"
    return f"{server} failed: {type(error).__name__}"


def translate(error: Exception, connection: Connection | None = None) -> Exception:
    """The package's own error for a client's exception; anything else comes back as it is."""
    library = _library()
    if isinstance(error, ProdRagError) or not isinstance(error, (library.ApiError, library.TransportError)):
        return error
    return RetrievalError(explain(error, connection))


def call(method: str, connection: Connection | None = None, **arguments: Any) -> Steps[Any]:
    """The step that calls the client and raises this package's error when that fails.

    Raises:
        RetrievalError: the server cannot be reached or refuses; says why and what to do.
    """
    try:
        return (yield client_call(method, arguments))
    except Exception as error:
        raise translate(error, connection) from error
