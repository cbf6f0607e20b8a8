"""The gate: answer with sources, hedge or refuse. The only room that puts stages together."""
