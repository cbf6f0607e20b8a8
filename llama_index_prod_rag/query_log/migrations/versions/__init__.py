"""One module a version; a published one is never edited again."""
