"""Chunking: structure first, then semantics, under a hard token budget."""
