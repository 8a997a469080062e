"""State-space mathematics: arrays in, arrays out."""
