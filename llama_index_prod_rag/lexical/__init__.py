"""The lexical index: BM25F over blended fields. Core."""
