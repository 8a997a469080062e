"""World-model backbones as tuples of pure functions."""
