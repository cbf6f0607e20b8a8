"""An index in a folder: nodes, vectors and the lexical leg, opened in a second and searched in this process."""
