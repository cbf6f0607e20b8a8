"""Sentences, graphemes, tokens and words. Core."""
