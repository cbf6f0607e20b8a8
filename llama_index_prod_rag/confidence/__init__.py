"""What the retrieval can tell about itself, and what to make of it."""
