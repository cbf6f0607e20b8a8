"""One reader per format: from a text to a tree of blocks. Core.

`register_format` adds one's own; `detect_format` and `read` are what the node parser calls.
"""

from llama_index_prod_rag.structure.built_in import register_built_in
from llama_index_prod_rag.structure.formats import detect_format, read
from llama_index_prod_rag.structure.registry import Format, Reader, Reading, register_format, unregister_format
from llama_index_prod_rag.structure.tree import Block, check_tree

register_built_in()

__all__ = [
    "Block",
    "Format",
    "Reader",
    "Reading",
    "check_tree",
    "detect_format",
    "read",
    "register_format",
    "unregister_format",
]
