"""From a result to a table of the benchmark page, by what is measured."""
