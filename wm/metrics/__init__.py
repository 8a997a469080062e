"""Quantities of an evaluation, one per file."""
