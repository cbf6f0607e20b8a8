"""Readers: text to a tree of blocks with exact offsets, one module per kind of document."""
