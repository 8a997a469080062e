"""From episodes on disk to batches for a world model."""
