"""What loads weights, the ports it is used through, and the arrays kept on disk."""
