"""Second stage: the cross-encoder, as one more leg."""
