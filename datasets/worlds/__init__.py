"""Simulated worlds: brax environments, their renderers and scripts."""
