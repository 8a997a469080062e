"""Sequence maps with a carry; file name = constructor name."""
