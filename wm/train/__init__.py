"""Learning, checkpoints and measurements."""
