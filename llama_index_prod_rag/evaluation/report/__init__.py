"""One page about how questions fared: from the query log or from an evaluation."""
