"""Create an index with a mapping that hybrid retrieval and filters can rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from llama_index_prod_rag.calls import Call, arun, run
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.elasticsearch.failures import translate
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body, Similarity

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch

# A term has at most 32,766 bytes, a character of UTF-8 at most 4; a longer value would have its document refused.
_LONGEST_KEYWORD = 8191


def index_definition(
    dims: int,
    *,
    analyzer: str = "english",
    text_field: str = "content",
    title_field: str = "title",
    vector_field: str = "embedding",
    similarity: Similarity = "cosine",
    metadata: Mapping[str, Body] | None = None,
) -> Body:
    """Mappings of an index for hybrid retrieval; also right for LlamaIndex's `ElasticsearchStore`.

    Title and text share one analyser, which is what lets `cross_fields` and `combined_fields` treat them as one field.
    Vectors are searched as int8 in an HNSW graph. Metadata strings are keywords, so that filters see them whole, and
    every number is a double, so that the first one, if it has no decimals, does not make the field one of integers.
    A string of more than 8,191 characters, the longest that a keyword can hold, is left out of the filters' index and
    kept in the document; see `docs/components/elasticsearch.md`.

    Args:
        dims: dimensions of the embeddings.
        analyzer: the server's analyser for the language of the texts, such as `"english"` or `"german"`.
        text_field: field for the text.
        title_field: field for the title.
        vector_field: field for the embedding.
        similarity: `"cosine"` unless the embedding model asks for another.
        metadata: mappings of metadata fields that need another type than the first document would give them.

    Raises:
        ConfigurationError: `dims` is not positive.
    """
    if dims < 1:
        raise ConfigurationError(f"an embedding has at least one dimension, not {dims}")
    text: Body = {"type": "text", "analyzer": analyzer}
    hidden: Body = {"type": "keyword", "index": False, "doc_values": False}
    number: Body = {"type": "double"}
    exact: Body = {"type": "keyword", "ignore_above": _LONGEST_KEYWORD}
    return {
        "mappings": {
            "properties": {
                title_field: text,
                text_field: text,
                vector_field: {
                    "type": "dense_vector",
                    "dims": dims,
                    "index": True,
                    "similarity": similarity,
                    "index_options": {"type": "int8_hnsw", "m": 16, "ef_construction": 100},
                },
                "metadata": {
                    "properties": {
                        "_node_content": hidden,
                        "_node_type": exact,
                        "document_id": exact,
                        "doc_id": exact,
                        "ref_doc_id": exact,
                        **(metadata or {}),
                    }
                },
            },
            "date_detection": False,
            "dynamic_templates": [
                {"strings": {"path_match": "metadata.*", "match_mapping_type": "string", "mapping": exact}},
                {"integers": {"path_match": "metadata.*", "match_mapping_type": "long", "mapping": number}},
                {"decimals": {"path_match": "metadata.*", "match_mapping_type": "double", "mapping": number}},
            ],
        }
    }


def create_index(client: Elasticsearch, index: str, definition: Body) -> bool:
    """Create an index, unless it exists.

    Args:
        client: a client that may create indices.
        index: its name.
        definition: from `index_definition`, or your own.

    Returns:
        Whether it was created now; an existing index is left as it is.

    Raises:
        RetrievalError: the server cannot be reached or refuses.
    """
    return run(_create(index, definition), client)


async def acreate_index(client: AsyncElasticsearch, index: str, definition: Body) -> bool:
    """Create an index as `create_index` does, with an asynchronous client."""
    return await arun(_create(index, definition), client)


async def _create(index: str, definition: Body) -> bool:
    try:
        await Call.of_client("indices.create", index=index, **definition)
    except Exception as error:
        if getattr(error, "message", "") == "resource_already_exists_exception":
            return False
        raise translate(error) from error
    return True
