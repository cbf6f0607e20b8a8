"""A client's failures in words that name a remedy; no message quotes a request or a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.errors import ProdRagError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch.connection import Connection, library
from llama_index_prod_rag.retrievers.elasticsearch.responses import root_reason

# (HTTP status, words in the server's reason, what to do about it); the first that fits is shown.
_REMEDIES: Sequence[tuple[int, str, str]] = (
    (404, "no such index", "check the index's name, or create it with create_index(...) and ingest(...)"),
    (400, "number of dimensions", "embed the question with the model that the index was built with"),
    (400, "[index] set to [true]", "search with exact=True, or map it with index: true"),
    (400, "is not indexed", "map it with index: true and index the documents again, or search another field"),
    (400, "maxclausecount", "shorten the question"),
    (
        400,
        "media-type",
        "this client library is newer than the server: pip install 'elasticsearch<9', or open the client with "
        "Connection(url=...).open()",
    ),
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
    es = library()
    server = f"Elasticsearch at {connection.url}" if connection and connection.url else "Elasticsearch"
    if isinstance(error, es.ApiError):
        body = error.body if isinstance(error.body, Mapping) and "error" in error.body else {"error": error.message}
        return with_remedy(root_reason(body), error.meta.status)
    if isinstance(error, es.ConnectionTimeout):
        return f"{server} did not answer in time: raise `timeout`, or look at the server's load"
    if isinstance(error, es.SSLError):
        return f"the certificate of {server} is not trusted: give its authority's file as ca_certs"
    if isinstance(error, es.ConnectionError):
        return f"{server} cannot be reached: start the server, or check host, port and scheme"
    return f"{server} failed: {type(error).__name__}"


def translate(error: Exception, connection: Connection | None = None) -> Exception:
    """The package's own error for a client's exception; anything else comes back as it is."""
    es = library()
    if isinstance(error, ProdRagError) or not isinstance(error, (es.ApiError, es.TransportError)):
        return error
    return RetrievalError(explain(error, connection))


async def call(method: str, connection: Connection | None = None, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
    """Call the client, and raise this package's error when that fails.

    Args:
        method: `"msearch"`, `"indices.create"`.
        connection: names the server in a message.
        arguments: of the method.

    Raises:
        RetrievalError: the server cannot be reached or refuses; says why and what to do.
    """
    try:
        return await Call.of_client(method, **arguments)
    except Exception as error:
        raise translate(error, connection) from error
