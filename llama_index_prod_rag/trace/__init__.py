"""What each stage knew of each passage: records, hits that carry them, events."""
