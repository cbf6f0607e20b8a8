"""One reader per format: from a text to a tree of blocks. Core."""
